"""Words that options are chosen from."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """How a result is written."""

    TABLE = "table"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"
    LATEX = "latex"


class UnitsChoice(StrEnum):
    """How numbers are written in tables."""

    SI = "si"
    RAW = "raw"


class ByChoice(StrEnum):
    """What a row is."""

    OP = "op"
    LAYER = "layer"
    STAGE = "stage"
    TYPE = "type"
