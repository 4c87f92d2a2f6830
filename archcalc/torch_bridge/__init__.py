"""The only room that imports torch: real models from specs, what other tools count of them, and measurements."""
