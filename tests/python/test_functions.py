"""Each command has its function, which gives what the command writes; every example of the page runs."""

from __future__ import annotations

import doctest
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.cli.commands import COMMANDS
from tests.cli.running import NET, run, spec

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "archcalc" / "python" / "README.md"

TABLE = "model,params (M)\nlenet5,0.06\nresnet50,99.5\n"
SAME: list[tuple[str, Callable[[], Any], list[str]]] = [
    (
        "compare",
        lambda: archcalc.compare("lenet5", "alexnet", batch=2),
        ["compare", "lenet5", "alexnet", "--batch", "2"],
    ),
    ("find", lambda: archcalc.find(where="top1 > 85"), ["find", "--where", "top1 > 85"]),
    ("diff", lambda: archcalc.diff("lenet5", "lenet5@full"), ["diff", "lenet5", "lenet5@full"]),
    ("explain", lambda: archcalc.explain("lenet5", "C3"), ["explain", "lenet5", "C3"]),
    (
        "solve",
        lambda: archcalc.solve("resnet18", "resolution", {"macs": "2G"}),
        ["solve", "resnet18", "--for", "resolution", "--max", "macs=2G"],
    ),
    ("scale", lambda: archcalc.scale("resnet18", {"macs": "8G"}), ["scale", "resnet18", "--max", "macs=8G"]),
    ("formula", lambda: archcalc.formula("alexnet", ["batch"]), ["formula", "alexnet", "--free", "batch"]),
    (
        "roofline",
        lambda: archcalc.roofline("resnet18", "h100-sxm", dtype="bf16"),
        ["roofline", "resnet18", "--device", "h100-sxm", "--dtype", "bf16"],
    ),
    (
        "estimate",
        lambda: archcalc.estimate("resnet18", "gtx-1080", "cudnn-5.1", batch=16),
        ["estimate", "resnet18", "--device", "gtx-1080", "--stack", "cudnn-5.1", "--batch", "16"],
    ),
    ("sources", archcalc.sources, ["sources"]),
    ("devices", archcalc.devices, ["devices"]),
    ("conventions", archcalc.conventions, ["conventions"]),
    ("operators", archcalc.operators, ["ops"]),
    ("check", lambda: archcalc.check("vgg16", max={"macs": "1G"}), ["check", "vgg16", "--max", "macs=1G"]),
]
FUNCTIONS = {
    "list": "names",
    "show": "analyze",
    "ops": "operators",
    "weights": "inventory",
    "import": "import_model",
    "report": "reports",
}


def test_every_example_of_the_page_runs() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8", optionflags=doctest.ELLIPSIS)
    assert found.attempted > 20
    assert not found.failed


def test_every_command_has_its_function() -> None:
    for name in COMMANDS:
        function = FUNCTIONS.get(name, name)
        assert callable(getattr(archcalc, function)), name
        assert f"`{function}(" in PAGE.read_text(encoding="utf-8"), name


@pytest.mark.usefixtures("shared_library")
@pytest.mark.parametrize(("name", "answer", "command"), SAME, ids=[name for name, *_ in SAME])
def test_a_function_gives_what_its_command_writes(name: str, answer: Callable[[], Any], command: list[str]) -> None:
    found = answer()
    assert isinstance(found, archcalc.Answer)
    written = json.loads(run(*command, "--format", "json", code=None).stdout)
    as_dict = json.loads(json.dumps(found.to_dict()))
    if name == "formula":  # the functions of its JSON are compared as a whole
        assert as_dict["networks"][0]["name"] == written["networks"][0]["name"]
    assert as_dict == written
    assert json.loads(found.to_json()) == written
    frame = found.to_frame()
    if name not in ("formula",):
        lines = run(*command, "--format", "csv", code=None).stdout.splitlines()
        assert list(frame.columns) == lines[0].split(",")
    assert len(frame)
    assert repr(found) == run(*command, columns=100, code=None).stdout.rstrip("\n")
    assert found._repr_markdown_()


def test_an_audit_of_a_text_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(TABLE, encoding="utf-8")
    text, file = archcalc.audit(TABLE), archcalc.audit(path)
    judged = ["right", "wrong"]
    assert [figure.judgement for figure in text.figures] == [figure.judgement for figure in file.figures] == judged
    assert file.to_frame()["judgement"].tolist() == judged


def test_validation_is_an_answer(tmp_path: Path) -> None:
    found = archcalc.validate(spec(tmp_path, NET.replace("maxpool", "macspool")))
    assert [each["code"] for each in found.to_dict()["findings"]] == ["unknown-operator"]
    assert "macspool" in repr(found)
    assert not archcalc.validate(spec(tmp_path)).findings


def test_a_network_is_a_name_a_path_a_text_or_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = spec(tmp_path)
    expected = archcalc.analyze(file).totals.params
    for given in (Path(file), NET, archcalc.load(file), archcalc.load(NET), f"{file}:tiny", Path(f"{file}:tiny")):
        assert archcalc.analyze(given).totals.params == expected
        assert archcalc.closed_form(given, ["size"], "params", set={"width": 4}) is not None
        assert archcalc.compare(given, "lenet5").networks[0].totals.params == expected
    (tmp_path / "bare").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert archcalc.analyze(Path("bare")).totals.params == expected
    assert len(archcalc.sweep(NET, {"width": [1, 2]})) == 2
    assert len(archcalc.sweep([Path(file), "lenet5"], {"batch": [1, 2]})) == 4


def test_a_text_that_is_wrong_is_a_located_error() -> None:
    with pytest.raises(archcalc.SpecError) as error:
        archcalc.load(NET.replace("maxpool", "macspool"))
    assert (error.value.diagnostics[0].code, error.value.diagnostics[0].line) == ("unknown-operator", 9)


def test_parts_of_a_cost_by_path() -> None:
    cost = archcalc.analyze("googlenet")
    layer = cost["conv2"]
    assert (layer.params, layer.macs) == (192 * (64 * 9 + 1), 192 * 64 * 9 * 56 * 56)
    block = cost["inception_3a"]
    assert isinstance(block, archcalc.analyze("lenet5").__class__)
    assert block.totals.weights == 163_328  # by hand
    assert block["inception_3a.1x1"].params == cost["inception_3a.1x1"].params
    assert "inception_3a" in cost
    assert "inception_9z" not in cost
    with pytest.raises(KeyError, match="did you mean `inception_3a`"):
        cost["inception_3aa"]
    assert json.loads(cost.to_json()) == json.loads(json.dumps(cost.to_dict()))
    (written,) = json.loads(run("show", "googlenet", "--format", "json").stdout)["networks"]
    assert json.loads(cost.to_json()) == written


def test_an_answer_is_its_result() -> None:
    found = archcalc.find(where="params < 70K")
    assert found.names == ["lenet5", "lenet5@full"]
    assert found["lenet5"].totals.params == 60_000
    assert len(found) == 2
    assert "names" in dir(found)
    with pytest.raises(AttributeError):
        assert found.nothing
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        pickle.dumps(found)  # what renders it is made anew; the result itself is `found.value`


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: archcalc.compare("lenet5"), "two networks or more"),
        (lambda: archcalc.diff("lenet5"), "two networks, or a file and a revision"),
        (lambda: archcalc.solve("lenet5", "x"), "no limit"),
        (lambda: archcalc.check(max={"macs": "1G"}), "none is given"),
        (lambda: archcalc.check("lenet5"), "no max is given"),
        (archcalc.validate, "needs a file"),
        (lambda: archcalc.find(dtype="fp33"), "no dtype is called fp33"),
        (lambda: archcalc.find(top=0), "at least 1"),
    ],
)
def test_what_is_missing_is_said(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_public_names_are_imported_when_they_are_asked_for() -> None:
    import subprocess
    import sys

    heavy = ("numpy", "pandas", "sympy", "torch")
    code = f"import archcalc, sys; archcalc.compare; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert set(archcalc.__all__) <= {*dir(archcalc)}
    for name in archcalc.__all__:
        if name != "to_torch":  # needs torch
            assert getattr(archcalc, name) is not None


def test_what_a_file_of_weights_holds_is_told(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the torch extra")
    safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
    file = tmp_path / "model.safetensors"
    safetensors.save_file({"fc.weight": torch.zeros(3, 4), "fc.bias": torch.zeros(3)}, file)
    found = archcalc.inventory(file)
    assert json.loads(found.to_json()) == json.loads(run("weights", str(file), "--format", "json").stdout)
    with pytest.raises(ValueError, match="none is told"):
        archcalc.inventory(file, set={"width": 2})


def test_a_folder_of_somebody_else_is_no_site(tmp_path: Path) -> None:
    pytest.importorskip("jinja2", reason="Jinja2 is not installed")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="something else"):
        archcalc.site(tmp_path)
    with pytest.raises(ValueError, match="0 workers"):
        archcalc.site(tmp_path / "new", workers=0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
