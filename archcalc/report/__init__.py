"""Rendering: results as text for people, as Markdown, CSV and JSON. Nothing here computes a cost or prints."""
