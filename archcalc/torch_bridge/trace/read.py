"""A module read into calls: a copy without memory runs once, and what it did is lowered to operators."""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb
from typing import NoReturn

import torch
from torch import nn

from archcalc.importing.calls import Calls
from archcalc.importing.lowering import KNOWN, CannotLowerError, lower
from archcalc.importing.lowering.again import at_another_size
from archcalc.importing.neutral import Program
from archcalc.source import Diagnostic, SpecError
from archcalc.torch_bridge.trace.arguments import Arguments
from archcalc.torch_bridge.trace.inputs import Examples, Given, examples_of
from archcalc.torch_bridge.trace.keras_models import on_meta
from archcalc.torch_bridge.trace.outputs import named_outputs
from archcalc.torch_bridge.trace.parts import Parts
from archcalc.torch_bridge.trace.shells import (
    held,
    is_any_lazy,
    is_same,
    random_state_kept,
    torch_settings_kept,
    without_memory,
)
from archcalc.torch_bridge.trace.stopped import asks_for_numbers, stopped
from archcalc.torch_bridge.trace.tracer import Tracer

LONGEST = 300  # characters of somebody's message that are shown


def read_module(
    module: nn.Module,
    input: Given = None,
    name: str = "",
    source: str = "",
    arguments: Arguments | None = None,
    is_own: bool = False,
) -> Calls:
    """The calls of a module, which is left exactly as it was: a copy on the meta device runs, for inference.

    Args:
        module: any torch module, on whatever device.
        input: shape without its batch, `(3, 224, 224)` or "3x224x224"; by name, where there are several; or tensors.
        name: of the network; that of the class where not given.
        source: what the user called it, for messages.
        arguments: of the constructors of its modules, as far as they were caught.
        is_own: it was made to be read, without memory, and nobody else has it: no copy is needed.

    Raises:
        SpecError: it cannot be traced (`cannot-trace`), or its input is not known (`no-input`).
    """
    found = arguments if arguments is not None else Arguments()
    name = name or type(module).__name__
    with random_state_kept(), torch_settings_kept():
        model = (module if is_own else _copied(module, found)).eval()
    return _Reading(model, name, source, found).at(input)


class _Reading:
    """A model that was made to be read, and what its readings at several sizes have in common."""

    def __init__(self, model: nn.Module, name: str, source: str, found: Arguments) -> None:
        self.model, self.name, self.source, self.found = model, name, source, found
        self.before = held(model)
        self.parts: Parts | None = None

    def at(self, input: Given) -> Calls:
        """The calls, with what reads them at another size."""
        program = self.program(input)
        calls = _lowered(program, self.source)
        calls.again = lambda other: self.again(other, program, calls)
        return calls

    def again(self, input: Given, first: Program, calls: Calls) -> Calls | None:
        """The calls at another size; None where the model is not what it was, and must be made anew."""
        if not is_same(self.before, held(self.model)):
            return None
        try:
            program = self.program(input)
            return at_another_size(first, calls, program) or _lowered(program, self.source)
        except SpecError:  # one made anew may be read, or says why not
            return None

    def program(self, input: Given) -> Program:
        """What the model does, before anything is understood."""
        with random_state_kept(), torch_settings_kept():
            _as_plain_products(self.model)
            said = self.source or self.name
            examples = examples_of(self.model, input, said)
            if self.parts is None:
                if is_any_lazy(self.model):
                    _initialised(self.model, examples, said)
                self.parts = Parts(self.model, self.found)
            return _traced(Tracer(self.name, self.parts, KNOWN), examples, self.source)


def _lowered(program: Program, source: str) -> Calls:
    try:
        return lower(program)
    except CannotLowerError as error:
        raise SpecError(
            [
                Diagnostic(
                    "cannot-import",
                    f"{source or program.name} was read, but cannot be said in archcalc's language: {error.reason}",
                    help=f"it fails at {error.path or 'the network itself'}; a part of it may be read by itself",
                )
            ]
        ) from None


def _traced(tracer: Tracer, examples: Examples, source: str) -> Program:
    program, model = tracer.program, tracer.parts.model
    program.source = source
    program.named = tracer.parts.of(model).arguments
    for key, tensor in examples.tensors().items():
        tracer.input(key, tensor)
    program.free = dict(examples.free)
    program.input_words = dict(examples.words)
    try:
        with torch.inference_mode(), on_meta(model), tracer.followed(), tracer:
            given = model(*examples.positional, **examples.named)
    except Exception as error:
        if not stopped(tracer, error):
            raise _refusal(tracer, error, source or program.name) from None
        return program
    outputs = named_outputs(given)
    if not outputs:
        said = f"{source or program.name} gives {type(given).__name__}, in which there is no tensor"
        _refuse("cannot-trace", said, None)
    for key, tensor in outputs.items():
        program.outputs[key] = tracer.index(tensor)
    return program


def _copied(module: nn.Module, found: Arguments) -> nn.Module:
    """A copy without memory; a module that is on the meta device already, and nobody's, is one."""
    try:
        return without_memory(module, found)
    except (TypeError, RuntimeError, ValueError, AttributeError) as error:
        _refuse(
            "cannot-trace",
            f"a copy of {type(module).__name__} cannot be made: {_short(error)}",
            "give the class or a function that makes it: my_file.py:Net()",
        )


def _as_plain_products(model: nn.Module) -> None:
    """Experts of transformers as batched products, which run without memory in any type of numbers."""
    config = getattr(model, "config", None)
    for part in (config, getattr(config, "text_config", None)):
        if part is not None and hasattr(part, "_experts_implementation"):
            part._experts_implementation = "batched_mm"


def _initialised(model: nn.Module, examples: Examples, source: str) -> None:
    """Lazy layers learn their sizes from a first pass, without memory."""
    try:
        with torch.no_grad():
            model(*examples.positional, **examples.named)
    except Exception as error:
        help = "what it reads gives its lazy layers their sizes: --input 3x224x224"
        _refuse("cannot-trace", f"{source} fails as its lazy layers get their sizes: {_short(error)}", help)


def _refusal(tracer: Tracer, error: Exception, source: str) -> SpecError:
    """What stops a model, where, and what to try."""
    if isinstance(error, SpecError):
        return error
    line = _line(error)
    if asks_for_numbers(error):
        message = f"{source} asks for numbers that depend on its input, at {_place(tracer)}{line}: {_short(error)}"
        help = "read a part of it that does not decide by them: a module of it, as in my_file.py:Net().backbone"
    else:
        message = f"{source} fails at {_place(tracer)}{line}: {type(error).__name__}: {_short(error)}"
        help = f"it was given {_inputs(tracer)}; say what it reads with --input, as in --input 3x224x224"
    return SpecError([Diagnostic("cannot-trace", message, help=help)])


def _line(error: Exception) -> str:
    """The last line of code that is neither torch's nor ours."""
    own = (str(Path(torch.__file__).parent), str(Path(__file__).parents[2]))
    frames = [each for each in extract_tb(error.__traceback__) if not each.filename.startswith(own)]
    return f", {Path(frames[-1].filename).name} line {frames[-1].lineno}" if frames else ""


def _place(tracer: Tracer) -> str:
    """The module that ran last, and the operation before."""
    part = tracer.running[-1].part if tracer.running else None
    return f"`{part.path}` ({part.kind})" if part and part.path else "`its own forward`"


def _inputs(tracer: Tracer) -> str:
    tensors = tracer.program.tensors
    return ", ".join(
        f"{name} {'x'.join(map(str, tensors[index].shape[1:]))}" for name, index in tracer.program.inputs.items()
    )


def _short(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:LONGEST]


def _refuse(code: str, message: str, help: str | None) -> NoReturn:
    raise SpecError([Diagnostic(code, message, help=help)]) from None
