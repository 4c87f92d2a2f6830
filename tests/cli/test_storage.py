"""Options and words about what is stored, and about parts of networks."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.cli.running import run


def footer(*arguments: str) -> str:
    """The paragraph that stands last, as one line."""
    found = " ".join(run(*arguments).stdout.rpartition("\n\n")[2].split())
    return found[found.index("convention ") :]


def test_the_footer_says_what_is_not_counted() -> None:
    missing = "not in the size: indices of sparse weights, codebooks and Huffman coding"
    pruned = footer("show", "squeezenet1_0@pruned")
    assert f"fp32 | density 0.2 to 1 | {missing}" in pruned
    assert f"6 bits | density 0.25 | {missing}" in footer("show", "squeezenet1_0", "--bits", "6", "--density", ".25")
    assert "8 bits | not in the size: codebooks and Huffman coding" in footer("show", "lenet5", "--bits", "8")


@pytest.mark.parametrize(
    "arguments", [["show", "vgg16"], ["show", "enet", "--dtype", "fp16"], ["compare", "vgg16", "vgg11"]]
)
def test_nothing_is_said_where_nothing_is_compressed(arguments: list[str]) -> None:
    assert "not in the size" not in footer(*arguments)
    assert "stored" not in run(*arguments).stdout


def test_rows_of_table_1() -> None:
    lines = run("show", "squeezenet1_0@pruned", "--by", "stage").stdout.splitlines()
    (fire8,) = [line for line in lines if line.startswith("fire8 ")]
    assert fire8.split()[-3:] == ["77,581", "303.1", "KiB"]
    assert any(line.split()[:2] == ["stored", "421,098"] for line in lines)
    assert any(line.split()[:2] == ["size", "1,684,392"] for line in lines)


def test_csv_and_json_have_what_is_stored() -> None:
    rows = list(csv.DictReader(io.StringIO(run("show", "alexnet@pruned", "--format", "csv").stdout)))
    (fc8,) = [row for row in rows if row["name"] == "fc8"]
    assert (fc8["params"], fc8["stored_params"], fc8["size_bytes"]) == ("4097000", "1025000", "4100000")
    (network,) = json.loads(run("show", "alexnet@pruned", "--bits", "5", "--format", "json").stdout)["networks"]
    assert network["bits"] == [5]
    assert network["density"] == ["0.09", "0.25", "0.35", "0.37", "0.38", "0.84"]
    assert network["totals"]["stored_params"] == 6_806_764


def test_compare_says_which_is_stored_in_less() -> None:
    found = " ".join(run("compare", "alexnet", "alexnet@pruned").stdout.split())
    assert found.startswith(
        "alexnet and alexnet@pruned need the same MACs and the same params. alexnet@pruned is stored"
    )
    assert "in 9.0x less: 25.97 MiB at fp32 against 232.6 MiB at fp32." in found
    rows = {
        line[:19].strip(): line[19:].split() for line in run("compare", "alexnet", "alexnet@pruned").stdout.splitlines()
    }
    assert rows["stored params"] == ["60.97", "M", "6.807", "M", "0.11x"]
    last = footer("compare", "alexnet", "alexnet@pruned")
    assert "alexnet: fp32 | alexnet@pruned: fp32, density 0.09 to 0.84, not in the size: indices" in last


def test_squeezenet_against_alexnet() -> None:
    found = run("compare", "squeezenet1_0", "alexnet").stdout
    rows = {line[:19].strip(): line[19:].split() for line in found.splitlines()}
    assert rows["size at fp32"] == ["4.762", "MiB", "232.6", "MiB", "48.8x"]


@pytest.mark.parametrize("density", ["1.5", "x", "-1", "1/0"])
def test_densities_that_are_none(density: str) -> None:
    found = run("show", "lenet5", f"--density={density}", code=2).stderr
    assert "error[bad-density]: a density is a number from 0 to 1" in found
    assert "help: --density 0.33" in found


def test_bits_that_are_none() -> None:
    assert (
        "a whole number of 1 or more, or a format of blocks, not `0`"
        in run("show", "lenet5", "--bits", "0", code=2).stderr
    )


# scopes


def test_inception_3a_in_the_first_sentence() -> None:
    found = run("compare", "googlenet", "googlenet@naive", "--scope", "inception_3a").stdout
    assert found.splitlines()[0] == (
        "In inception_3a, googlenet needs 2.4x fewer MACs and 2.4x fewer params than googlenet@naive."
    )
    assert "layers give as many outputs, each from 12.0x as many inputs." in " ".join(found.split())
    assert "inception_3a.3x3 " in found
    assert "heads" not in found


def test_the_ratio_of_inception_3a() -> None:
    found = run("compare", "googlenet@naive", "googlenet", "--scope", "inception_3a", "--units", "raw").stdout
    rows = {line[:19].strip(): line[19:].split() for line in found.splitlines()}
    assert rows["of them weights"] == ["387,072", "163,328", "0.42x"]
    assert footer("compare", "googlenet@naive", "googlenet", "--scope", "inception_3a").startswith("convention")
    assert "scope inception_3a | convention" in " ".join(found.split())


def test_show_a_part() -> None:
    lines = run("show", "googlenet", "--scope", "inception_3a.5x5").stdout.splitlines()
    assert lines[0].startswith("inception_3a.5x5 of googlenet: ")
    assert [line.split()[0] for line in lines if line.startswith("inception_3a.5x5.")] == [
        "inception_3a.5x5.conv_1",
        "inception_3a.5x5.conv_2",
    ]
    top = run("show", "googlenet", "--scope", "inception_3a", "--top", "2").stdout
    assert "2 of 8 rows; the totals are those of all of inception_3a" in top


def test_scopes_that_there_are_not() -> None:
    found = run("compare", "googlenet", "resnet50", "--scope", "inception_3x", code=2)
    assert found.stdout == ""
    assert "error[unknown-scope]: googlenet has no layers under `inception_3x`" in found.stderr
    assert "help: did you mean `inception_3b`" in found.stderr
    assert "error[unknown-scope]: resnet50 has no layers under `inception_3x`" in found.stderr


def test_a_head_as_a_scope() -> None:
    assert run("show", "googlenet", "--scope", "aux1").stdout.startswith("aux1 of googlenet")


@pytest.mark.parametrize(
    ("example", "words"),
    [
        ("specs/examples/bottleneck.yaml", "8.5x fewer"),
        ("specs/examples/reduction.yaml", "3.9x fewer"),
    ],
)
def test_savings_of_the_literature(example: str, words: str) -> None:
    """589,824 against 69,632 weights; 819,200 against 208,896."""
    assert words in run("compare", f"{example}:direct", f"{example}:reduced").stdout.splitlines()[0]


def test_formats_of_blocks() -> None:
    assert "input 1x32x32 | q4_k, biases and norms fp32 | 13 operations" in footer("show", "lenet5", "--bits", "Q4_K")
    (network,) = json.loads(run("show", "lenet5", "--bits", "q8_0", "--format", "json").stdout)["networks"]
    assert network["bits"] == ["q8_0"]
    (row,) = csv.DictReader(
        io.StringIO(
            run("compare", "lenet5", "vgg11", "--bits", "q4_0", "--format", "csv")
            .stdout.rpartition("\n")[0]
            .rpartition("\n")[0]
        )
    )
    assert row["bits"] == "q4_0"


def test_a_typo_of_a_format() -> None:
    found = run("show", "lenet5", "--bits", "q4_m", code=2)
    assert "did you mean `q4_k`?" in found.stderr
