import json
import pickle

import pytest

from archcalc.source import (
    Diagnostic,
    Note,
    Source,
    Span,
    SpecError,
    render_text,
    sort_diagnostics,
    suggest,
    suggest_many,
    to_github,
    to_json,
)


def found(text: str, word: str, **more: object) -> Diagnostic:
    start = text.index(word)
    source = Source("specs/net.yaml", text)
    return Diagnostic("a-code", "a sentence", Span(start, start + len(word)), source, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("offset", "place"),
    [(0, (1, 1)), (2, (1, 3)), (3, (2, 1)), (4, (3, 1)), (7, (3, 4)), (99, (3, 4)), (-1, (1, 1))],
)
def test_an_offset_is_a_line_and_a_column(offset: int, place: tuple[int, int]) -> None:
    source = Source("a", "ab\n\ncde")
    assert source.position(offset) == place
    assert [source.line(number) for number in (1, 2, 3)] == ["ab", "", "cde"]


def test_line_ends_and_a_byte_order_mark_do_not_move_places() -> None:
    source = Source("specs/x.yaml", "\ufeffab\r\ncd\re")
    assert source.text == "ab\ncd\ne"
    assert source.place(4) == "x.yaml:2:2"


def test_the_form_of_a_message() -> None:
    line = "  conv1:        conv(64, 7, strid=2)"
    diagnostic = Diagnostic(
        "unknown-argument",
        "conv has no argument `strid`",
        Span(18 + line.index("strid"), 18 + line.index("strid") + 5),
        Source("specs/googlenet.yaml", "\n" * 18 + line + "\n"),
        "did you mean `stride`?",
        ("in conv1", Note("the first", Span(20, 25))),
    )
    assert (
        render_text([diagnostic])
        == """\
error[unknown-argument]: conv has no argument `strid`
  --> specs/googlenet.yaml:19:29
   |
19 |   conv1:        conv(64, 7, strid=2)
   |                             ^^^^^
   = note: in conv1
   = note: the first (googlenet.yaml:19:3)
   = help: did you mean `stride`?"""
    )


def test_without_a_place_only_the_file_is_named() -> None:
    diagnostic = Diagnostic("no-such-file", "it is not there", None, Source("a.yaml", ""), "give another")
    assert render_text([diagnostic]) == ("error[no-such-file]: it is not there\n --> a.yaml\n  = help: give another")
    assert render_text([Diagnostic("c", "m")]) == "error[c]: m"


def test_carets_stay_on_the_first_line_and_there_is_always_one() -> None:
    assert render_text([found("a: b(c\n   d)", "b(c\n   d)")]).endswith("\n1 | a: b(c\n  |    ^^^")
    assert render_text([found("a: b", "")]).endswith("\n1 | a: b\n  | ^")


def test_wide_and_unprintable_characters_keep_the_carets_in_place() -> None:
    assert render_text([found("層\u0301: x", "x")]).endswith("\n  |     ^")
    assert render_text([found("\t\x1b: x", "x")]).endswith("\n1 |  \ufffd: x\n  |     ^")


@pytest.mark.parametrize("at", [0, 1, 60, 104, 105, 500, 890, 999])
def test_a_long_line_is_shown_around_the_place(at: int) -> None:
    text = "-" * at + "X" + "-" * (999 - at)
    *_, line, carets = render_text([found(text, "X")]).splitlines()
    assert len(line) <= 110
    assert line[carets.index("^")] == "X"


@pytest.mark.parametrize("width", [30, 45, 80, 100])
def test_at_a_width_sentences_are_wrapped_and_lines_of_the_file_cut(width: int) -> None:
    words = " ".join(f"word-{number}" for number in range(60))
    diagnostic = found("-" * 300 + "X" + "-" * 300, "X", help=f"{words}\n{words}", notes=(words,))
    diagnostic = diagnostic._replace(message=words)
    lines = render_text([diagnostic], width).splitlines()
    assert max(map(len, lines)) <= width
    said = " ".join(" ".join(lines).split())
    assert said.count(words) == 4  # every word, in order, none cut
    *_, line, carets = [line for line in lines if line.startswith(("1 |", "  |"))]
    assert line[carets.index("^")] == "X"
    assert render_text([diagnostic]).splitlines()[-1].endswith(words)


def test_errors_are_sorted_by_file_and_place() -> None:
    b, a = Source("b", "xyz"), Source("a", "xyz")
    late, early, whole, other = (
        Diagnostic("c", "m", Span(2, 3), b),
        Diagnostic("c", "m", Span(1, 3), b),
        Diagnostic("c", "m", None, b),
        Diagnostic("c", "m", Span(2, 2), a),
    )
    assert sort_diagnostics([late, early, whole, other]) == [other, whole, early, late]
    error = SpecError([late, early])
    assert error.diagnostics == (early, late)
    assert str(error) == f"{render_text([early])}\n\n{render_text([late])}"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_json() -> None:
    diagnostic = found("a:\n  b c", "b c", help="h", notes=("n", Note("m", Span(0, 1))))
    assert json.loads(to_json([diagnostic, Diagnostic("c", "m")])) == [
        {
            "severity": "error",
            "code": "a-code",
            "message": "a sentence",
            "file": "specs/net.yaml",
            "line": 2,
            "column": 3,
            "end_line": 2,
            "end_column": 6,
            "help": "h",
            "notes": ["n", "m (net.yaml:1:1)"],
        },
        dict.fromkeys(("file", "line", "column", "end_line", "end_column", "help"))
        | {"severity": "error", "code": "c", "message": "m", "notes": []},
    ]


def test_github_commands_are_escaped() -> None:
    diagnostic = Diagnostic("c", "50%: a,\nb\r", Span(1, 2), Source("a,b:c%.yaml", "xyz"), "h", ("n",))
    assert to_github([diagnostic]) == (
        "::error file=a%2Cb%3Ac%25.yaml,line=1,col=2,endLine=1,endColumn=3,title=c"
        "::50%25: a,%0Ab%0D%0Anote: n%0Ahelp: h"
    )
    assert to_github([Diagnostic("c", "m")]) == "::error title=c::m"


def test_suggestions() -> None:
    names = ["stride", "batch_norm", "padding", "conv", "deconv"]
    assert suggest("strid", names) == "stride"
    assert suggest("Batch-Norm", names) == "batch_norm"
    assert suggest("zzz", names) is None
    assert suggest("x" * 10_000, ["x" * 10_000]) is None
    assert suggest_many("convv", names) == ["conv", "deconv"]
    assert suggest_many("convv", names, n=1) == ["conv"]
