"""What one output position reads, held against torch: which inputs, if they are no number, make it no number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from archcalc.dims import RequirementError
from archcalc.ops import GLOBAL, OPERATORS, POINTWISE, Operator, Window
from tests.strategies import cases

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

# By convention statistics are no part of a window, and a merge is read where it is; an opaque operator is not known.
# Functions of one element are made alike: one stands for them.
APART = {"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "opaque", "unpool", "embedding"}
# A state holds what is before, of one way; positions that are selected, renamed or put behind others have new numbers.
APART |= {"lstm", "gru", "rnn", "select_token", "to_sequence", "to_image", "cache", "trained", "fixed"}
APART |= {"unfold", "roll", "zeros"}
APART |= {name for name, cls in OPERATORS.items() if cls.merges or (cls.family == "pointwise" and name != "relu")}
HELD = [name for name in OPERATORS if name not in APART]
SIZES = ("count", "extents", "factors", "size", "padding", "flag", "word")
LONGEST, MOST_CHANNELS, MOST_EXAMPLES = 7, 4, 12


def reads(operator: Operator, x: Any, axis: int) -> list[set[int]]:
    """Positions along an axis of the input that each position along that axis of the output reads."""
    from archcalc.torch_bridge.model.build import make_module

    module: Callable[[Any], Any] = make_module(operator.torch(x)).double().eval()
    found: list[set[int]] = []
    for position in range(x.spatial[axis]):
        # the weights of an interpolation may be zero, and zero times no number is none
        base, mark = (0.0, 1.0) if operator.name == "upsample" else (0.5, torch.nan)
        example = torch.full((1, x.channels, *x.spatial), base, dtype=torch.float64)
        before = module(example.clone())  # a mean of nothing is no number before, too
        example.select(2 + axis, position).fill_(mark)
        y = module(example)
        changed = ((y - before).abs() > 1e-9) | (y.isnan() & ~before.isnan())  # weights are rounded, to less than that
        if operator.name == "patch_embedding":  # its patches in a row
            window = operator.window(x)
            assert isinstance(window, Window)
            changed = changed.unflatten(
                2, [extent // patch for extent, patch in zip(x.spatial, window.stride, strict=True)]
            )
        along = changed.movedim(2 + axis, 0).flatten(1).any(1) if changed.dim() > 2 else changed.any().view(1)
        found = found or [set() for _ in along]
        for output in along.nonzero().flatten().tolist():
            found[output].add(position)
    return found


def positions(window: Window, axis: int, output: int) -> set[int]:
    """By the words of `Window`: the taps of one output position, those in the padding among them."""
    numbers: Any = window  # whole numbers here
    kernel, stride, padding, dilation = (part[axis] for part in numbers[:4])
    taps = [tap * dilation for tap in range(kernel)]
    if not window.upsample:
        return {output * stride - padding + tap for tap in taps}
    upsample = numbers.upsample[axis]  # outputs are denser than inputs; every `stride`th of them is taken
    places = {output * stride + padding - tap for tap in taps}
    return {place // upsample for place in places if place % upsample == 0}


@pytest.mark.parametrize("name", HELD)
@settings(max_examples=MOST_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_windows_are_what_torch_reads(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(OPERATORS[name]))
    x: Any = case.x._replace(spatial=tuple(min(extent, LONGEST) for extent in case.x.spatial))
    assume(x.rank and x.channels is not None and x.channels <= MOST_CHANNELS)
    declared = case.cls.arguments
    arguments = {
        key: value for key, value in case.arguments.items() if declared[key].is_required or declared[key].kind in SIZES
    }
    assume(arguments.get("mode") not in ("reflect", "replicate"))  # they read what is near, too
    assume(not arguments.get("align_corners"))  # nearly so, as the docstring says
    assume(x.rank < 3 or name not in ("avgpool", "lppool"))  # nn.AvgPool3d refuses windows beyond the input
    operator = case.cls.of(arguments)
    try:
        operator.infer(x)
    except RequirementError:
        assume(False)
    window = operator.window(x)
    if isinstance(window, Window) and len(window.kernel) == operator.infer(x).rank:  # something is read along each axis
        extents: Any = zip(x.spatial, operator.infer(x).spatial, strict=True)
        for axis, (extent, outputs) in enumerate(extents):
            assume(any(positions(window, axis, output) & set(range(extent)) for output in range(outputs)))
    is_nearest_image = name == "upsample" and x.rank == 2 and arguments.get("mode", "nearest") == "nearest"
    for axis, extent in enumerate(x.spatial):
        found_by_output = reads(operator, x, axis)
        for output, found in enumerate(found_by_output):
            if is_nearest_image and len(found_by_output) in (extent, 2 * extent):
                # By a fraction too, torch reads such an axis of an image by the ratio of its extents; see findings/.
                assert found == {output * extent // len(found_by_output)}
                continue
            if window == POINTWISE:
                assert found == {output}
            elif window == GLOBAL:
                assert found == set(range(extent))
            else:
                assert isinstance(window, Window)
                meant = positions(window, axis, output) & set(range(extent))
                if name.startswith("adaptive") or arguments.get("mode") == "bicubic":
                    assert len(found) <= len(
                        positions(window, axis, output)
                    )  # windows differ in length; some weights are zero
                else:
                    assert found == meant
