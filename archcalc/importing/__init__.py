"""Models that exist: read into calls, decompiled into a spec, and proven to be the same network."""
