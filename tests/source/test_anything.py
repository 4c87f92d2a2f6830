"""Whatever a file holds, it is a tree or a SpecError that can be shown, and soon."""

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archcalc.source import (
    Source,
    SpecError,
    YamlMapping,
    YamlScalar,
    YamlSequence,
    located,
    read_yaml,
    render_text,
    source_from_bytes,
    to_github,
    to_json,
)

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])]
NAMES = st.sampled_from(["conv1", "a", "block", "concat", "x-y", "3x3"])
VALUES = st.sampled_from(
    ["conv(64, 7, stride=2)", "a >>\n      b", "'n == 1'", '"t"', "[1, 2]", "{a: b}", "", "|\n      X.\n"]
)
SPECS = st.lists(st.tuples(NAMES, NAMES, VALUES), min_size=1, max_size=6).map(
    lambda rows: "network: n\n" + "".join(f"{a}{i}:\n  {b}: {v}\n  # c\n" for i, (a, b, v) in enumerate(rows))
)
MARKS = [
    *"[]{}'\"|>-?:,#&*!%@`\\\t\n\r \ufeff\x00\x85\u2028😀a1",
    ": ",
    "- ",
    "\n  ",
    " #",
    "--- ",
    "\n...\n",
    "!!x ",
    "<<: ",
    "\\u",
]
NOISE = st.text(st.sampled_from([mark[0] for mark in MARKS] + [" ", "\n", ":"]), max_size=60)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = draw(SPECS)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        gone = draw(st.integers(0, 5))
        text = text[:at] + draw(st.sampled_from(["", *MARKS])) + text[at + gone :]
    return text


def assert_readable(source: Source) -> None:
    try:
        root = read_yaml(source)
    except SpecError as error:
        assert_can_be_shown(error, source)
    else:
        assert isinstance(root, YamlScalar | YamlMapping | YamlSequence)


def assert_can_be_shown(error: SpecError, source: Source) -> None:
    assert error.diagnostics
    for diagnostic in error.diagnostics:
        assert diagnostic.span is not None
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(source.text)
    assert str(error) == render_text(error.diagnostics)
    assert str(error).encode()
    assert to_json(error.diagnostics)
    assert to_github(error.diagnostics).count("\n") == len(error.diagnostics) - 1


@pytest.mark.parametrize("loader", LOADERS)
@settings(max_examples=150, deadline=None)
@given(text=st.text() | NOISE | SPECS | mutated())
@example("[:")
@example("? - :")
@example("&a &b")
@example("\ud800: \ufeff")
@example('"\\UFFFFFFFF"')
@example("%YAML 1.1\n%YAML 1.1\n")
@example("!<%zz> a")
@example("%TAG ! !\n--- !x%ff y")
def test_any_text(loader: type, text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(located, "_LOADER", loader)
        assert_readable(Source("a.yaml", text))


@settings(max_examples=150, deadline=None)
@given(
    st.binary()
    | mutated().map(str.encode)
    | st.tuples(mutated(), st.binary(max_size=3)).map(lambda p: p[0].encode() + p[1])
)
def test_any_bytes(data: bytes) -> None:
    try:
        source = source_from_bytes("a.yaml", data)
    except SpecError as error:
        assert_can_be_shown(error, error.diagnostics[0].source or Source("", ""))
    else:
        assert_readable(source)


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML's own scanner takes seconds for a megabyte")
@pytest.mark.parametrize(
    "piece",
    [
        *(
            "[",
            "{",
            "- ",
            "? ",
            "a: ",
            "[a,",
            "a: 1\n",
            "- a\n",
            "  - a\n",
            "&a ",
            "*a ",
            "!a ",
            "'",
            '"',
            "#",
            "a",
        ),
        *(
            "#\t",
            "a\t",
            "\t",
            "a#\t'b'\t",
            "\n",
            "a\n",
            "|\n",
            "\x00",
            "\x00a",
            "😀",
            "<<: 1\n",
            "%a\n",
            "---\n",
        ),
        *("a: b: c\n", "- *a\n"),
    ],
)
def test_a_megabyte_of_anything_is_read_to_its_end(piece: str) -> None:
    """What took time that grows with the square of the length would never end here, on any machine."""
    for text in (piece * ((1 << 20) // len(piece.encode())), "a: [" + piece * 300_000):
        assert_readable(Source("a.yaml", text))
