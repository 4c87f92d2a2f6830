"""The command line: parse, call one function, render, exit."""

from __future__ import annotations

from archcalc.cli.app import app, main

__all__ = ["app", "main"]
