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


class CheckFormat(StrEnum):
    """How the result of a check is written."""

    TABLE = "table"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"
    JUNIT = "junit"
    GITHUB = "github"


class UnitsChoice(StrEnum):
    """How numbers are written in tables."""

    SI = "si"
    RAW = "raw"


class GroupChoice(StrEnum):
    """What networks of a list stand together by."""

    FAMILY = "family"
    YEAR = "year"
    TASK = "task"


class ByChoice(StrEnum):
    """What a row is."""

    OP = "op"
    LAYER = "layer"
    STAGE = "stage"
    TYPE = "type"
