"""What is known of a model that decides by numbers: all layers that ran before it did, and that there is more."""

from __future__ import annotations

from archcalc.importing.neutral import Operation, Ref
from archcalc.importing.neutral import Tensor as Neutral
from archcalc.torch_bridge.trace.tracer import NeedsValuesError, Tracer

LEAST = 0.1  # of its parameters, below which what ran before says too little of a model


def asks_for_numbers(error: Exception) -> bool:
    """Whether an error comes of numbers that nobody has on the meta device."""
    text = str(error)
    if 'required "forward"' in text:
        return False
    is_data_dependent = isinstance(error, (NotImplementedError, NeedsValuesError)) or "meta tensors" in text
    return is_data_dependent or "data-dependent" in text or "data dependent" in text


def stopped(tracer: Tracer, error: Exception) -> bool:
    """Make the best of a model that asks for numbers, such as boxes that are left over: what ran before it asked.

    The last layers with weights become its outputs, behind one of them an unknown part that stores the parameters
    that were not read. False: too little ran, or something else is wrong.
    """
    program = tracer.program
    if not asks_for_numbers(error):
        return False
    kinds = [tensor.kind for tensor in program.tensors]
    stored = {index for index, kind in enumerate(kinds) if kind == "parameter"}
    weighted = [op for op in program.operations if any(index in stored for index in op.tensors())]
    read = {program.tensors[index].name for op in weighted for index in op.tensors() if index in stored}
    total = sum(program.tensors[index].elements for index in stored)
    known = sum(program.tensors[index].elements for index in stored if program.tensors[index].name in read)
    if not weighted or known < LEAST * total:
        return False
    ends = _ends(program.operations, weighted)
    for number, index in enumerate(ends):
        program.outputs["output" if not number else f"output{number + 1}"] = index
    rest = [Ref(index) for index in stored if program.tensors[index].name not in read]
    first = program.tensors[ends[0]]
    given = program.add(Neutral(first.shape, "value"))
    reason = f"what follows asks for numbers that depend on the input: {str(error).splitlines()[0][:80]}"
    arguments = {"inputs": [Ref(ends[0])], "stored": rest, "reason": reason, "macs": None, "is_known": True}
    program.operations.append(Operation("opaque", arguments, (given,), (), "rest"))
    program.outputs["output"] = given
    program.notes.append(f"Read as far as its layers go without numbers; {reason}")
    return True


def _ends(operations: list[Operation], weighted: list[Operation]) -> list[int]:
    """What layers with weights give of which no other such layer reads anything."""
    reached: dict[int, set[int]] = {}
    ended = {id(op): op.outputs[0] for op in weighted}
    behind: set[int] = set()
    for op in operations:
        before = set().union(*[reached.get(index, set()) for index in op.tensors()])
        if id(op) in ended:
            behind |= before
            before = {id(op)}
        for index in op.outputs:
            reached[index] = before
    return [index for key, index in ended.items() if key not in behind]
