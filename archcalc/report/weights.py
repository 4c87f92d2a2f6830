"""A checkpoint's tensors by what they are, and its parameters beside a network's."""

from __future__ import annotations

from typing import Any

from archcalc.report.media import numbers
from archcalc.report.media.blocks import Column, Document, Paragraph, Table, Total, number
from archcalc.results.weights import Inventory, Role

WORDS = {
    Role.PARAMETER: "parameters",
    Role.PACKED: "packed",
    Role.BUFFER: "buffers",
    Role.SCALE: "scales",
    Role.TIED: "tied copy",
}


def weights(found: Inventory) -> Document:
    """A row for tensors of one kind, then types, then the network beside it."""
    table = Table(
        [
            Column("tensors", least=24),
            Column("what", drop=11),
            Column("dtype"),
            Column("shape", cut="end", least=6),
            number("x"),
            number("params"),
            number("size", drop=12),
        ]
    )
    for group in found.groups:
        shape = numbers.extents(group.shape) if group.shape else "1"
        many = str(group.tensors) if group.tensors > 1 else ""
        cells = [group.pattern, WORDS[group.role], group.dtype, shape, many]
        table.rows.append([*cells, f"{group.params:,}" if group.params else "", numbers.size(group.size_bytes)])
    tensors = str(sum(group.tensors for group in found.groups))
    table.rows.append(Total(["all", "", "", "", tensors, f"{found.params:,}", numbers.size(found.size_bytes)]))
    files = numbers.plural(len(found.file.files), "file")
    document: Document = [
        table,
        Paragraph(f"{found.file.name}: {found.file.format}, {files}; {_dtypes(found)}", quiet=True),
    ]
    aside = [
        f"{found.of(role):,} elements of {WORDS[role]}" for role in WORDS if role not in _COUNTED and found.of(role)
    ]
    if aside:
        document.append(Paragraph(f"not parameters: {', '.join(aside)}", quiet=True))
    if packed := found.of(Role.PACKED):
        document.append(Paragraph(f"{packed:,} stored elements hold several parameters each", quiet=True))
    if found.network:
        document.extend(Paragraph(line) for line in beside(found))
    elif found.why_alone:
        document.append(Paragraph(found.why_alone))
    return document


_COUNTED = (Role.PARAMETER, Role.PACKED)


def _dtypes(found: Inventory) -> str:
    """`BF16 8,030,261,248 elements in 16,060,522,496 bytes`, the largest first."""
    sums: dict[str, tuple[int, int]] = {}
    for group in found.groups:
        elements, size = sums.get(group.dtype, (0, 0))
        sums[group.dtype] = (elements + group.elements, size + group.size_bytes)
    ordered = sorted(sums.items(), key=lambda item: -item[1][1])
    return "; ".join(f"{dtype} {elements:,} elements in {size:,} bytes" for dtype, (elements, size) in ordered)


def beside(found: Inventory) -> list[str]:
    """The network's parameters, whether they are the file's, and why not."""
    expected = found.expected_params or 0
    name = f"{found.network} has {'at least ' if found.is_at_least else ''}{expected:,} parameters"
    if found.params == expected:
        return [f"{name}: the file's"]
    off = found.params - expected
    lines = [f"{name}, the file {found.params:,}: {abs(off):,} {'more' if off > 0 else 'fewer'}"]
    lines += [f"{part.params:+,} {part.what}: {part.reason}" for part in found.differences]
    if found.unexplained:
        lines.append(f"{found.unexplained:+,} without a reason that is known")
    return lines


def rows(found: Inventory) -> list[dict[str, Any]]:
    """A row for tensors of one kind."""
    return [
        {
            "tensors": group.pattern,
            "role": group.role.value,
            "dtype": group.dtype,
            "shape": list(group.shape),
            "count": group.tensors,
            "elements": group.elements,
            "params": group.params,
            "size_bytes": group.size_bytes,
        }
        for group in found.groups
    ]


def inventory_object(found: Inventory) -> dict[str, Any]:
    """All of it."""
    return {
        "file": found.file.name,
        "format": found.file.format,
        "files": list(found.file.files),
        "metadata": dict(found.file.metadata),
        "params": found.params,
        "elements": found.elements,
        "size_bytes": found.size_bytes,
        "network": found.network or None,
        "why_alone": found.why_alone or None,
        "expected_params": found.expected_params,
        "at_least": found.is_at_least,
        "differences": [part._asdict() for part in found.differences],
        "unexplained": found.unexplained if found.network else None,
        "tensors": rows(found),
    }
