"""LaTeX tables: what they hold, that they are balanced, and that LaTeX takes them where there is one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from shutil import which

import pytest

from archcalc.report.media.blocks import Bar, Column, Document, Heading, Items, Paragraph, Section, Table, Total, number
from archcalc.report.media.latex import ROWS_ON_A_PAGE, escaped, latex
from tests.cli.running import MYSTERY, run, spec

COMPILERS = ("pdflatex", "lualatex", "xelatex", "tectonic")
COMMANDS = [
    ["show", "lenet5"],
    ["show", "googlenet", "--with-heads"],
    ["show", "resnet50", "--by", "type"],
    ["show", "alexnet@pruned", "--units", "raw"],
    ["compare", "vgg16", "googlenet"],
    ["compare", "vgg16", "googlenet", "alexnet", "resnet50"],
    ["list"],
    ["list", "--by", "year"],
    ["explain", "lenet5", "C3"],
    ["diff", "resnet18", "resnet34"],
    ["show", "googlenet", "--published"],
]


def assert_balanced(text: str) -> None:
    """Raises AssertionError where a brace or an environment is not closed, or a row has another number of cells."""
    bare = re.sub(r"\\[\\{}&%$#_]", lambda found: "\n" if found[0] == "\\\\" else "", text)
    depth = 0
    for mark in re.sub(r"(?m)%.*$", "", bare):
        depth += {"{": 1, "}": -1}.get(mark, 0)
        assert depth >= 0
    assert depth == 0
    open_: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            open_.append(name)
        else:
            assert open_.pop() == name
    assert not open_
    assert text.count(r"\begingroup") == text.count(r"\endgroup")
    for columns, body in re.findall(
        r"(?s)\\begin\{(?:tabular|longtable)\}\{((?:p\{[^}]*\}|[lr])+)\}(.*?)\\end\{", text
    ):
        rows = [line for line in body.splitlines() if re.search(r"(?<!\\)& .*\\\\$", line)]
        assert rows
        for row in rows:
            assert len(re.findall(r"(?<!\\)&", row)) == len(re.findall(r"p\{[^}]*\}|[lr]", columns)) - 1, row


def document(*rows: list[str]) -> Document:
    table = Table([Column("name"), number("of all")])
    table.rows.extend(rows)
    return [Heading("A_b: 50% & more", 1), table]


def test_a_table() -> None:
    table = Table([Column("name"), Column("", is_bar=True), number("MACs (x)")])
    table.rows += [
        Section("head aux_1"),
        ["a_1", Bar(1, 2), "1,234"],
        Section("rest"),
        Total(["total", Bar(0, 1), "5%"]),
    ]
    found = latex([Heading("net: a title", 1), table, Paragraph("batch 1 | fp32", quiet=True)])
    assert (
        found
        == r"""% needs the package booktabs

\begin{table}
\centering
\footnotesize
\setlength{\tabcolsep}{4pt}
\caption{net: a title}\label{tab:net}
\begin{tabular}{lr}
\toprule
name & MACs (x) \\
\midrule
\multicolumn{2}{l}{\textit{head aux\_1}} \\
a\_1 & 1,234 \\
\addlinespace
\multicolumn{2}{l}{\textit{rest}} \\
\midrule
total & 5\% \\
\bottomrule
\end{tabular}
\par\smallskip
batch 1 \textbar{} fp32
\end{table}
"""
    )
    assert_balanced(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a & b_c #1 50% $x {y} ~z^2", r"a \& b\_c \#1 50\% \$x \{y\} \textasciitilde{}z\textasciicircum{}2"),
        ("C:\\n", r"C:\textbackslash{}n"),
        ("[*] <0.1% | >", r"{[}{*}{]} \textless{}0.1\% \textbar{} \textgreater{}"),
        ("≥ 3 × 4…", r"$\geq$ 3 $\times$ 4\ldots{}"),
        ("2.7K ≠", r"2.7K $\neq$"),
        ("--with-heads `a_b` counts", r"-{}-with-heads \texttt{a\_b} counts"),
        ('"so"', "{''}so{''}"),
        ("one\ntwo", "one two"),
        ("an odd `", r"an odd \textasciigrave{}"),
    ],
)
def test_marks_stand_for_themselves(text: str, expected: str) -> None:
    assert escaped(text) == expected


def test_labels_are_unique_and_captions_follow_headings() -> None:
    found = latex([*document(["a", "1"]), *document(["b", "2"]), Paragraph("Said of both.", quiet=True)])
    assert re.findall(r"\\caption\{(.*)\}\\label\{(.*)\}", found) == [
        (r"A\_b: 50\% \& more", "tab:a-b"),
        (r"A\_b: 50\% \& more", "tab:a-b-2"),
    ]
    assert found.count("Said of both.") == 2
    assert_balanced(found)


def test_prose_between_is_a_caption_and_notes() -> None:
    found = latex([Paragraph("First."), Paragraph("Second."), Items(["third"]), *document(["a", "1"])[1:]])
    assert r"\caption{First.}" in found
    assert [found.count(word) for word in ("Second.", "third")] == [1, 1]


def test_a_quiet_line_between_two_tables_is_a_note_under_the_first() -> None:
    first, second = (document([name, "1"]) for name in ("a", "b"))
    found = latex([*first, Paragraph("Said of a.", quiet=True), *second])
    above, _, below = found.partition(r"\end{table}")
    assert "Said of a." in above
    assert "Said of a." not in below


def test_what_is_too_long_is_cut() -> None:
    table = Table([Column("name"), Column("what", least=8, cut="end")])
    table.rows.append(["a", "many words that go on"])
    assert r"a & many wo\ldots{} \\" in latex([table], 12)  # 8 characters, for there is no room for more
    assert "many words that go on" in latex([table])


def test_long_tables_go_over_pages() -> None:
    short, long = (
        latex(document(*[["a", str(n)] for n in range(rows)])) for rows in (ROWS_ON_A_PAGE, ROWS_ON_A_PAGE + 1)
    )
    assert r"\begin{longtable}" not in short
    assert long.startswith("% needs the packages booktabs and longtable\n")
    assert r"\caption{A\_b: 50\% \& more}\label{tab:a-b} \\" in long
    assert_balanced(long)


def test_where_there_is_no_table() -> None:
    with pytest.raises(ValueError, match="no table"):
        latex([Heading("nothing"), Paragraph("to see")])


def test_the_balance_is_held() -> None:
    """The check above can fail."""
    good = latex(document(["a", "1"]))
    for old, new in (
        (r"\end{tabular}", ""),
        ("a & 1", "a & 1 & 2"),
        ("tab:a-b}", "tab:a-b"),
        (r"\end{table}", r"\end{x}"),
    ):
        assert old in good
        with pytest.raises((AssertionError, IndexError)):
            assert_balanced(good.replace(old, new))


@pytest.mark.usefixtures("shared_library")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_give_balanced_tables(command: list[str]) -> None:
    assert_balanced(run(*command, "--format", "latex").stdout)


def test_numbers_are_those_of_the_table() -> None:
    found = run("show", "lenet5", "--format", "latex").stdout
    assert r"C1 & conv(6, 5) & 6x28x28 & 156 & 117.6 K & 36.1\% & 5x5 \\" in found
    assert "params & 60,000 & " in found
    assert r"\begin{tabular}{llrrrrr}" in found


def test_what_there_is_no_room_for_is_told() -> None:
    narrow, wide = (run("show", "vgg16", "--format", "latex", columns=columns).stdout for columns in (None, 140))
    assert "% left out at 80 characters: FLOPs (arithmetic) (COLUMNS" in narrow
    assert "FLOPs (arithmetic) & field" not in narrow
    assert "left out" not in wide
    assert "FLOPs (arithmetic) & field" in wide
    for found in (narrow, wide):
        assert_balanced(found)
        # Simonyan and Zisserman 2015, Table 2: 138 M parameters.
        assert "& 138.4 M & 15.47 G &" in found


def test_an_ending_asks_for_it(tmp_path: Path) -> None:
    path = tmp_path / "lenet.tex"
    run("show", "lenet5", "-o", str(path))
    assert path.read_text(encoding="utf-8") == run("show", "lenet5", "--format", "latex").stdout


def test_bounds_are_bounds_in_latex_too(tmp_path: Path) -> None:
    assert r"$\geq$ 3,888" in run("show", spec(tmp_path, MYSTERY), "--format", "latex").stdout


def test_a_check_is_not_written_as_latex(tmp_path: Path) -> None:
    path = tmp_path / "x.tex"
    found = run("check", "lenet5", "--max", "params=1M", "-o", str(path), code=2)
    assert found.stderr.startswith("error[bad-option]: this result is not written as latex")
    assert not path.exists()


@pytest.mark.usefixtures("shared_library")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_latex_takes_them(command: list[str], tmp_path: Path) -> None:
    compiler = next((name for name in COMPILERS if which(name)), None)
    if compiler is None:
        pytest.skip(f"none of {', '.join(COMPILERS)} is installed")
    table = run(*command, "--format", "latex").stdout
    packages = "".join(f"\\usepackage{{{name}}}" for name in ("booktabs", "longtable"))
    (tmp_path / "x.tex").write_text(
        f"\\documentclass{{article}}{packages}\\begin{{document}}{table}\\end{{document}}\n", encoding="utf-8"
    )
    arguments = ["x.tex"] if compiler == "tectonic" else ["-halt-on-error", "-interaction=nonstopmode", "x.tex"]
    done = subprocess.run([compiler, *arguments], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_a_file_does_not_depend_on_the_window(tmp_path: Path) -> None:
    """COLUMNS is the shell's, and changes with the window."""
    path = tmp_path / "vgg16.tex"
    run("show", "vgg16", "-o", str(path))
    plain = path.read_text()
    for columns in (40, 200):
        run("show", "vgg16", "-o", str(path), columns=columns)
        assert path.read_text() == plain
