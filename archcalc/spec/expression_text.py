"""The text of an expression, before and where Python's parser fails: what it may hold, and what is wrong with it."""

from __future__ import annotations

import re
from keyword import iskeyword
from typing import NoReturn

from archcalc.named import NamedTuple
from archcalc.spec.limits import DEFAULT_LIMITS

_DIGITS = re.compile(r"(?<![\w.])(?:([0-9][0-9.]*[A-Za-z_]\w*|0[0-9]+)|(?:[A-Za-z_]\w*\.)+([0-9]\w*))")
_NAMES_LAYER = r"\b(?:tap|share)\([\w.]*\Z|[A-Za-z_]\.\Z"
_FOREIGN = r"0[xXoObB]\w*|[0-9][0-9_]*(\.[0-9_]*)?([eE][0-9]*)?[jJ]?"
_OPENING, _CLOSING = frozenset("(["), frozenset(")]")
_UNUSUAL = re.compile(r"[^A-Za-z0-9_ .,()\[\]=<>+*/%-]")  # what else there is takes a closer look
_FORBIDDEN = r"[^\x20-\x7e]|[#'\"\\`{}$?!@~^&|;](?!=)|[~^&|;@]="


# What is written for what other languages write so.
_INSTEAD = {
    "|": "layers follow each other with `>>`: conv(64, 3) >> relu",
    ";": "layers follow each other with `>>`: conv(64, 3) >> relu",
    "^": "a power is written `**`: 2**5",
    "&": "conditions are joined with `and`",
    "$": "a variable is written bare: width",
    "@": "layers follow each other with `>>`; linear(n) is a product with trained weights",
    "?": "a choice is written `a if condition else b`",
    "\\": "an expression may go on in the next line as it is",
}


class Problem(NamedTuple):
    """Something wrong in an expression, at offsets into its text."""

    code: str
    message: str
    start: int
    end: int
    help: str | None = None


class ExpressionError(Exception):
    """An expression that does not parse, or holds what the language does not admit."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def fail(code: str, message: str, start: int, end: int, help: str | None = None) -> NoReturn:
    """End the reading with a problem."""
    raise ExpressionError(Problem(code, message, start, max(end, start + 1), help))


def check_text(text: str) -> None:
    """Limits and characters, before `ast` sees the text."""
    if len(text) > DEFAULT_LIMITS.expression:
        fail(
            "expression-length",
            f"the expression has {len(text):,} characters; the limit is {DEFAULT_LIMITS.expression:,}",
            0,
            len(text),
            "split it into modules or named layers",
        )
    for found in re.finditer(_FORBIDDEN, text) if _UNUSUAL.search(text) else ():
        character, at = found.group(), found.start()
        if character == "!" and text[at : at + 2] == "!=":
            continue
        if character in "'\"":
            fail("string", "the language has no strings", at, at + 1, "write words bare: padding=half")
        if character == "#":
            fail(
                "comment",
                "a comment cannot stand inside an expression",
                at,
                at + 1,
                "put it after the whole value",
            )
        if character == "{":
            fail(
                "dictionary",
                "the language has no dictionaries",
                at,
                at + 1,
                "arguments are given by name: conv(64, kernel=3)",
            )
        if not character.isascii():
            fail(
                "not-ascii",
                f"`{character}` is not an ASCII character",
                at,
                at + 1,
                "names and numbers are plain ASCII",
            )
        if character == "\n" or character == " ":
            continue
        fail(
            "unexpected-character",
            f"`{character}` has no meaning here"
            if character.isprintable()
            else f"the character {ord(character):#04x} has no meaning here",
            at,
            at + 1,
            _INSTEAD.get(character),
        )
    for found in _DIGITS.finditer(text):  # some of it Python reads, and warns
        group = found.lastindex or 0
        _digits(found.group(group), *found.span(group), bool(re.search(_NAMES_LAYER, text[: found.start(group)])))
    if text.count("(") + text.count("[") <= DEFAULT_LIMITS.parentheses:
        return
    depth = 0
    for at, character in enumerate(text):
        if character in _OPENING:
            depth += 1
            if depth > DEFAULT_LIMITS.parentheses:
                fail(
                    "parentheses",
                    f"more than {DEFAULT_LIMITS.parentheses} nested brackets",
                    at,
                    at + 1,
                    "give the inner part a name: a module, a variable, or a layer of its own",
                )
        elif character in _CLOSING:
            depth -= 1


def _digits(word: str, start: int, end: int, names_layer: bool) -> NoReturn:
    """What begins with a digit, and is neither a number of the language nor a name."""
    if word.isdigit() and word[0] == "0":
        fail("number", f"`{word}` begins with 0", start, end, f"write {word.lstrip('0') or '0'}")
    if re.fullmatch(_FOREIGN, word) and not word.isdigit():
        what = f"`{word}` is not a number of the language"
        fail("number", what, start, end, "write whole numbers and decimals: 64, 0.5")
    after = word.lstrip("0123456789.")
    if after in ("if", "else", "or", "and", "in", "is", "for", "not"):
        what = f"`{word}` needs a space after the number"
        fail("number", what, start, end, f"write {word.removesuffix(after)} {after}")
    if re.fullmatch(r"[0-9]+(?:[xX][0-9]+)+", word) and not names_layer:
        numbers = ", ".join(re.split("[xX]", word))
        fail("name-with-digit", f"`{word}` is no number", start, end, f"write ({numbers}); of an input image({numbers})"
             if word.count("x") > 1 else f"write ({numbers})")  # fmt: skip
    fail(
        "name-with-digit",
        f"`{word}` is not a name in an expression: it begins with a digit",
        start,
        end,
        "a layer that is named elsewhere needs a name that begins with a letter",
    )


def refuse_syntax(text: str, error: SyntaxError) -> NoReturn:
    """Say in words of the language what Python's parser did not take."""
    start = max((error.offset or 1) - 2, 0)
    if (error.lineno or 1) > 1 or start >= len(text):  # found at the closing bracket that is ours
        start = max(len(text.rstrip()) - 1, 0)
    end = max((error.end_offset or 0) - 2, start + 1) if error.end_lineno == error.lineno else start + 1
    end = min(end, max(len(text), 1))
    stripped = text.strip()
    colon = re.search(r"(?<=[\w)]):(?=\s|\d)", text)
    if colon and "(" in text[: colon.start()]:
        fail(
            "colon-argument",
            "arguments are given with `=`",
            colon.start(),
            colon.start() + 1,
            "write kernel=3, not kernel: 3",
        )
    opened: list[int] = []
    for at, character in enumerate(text):
        if character in _OPENING:
            opened.append(at)
        elif character in _CLOSING:
            if not opened:
                fail(
                    "brackets",
                    f"`{character}` closes nothing",
                    at,
                    at + 1,
                    "remove it, or open a bracket before it",
                )
            opened.pop()
    if opened:
        fail(
            "brackets",
            f"`{text[opened[-1]]}` is never closed",
            opened[-1],
            opened[-1] + 1,
            "in { } and [ ] of YAML a comma ends the value: quote it, or use a line of its own",
        )
    word = re.match(r"[A-Za-z]+\b", text[start:])
    if word and iskeyword(word[0]) and not stripped.endswith(word[0]):
        what = f"`{word[0]}` is no name: it has a meaning of its own"
        fail("syntax", what, start, start + word.end(), "give what it names another name")
    if stripped.endswith((">>", "+", "-", "*", "/", "%", ",")) or re.search(
        r"\b(if|else|and|or|not|in|for)$", stripped
    ):
        end = len(text.rstrip())
        fail("incomplete", "the expression ends in the middle", end - 1, end, "something is missing after it")
    fail("syntax", "this is not an expression", start, end, _way_out(stripped, error))


def _way_out(text: str, error: SyntaxError) -> str:
    """What to write for a text that is no expression."""
    if re.match(r"[\w.-]+\s*=(?!=)", text):
        name, _, value = text.partition("=")
        return f"a layer is written {name.strip()}: {value.strip()}"
    if re.match(r"[\w-]+:\S", text):
        name, _, value = text.partition(":")
        return f"a space stands after the colon: {name}: {value}"
    if "->" in text:
        return "layers follow each other with `>>`: conv(64, 3) >> relu"
    if "positional argument follows" in (error.msg or ""):
        return "arguments without a name come first: conv(64, kernel=3)"
    if re.search(r"\bif\b", text):
        if not re.search(r"\belse\b", text):
            return "a choice has two sides: conv(64, 3) if stride == 2 else identity"
        if re.search(r"\bif\b[^()]*[^=<>!]=[^=]", text):
            return "two values are compared with `==`"
    return "layers are written as calls: conv(64, 3, stride=2) >> relu"
