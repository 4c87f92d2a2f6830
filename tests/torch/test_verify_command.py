"""The command verify: tables, files, mistakes."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from archcalc.engine.network import load
from archcalc.source.extra import MissingExtraError
from tests.cli.running import run, spec

torch = pytest.importorskip("torch")
pytest.importorskip("fvcore")
pytest.importorskip("torchvision")
pytestmark = pytest.mark.torch

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from archcalc.torch_bridge.model.definitions import torchvision_model  # noqa: E402
from archcalc.torch_bridge.verify import against_torch  # noqa: E402
from archcalc.torch_bridge.verify.verify import verify  # noqa: E402
from tests.torch.verifying import SMALL, changed, freeze  # noqa: E402

# The command.


def test_a_network_of_which_nothing_is_known_elsewhere_is_not_verified() -> None:
    pytest.importorskip("torchvision")
    found = run("verify", "plain18", "--against", "torchvision", code=1).stdout
    assert "1 network, nothing checked: there is nothing of torchvision to hold it against" in found
    both = run("verify", "plain18", "resnet18@torchvision", "--against", "torchvision").stdout
    assert "2 networks, 5 checks, no differences" in both


def test_the_table_has_a_line_for_each_network(tmp_path: Path) -> None:
    lines = run("verify", "resnet18@torchvision", spec(tmp_path, SMALL)).stdout.splitlines()
    table = [line.split() for line in lines[4:6]]
    assert table[0] == ["resnet18@torchvision", "39", "11.69", "M", "1.814", "G", *["equal"] * 4, table[0][-1]]
    assert table[1][:2] == ["small", "4"]
    assert table[1].count("equal") == 3  # torchvision does not define it
    first, second = (int(row[-1].replace(",", "")) for row in table)
    assert lines[-1] == f"2 networks, {first + second:,} checks, no differences"


def test_totals_that_hold_an_unknown_operation_are_lower_bounds(tmp_path: Path) -> None:
    path = spec(tmp_path, "network: mystery\ninput: image(3, 8, 8)\nlayers:\n  a: conv(4, 3)\n  b: opaque(4)\n")
    (row,) = (line for line in run("verify", path).stdout.splitlines() if line.startswith("mystery"))
    assert row.split()[2:5] == ["112", "≥", "3,888"]  # by hand: 3*9*4 weights and 4 biases, at 6*6 positions
    (network,) = json.loads(run("verify", path, "--format", "json").stdout)["verification"]["networks"]
    assert (network["params"], network["macs"], network["at_least"]) == (112, 3888, True)


def test_exports_have_a_column(tmp_path: Path) -> None:
    lines = run("verify", spec(tmp_path, SMALL), "--against", "torch", "--export").stdout.splitlines()
    assert lines[2].split()[-2:] == ["export", "checks"]
    assert lines[4].split().count("equal") == 3


def test_layers_show_every_figure(tmp_path: Path) -> None:
    lines = run("verify", "lenet5", "--layers").stdout.splitlines()
    (row,) = (line for line in lines if line.startswith("C3 "))
    assert row.split() == ["C3", "2x16x10x10", "1,516", "0", "1,516", "150,000", "150,000", "150,000"]


def test_differences_are_told_and_exit_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed(monkeypatch, against_torch, freeze)
    out = run("verify", spec(tmp_path, SMALL), "--against", "torch", code=1).stdout
    assert "1 differ" in out.splitlines()[4]
    assert ["small", "fc", "gradients", "torch", "90", "10"] in [line.split() for line in out.splitlines()]
    assert out.splitlines()[-1].endswith(" checks, 1 difference")


def test_json_holds_the_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed(monkeypatch, against_torch, freeze)
    path = spec(tmp_path, SMALL)
    found = json.loads(run("verify", path, "--against", "torch,fvcore", "--format", "json", code=1).stdout)
    result = found["verification"]
    assert result["against"] == ["torch", "fvcore"]
    assert set(result["versions"]) == {"torch", "fvcore"}
    alone = json.loads(run("verify", path, "--against", "fvcore", "--format", "json").stdout)["verification"]
    assert set(alone["versions"]) == {"torch", "fvcore"}  # the models are torch's
    (network,) = result["networks"]
    assert (network["network"], network["params"], network["torch_differs"]) == ("small", 922, 1)
    assert network["torch_equal"] + network["fvcore_equal"] == result["equal"]
    assert [check["quantity"] for check in network["checks"]] == ["gradients", "num_batches_tracked"]
    assert network["checks"][0] == {
        "network": "small",
        "against": "torch",
        "operation": "fc",
        "quantity": "gradients",
        "ours": 90,
        "theirs": 10,
        "state": "differs",
        "reason": "",
    }


def test_csv_has_a_row_for_each_network_or_check(tmp_path: Path) -> None:
    path = spec(tmp_path, SMALL)
    header, row = run("verify", path, "--against", "torch", "--format", "csv").stdout.splitlines()
    assert header.startswith("network,layers,operations,params,macs,at_least,torch_equal")
    target = tmp_path / "checks.csv"
    assert run("verify", path, "--against", "torch", "--layers", "-o", str(target)).stdout == ""
    rows = target.read_text(encoding="utf-8").splitlines()
    assert "small,torch,conv1,macs,69120,69120,equal," in rows  # by hand: 3*9*8 weights at 20*16 positions
    equal, differs, not_counted = map(int, row.split(",")[-3:])
    assert (len(rows) - 1, differs) == (equal + not_counted, 0)


def test_a_file_means_all_its_networks(tmp_path: Path) -> None:
    text = "network: one\ninput: image(1, size, size)\nvariables: {size: 8}\nvariants:\n  two: {size: 9}\n"
    path = spec(tmp_path, f"{text}layers:\n  conv1: conv(4, 3)\n", "both.yaml")
    lines = run("verify", path, "--against", "torch").stdout.splitlines()
    assert [line.split()[0] for line in lines[4:6]] == ["one", "two"]
    assert lines[-1].startswith("2 networks")
    assert run("verify", f"{path}:two", "--against", "torch").stdout.splitlines()[-1].startswith("1 network,")


def test_all_means_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.spec.library.all_names", lambda: ["lenet5", "lenet@caffe"])
    lines = run("verify", "--all", "--against", "torch").stdout.splitlines()
    assert [line.split()[0] for line in lines[4:6]] == ["lenet5", "lenet@caffe"]


def test_networks_at_once_give_the_same_bytes(tmp_path: Path) -> None:
    names = [spec(tmp_path, SMALL), "lenet5", "squeezenet1_1", "resnet20"]
    alone, together = (run("verify", *names, "--format", "json", "--jobs", jobs) for jobs in ("1", "2"))
    assert (together.stdout, together.stderr) == (alone.stdout, alone.stderr)
    assert [found["network"] for found in json.loads(alone.stdout)["verification"]["networks"]][1:] == names[1:]


def test_other_sizes_and_settings() -> None:
    """torchvision's model takes any input; other widths are other networks."""
    result = json.loads(run("verify", "resnet18@torchvision", "--input", "3x97x65", "--format", "json").stdout)
    (network,) = result["verification"]["networks"]
    assert network["torchvision_equal"] > 3
    with FlopCounterMode(display=False) as counter:
        torchvision_model("resnet18@torchvision")(torch.empty(1, 3, 97, 65, device="meta"))
    assert 2 * network["macs"] == counter.get_total_flops()
    lines = run("verify", "resnet18@torchvision", "--set", "resolution=65").stdout.splitlines()
    assert [line.split()[-5:-1] for line in lines if line.startswith("resnet18")] == [["equal"] * 4]
    assert any(line.endswith("| resolution=65") for line in lines)
    wide = verify("resnet18@torchvision", set={"width": 2})
    assert not wide.differences
    assert not wide.of("torchvision")
    assert "did you mean `resolution`?" in run("verify", "lenet5", "--set", "resoluton=32", code=2).stderr


def test_what_is_wrong_with_one_of_several_is_said(tmp_path: Path) -> None:
    wrong = spec(tmp_path, SMALL.replace("stride=2", "groups=3"))
    alone, together = (run("verify", "lenet5", wrong, "--jobs", jobs, code=2) for jobs in ("1", "2"))
    assert "error[indivisible-groups]" in together.stderr
    assert (together.stdout, together.stderr) == ("", alone.stderr)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_told_on_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from archcalc.cli.progress import progress
    from archcalc.torch_bridge.verify.verify import verify_all

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    network = load(spec(tmp_path, SMALL))
    with progress(2) as tell:
        verify_all([network, network], ["torch"], tell=tell)
    assert "small" in terminal.getvalue()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "error[bad-option]: verify takes names of networks, or --all"),
        (["--all", "lenet5"], "error[bad-option]: verify takes names of networks, or --all"),
        (["lenet5", "--against", "tensorflow"], "error[unknown-tool]: no tool is called `tensorflow`"),
        (["lenet6", "--against", "torch"], "error[unknown-network]: no network is called `lenet6`"),
        (["./nothing.yaml"], "error[no-such-file]"),
    ],
)
@pytest.mark.parametrize("missing", [[], ["torch", "fvcore", "torchvision"]])
def test_mistakes_are_told(
    arguments: list[str], message: str, missing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anybody installs torch for a name with a slip in it."""
    without(missing, monkeypatch)
    out = run("verify", *arguments, code=2)
    assert (out.stdout, out.stderr.startswith(message)) == ("", True), out.stderr


def without(missing: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As if these were not installed."""
    from importlib.util import find_spec

    monkeypatch.setattr("archcalc.source.extra.find_spec", lambda name: None if name in missing else find_spec(name))


@pytest.mark.parametrize("missing", ["torch", "fvcore", "torchvision"])
def test_a_missing_extra_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without([missing], monkeypatch)
    out = run("verify", "lenet5", "--against", "torch,fvcore,torchvision", code=3)
    assert out.stderr.startswith(f"error[missing-extra]: this needs {missing}, which is not installed")
    assert re.search(r"pip install .*\[torch\]'", out.stderr)
    with pytest.raises(MissingExtraError, match=f"this needs {missing}, "):
        verify("lenet5", [missing])
    unasked = run("verify", "lenet5", code=0 if missing == "torchvision" else 3)
    assert missing in unasked.stderr
    assert ("no differences" in unasked.stdout) == (missing == "torchvision")
