"""Networks as files of other programs: `archcalc.export("resnet50", "onnx").save("resnet50.onnx")`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archcalc.engine.inputs import Given
from archcalc.engine.network import AnyNetwork
from archcalc.spec.limits import DEFAULT_LIMITS, Limits

ENDINGS = {".json": "model-explorer", ".csv": "scalesim", ".onnx": "onnx"}
FORMATS = tuple(ENDINGS.values())


@dataclass(frozen=True, slots=True)
class Export:
    """A network as a file of another program.

    `beside` are further files by what stands between the name and the ending (`macs`: FILE.macs.json), and `notes` say
    what the format does not hold, or holds under another name.
    """

    format: str
    content: bytes = field(repr=False)
    beside: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The content, where it is a text.

        Raises:
            UnicodeDecodeError: it is none: ONNX.
        """
        return self.content.decode("utf-8")

    def save(self, path: str | Path) -> list[Path]:
        """Write it and what stands beside it, each file whole or not at all; gives their paths.

        Raises:
            OSError: a file cannot be written.
        """
        from archcalc.source.writing import write_whole

        path = Path(path)
        files = {path: self.content}
        files |= {path.with_suffix(f".{name}{path.suffix}"): content for name, content in self.beside.items()}
        for file, content in files.items():
            write_whole(file, content)
        return list(files)


def export(
    network: AnyNetwork,
    format: str,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
    with_heads: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Export:
    """A network as a file of another program, of one example.

    Args:
        network: its name, a file, the text of a spec, or what `load` gave.
        format: `model-explorer`: a graph for that viewer, and node data beside it; `scalesim`: a topology of SCALE-Sim,
            with all MACs; `onnx`: a graph with shapes and without weights, which needs the extra `onnx`.
        set: values of variables of the spec.
        input: another input than the spec's.
        with_heads: heads for training too.
        limits: of the expansion.

    Raises:
        SpecError: an unknown name or variable, the place where the spec is wrong, or `not-expressible`: operations that
            the format has no words for.
        ValueError: an unknown format.
        MissingExtraError: onnx is not installed.
    """
    from archcalc.engine.network import analyze

    if format not in FORMATS:
        raise ValueError(f"a network is exported as {', '.join(FORMATS)}, not {format}")
    if format == "onnx":
        from archcalc.source.extra import require

        require("onnx", extra="onnx")
    cost = analyze(network, set=set, input=input, limits=limits, with_heads=with_heads)
    if format == "model-explorer":
        from archcalc.report.export.model_explorer import QUANTITIES, graph_json, node_data

        beside = {name: node_data(cost, name).encode() for name in QUANTITIES}
        return Export(format, graph_json(cost).encode(), beside)
    if format == "scalesim":
        from archcalc.report.export.scalesim import notes, topology

        found = topology(cost)
        return Export(format, found.text.encode(), notes=notes(found))
    from archcalc.report.export.onnx.model import onnx_of

    content, said = onnx_of(cost)
    return Export(format, content, notes=said)
