"""Reads a torch module as it runs without memory: operations, modules around them, arguments of constructors."""
