"""Other tools, run on a torch model; and what those printed that are not run here."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from archcalc.results.reconciliation import Figure
from archcalc.torch_bridge.counters.counters import count_flops
from archcalc.torch_bridge.counters.threads import one_thread

Make = Callable[[str], Any]  # a model on a device; each tool gets one of its own, for some leave things in it
Sizes = Sequence[int]  # of an input: channels first


def _flop_counter(make: Make, sizes: Sizes) -> int:
    """On the meta device: fused attention on the CPU is not in its registry."""
    return count_flops(make("meta"), [_zeros(sizes, "meta")])[1]


def _fvcore(make: Make, sizes: Sizes) -> int:
    from fvcore.nn.flop_count import FlopCountAnalysis

    analysis = FlopCountAnalysis(make("cpu"), (_zeros(sizes),))
    return int(analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total())


def _ptflops(backend: str) -> Callable[[Make, Sizes], int]:
    def count(make: Make, sizes: Sizes) -> int:
        from ptflops import get_model_complexity_info

        macs: Any = get_model_complexity_info(
            make("cpu"), tuple(sizes), as_strings=False, print_per_layer_stat=False, backend=backend
        )[0]
        return int(macs)  # None where the model could not be run, which ptflops has printed

    return count


def _thop(make: Make, sizes: Sizes) -> int:
    from thop.profile import profile

    return int(profile(make("meta"), (_zeros(sizes, "meta"),), verbose=False)[0])


def _torchinfo(make: Make, sizes: Sizes) -> int:
    from torchinfo import summary

    found = summary(make("meta"), input_data=_zeros(sizes, "meta"), verbose=0, device="meta")
    return int(found.total_mult_adds)


def _calflops(place: int) -> Callable[[Make, Sizes], int]:
    def count(make: Make, sizes: Sizes) -> int:
        from calflops import calculate_flops

        found: Any = calculate_flops(
            model=_with_parameter(make("cpu")),
            input_shape=(1, *sizes),
            output_as_string=False,
            print_results=False,
            print_detailed=False,
        )
        return int(found[place])

    return count


def _with_parameter(model: Any) -> Any:
    """A model that has one: calflops asks the first where the model is, and fails where there is none."""
    from torch import nn, zeros

    class Alone(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.unused = model, nn.Parameter(zeros(1))

        def forward(self, x: Any) -> Any:
            return self.model(x)

    return model if next(model.parameters(), None) is not None else Alone()


def _torchprofile(make: Make, sizes: Sizes) -> int:
    from torchprofile import profile_macs

    macs: Any = profile_macs(make("cpu"), _zeros(sizes))
    return int(macs)


def _torchlens(make: Make, sizes: Sizes) -> int:
    import torchlens
    from torchlens.backends.torch.wrappers import unwrap_torch

    try:
        return int(torchlens.trace(make("cpu"), _zeros(sizes)).total_flops_forward)
    finally:
        unwrap_torch()  # else torch's functions stay wrapped, and ptflops fails in the same process


def _torchscan(total: str) -> Callable[[Make, Sizes], int]:
    def count(make: Make, sizes: Sizes) -> int:
        import torchscan

        return int(torchscan.crawl_module(make("cpu"), tuple(sizes))["totals"][total]["known_value"])

    return count


def _onnx_tool(make: Make, sizes: Sizes) -> int:
    import onnx_tool
    import torch

    made: Any = make("cpu")
    inputs = (_zeros(sizes), *(made.given() if hasattr(made, "given") else ()))  # constants are folded when exported
    names = [f"input{number}" for number in range(len(inputs))]
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.onnx")
        torch.onnx.export(made, inputs, path, dynamo=False, input_names=names)
        model = onnx_tool.Model(path)
        values = {name: each.numpy() for name, each in zip(names, inputs, strict=True) if name in model.graph.input}
        model.graph.shape_infer(values or None)
        model.graph.profile()
        macs: Any = model.graph.macs[0]
        return int(macs)


class Peer(NamedTuple):
    """A tool that can be run."""

    distribution: str  # to install
    module: str  # to import
    measure: Callable[[Make, Sizes], int]


PEERS: dict[str, Peer] = {
    "torch_flop_counter": Peer("torch", "torch", _flop_counter),
    "fvcore": Peer("fvcore", "fvcore", _fvcore),
    "ptflops": Peer("ptflops", "ptflops", _ptflops("pytorch")),
    "ptflops_aten": Peer("ptflops", "ptflops", _ptflops("aten")),
    "thop": Peer("thop", "thop", _thop),
    "torchinfo": Peer("torchinfo", "torchinfo", _torchinfo),
    "torchprofile": Peer("torchprofile", "torchprofile", _torchprofile),
    "calflops_macs": Peer("calflops", "calflops", _calflops(1)),
    "calflops": Peer("calflops", "calflops", _calflops(0)),
    "ultralytics_thop": Peer("ultralytics-thop", "thop", _thop),
    "torchlens": Peer("torchlens", "torchlens", _torchlens),
    "torchscan": Peer("torchscan", "torchscan", _torchscan("module_flops")),
    "torchscan_macs": Peer("torchscan", "torchscan", _torchscan("macs")),
    "onnx_tool": Peer("onnx-tool", "onnx_tool", _onnx_tool),
}
# Other distributions, or versions, of what is installed under a module's name: they count otherwise.
OLDEST = {"ptflops": ((0, 7), "ptflops_0_6"), "ptflops_aten": ((0, 7), ""), "thop": ((0, 1), "thop_0_0")}


def is_installed(tool: str) -> bool:
    """Whether a tool can be run here."""
    return tool in PEERS and find_spec(PEERS[tool].module) is not None


def installed(tool: str) -> tuple[str, str]:
    """The convention of a tool as it is installed, and its version: ultralytics-thop goes by the module `thop` too."""
    peer = PEERS[tool]
    if tool == "ultralytics_thop":
        there, found = installed("thop")
        return there if there == tool else "", found
    try:
        found = version(peer.distribution)
    except PackageNotFoundError:
        found = ""
    if tool == "thop":
        with _quiet():
            own = str(getattr(import_module("thop"), "__version__", found))
        try:
            ultralytics = version("ultralytics-thop")
        except PackageNotFoundError:
            ultralytics = ""
        if ultralytics and own == ultralytics != found:
            return "ultralytics_thop", ultralytics
    found = found.partition("+")[0].replace("-", ".post")  # PEP 440: 1.0-1 is 1.0.post1
    numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdecimal())
    if tool in OLDEST and numbers and numbers < OLDEST[tool][0]:
        return OLDEST[tool][1], found
    return tool, found


def run(tool: str, make: Make, sizes: Sizes) -> Figure:
    """What a tool prints for a model, one example at a time; what it writes besides is dropped.

    Raises:
        NoFigureError: the tool is not installed, cannot be run here, or failed.
    """
    if tool not in PEERS:
        raise NoFigureError("not run here, and no figure recorded")
    peer = PEERS[tool]
    if not is_installed(tool):
        raise NoFigureError(f"not installed (pip install {peer.distribution}), and no figure recorded")
    with _quiet() as written, one_thread():
        try:
            number = peer.measure(make, sizes)
        except Exception as error:  # whatever a tool stumbles over is told as its own failure
            last = next((line for line in reversed(written.getvalue().splitlines()) if line.strip()), "")
            message = last or str(error).partition("\n")[0]
            raise NoFigureError(f"failed with {type(error).__name__}: {message}") from error
    return Figure(number, installed(tool)[1])


class NoFigureError(Exception):
    """A tool gives no figure for a model."""


@contextmanager
def _quiet() -> Iterator[StringIO]:
    written = StringIO()
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(written), redirect_stderr(written):
            warnings.simplefilter("ignore")
            yield written
    finally:
        logging.disable(before)


def _zeros(sizes: Sizes, device: str = "cpu") -> Any:
    import torch

    return torch.zeros((1, *sizes), device=device)
