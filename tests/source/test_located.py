from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from archcalc.source import (
    Source,
    SpecError,
    YamlMapping,
    YamlNode,
    YamlScalar,
    YamlSequence,
    located,
    read_yaml,
    render_text,
)

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
MESSY = """\
# a comment
network: 層𝕏   # with a wide name
input: 'image(3,
  res, res)'
"title": "a\\u0041b"
empty:
list: [a b, {c: 'd''e', f: }, [g: h]]
layers:
- conv(64, 7) >>
    relu  # not part of it
- concat:
    left:  identity

tables:
  c3: |
    X.X
    .X\tX   # kept

  folded: >
    one
    two

# the end
"""


@pytest.fixture(autouse=True, params=[yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything holds with libyaml and without."""
    monkeypatch.setattr(located, "_LOADER", request.param)


def nodes(root: YamlNode) -> Iterator[YamlNode]:
    yield root
    if isinstance(root, YamlMapping):
        for key, value in root.items:
            yield from nodes(key)
            yield from nodes(value)
    elif isinstance(root, YamlSequence):
        for item in root.items:
            yield from nodes(item)


def plain(root: YamlNode) -> object:
    if isinstance(root, YamlMapping):
        return {key.value: plain(value) for key, value in root.items}
    return [plain(item) for item in root.items] if isinstance(root, YamlSequence) else root.value


def findings(text: str) -> list[tuple[str, int | None, int | None]]:
    with pytest.raises(SpecError) as error:
        read_yaml(Source("a.yaml", text))
    for diagnostic in error.value.diagnostics:
        assert diagnostic.help
        assert diagnostic.message
        assert "{" not in diagnostic.message or "{" in text
        assert diagnostic.span is not None
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
    return [(d.code, d.line, d.column) for d in error.value.diagnostics]


@pytest.mark.parametrize("text", [MESSY, MESSY.replace("\n", "\r\n"), "\ufeff" + MESSY])
def test_every_text_stands_where_its_span_says(text: str) -> None:
    source = Source("a.yaml", text)
    root = read_yaml(source)
    for node in nodes(root):
        if isinstance(node, YamlScalar):
            assert node.text == source.text[node.span.start : node.span.end].replace("\n", " ")
    assert plain(root) == yaml.load(MESSY, Loader=yaml.BaseLoader)


def test_what_a_tree_knows() -> None:
    source = Source("a.yaml", MESSY)
    root = read_yaml(source)
    assert isinstance(root, YamlMapping)
    assert not root.flow
    shown = {key.value: (key, value) for key, value in root.items}
    key, value = shown["input"]
    assert isinstance(value, YamlScalar)
    assert (key.style, value.style, value.text) == ("plain", "single", "image(3,   res, res)")
    assert source.position(value.span.start) == (3, 9)
    key, value = shown["title"]
    assert isinstance(value, YamlScalar)
    assert (key.style, key.text, value.style, value.text, value.value) == (
        *("double", "title", "double"),
        *("a\\u0041b", "aAb"),
    )
    _, value = shown["empty"]
    assert isinstance(value, YamlScalar)
    assert (value.text, value.style, source.position(value.span.start)) == ("", "plain", (6, 7))
    _, value = shown["list"]
    assert isinstance(value, YamlSequence)
    assert value.flow
    assert source.text[slice(*value.span)] == "[a b, {c: 'd''e', f: }, [g: h]]"
    _, value = shown["layers"]
    assert isinstance(value, YamlSequence)
    assert not value.flow
    assert isinstance(value.items[0], YamlScalar)
    assert value.items[0].text == "conv(64, 7) >>     relu"
    assert source.text[slice(*value.span)].startswith("- conv(64")
    assert source.text[slice(*value.span)].endswith("left:  identity")
    tables = root.get("tables")
    assert isinstance(tables, YamlMapping)
    c3, folded = tables.get("c3"), tables.get("folded")
    assert isinstance(c3, YamlScalar)
    assert isinstance(folded, YamlScalar)
    assert (c3.style, c3.value) == ("literal", "X.X\n.X\tX   # kept\n")
    assert source.text[slice(*c3.span)] == "|\n    X.X\n    .X\tX   # kept"
    assert (folded.style, folded.value) == ("folded", "one two\n")
    assert root.get("nothing") is None
    assert "YamlMapping" in repr(root)


def test_one_value_is_a_tree() -> None:
    root = read_yaml(Source("a.yaml", "--- # one document may be announced\nidentity\n..."))
    assert isinstance(root, YamlScalar)
    assert root.text == "identity"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1\n", [("yaml-anchor", 1, 4)]),
        ("&x\na: 1\n", [("yaml-anchor", 1, 1)]),
        ("a: & 1\n", [("yaml-anchor", 1, 4)]),
        ("a: 1\nb: *x\n", [("yaml-alias", 2, 4)]),
        ("*x : 1\n", [("yaml-alias", 1, 1)]),
        ("a: * 2\n", [("yaml-alias", 1, 4)]),
        ("a: !!str 1\n", [("yaml-tag", 1, 4)]),
        ("a: ! [1]\n", [("yaml-tag", 1, 4)]),
        ("a: !e!x 1\n", [("yaml-tag", 1, 4)]),
        ("a: !<x\n", [("yaml-tag", 1, 4)]),
        ("a: !x   # b\n  &y {c: 1}\n", [("yaml-tag", 1, 4), ("yaml-anchor", 2, 3)]),
        (
            "a: [&x !y 1, !z , *x]",
            [("yaml-anchor", 1, 5), ("yaml-tag", 1, 8), ("yaml-tag", 1, 14), ("yaml-alias", 1, 19)],
        ),
        ("a:\n  <<: {b: 1}\n", [("yaml-merge-key", 2, 3)]),
        ("a:\n  b:\t1\n", [("yaml-tab", 2, 5)]),
        ("a:\n\tb: 1\n", [("yaml-tab", 2, 1)]),
        ("a: b\tc\n", [("yaml-tab", 1, 5)]),
        ("a: b\n\tc\n", [("yaml-tab", 2, 1)]),
        ("a: 'b\tc'\n", [("yaml-tab", 1, 6)]),
        ("a: |\n\tb\n", [("yaml-tab", 2, 1)]),
        ("\t\na: 1\n", [("yaml-tab", 1, 1)]),
        ("a: '#'\t\nb: 1\n", [("yaml-tab", 1, 7)]),  # a number sign in quotes begins no comment
        ("a: 1\nb: 2\na: 3\n", [("duplicate-key", 3, 1)]),
        ("a: {b: 1, 'b': 2}\n", [("duplicate-key", 1, 12)]),
        ("a: 1\n? [b,\n   c]\n: 1\n", [("yaml-complex-key", 2, 3)]),
        ("? b: 1\n: 1\n", [("yaml-complex-key", 1, 3)]),
        ("a: {{b}: 1}\n", [("yaml-complex-key", 1, 5)]),
        ("a: 1\n---\nb: 2\n", [("yaml-documents", 2, 1)]),
        ("%YAML 1.1\n---\na: 1\n", [("yaml-directive", 1, 1)]),
        ("%YAML 3.1\n---\na: 1\n", [("yaml-directive", 1, 1)]),
        ("# a\n%TAG ! b:\n---\na: 1\n", [("yaml-directive", 2, 1)]),
        ("a: 1\n%b: 2\n", [("yaml-directive", 2, 1)]),
        ("", [("empty-file", 1, 1)]),
        ("\n\n# nothing\n", [("empty-file", 1, 1)]),
        ("---\n", [("empty-file", 1, 1)]),
        ("a: b\x01\n", [("yaml-character", 1, 5)]),
        (
            "a: \x85b: \ud800\u2028\n\ufeff",
            [("yaml-character", 1, c) for c in (4, 8, 9)] + [("yaml-character", 2, 1)],
        ),
        ('a: "b\\0"\n', [("yaml-character", 1, 5)]),
        ("a: " + "[" * 64, [("yaml-depth", 1, 67)]),
        ("- " * 65, [("yaml-depth", 1, 129)]),
        ("[" + "a," * 300_001, [("yaml-size", 1, 600_002)]),
    ],
)
def test_what_a_spec_may_not_use(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert findings(text) == expected


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: conv(64, kernel: 3)\n", (1, 19), "a second `: ` cannot stand in one value"),
        ("a: conv(64)\n  b: relu\n", (2, 4), "a second `: ` cannot stand in one value"),
        ("a: `b\n", (1, 4), "a value cannot begin with this character"),
        ("a: @b\n", (1, 4), "a value cannot begin with this character"),
        ("a: %b\n", (1, 4), "a value cannot begin with this character"),
        ("a:\n - b\n - >> c\n", (3, 4), "an expression cannot begin with `>>`"),
        ("a: |b\n", (1, 4), "`|` begins a block of text, which stands on the lines below"),
        ("a: 'b\nc: d\n", (1, 4), "the quote ' is never closed"),
        ('a: "b\n---\n', (1, 4), 'the quote " is never closed'),
        ('a: "b\\q"\n', (1, 6), "the backslash begins no escape that YAML knows"),
        ('a: "b\\xzz"\n', (1, 6), "the backslash begins no escape that YAML knows"),
        ("a: [1, 2\n\n", (1, 4), "`[` is never closed"),
        ("a: [1, {b: 2", (1, 8), "`{` is never closed"),
        ("a: [", (1, 4), "`[` is never closed"),
        ("a: [1, 2\nb: 3\n", (2, 2), "a comma or the closing bracket is missing before this"),
        ("a: {b: 'c' 'd'}\n", (1, 12), "a comma or the closing bracket is missing before this"),
        ("a: [1,,2]\n", (1, 7), "a value is missing before this"),
        ("a: ]\n", (1, 4), "a value is missing before this"),
        ("a: 1\nb c\nd: 2\n", (2, 1), "a key needs a `:` after it"),
        ("a: - b\n", (1, 4), "a list cannot begin here"),
        ("a: ? b\n", (1, 4), "a key cannot begin here"),
        ("a: 'b' + c\n", (1, 8), "this does not belong to the mapping above it"),
        ("a: b\n  # c\n  d\n", (3, 3), "this does not belong to the mapping above it"),
        ("a: b\n- c\n", (2, 1), "this does not belong to the mapping above it"),
        ("- a\nb: c\n", (2, 1), "this does not belong to the list above it"),
        ("  a: 1\nb: 2\n", (2, 1), "this does not belong to what stands above it"),
        ("{a: 1}}", (1, 7), "this does not belong to what stands above it"),
    ],
)
def test_slips(text: str, place: tuple[int, int], message: str) -> None:
    assert findings(text) == [("yaml-syntax", *place)]
    with pytest.raises(SpecError) as error:
        read_yaml(Source("a.yaml", text))
    assert error.value.diagnostics[0].message == message


def test_a_value_out_of_range() -> None:
    """PyYAML's own scanner fails on these in its own ways; libyaml calls them escapes and directives."""
    assert findings('a: 1\nb: "\\UFFFFFFFF"\n')[0][1] in (1, 2)
    assert findings('a: "\\ud800"\n')[0][1:] in [(1, 5), (1, 4)]
    assert findings(f"%YAML 1.{'9' * 5000}\n---\na: 1\n")


def test_the_first_of_two_keys_is_named() -> None:
    with pytest.raises(SpecError) as error:
        read_yaml(Source("specs/a.yaml", "ab: 1\nab: 2\n"))
    assert str(error.value) == (
        "error[duplicate-key]: the key `ab` stands twice in one mapping\n --> specs/a.yaml:2:1\n  |\n"
        "2 | ab: 2\n  | ^^\n  = note: the first (a.yaml:1:1)\n  = help: rename or delete one of the two"
    )


def test_what_stands_before_a_slip_is_reported_too() -> None:
    assert findings("a: &x 1\na: *x\nb: [\n") == [
        ("yaml-anchor", 1, 4),
        ("duplicate-key", 2, 1),
        ("yaml-alias", 2, 4),
        ("yaml-syntax", 3, 4),
    ]


def test_tabs_in_blocks_and_comments_are_nobodys_business() -> None:
    text = "a: 1 #\tb\n#\tc\nd: |\n  x\ty\n\n  'z'\t#\te\n"
    assert plain(read_yaml(Source("a", text))) == {"a": "1", "d": "x\ty\n\n'z'\t#\te\n"}


def test_reading_stops_after_a_hundred_findings() -> None:
    with pytest.raises(SpecError) as error:
        read_yaml(Source("a.yaml", "- *x\n" * 1000))
    assert len(error.value.diagnostics) == 100
    assert error.value.diagnostics[-1].notes == ("reading stops here, after 100 errors",)
    assert render_text(error.value.diagnostics)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_our_own_specs_read_as_yaml_reads_them(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert plain(read_yaml(Source(path.name, text))) == yaml.load(text, Loader=yaml.BaseLoader)
