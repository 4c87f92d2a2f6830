"""Patterns of several operations that are one in the language: before or while it is lowered."""
