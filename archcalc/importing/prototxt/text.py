"""Protobuf's text format: messages of named fields, each with its place, without the schema that says their types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

from archcalc.named import NamedTuple
from archcalc.source import Diagnostic, Source, Span, SpecError

MAX_DEPTH = 64
"""So many messages may stand in each other."""
MAX_FIELDS = 2_000_000
"""So many fields and items of lists may stand in one file."""

_TOKEN = re.compile(
    r"""(?P<space>[ \t\n\f\v]+|\#[^\n]*)
    |(?P<number>[+-]?(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?)(?![A-Za-z0-9_.]))
    |(?P<word>-?[A-Za-z_][A-Za-z0-9_]*)
    |(?P<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')
    |(?P<mark>[{}<>:;,\[\]/.])""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = re.compile(r"\\(?:[xX]([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_CLOSES = {"{": "}", "<": ">", "[": "]"}

TokenKind = Literal["number", "word", "string", "mark", "end"]


class Token(NamedTuple):
    """A number, a word, a string, a mark, or the end of the file."""

    kind: TokenKind
    text: str
    span: Span


class Scalar(NamedTuple):
    """A value that is no message: `text` is a string without its quotes, or the word or number as it stands."""

    kind: TokenKind
    text: str
    span: Span


class Field(NamedTuple):
    """A field of a message; the place is that of its name."""

    name: str
    value: Scalar | Message
    span: Span


class Message:
    """Fields in their order. What reads one by name marks it as read."""

    def __init__(self, source: Source, span: Span) -> None:
        self.source = source
        self.span = span  # of the name of the field that it is
        self.fields: list[Field] = []
        self.read: set[str] = set()

    def __contains__(self, name: str) -> bool:
        self.read.add(name)
        return any(field.name == name for field in self.fields)

    def refusal(self, code: str, message: str, help: str | None = None, span: Span | None = None) -> SpecError:
        """An error at a place in this message, at its name unless another is given."""
        return SpecError([Diagnostic(code, message, span or self.span, self.source, help)])

    def all(self, name: str) -> list[Field]:
        """Every field of a name."""
        self.read.add(name)
        return [field for field in self.fields if field.name == name]

    def messages(self, name: str) -> list[Message]:
        """Every message of a name.

        Raises:
            SpecError: one of them is no message.
        """
        return [self._message(field) for field in self.all(name)]

    def message(self, name: str) -> Message:
        """The fields of all messages of a name, as protobuf merges them; an empty one where there is none.

        Raises:
            SpecError: one of them is no message.
        """
        found = self.messages(name)
        if len(found) == 1:
            return found[0]
        merged = Message(self.source, found[0].span if found else self.span)
        for each in found:
            merged.fields += each.fields
        return merged

    def integers(self, name: str) -> list[int]:
        """Whole numbers of a name, in order.

        Raises:
            SpecError: one of them is none.
        """
        return [self._integer(field) for field in self.all(name)]

    def integer(self, name: str, default: int) -> int:
        """The last whole number of a name.

        Raises:
            SpecError: it is none.
        """
        found = self.all(name)
        return self._integer(found[-1]) if found else default

    def number(self, name: str, default: str) -> Fraction:
        """The last number of a name, exactly as it is written.

        Raises:
            SpecError: it is none.
        """
        found = self.all(name)
        return self._number(found[-1]) if found else Fraction(default)

    def numbers(self, name: str) -> list[Fraction]:
        """Numbers of a name, in order.

        Raises:
            SpecError: one of them is none.
        """
        return [self._number(field) for field in self.all(name)]

    def flag(self, name: str, default: bool) -> bool:
        """The last truth value of a name.

        Raises:
            SpecError: it is none.
        """
        found = self.all(name)
        if not found:
            return default
        value = found[-1].value
        text = value.text if isinstance(value, Scalar) and value.kind != "string" else ""
        if text in ("true", "True", "t", "1"):
            return True
        if text in ("false", "False", "f", "0"):
            return False
        raise self._wrong(found[-1], "true or false")

    def word(self, name: str, default: str) -> str:
        """The last word, string or number of a name.

        Raises:
            SpecError: it is a message.
        """
        found = self.words(name)
        return found[-1] if found else default

    def words(self, name: str) -> list[str]:
        """Words and strings of a name, in order.

        Raises:
            SpecError: one of them is a message.
        """
        texts = []
        for field in self.all(name):
            if not isinstance(field.value, Scalar):
                raise self._wrong(field, "one word")
            texts.append(field.value.text)
        return texts

    def place(self, name: str) -> Span:
        """Where the last field of a name stands, or the message."""
        return next((field.span for field in reversed(self.fields) if field.name == name), self.span)

    def _message(self, field: Field) -> Message:
        if not isinstance(field.value, Message):
            raise self._wrong(field, "a message in { }")
        return field.value

    def _integer(self, field: Field) -> int:
        value = field.value
        if isinstance(value, Scalar) and value.kind == "number" and len(value.text) <= 20:
            text = value.text
            try:
                base = 16 if "x" in text.lower() else 8 if re.match(r"[+-]?0[0-9]", text) else 10
                return int(text, base)
            except ValueError:
                pass
        raise self._wrong(field, "a whole number")

    def _number(self, field: Field) -> Fraction:
        value = field.value
        if isinstance(value, Scalar) and value.kind == "number" and len(value.text) <= 40:
            text = value.text
            if "x" in text.lower():
                return Fraction(int(text, 16))
            mantissa, _, exponent = text.lower().rstrip("f").partition("e")
            if len(exponent.lstrip("+-").lstrip("0")) <= 2:
                return Fraction(mantissa if mantissa[-1] != "." else mantissa[:-1]) * Fraction(10) ** int(exponent or 0)
        raise self._wrong(field, "a number")

    def _wrong(self, field: Field, wanted: str) -> SpecError:
        given = f"`{field.value.text[:40]}`" if isinstance(field.value, Scalar) else "a message"
        return self.refusal("prototxt-value", f"`{field.name}` takes {wanted}, not {given}", span=field.span)


def parse_text(source: Source) -> Message:
    """The message that a text is.

    Raises:
        SpecError: the place where it is none of the text format, with what is expected there.
    """
    return _Parser(source).file()


def _tokens(source: Source) -> Iterator[Token]:
    text, at = source.text, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _unexpected(source, at)
        at = found.end()
        if found.lastgroup != "space":
            yield Token(found.lastgroup, found[0], Span(found.start(), at))  # type: ignore[arg-type]  # a name in _TOKEN
    yield Token("end", "", Span(at, at))


def _unexpected(source: Source, at: int) -> SpecError:
    character = source.text[at]
    if character in "\"'":
        message, help = f"the quote {character} is never closed", "end the string with the same quote, on its line"
    elif character.isdigit() or character in "+-.":
        message, help = "this is no number of the text format", "numbers are written 3, -1, 0.5, 1e-4"
    else:
        message, help = f"the character {character!r} cannot stand here", NOT_THE_FORMAT
    return SpecError([Diagnostic("prototxt-syntax", message, Span(at, at + 1), source, help)])


NOT_THE_FORMAT = 'a prototxt is text such as `layer { name: "conv1" type: "Convolution" ... }`'


class _Parser:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = _tokens(source)
        self.token = next(self.tokens)
        self.left = MAX_FIELDS

    def file(self) -> Message:
        message = Message(self.source, Span(0, 0))
        self.fields(message, "", 0)
        return message

    def fields(self, message: Message, closes: str, depth: int) -> None:
        """All fields up to what closes the message."""
        while not (self.token.kind == "end" or (self.token.kind == "mark" and self.token.text in ("}", ">"))):
            self.field(message, depth)
        if self.token.text == closes:
            return
        if self.token.kind == "end":
            what = self.source.text[message.span.start : message.span.end]
            raise message.refusal(
                "prototxt-syntax", f"`{what}` is never closed", f"the file may be cut off: `{closes}` ends a message"
            )
        raise self.refusal(f"`{self.token.text}` closes nothing" if not closes else f"`{closes}` closes the message")

    def field(self, message: Message, depth: int) -> None:
        name, span = self.name()
        has_colon = self.accept(":")
        if self.is_mark("{", "<"):
            self.add(message, Field(name, self.message(span, depth), span))
        elif self.is_mark("["):
            self.take()
            while not self.is_mark("]"):
                self.add(message, Field(name, self.item(name, span, depth), span))
                if not self.accept(",") and not self.is_mark("]"):
                    raise self.refusal("a list has `,` between its items and `]` at its end")
            self.take()
        elif has_colon:
            self.add(message, Field(name, self.scalar(name), span))
        else:
            raise self.refusal(
                f"`{name}` needs a value", f"write `{name}: ...` or `{name} {{ ... }}`; {NOT_THE_FORMAT}"
            )
        self.accept(";", ",")

    def name(self) -> tuple[str, Span]:
        """The name of a field, or that of an extension or of a type in brackets."""
        token = self.token
        if token.kind == "word" and not token.text.startswith("-"):
            self.take()
            return token.text, token.span
        if not self.is_mark("["):
            raise self.refusal("a field begins with its name", NOT_THE_FORMAT)
        self.take()
        parts = []
        while not self.is_mark("]"):
            if self.token.kind != "word" and not self.is_mark(".", "/"):
                raise self.refusal("an extension is a name in [ ]")
            parts.append(self.take().text)
        return "".join(parts), Span(token.span.start, self.take().span.end)

    def message(self, span: Span, depth: int) -> Message:
        if depth >= MAX_DEPTH:
            raise self.refusal(f"more than {MAX_DEPTH} messages stand in each other")
        message = Message(self.source, span)
        closes = _CLOSES[self.take().text]
        self.fields(message, closes, depth + 1)
        self.take()
        return message

    def item(self, name: str, span: Span, depth: int) -> Scalar | Message:
        return self.message(span, depth) if self.is_mark("{", "<") else self.scalar(name)

    def scalar(self, name: str) -> Scalar:
        token = self.token
        if token.kind in ("mark", "end"):
            raise self.refusal(f"`{name}` needs a value")
        self.take()
        if token.kind != "string":
            return Scalar(token.kind, token.text, token.span)
        parts = [_unquoted(token.text)]
        while self.token.kind == "string":  # strings side by side are one
            parts.append(_unquoted(self.take().text))
        return Scalar("string", "".join(parts), token.span)

    def add(self, message: Message, field: Field) -> None:
        self.left -= 1
        if self.left < 0:
            raise self.refusal(f"the file has more than {MAX_FIELDS:,} values", "leave the weights (`blobs`) out of it")
        message.fields.append(field)

    def is_mark(self, *marks: str) -> bool:
        return self.token.kind == "mark" and self.token.text in marks

    def accept(self, *marks: str) -> bool:
        if self.is_mark(*marks):
            self.take()
            return True
        return False

    def take(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.token = next(self.tokens)
        return token

    def refusal(self, message: str, help: str | None = None) -> SpecError:
        """An error at what comes next."""
        if self.token.kind == "end":
            help = "the file may be cut off"
        return SpecError([Diagnostic("prototxt-syntax", message, self.token.span, self.source, help)])


def _unquoted(text: str) -> str:
    return _ESCAPE.sub(_character, text[1:-1]) if "\\" in text else text[1:-1]


def _character(found: re.Match[str]) -> str:
    hexadecimal, octal, short, long, letter = found.groups()
    if letter:
        return _ESCAPES.get(letter, letter)
    code = int(octal, 8) if octal else int(hexadecimal or short or long, 16)
    return chr(code) if code < 0x110000 else "\N{REPLACEMENT CHARACTER}"
