"""The text format of protobuf: https://protobuf.dev/reference/protobuf/textformat-spec/."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archcalc.importing.prototxt.text import MAX_DEPTH, Message, Scalar, parse_text
from archcalc.source import Source, SpecError


def parsed(text: str) -> Message:
    return parse_text(Source("net.prototxt", text))


def refused(text: str) -> tuple[str, int | None, int | None, str]:
    with pytest.raises(SpecError) as error:
        parsed(text)
    [found] = error.value.diagnostics
    return found.code, found.line, found.column, found.message


def test_messages_with_and_without_a_colon_in_either_bracket() -> None:
    net = parsed("a { b: 1 } a: { b: 2 } a < b: 3 > a: < b: 4; >")
    assert [each.integer("b", 0) for each in net.messages("a")] == [1, 2, 3, 4]


def test_separators_comments_and_lists() -> None:
    net = parsed("# all of it\ndim: 1, dim: 2; dim: [3, 4]  # more\ndim:5 shapes: [{ dim: 6 }, { dim: 7 }] none: []")
    assert net.integers("dim") == [1, 2, 3, 4, 5]
    assert [each.integers("dim") for each in net.messages("shapes")] == [[6], [7]]
    assert net.all("none") == []


def test_numbers_are_what_they_are_written_as() -> None:
    net = parsed("a: 0.1 a: 1e-4 a: -.5 a: 3.f a: 0x10 a: 2E2 a: 1.")
    wanted = [
        Fraction(1, 10),
        Fraction(1, 10000),
        Fraction(-1, 2),
        Fraction(3),
        Fraction(16),
        Fraction(200),
        Fraction(1),
    ]
    assert net.numbers("a") == wanted
    assert parsed("a: 017").integer("a", 0) == 15


def test_strings_of_both_quotes_side_by_side_and_with_escapes() -> None:
    net = parsed("""a: "one" 'two' "\\x41\\101\\n" b: 'it\\'s' """)
    assert net.word("a", "") == "onetwoAA\n"
    assert net.word("b", "") == "it's"


def test_words_are_enumerations_and_truth_values() -> None:
    net = parsed("pool: MAX yes: true no: False one: 1 minus: -inf")
    assert net.word("pool", "") == "MAX"
    assert (net.flag("yes", False), net.flag("no", True), net.flag("one", False), net.flag("other", True)) == (
        True,
        False,
        True,
        True,
    )


def test_an_extension_is_a_name_in_brackets() -> None:
    net = parsed("[caffe.new_param] { a: 1 } [type.googleapis.com/caffe.Net] { a: 2 }")
    assert [field.name for field in net.fields] == ["caffe.new_param", "type.googleapis.com/caffe.Net"]


def test_the_last_of_several_counts_and_messages_are_merged() -> None:
    net = parsed("a: 1 a: 2 m { x: 1 } m { y: 2 }")
    assert net.integer("a", 0) == 2
    assert (net.message("m").integer("x", 0), net.message("m").integer("y", 0)) == (1, 2)
    assert isinstance(net.fields[0].value, Scalar)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("layer {\n  name: 'a'\n", (1, 1), "`layer` is never closed"),
        ("layer { name: }", (1, 15), "`name` needs a value"),
        ("layer\n}", (2, 1), "`layer` needs a value"),
        ("}", (1, 1), "closes nothing"),
        ("a { b: 1 >", (1, 10), "`}` closes the message"),
        ("a: 'open\n", (1, 4), "never closed"),
        ("a: 12abc", (1, 4), "no number"),
        ("a: [1, 2", (1, 9), "a list has"),
        ("a: 1 ?", (1, 6), "cannot stand here"),
        ("- item: 1", (1, 1), "no number"),
        ("[a b] {}", (1, 8), ""),
        ("network: resnet\ninput: image(3, 4, 4)", (2, 13), "cannot stand here"),
    ],
)
def test_what_is_no_text_format_is_told_with_its_place(text: str, place: tuple[int, int], words: str) -> None:
    if not words:
        assert parsed(text).fields[0].name == "ab"
        return
    code, line, column, message = refused(text)
    assert (code, (line, column)) == ("prototxt-syntax", place)
    assert words in message


def test_depth_is_bounded() -> None:
    parsed("a {" * MAX_DEPTH + "}" * MAX_DEPTH)
    code, _, _, message = refused("a {" * 5000)
    assert code == "prototxt-syntax"
    assert f"more than {MAX_DEPTH}" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 'x'", "a whole number, not `x`"),
        ("a: 1.5", "a whole number"),
        ("a { }", "not a message"),
        ("a: 099", "a whole"),
    ],
)
def test_a_value_of_another_kind_is_told(text: str, words: str) -> None:
    with pytest.raises(SpecError) as error:
        parsed(text).integer("a", 0)
    [found] = error.value.diagnostics
    assert found.code == "prototxt-value"
    assert words in found.message
    assert (found.line, found.column) == (1, 1)


def test_numbers_that_would_take_long_are_refused() -> None:
    with pytest.raises(SpecError, match="takes a number"):
        parsed("a: 1e999999999").number("a", "0")
