"""`archcalc.load`, `analyze` and `closed_form`, what they give and what they refuse."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.engine.cost.conventions import ARITHMETIC
from archcalc.ops import Shape
from archcalc.results.cost import LayerCost, layer_row, totals_row
from tests.engine.sample import sampled
from tests.engine.small import network

COLUMNS = [
    "name",
    "type",
    "notation",
    "stage",
    "in_shape",
    "out_shape",
    "params",
    "weights",
    "biases",
    "norm_params",
    "buffers",
    "trainable_params",
    "active_params",
    "macs",
    "macs_once",
    "masked",
    "flops_arithmetic",
    "connections",
    "neurons",
    "activations",
    "state",
    "state_once",
    "state_bytes",
    "stored_params",
    "size_bytes",
    "receptive_field",
    "jump",
    "first_centre",
    "local_receptive_field",
    "local_jump",
    "status",
    "head",
    "lower_bounds",
]


def codes(error: archcalc.SpecError) -> list[str]:
    return [diagnostic.code for diagnostic in error.diagnostics]


def test_a_name_a_network_and_a_file_are_the_same() -> None:
    network = archcalc.load("resnet50")
    assert network.name == "resnet50"
    file = Path(__file__).parents[2] / "specs" / "resnet.yaml"
    by_name = archcalc.analyze("resnet50").totals
    assert archcalc.analyze(network).totals == by_name
    assert archcalc.analyze(f"{file}:resnet50").totals == by_name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("ResNet50", "resnet50"),
        ("VGG16@BN", "vgg16@bn"),
        ("resnet34@option_a", "resnet34@option-a"),
        ("LeNet5@FULL", "lenet5@full"),
    ],
)
def test_case_and_dashes_do_not_matter(typed: str, name: str) -> None:
    assert archcalc.load(typed).name == name


def test_what_a_result_says_of_itself() -> None:
    cost = archcalc.analyze("resnet50", batch=4, set={"resolution": 256, "classes": 10}, dtype="fp16")
    assert (cost.name, cost.year, cost.batch, cost.dtype) == ("resnet50", 2015, 4, "fp16")
    assert cost.settings == {"resolution": "256", "classes": "10"}
    assert cost.input == Shape(3, (256, 256))
    assert cost.convention is ARITHMETIC
    assert cost.title
    assert cost.source == "he2015deep"
    assert cost.notes


def test_layers_say_what_they_read_and_give() -> None:
    cost = archcalc.analyze("vgg16")
    first = cost.layers[0]
    assert isinstance(first, LayerCost)
    assert (first.name, first.type, first.stage) == ("conv1.1", "conv", "conv1")
    assert (first.in_shape, first.out_shape) == (Shape(3, (224, 224)), Shape(64, (224, 224)))
    assert cost.layers is cost.layers  # made once
    assert cost.layers[-1].out_shape == Shape(1000)


def test_set() -> None:
    """He et al. 2015: MACs of all but the classifier grow with the square of the resolution."""
    at = {side: archcalc.analyze("resnet50", set={"resolution": side}).totals for side in (224, 448)}
    assert at[448].macs - 2_048_000 == 4 * (at[224].macs - 2_048_000)
    assert at[448].params == at[224].params
    assert archcalc.analyze("resnet50", set={"classes": 10}).totals.params == 25_557_032 - 990 * 2049


def test_set_takes_structure_too() -> None:
    thin = archcalc.analyze("resnet50", set={"depth": [3, 4, 23, 3]}).totals
    assert thin == archcalc.analyze("resnet101").totals
    assert archcalc.analyze("vgg16", set={"normalise": "batch_norm"}).totals == archcalc.analyze("vgg16@bn").totals
    swapped = archcalc.analyze("googlenet", set={"block": "naive"}).totals
    assert swapped == archcalc.analyze("googlenet@naive").totals
    assert archcalc.analyze("googlenet", set={"bias": False}).totals.biases == 1000


def test_input() -> None:
    """A square one sets `resolution`; another one stands as it is."""
    square = archcalc.analyze("resnet50", input=(3, 256, 256))
    assert square.totals == archcalc.analyze("resnet50", set={"resolution": 256}).totals
    wide = archcalc.analyze("resnet50", input=(3, 128, 512))
    assert wide.input == Shape(3, (128, 512))
    assert wide.totals.macs == square.totals.macs
    assert archcalc.analyze("resnet50", input=Shape(3, (128, 512))).totals == wide.totals
    grey = archcalc.analyze("resnet50", input=(1, 224, 224)).totals
    assert grey.params == 25_557_032 - 2 * 64 * 49


@pytest.mark.parametrize("shape", [(3, 224), (3, 224, 224, 224), (0, 224, 224), (3, -1, 224), ()])
def test_inputs_that_do_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(archcalc.SpecError) as caught:
        archcalc.analyze("resnet50", input=shape)
    assert codes(caught.value) == ["bad-input"]


def test_to_frame() -> None:
    cost = archcalc.analyze("googlenet", with_heads=True)
    frame = cost.to_frame()
    assert list(frame.columns) == COLUMNS
    assert len(frame) == len(cost.layers)
    for field in ("params", "weights", "biases", "buffers", "macs", "connections", "neurons", "activations"):
        assert int(frame[field].sum()) == getattr(cost.totals, field)
    assert int(frame["flops_arithmetic"].sum()) == cost.totals.flops
    assert set(frame["head"]) == {"", "aux1", "aux2"}
    row = frame.set_index("name").loc["inception_3a"]
    assert row["out_shape"] == [256, 28, 28]
    assert row["receptive_field"] == [59, 59]  # 27 after pool2, and 4 x 8 of the 5x5


def test_to_frame_under_the_convention_macs() -> None:
    frame = archcalc.analyze("lenet5", convention="macs").to_frame()
    assert list(frame.columns) == [column for column in COLUMNS if column != "flops_arithmetic"]


def test_frames_of_networks_without_axes() -> None:
    frame = archcalc.analyze(network("a: linear(3)", "features(2)")).to_frame()
    assert frame["receptive_field"].isna().all()
    assert list(frame["out_shape"]) == [[3]]


@pytest.mark.parametrize("name", sampled())
def test_rows_are_plain_values(name: str) -> None:
    def assert_plain(value: Any) -> None:
        assert value is None or type(value) in (str, int, float, bool, list)
        if isinstance(value, list):
            for item in value:
                assert_plain(item)

    cost = archcalc.analyze(name)
    for row in (*(layer_row(layer, cost.convention) for layer in cost.layers[:40]), totals_row(cost)):
        for value in row.values():
            assert_plain(value)


def test_html() -> None:
    html = archcalc.analyze("lenet5")._repr_html_()
    assert html.count("<tr>") == 1 + 7
    assert "60,000 params" in html
    assert "340" not in html  # connections are no column of it
    assert "at least" not in html


def test_html_names_the_network_and_its_family() -> None:
    html = archcalc.analyze("resnet50@torchvision")._repr_html_()
    assert "<caption>resnet50@torchvision (ResNet and the plain nets): 25,557,032 params, 4,089,184,256 MACs" in html


def test_results_are_shown_in_a_line() -> None:
    assert repr(archcalc.load("lenet5")) == "Network(lenet5 of specs/lenet.yaml)"
    assert repr(archcalc.analyze("lenet5")) == "NetworkCost(lenet5: 60,000 params, 325,680 MACs, 7 layers)"
    unknown = archcalc.analyze(network("a: opaque(4)"))
    assert repr(unknown).endswith(": at least 0 params, at least 0 MACs, 1 layers)")


def test_a_shell_completes_public_names() -> None:
    assert {"analyze", "load", "sweep", "to_torch", "__version__"} <= set(dir(archcalc))
    assert "TYPE_CHECKING" not in dir(archcalc)


def test_html_escapes_what_a_spec_says() -> None:
    evil = network("a: linear(2)", "features(3)", 'title: "<script>alert(1)</script> & co"')
    html = archcalc.analyze(evil)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in html


def test_html_says_at_least() -> None:
    html = archcalc.analyze(network("a: opaque(4)"))._repr_html_()
    assert "at least 0 params" in html


@pytest.mark.parametrize("batch", [0, -1])
def test_batches_below_one_are_refused(batch: int) -> None:
    with pytest.raises(ValueError, match=f"batch is {batch}"):
        archcalc.analyze("lenet5", batch=batch)


def test_batches_are_whole() -> None:
    """Counts are integers: half an example would make floats of them."""
    with pytest.raises(TypeError):
        archcalc.analyze("lenet5", batch=1.5)  # type: ignore[arg-type]


def test_unknown_dtype() -> None:
    with pytest.raises(ValueError, match=r"no dtype is called float32; there are fp64, fp32"):
        archcalc.analyze("lenet5", dtype="float32")


def test_unknown_convention() -> None:
    with pytest.raises(ValueError, match=r"no convention is called mine; there are arithmetic, macs"):
        archcalc.analyze("lenet5", convention="mine")


def test_unknown_variable_gets_a_suggestion() -> None:
    for refuse in (
        lambda: archcalc.analyze("resnet50", set={"resolutoin": 256}),
        lambda: archcalc.closed_form("resnet50", ["resolutoin"]),
    ):
        with pytest.raises(archcalc.SpecError) as caught:
            refuse()
        assert codes(caught.value) == ["unknown-variable"]
        assert caught.value.diagnostics[0].help == "did you mean `resolution`?"


def test_unknown_variable_without_anything_near() -> None:
    with pytest.raises(archcalc.SpecError) as caught:
        archcalc.analyze("vgg16", set={"zzz": 256})
    assert "resolution, classes" in (caught.value.diagnostics[0].help or "")


def test_unknown_network_gets_suggestions() -> None:
    with pytest.raises(archcalc.SpecError) as caught:
        archcalc.analyze("resnet51")
    assert codes(caught.value) == ["unknown-network"]
    assert "`resnet50`" in (caught.value.diagnostics[0].help or "")


def test_values_that_do_not_parse_are_shown_with_their_place() -> None:
    with pytest.raises(archcalc.SpecError) as caught:
        archcalc.analyze("resnet50", set={"resolution": "224 +"})
    shown = str(caught.value)
    assert "--set resolution:1:" in shown
    assert "224 +" in shown


@pytest.mark.parametrize("value", [0, -3, 2.5, "relu", [1, 2]])
def test_values_that_do_not_fit(value: object) -> None:
    with pytest.raises(archcalc.SpecError):
        archcalc.analyze("resnet50", set={"resolution": value})


def test_limits() -> None:
    limits = archcalc.Limits(layers=10)
    with pytest.raises(archcalc.SpecError) as caught:
        archcalc.analyze("resnet50", limits=limits)
    assert "limit" in (caught.value.diagnostics[0].help or "")


def test_nothing_heavy_is_imported_to_analyze() -> None:
    """NumPy, SymPy, pandas and torch are for sweeps, formulas, frames and comparisons."""
    heavy = "{'numpy', 'sympy', 'pandas', 'torch'}"
    program = (
        "import sys, archcalc\n"
        "cost = archcalc.analyze('googlenet'); cost.layers; cost.receptive_field; cost._repr_html_()\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "[]"


def test_the_public_names() -> None:
    for name in archcalc.__all__:
        assert getattr(archcalc, name)
    with pytest.raises(AttributeError, match="nothing"):
        _ = archcalc.nothing


def test_a_file_that_was_written_again_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    for channels in (4, 10, 6):
        path.write_text(f"network: mine\ninput: features(3)\nlayers: linear({channels}, bias=false)\n", "utf-8")
        assert archcalc.analyze(str(path)).totals.params == 3 * channels
