"""The Python interface: what each command does, as a function."""
