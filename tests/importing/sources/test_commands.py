"""Models of other frameworks wherever a network is named: on the command line and in Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import archcalc
from archcalc.importing import decompile, sources
from archcalc.importing.calls import Call, Calls
from archcalc.importing.imported import Imported
from archcalc.importing.prototxt import read_prototxt
from archcalc.importing.prove import Renamed
from archcalc.ops import OPERATORS, Shape
from archcalc.source import SpecError, extra
from tests.cli.running import run
from tests.importing.prototxt.reading import totals

LENET = """
name: "LeNet"
layer { name: "data" type: "Input" top: "data" input_param { shape: { dim: 64 dim: 1 dim: 28 dim: 28 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 20 kernel_size: 5 } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param { num_output: 50 kernel_size: 5 } }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1" inner_product_param { num_output: 500 } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" inner_product_param { num_output: 10 } }
layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }
"""
PARAMS, MACS = 431_080, 2_293_000  # by hand, see tests/importing/prototxt/test_published.py


@pytest.fixture
def lenet(tmp_path: Path) -> str:
    path = tmp_path / "lenet.prototxt"
    path.write_text(LENET)
    return str(path)


def test_import_writes_the_spec_and_tells_what_it_is(lenet: str) -> None:
    done = run("import", lenet)
    assert done.stdout.startswith("network: lenet\n")
    cost = archcalc.analyze(done.stdout)
    assert (cost.totals.params, cost.totals.macs) == (PARAMS, MACS)
    for said in ("1x28x28", f"{PARAMS:,}", f"{MACS:,}", "Proven to be the source", "a batch of 64"):
        assert said in done.stderr


def test_import_into_a_file_under_another_name(lenet: str, tmp_path: Path) -> None:
    target = tmp_path / "mine.yaml"
    done = run("import", lenet, "-o", str(target), "--name", "mine")
    assert not done.stdout
    assert "written" in done.stderr
    assert target.read_text().startswith("network: mine\n")
    assert f"{PARAMS / 1000:,.1f} K" in run("show", str(target)).stdout


def test_import_at_another_input_and_held_at_a_second(lenet: str) -> None:
    done = run("import", lenet, "--input", "1x32x32", "--check-input", "1x64x64")
    assert archcalc.analyze(done.stdout).totals.params == 520 + 25_050 + 500 * 1250 + 500 + 5_010  # maps of 5x5
    assert "the same at resolution=64" in done.stderr


def test_every_command_that_takes_a_network_takes_a_prototxt(lenet: str) -> None:
    (shown,) = json.loads(run("show", lenet, "--format", "json").stdout)["networks"]
    assert (shown["totals"]["params"], shown["totals"]["macs"]) == (PARAMS, MACS)
    assert "fewer" in run("compare", lenet, "resnet20").stdout
    assert "431,080" in run("check", lenet, "--max", "params=1M").stdout
    assert "over" in run("check", lenet, "--max", "params=400K", code=1).stdout
    assert "conv2" in run("diff", lenet, "lenet5").stdout
    assert "channels*in_channels" in run("explain", lenet, "conv2").stdout
    assert "resolution" in run("formula", lenet).stdout
    assert len(run("sweep", lenet, "--over", "resolution=28,32", "--format", "csv").stdout.splitlines()) == 3
    assert run("validate", lenet).stdout == "1 file, 1 network: no findings\n"
    assert "resolution" in run("solve", lenet, "--for", "resolution", "--max", "macs=10M").stdout


def test_show_takes_the_input_of_a_net_that_does_not_say_one(tmp_path: Path) -> None:
    head = 'layer { name: "data" type: "Data" top: "data" top: "label" }'
    path = tmp_path / "train_val.prototxt"
    path.write_text(head + LENET.partition("\n")[2].partition("\n")[2].partition("\n")[2])
    assert "--input" in run("show", str(path), code=2).stderr
    assert f"{PARAMS:,}" in run("show", str(path), "--input", "1x28x28").stdout


def test_python_takes_the_same(lenet: str) -> None:
    assert archcalc.analyze(lenet).totals.params == PARAMS
    assert archcalc.analyze(Path(lenet), input=(1, 32, 32)).totals.macs > MACS
    assert archcalc.load(lenet).name == "lenet"
    assert archcalc.compare(lenet, "lenet5").networks[0].totals.macs == MACS
    found = archcalc.import_model(lenet)
    assert (found.params, found.macs, found.is_proven) == (PARAMS, MACS, True)
    assert archcalc.analyze(found.text).totals.params == PARAMS
    assert json.loads(found.to_json())["imported"][0]["params"] == PARAMS
    assert found.to_frame()["macs"].tolist() == [MACS]
    assert "Proven" in repr(found)


def test_a_file_that_was_written_again_is_read_again(lenet: str) -> None:
    assert archcalc.analyze(lenet).totals.params == PARAMS
    Path(lenet).write_text(LENET.replace("num_output: 10 ", "num_output: 100"))
    assert archcalc.analyze(lenet).totals.params == PARAMS + 90 * 501


def test_what_is_unknown_is_told_and_strict_refuses_it(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(LENET.replace('type: "ReLU"', 'type: "AbsVal"'))
    done = run("import", str(path))
    assert "Unknown, and counted as opaque: 1 of 8" in done.stderr
    assert "the absolute value has no operator" in done.stderr
    assert not run("import", str(path), "--strict", code=1).stdout
    assert "≥" in run("show", str(path)).stdout


def test_costs_are_told_where_the_proof_fails_and_no_spec_is(
    lenet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(calls: Calls, second: Calls | None = None) -> Imported:
        text = decompile.decompile(calls).text.replace("conv(50, 5)", "conv(51, 5)")
        return decompile.checked(calls, text, "lenet", Renamed({"data": "input"}), None, {})

    monkeypatch.setattr(sources, "written", damaged)
    target = tmp_path / "out.yaml"
    done = run("import", lenet, "-o", str(target), code=1)
    assert not target.exists()
    assert f"{PARAMS:,}" in done.stderr
    assert "channels is 51 and not 50" in done.stderr
    assert "not-proven" in run("show", lenet, code=2).stderr


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("net.prototxt", "prototxt"),
        ("./a/DEPLOY.PROTOTXT", "prototxt"),
        ("model.onnx", "onnx"),
        ("torchvision:resnet50", "torch"),
        ("timm:convnext_tiny", "torch"),
        ("transformers:./config.json", "torch"),
        ("my_file.py:Net(num_classes=10)", "torch"),
        ("../nets/my.py:make()", "torch"),
        ("package.module:factory()", "torch"),
        ("C:\\nets\\my.py:Net()", "torch"),
        ("resnet50", None),
        ("resnet50:wide", None),
        ("alexnet@torchvision", None),
        ("./my.yaml:variant", None),
        ("my.yaml:variant", None),
        ("my.yml:a@b", None),
        ("config.json", None),
        ("./folder", None),
    ],
)
def test_which_names_are_sources(name: str, kind: str | None) -> None:
    assert sources.kind_of(name) == kind


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("net.caffemodel", "the prototxt beside it"),
        ("model.pt", "my_file.py:Net()"),
        ("model.safetensors", "archcalc weights"),
        ("my_file.py", "say what in it makes the model"),
    ],
)
def test_a_file_that_is_no_network_is_told_what_to_give(name: str, words: str) -> None:
    for command in ("show", "import"):
        said = run(command, name, code=2).stderr
        assert "not-a-source" in said
        assert words in said


def test_what_runs_code_is_not_run_for_a_name_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text("open('ran', 'w').close()\n")
    columns = run("show", "lenet5", "--format", "csv").stdout.splitlines()[0]
    totals_table = run("compare", "lenet5", "alexnet", "--format", "csv").stdout
    (tmp_path / "table.csv").write_text(totals_table.replace("lenet5", "bad.py:Net()"))
    assert "runs code" in run("check", "--baseline", "table.csv", code=2).stderr
    assert columns
    assert not (tmp_path / "ran").exists()


def test_a_module_is_read_by_the_reader_of_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    class Module:
        def named_parameters(self) -> Iterator[tuple[str, object]]:
            return iter(())

    shape = Shape(3, (8, 8))
    calls = Calls(
        "net",
        {"x": shape},
        [
            Call(
                OPERATORS["conv"].of({"channels": 4, "kernel": 3}),
                (-1,),
                Shape(4, (6, 6)),
                name="conv",
                weights=("w", "b"),
            )
        ],
        {"output": 0},
        {"w": (4, 3, 3, 3), "b": (4,)},
    )
    import_module("archcalc.python.models")  # registers the reader that stands aside here
    monkeypatch.setitem(sources._readers, "module", lambda module, input: calls)
    assert archcalc.analyze(Module(), input=(3, 8, 8)).totals.params == 112
    found = archcalc.from_torch(Module(), (3, 8, 8))
    assert (found.params, found.macs) == (112, 108 * 36)
    with pytest.raises(TypeError, match="reads a torch module"):
        archcalc.from_torch("net.onnx")  # type: ignore[arg-type]  # that is the mistake


def test_costs_of_calls_are_those_of_the_network(lenet: str) -> None:
    calls = read_prototxt(lenet)
    assert totals(calls)[:2] == (PARAMS, MACS)
    cost = archcalc.analyze(lenet)
    assert (cost.totals.params, cost.totals.macs) == (PARAMS, MACS)


def test_errors_of_a_source_are_located(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(LENET.replace("Convolution", "Convolve", 1))
    said = run("show", str(path), code=2).stderr
    assert "unknown-layer-type" in said
    assert ":4:" in said
    with pytest.raises(SpecError):
        archcalc.analyze(path)
    assert "no-such-file" in run("show", "nowhere.prototxt", code=2).stderr


def test_a_model_that_cannot_be_written_has_its_costs(lenet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(calls: Calls, second: Calls | None = None) -> Imported:
        raise IndexError("tuple index out of range")

    monkeypatch.setattr(decompile, "decompile", fails)
    Path(lenet).write_text(LENET + "# another file\n")
    done = run("import", lenet, code=1)
    assert not done.stdout
    assert f"{MACS:,}" in done.stderr
    assert "IndexError: tuple index out of range" in done.stderr


def test_shapes_are_written_as_in_a_spec_too(lenet: str) -> None:
    plain = run("import", lenet, "--input", "1x32x32").stdout
    assert run("import", lenet, "--input", "image(1, 32, 32)").stdout == plain
    assert run("show", lenet, "--input", "image(1, 32, 32)").stdout == run("show", lenet, "--input", "1x32x32").stdout


def test_a_network_of_ours_needs_no_import(tmp_path: Path) -> None:
    assert "archcalc show lenet5" in run("import", "lenet5", code=2).stderr
    assert "a spec stays as it is" in run("import", str(tmp_path / "my.yaml"), code=2).stderr
    assert "torchvision:resnet50" in run("import", "nothing", code=2).stderr


def test_a_network_of_the_library_with_the_same_costs_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lenet5.prototxt"
    path.write_text(LENET)
    assert "archcalc diff" not in run("import", str(path)).stderr  # another input: nothing to compare
    path.write_text(LENET.replace("dim: 28 dim: 28", "dim: 32 dim: 32"))
    assert f"archcalc diff {path} lenet5" in " ".join(run("import", str(path)).stderr.split())


@pytest.mark.parametrize(
    ("source", "module", "line"),
    [
        ("model.onnx", "onnx", "[onnx]'"),
        ("torchvision:resnet50", "torch", "[torch]'"),
        ("my_net.py:Net()", "torch", "[torch]'"),
    ],
)
def test_without_a_library_the_line_to_type_is_told(
    source: str, module: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name == module else find_spec(name))
    for command in ("import", "show"):
        assert line in run(command, source, code=3).stderr
    with pytest.raises(extra.MissingExtraError, match="not installed"):
        archcalc.analyze(source)


def test_several_models_become_one_spec(lenet: str, tmp_path: Path) -> None:
    wide = tmp_path / "lenet_wide.prototxt"
    wide.write_text(LENET.replace("num_output: 20", "num_output: 40"))
    target = tmp_path / "family.yaml"
    done = run("import", lenet, str(wide), "-o", str(target))
    assert done.stderr.count("proven") == 2
    assert archcalc.analyze(f"{target}:lenet").totals.params == PARAMS
    assert archcalc.analyze(f"{target}:lenet_wide").totals.params == PARAMS + 520 + 20 * 25 * 50
    assert "same-name" in run("import", lenet, lenet, code=2).stderr
