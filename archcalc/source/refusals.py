"""The words for what a spec may not use of YAML, and for what is not YAML at all."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.source.located import MAX_DEPTH, MAX_NODES

REFUSED: dict[str, tuple[str, str]] = {
    "yaml-anchor": ("`{}` is an anchor; a spec has none", "name what is used twice: a module or a variable"),
    "yaml-alias": (
        "`{}` is an alias; a spec has none",
        "write the name of a module or variable, without `*`",
    ),
    "yaml-repeat": (
        "the value ends at its bracket, and `{}` stands after it",
        "quote an expression that goes on after a list: '[7] * 20'",
    ),
    "yaml-tag": ("`{}` is a YAML tag; a spec has none", "leave it out; a value needs no type"),
    "yaml-merge-key": ("`{}` merges mappings; a spec does not", "write the keys out, or use `defaults:`"),
    "yaml-complex-key": ("a key is a name, not a list or a mapping", "quote a key or value that begins so"),
    "yaml-directive": ("`{}` is a YAML directive; a spec has none", "delete the line"),
    "yaml-documents": ("a second document begins here", "give each spec a file of its own"),
    "yaml-tab": ("a tab stands where spaces belong", "put spaces in its place"),
    "yaml-depth": (
        f"more than {MAX_DEPTH} mappings and lists stand in each other",
        "give the inner ones names of their own under `modules:`",
    ),
    "yaml-size": (f"the file has more than {MAX_NODES:,} keys and values", "split it into several specs"),
    "empty-file": ("the file holds no spec", "a spec begins with `network:`, `input:` and `layers:`"),
}
"""Message and help by code; `{}` is what stands in the file."""


class Slip(NamedTuple):
    """A way of not writing YAML, known by what PyYAML's scanners say; both say it a little differently."""

    pattern: str
    place: str  # "problem" or "context", PyYAML's two marks; "line": from the context on; "escape"
    message: str
    help: str


SLIPS = (
    Slip("never closed", "context", "`{}` is never closed", "end it with a bracket of its kind"),
    Slip(
        "leading >>",
        "context",
        "an expression cannot begin with `>>`",
        "end the expression above with `>>`; the items of a list follow each other without it",
    ),
    Slip(
        "block scalar",
        "context",
        "`{}` begins a block of text, which stands on the lines below",
        "put the text below, indented, or the value in single quotes",
    ),
    Slip(
        "mapping values",
        "problem",
        "a second `: ` cannot stand in one value",
        "begin the keys of one mapping in one column, each on a line of its own; in a call write `kernel=3`, not "
        "`kernel: 3`",
    ),
    Slip(
        "cannot start any token",
        "problem",
        "a value cannot begin with this character",
        "put the value in single quotes",
    ),
    Slip(
        "escape|hexa?decimal",
        "escape",
        "the backslash begins no escape that YAML knows",
        "in single quotes a backslash is itself",
    ),
    Slip(
        "quoted scalar",
        "context",
        "the quote {} is never closed",
        "end the value with the same quote; within single quotes a quote is written twice",
    ),
    Slip(
        "simple key",
        "line",
        "a key needs a `:` after it",
        "a layer is written `name: conv(64, 3)`, with a space after the colon; the lines of a long value are indented "
        "more than its key, without a comment between them",
    ),
    Slip("sequence entries", "problem", "a list cannot begin here", "put each `- ` on a line below the key"),
    Slip("mapping keys", "problem", "a key cannot begin here", "put the value in single quotes"),
    Slip(
        "^while parsing a flow (sequence|mapping)",
        "problem",
        "a comma or the closing bracket is missing before this",
        "put an item with a bracket, a comma or `: ` in it in single quotes",
    ),
    Slip(
        "^while parsing a block mapping",
        "problem",
        "this does not belong to the mapping above it",
        "keys begin in one column; nothing follows a closing quote or bracket; no comment stands within a long value",
    ),
    Slip(
        "^while parsing a block (collection|sequence)",
        "problem",
        "this does not belong to the list above it",
        "each item begins with `- `, in one column; what follows the list is indented less",
    ),
    Slip(
        "document start",
        "problem",
        "this does not belong to what stands above it",
        "the outermost keys all begin in one column, the first",
    ),
    Slip("", "problem", "a value is missing before this", "put a value that begins so in single quotes"),
)
"""The first that fits is meant; the last fits always."""
