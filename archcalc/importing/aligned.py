"""Two readings of one network at two sizes as lists of the same operations.

A map that is whole windows at one size is padded at another, and cut again; a window that covers the map is not moved;
a mean of one position is that position. What one reading has and the other does not changes nothing at the other's
size, and stands there as that: a padding of none, positions up to the last.
"""

from __future__ import annotations

from dataclasses import replace

from archcalc.importing.calls import Call, Calls
from archcalc.importing.canonical import per_axis
from archcalc.importing.units import plain
from archcalc.ops import OPERATORS, Shape

PADDING, CUT, RESIZING, MEAN = "pad", "slice_positions", "upsample", "global_avgpool"


def is_alike(one: Calls, other: Calls) -> bool:
    """Whether both are the same operations with the same arguments, wired alike."""
    if len(one.calls) != len(other.calls) or one.outputs != other.outputs:
        return False
    return all(
        first.operator is second.operator and first.inputs == second.inputs and first.weights == second.weights
        for first, second in zip(one.calls, other.calls, strict=True)
    )


def aligned(one: Calls, other: Calls) -> tuple[Calls, Calls] | None:
    """Both readings with all operations that either has; None where they differ in others than such."""
    pairs = _pairs(one.calls, other.calls)
    if pairs is None:
        return None
    found = _filled(one, other, pairs), _filled(other, one, [(there, here) for here, there in pairs])
    if found[0] is None or found[1] is None:
        return None
    _reconcile(found[0], found[1])
    return found[0], found[1]


def _pairs(one: list[Call], other: list[Call]) -> list[tuple[int | None, int | None]] | None:
    """Operations of both in order; what one lacks is None."""
    pairs: list[tuple[int | None, int | None]] = []
    here = there = 0
    while here < len(one) or there < len(other):
        first = one[here] if here < len(one) else None
        second = other[there] if there < len(other) else None
        if first is not None and second is not None and _is_same(first, second):
            pairs.append((here, there))
            here, there = here + 1, there + 1
        elif second is not None and _may_be_nothing(second):
            pairs.append((None, there))
            there += 1
        elif first is not None and _may_be_nothing(first):
            pairs.append((here, None))
            here += 1
        else:
            return None
    return pairs


def _is_same(first: Call, second: Call) -> bool:
    if first.operator.name != second.operator.name or first.weights != second.weights:
        return False
    if not _may_be_nothing(first):
        return True
    return [scope.name for scope in first.scope] == [scope.name for scope in second.scope]


def _may_be_nothing(call: Call) -> bool:
    values = call.operator.values()
    if call.operator.name == CUT:
        return set(per_axis(values["start"], 1)) == {0} and set(per_axis(values["step"], 1)) == {1}
    return call.operator.name in (PADDING, RESIZING, MEAN)


def _filled(calls: Calls, other: Calls, pairs: list[tuple[int | None, int | None]]) -> Calls | None:
    """A reading with what the other has besides; None where the two are wired in different ways.

    Args:
        calls: the reading.
        other: the other one.
        pairs: places in this one and in the other.
    """
    place = {there: at for at, (_, there) in enumerate(pairs) if there is not None}
    mine = {here: at for at, (here, _) in enumerate(pairs) if here is not None}
    found: list[Call] = []
    source: list[int] = []  # of each place what it gives, without what is nothing here
    for at, (here, there) in enumerate(pairs):
        if here is None:
            assert there is not None
            theirs = other.calls[there]
            before = place.get(theirs.inputs[0], theirs.inputs[0])
            shape = found[before].shape if before >= 0 else list(calls.inputs.values())[-1 - before]
            if theirs.operator.name == MEAN and set(shape.spatial) != {1}:
                return None
            found.append(_nothing(theirs, before, shape))
            source.append(source[before] if before >= 0 else before)
            continue
        call = calls.calls[here]
        inputs = tuple([mine.get(node, node) for node in call.inputs])
        if there is not None:
            wired = tuple([place.get(node, node) for node in other.calls[there].inputs])
            behind = [source[node] if node >= 0 else node for node in wired]
            if len(wired) == len(inputs) and behind == [source[node] if node >= 0 else node for node in inputs]:
                inputs = wired
            elif not any(pairs[node][1] is None for node in inputs if node >= 0):
                return None
        found.append(replace(call, inputs=inputs))
        source.append(at)
    outputs = {name: mine.get(index, index) for name, index in calls.outputs.items()}
    for name, index in other.outputs.items():
        given = place.get(index, index)
        if given >= 0 and source[given] == outputs.get(name):
            outputs[name] = given
    return replace(calls, calls=found, outputs=outputs)


def _nothing(call: Call, before: int, shape: Shape) -> Call:
    """An operation of the other reading that changes nothing here."""
    values = call.operator.values()
    if call.operator.name == PADDING:
        values["padding"] = ((0, 0),) * shape.rank
    elif call.operator.name == CUT:
        values["stop"] = shape.spatial
    elif call.operator.name == RESIZING:
        values |= {"scale": None, "size": plain(shape.spatial, shape.rank)}
    return replace(call, operator=OPERATORS[call.operator.name].of(values), inputs=(before,), shape=shape)


def _reconcile(one: Calls, other: Calls) -> None:
    """What both readings say in two ways, in the way that serves at both sizes."""
    for first, second in zip(one.calls, other.calls, strict=True):
        if first.operator == second.operator:
            continue
        if first.operator.name == "attend":
            _move(first, second)
            _move(second, first)
        elif first.operator.name == "upsample":  # by a factor that is another, or none
            for call in (first, second):
                values = {**call.operator.values(), "scale": None, "size": plain(call.shape.spatial, call.shape.rank)}
                call.operator = OPERATORS["upsample"].of(values)


def _move(call: Call, other: Call) -> None:
    """Along an axis that one window covers, windows stay where they are; the other says how they would move."""
    values, theirs = call.operator.values(), other.operator.values()
    rank = call.shape.rank
    if values["blocks"] is None and per_axis(theirs["blocks"], rank) == tuple(call.shape.spatial):
        values["blocks"] = theirs["blocks"]  # all that there is, in one block
        call.operator = OPERATORS["attend"].of(values).variant(given=call.operator.given)
    if values["blocks"] is None or theirs["shift"] is None:
        return
    mine, wanted, blocks = (per_axis(of, rank) for of in (values["shift"] or 0, theirs["shift"], values["blocks"]))
    shift = [
        other_by if extent == block and not by else by
        for by, other_by, block, extent in zip(mine, wanted, blocks, call.shape.spatial, strict=True)
    ]
    if any(shift):
        operator = OPERATORS["attend"].of({**values, "shift": plain(tuple(shift), rank)})
        call.operator = operator.variant(given=call.operator.given)
