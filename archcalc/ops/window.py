"""The one rule for sliding windows: convolution, pooling and receptive fields share it."""

from __future__ import annotations

from typing import Any

from archcalc.dims import (
    Dim,
    Inside,
    RequirementError,
    ceil_div,
    maximum,
    minimum,
    prod,
    require_at_least,
    windows_inside,
)
from archcalc.ops.base import Window
from archcalc.ops.shape import Shape

PADDING_WORDS = ("half", "same", "valid")
CAUSAL_WORDS = (*PADDING_WORDS, "causal")  # of layers that a sequence can be given to step by step


def per_axis(value: Any, rank: int, name: str) -> tuple[Dim, ...]:
    """One value for each spatial axis; a single number serves all of them.

    Raises:
        RequirementError: `axes-mismatch`, a tuple of another length.
    """
    if isinstance(value, tuple):
        if len(value) != rank:
            raise RequirementError(
                "axes-mismatch",
                f"{name} has {len(value)} numbers for an input with {rank} spatial axes",
                f"give one number, or {rank}",
            )
        return value
    return (value,) * rank


def require_causal_sequence(x: Shape, padding: Any, name: str) -> None:
    """Refuse causal padding of what has no order in time.

    Raises:
        RequirementError: `sequence-needed`.
    """
    if padding == "causal" and x.kind != "sequence":
        raise RequirementError(
            "sequence-needed",
            f"{name} with padding=causal reads a sequence; its input is {x.kind} {x}",
            "numbers pad before and after along each axis",
        )


def causal_state(x: Shape, kernel: Any, padding: Any, dilation: Any) -> Dim:
    """Elements of earlier positions that the next position reads: what causal padding stands for."""
    return x.channels * explicit_padding(padding, x.rank, kernel, dilation)[0][0] if padding == "causal" else 0


def explicit_padding(padding: Any, rank: int, kernel: Any, dilation: Any) -> tuple[tuple[Dim, Dim], ...]:
    """(before, after) for each axis; `same` depends on the extent and is not among these.

    Raises:
        RequirementError: `axes-mismatch`.
    """
    if padding == "half":
        half = [
            d * (k - 1) // 2
            for k, d in zip(per_axis(kernel, rank, "kernel"), per_axis(dilation, rank, "dilation"), strict=True)
        ]
        return tuple((p, p) for p in half)
    if padding == "valid":
        return ((0, 0),) * rank
    if padding == "causal":  # all of it before, so that no position reads a later one
        kernels, dilations = per_axis(kernel, rank, "kernel"), per_axis(dilation, rank, "dilation")
        return tuple((d * (k - 1), 0) for k, d in zip(kernels, dilations, strict=True))
    if isinstance(padding, tuple) and len(padding) == 2 * rank and not isinstance(padding[0], tuple):
        return tuple(zip(padding[::2], padding[1::2], strict=True))
    return pairs_per_axis(padding, rank, "padding")


def pairs_per_axis(value: Any, rank: int, name: str) -> tuple[tuple[Dim, Dim], ...]:
    """(before, after) along each axis: an item for each of them, a number for both of its sides or a pair.

    Raises:
        RequirementError: `axes-mismatch`.
    """
    items: tuple[Any, ...] = per_axis(value, rank, name)
    return tuple(item if isinstance(item, tuple) else (item, item) for item in items)


def output_extent(extent: Dim, kernel: Dim, stride: Dim, before: Dim, after: Dim, dilation: Dim, ceil: bool) -> Dim:
    """Windows that fit along one axis: always `(extent + shift) // stride`.

    With `ceil`, a last window may hang over the end, but it must start inside the input or its left padding
    (as torch `ATen/native/Pool.h`, pooling_output_shape_pad_lr).

    Raises:
        RequirementError: `window-larger-than-input`.
    """
    reach = before + after - dilation * (kernel - 1)
    shift = minimum(reach + 2 * stride - 2, before + stride - 1) if ceil else reach - 1 + stride
    result = (extent + shift) // stride
    require_at_least(
        result,
        1,
        "window-larger-than-input",
        "a window of {span} does not fit into an extent of {extent} with padding {before} and {after}",
        help="pad the input, or use a smaller kernel or a larger input",
        span=dilation * (kernel - 1) + 1,
        extent=extent,
        before=before,
        after=after,
    )
    return result


def slide(x: Shape, kernel: Any, stride: Any, padding: Any, dilation: Any = 1, ceil: bool = False) -> tuple[Dim, ...]:
    """Output extents of a window that slides over `x`.

    Raises:
        RequirementError: `axes-mismatch`, `window-larger-than-input`.
    """
    rank = x.rank
    kernels = per_axis(kernel, rank, "kernel")
    strides = per_axis(stride, rank, "stride")
    dilations = per_axis(dilation, rank, "dilation")
    if padding == "same":  # as TensorFlow: ceil(extent / stride), the odd row of padding comes last
        return tuple(ceil_div(extent, step) for extent, step in zip(x.spatial, strides, strict=True))
    pads = explicit_padding(padding, rank, kernel, dilation)
    return tuple(
        output_extent(extent, k, s, before, after, d, ceil)
        for extent, k, s, (before, after), d in zip(x.spatial, kernels, strides, pads, dilations, strict=True)
    )


def same_padding(extent: Dim, kernel: Dim, stride: Dim, dilation: Dim) -> tuple[Dim, Dim]:
    """(before, after) that `same` comes to: what the last window lacks, the larger half after."""
    lacking = maximum((ceil_div(extent, stride) - 1) * stride + dilation * (kernel - 1) + 1 - extent, 0)
    return lacking // 2, lacking - lacking // 2


def all_padding(x: Shape, kernel: Any, stride: Any, padding: Any, dilation: Any) -> tuple[tuple[Dim, Dim], ...]:
    """(before, after) for each axis, `same` included."""
    if padding == "same":
        return tuple(
            same_padding(extent, k, s, d)
            for extent, k, s, d in zip(
                x.spatial,
                per_axis(kernel, x.rank, "kernel"),
                per_axis(stride, x.rank, "stride"),
                per_axis(dilation, x.rank, "dilation"),
                strict=True,
            )
        )
    return explicit_padding(padding, x.rank, kernel, dilation)


def taps_inside(x: Shape, y: Shape, window: tuple[Any, Any, Any, Any], ceil: bool) -> Inside:
    """Over all channels, taps of all windows that lie inside the input, and windows that have any.

    `window` is (kernel, stride, padding, dilation); what a window lacks at the edge, or has in the padding, is no tap.

    Raises:
        RequirementError: `axes-mismatch`, `hanging-windows`.
    """
    kernel, stride, _, dilation = window
    along = [
        windows_inside(extent, outputs, k, s, before, after + (s - 1 if ceil else 0), d)
        for extent, outputs, k, s, (before, after), d in zip(
            x.spatial,
            y.spatial,
            per_axis(kernel, x.rank, "kernel"),
            per_axis(stride, x.rank, "stride"),
            all_padding(x, *window),
            per_axis(dilation, x.rank, "dilation"),
            strict=True,
        )
    ]
    return Inside(
        x.channels * prod(inside.taps for inside in along), x.channels * prod(inside.windows for inside in along)
    )


def window_of(x: Shape, kernel: Any, stride: Any, padding: Any, dilation: Any = 1) -> Window:
    """What one output position reads, for the receptive field."""
    return Window(
        kernel=per_axis(kernel, x.rank, "kernel"),
        stride=per_axis(stride, x.rank, "stride"),
        padding=tuple(before for before, _ in all_padding(x, kernel, stride, padding, dilation)),
        dilation=per_axis(dilation, x.rank, "dilation"),
    )
