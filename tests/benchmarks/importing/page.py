"""reports/importing.md of the rows that were measured."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from tests.benchmarks.importing.models import Row
from tests.benchmarks.importing.speed import section

TITLES = {
    "torchvision": "torchvision, classifiers",
    "segmentation": "torchvision, segmentation",
    "detection": "torchvision, detection",
    "video": "torchvision, video",
    "timm": "timm, a fixed list",
    "transformers": "transformers, families",
    "keras": "keras.applications on torch",
    "onnx": "ONNX, both exporters of torch",
    "library": "the library, by torch and back",
    "files": "files: Caffe and ONNX",
}


LONGEST = 150  # characters of a reason

ABOUT = (
    "Written by `python -m tests.benchmarks.importing`; the rows are in importing.csv. *Exact*: parameters are those "
    "of torch's distinct tensors and MACs FlopCounterMode / 2 on meta, where torch counts the model. *Proven*: the "
    "graph that the ordinary reader makes of the text is the model as read, node by node, with the identity of "
    "weights and every output. *At a second size*: it is the model read once more at a larger input too; where it is "
    "not, the row says what the model has against one, or what the text does not say. *Unknown parts*: how many "
    "models have an operation that no operator is of. *By hand*: lines of the library's file that has the network, "
    "and others of its family, without empty ones and comments. An ONNX file has fewer parameters than the module "
    "that it was exported from, for the exporters fold norms into convolutions: its truth is its tensors."
)


def page(rows: Sequence[Row]) -> str:
    """The page: a line a group, then every model."""
    lines = [
        "# Models of others, read",
        "",
        ABOUT,
        "",
        "| models | read | exact | proven | at a second size | unknown parts | lines, median | of those by hand |",
        "| :-- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    groups = {row.group: [each for each in rows if each.group == row.group] for row in rows}
    for name, found in groups.items():
        lines.append(summary(TITLES[name], found))
    lines += section()
    for name, found in groups.items():
        lines += ["", f"## {TITLES[name][0].upper()}{TITLES[name][1:]}", "", *table(found)]
    return "\n".join(lines) + "\n"


def summary(title: str, rows: Sequence[Row]) -> str:
    """A line of the first table."""
    of = len(rows)
    counted = [row for row in rows if row.params_torch is not None]
    proven = [row for row in rows if row.proven]
    ratios = [row.lines / row.by_hand for row in proven if row.by_hand]
    cells = [
        title,
        f"{sum(row.operations > 0 for row in rows)} of {of}",
        f"{sum(row.is_exact for row in counted)} of {len(counted)}" if counted else "",
        f"{len(proven)} of {of}",
        str(sum(row.second for row in rows)),
        str(sum(row.unknown > 0 for row in rows)),
        f"{median(row.lines for row in proven):g}" if proven else "",
        f"{median(ratios):.2f} ({len(ratios)})" if ratios else "",
    ]
    return f"| {' | '.join(cells)} |"


def why_alone(row: Row) -> str:
    """Why a spec is of one size: what the model says of a larger input, or what of the text is not of both."""
    if row.second or not row.alone:
        return ""
    at, refused, said = row.alone.partition(": ")
    if not at.startswith("at ") or not at[3:4].isdigit():
        return f"; {row.alone}"[:LONGEST]
    return f"; {at} it is refused: {said.rpartition('Error: ')[2]}"[:LONGEST] if refused else ""


def table(rows: Sequence[Row]) -> list[str]:
    """Every model of a group."""
    lines = [
        "| source | operations | params | MACs | lines | by hand | proven | unknown |",
        "| :-- | --: | --: | --: | --: | --: | :-- | --: |",
    ]
    for row in rows:
        params, macs = f"{row.params:,}", f"{row.macs:,}"
        if row.unused:
            params += f" + {row.unused:,} unused"
        elif row.params_torch not in (None, row.params) and row.operations:
            params += f" (torch: {row.params_torch:,})"
        if row.macs_torch not in (None, row.macs) and row.operations:
            macs += f" (torch: {row.macs_torch:,})"
        proven = f"yes{', at a second size too' * row.second}{why_alone(row)}" if row.proven else f"no: {row.error}"
        cells = [row.source, f"{row.operations:,}", params, macs, str(row.lines or ""), str(row.by_hand or ""), proven]
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} | {row.unknown or ''} |")
    return lines
