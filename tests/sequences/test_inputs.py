"""Networks with several inputs, from Python and typed; what a step over some of them repeats, and what has no steps.

Totals: transformers 5.24.0 for BERT and CLIP, torchvision 0.29.1 for ViT, an own torch module for the recurrent ones;
for the U-Net of Stable Diffusion 1 the parameters that are published and the MACs of a torch build.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from archcalc.engine.network import analyze
from archcalc.source import SpecError
from tests.cli.running import run

FOLDER = Path(__file__).parent
FILES = {"bert_base": "bert", "clip_vit_b_32": "clip", "vit_b_16": "vit", "bilstm": "lstm", "t5_small": "t5"}


def file(name: str) -> str:
    return f"{FOLDER / FILES.get(name, name)}.yaml:{name}"


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        ("bert_base", 109_482_240, 48_318_971_904),
        ("clip_vit_b_32", 151_277_313, 7_388_582_400),
        ("sd_unet", 859_520_964, 401_636_720_640),
        ("vit_b_16", 86_567_656, 17_563_828_224),
        ("bilstm", 4_811_370, 920_781_824),
        ("seq2seq", 12_059_397, 141_596_160),
    ],
)
def test_totals(name: str, params: int, macs: int) -> None:
    totals = analyze(file(name)).totals
    assert (totals.params, totals.macs) == (params, macs)


def test_a_step_over_some_inputs_does_not_repeat_what_the_others_give() -> None:
    """Stable Diffusion: keys and values of the text, 16 cross attentions; by hand their linear layers, no biases."""
    widths = [320] * 2 + [640] * 2 + [1280] * 2 + [1280] + [1280] * 3 + [640] * 3 + [320] * 3
    totals = analyze(file("sd_unet"), step=True).totals
    assert totals.macs_once == 77 * 768 * 2 * sum(widths) == 1_476_034_560
    assert totals.state_once == 77 * 2 * sum(widths)
    assert totals.macs == 401_636_720_640 - totals.macs_once


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("bert_base", "encoder.1.add_1.attention.attend"),
        ("clip_vit_b_32", "language.1.add_1.attention.attend"),
        ("vit_b_16", "patches"),
        ("bilstm", "lstm"),
    ],
)
def test_what_has_no_steps(name: str, operation: str) -> None:
    """Attention without a cache, patches of several positions, a layer that reads both ways."""
    with pytest.raises(SpecError) as refused:
        analyze(file(name), step=True)
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "not-steppable"
    assert f": {operation} reads other positions" in diagnostic.message
    assert diagnostic.line is not None


def test_a_source_that_is_read_at_once_cannot_be_stepped_over(tmp_path: Path) -> None:
    text = (FOLDER / "t5.yaml").read_text(encoding="utf-8").replace("variables:", "step: source\nvariables:", 1)
    path = tmp_path / "t5.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=r"over `source`: encoder\.1\.add_1\.self_attention\.attend"):
        analyze(f"{path}:t5_small", step=True)


def test_recurrent_decoders_step() -> None:
    """Two layers of 512 hidden channels each way of the translation; the encoder's last state is read at first only."""
    totals = analyze(file("seq2seq"), step=True).totals
    assert (totals.state, totals.state_once) == (2 * 2 * 512, 0)
    assert totals.macs_once == 20 * (3 * 512 * (256 + 512) + 3 * 512 * (512 + 512))


@pytest.mark.parametrize("given", [{"source": 20, "target": [5]}, {"source": (20,), "target": 5}])
def test_inputs_by_name(given: dict[str, int]) -> None:
    """A length that is a variable is set, so that what else depends on it follows."""
    by_input = analyze(file("t5_small"), input=given)
    assert by_input.totals == analyze(file("t5_small"), set={"source_length": 20, "length": 5}).totals
    assert by_input.input_text == "source 20, target 5"


def test_the_first_input_needs_no_name() -> None:
    assert analyze(file("t5_small"), input=(20,)).input_text == "source 20, target 128"


@pytest.mark.parametrize(
    ("typed", "code", "help"),
    [
        (["sorce=20"], "unknown-input", "did you mean `source`?"),
        (["source=20x3"], "bad-input", "--input source=128"),
        (["source=0"], "bad-input", "--input source=128"),
        (["source=a"], "bad-input", "--input 3x256x256"),
        (["20", "target=5"], "bad-option", "--input text=128"),
    ],
)
def test_inputs_that_are_typed_wrong(typed: list[str], code: str, help: str) -> None:
    options = [part for text in typed for part in ("--input", text)]
    found = run("show", file("t5_small"), *options, code=2)
    assert f"error[{code}]" in found.stderr
    assert help in found.stderr


def test_inputs_in_every_format() -> None:
    options = ("--input", "source=20", "--input", "target=5")
    assert "| input source 20, target 5 |" in run("show", file("t5_small"), *options).stdout
    (network,) = json.loads(run("show", file("t5_small"), *options, "--format", "json").stdout)["networks"]
    assert network["input"] == {"source": [20], "target": [5]}
    (row, _) = csv.DictReader(
        io.StringIO(run("compare", file("t5_small"), file("t5_small"), *options, "--format", "csv").stdout)
    )
    assert row["input"] == "source=20 target=5"


def test_a_table_of_totals_of_several_inputs_is_a_baseline(tmp_path: Path) -> None:
    path = tmp_path / "totals.csv"
    options = ("--input", "source=20", "--input", "target=5")
    text = run("compare", file("t5_small"), file("t5_small"), *options, "--format", "csv").stdout
    path.write_text(text, encoding="utf-8")
    found = run("check", file("t5_small"), "--baseline", str(path)).stdout
    assert "2 rows, all as it is counted now" in " ".join(found.split())


def test_show_tells_of_a_step() -> None:
    out = run("show", file("t5_small"), "--step", "--set", "past=127", columns=200).stdout
    assert "42,401,792  multiply-accumulate pairs of one step" in out
    assert "MACs besides that a step over `target` does not repeat" in out
    assert "786,432  elements that the next step reads, and 3,145,728 that are computed once" in out


def test_solve_for_a_cache(tmp_path: Path) -> None:
    """By hand: 2 * 6 * 512 elements of a position in T5's decoder, and as many of each of the source's 512 once."""
    options = ("--for", "past", "--max", "state_bytes=24MiB", "--dtype", "bf16", "--set", "length=1")
    positions = 24 * 2**20 // 2 // (2 * 6 * 512) - 512
    assert f"the largest past is {positions - 1}" in run("solve", file("t5_small"), *options).stdout
