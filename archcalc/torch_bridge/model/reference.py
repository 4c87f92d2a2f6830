"""A model that somebody wrote, by its place: `mymodule.py:Net(3)`, `package.module:factory()`.

What stands before the first colon is imported as Python does it, with its folder (the working folder, for a module)
first on the path; what stands behind it is an expression in that module. A class or a function alone is called without
arguments. What the user's code prints goes to stderr, so that results stay what they are.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any, NoReturn

from torch import nn

from archcalc.source import Diagnostic, SpecError, suggestion

SAMPLE = "mymodule.py:Net(3)"
LONGEST = 200  # characters of somebody's message that are shown


def is_reference(text: str) -> bool:
    """Whether it names a model of somebody's rather than a tool."""
    return ":" in text or text.endswith(".py")


@contextmanager
def referred(reference: str) -> Iterator[nn.Module]:
    """The model, while its folder is on the path; a fresh one, unless the module itself holds it.

    Raises:
        SpecError: no such file, module or name; what its code raises; or it is no model.
    """
    place, _, expression = (part.strip() for part in reference.partition(":"))
    if not place or not expression:
        _fail("bad-model", f"`{reference}` does not say which model", f"a file or module, a colon, a model: {SAMPLE}")
    is_file = place.endswith(".py")
    path = Path(place)
    if is_file and not path.is_file():
        _fail("no-such-file", f"`{place}` is not a file" if path.exists() else f"there is no file `{place}`")
    folder = str(path.resolve().parent if is_file else Path.cwd())
    sys.path.insert(0, folder)
    name = path.stem if path.stem not in sys.modules else f"_{path.stem}_of_archcalc"
    try:
        with redirect_stdout(sys.stderr):
            load = (lambda: _executed(path, name)) if is_file else (lambda: _imported(place))
            module = _tried(f"importing {place}", load)
            yield _model(module, place, expression)
    finally:
        sys.path.remove(folder)
        if is_file:
            sys.modules.pop(name, None)


def _executed(path: Path, name: str) -> ModuleType:
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not Python")
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(f"{missing}."):
            _fail("no-such-module", f"there is no module `{name}`", "a file is written with its ending: mymodule.py")
        raise


def _model(module: ModuleType, place: str, expression: str) -> nn.Module:
    try:
        tree = ast.parse(expression, mode="eval")
    except (SyntaxError, ValueError):
        _fail("bad-model", f"`{expression}` is not an expression of Python", f"as in {SAMPLE}")
    head = tree.body
    while isinstance(head, (ast.Call, ast.Attribute, ast.Subscript)):
        head = head.func if isinstance(head, ast.Call) else head.value
    if isinstance(head, ast.Name) and not hasattr(module, head.id):
        models = [name for name, value in vars(module).items() if _may_be_model(value, module)]
        known = f"it has {', '.join(models)}" if models else "nothing in it is a model or makes one"
        _fail("unknown-model", f"`{place}` has no `{head.id}`", suggestion(head.id, models, known))
    code = compile(tree, f"<{expression}>", "eval")
    made = _tried(expression, lambda: eval(code, vars(module)))  # it is their own
    if not isinstance(made, nn.Module) and callable(made):
        made = _tried(f"{expression}()", made)
    if not isinstance(made, nn.Module):
        _fail("not-a-model", f"`{expression}` of `{place}` is {type(made).__name__}, not a torch.nn.Module")
    return made


def _may_be_model(value: Any, module: ModuleType) -> bool:
    """A model, a class of models, or a function of that module."""
    if isinstance(value, type):
        return issubclass(value, nn.Module) and value.__module__ == module.__name__
    is_own = callable(value) and getattr(value, "__module__", "") == module.__name__
    return isinstance(value, nn.Module) or is_own


def _tried(doing: str, make: Callable[[], Any]) -> Any:
    """What somebody's code gives; what it raises is said in one line, with the place in their code."""
    try:
        return make()
    except SpecError:
        raise
    except (Exception, SystemExit) as error:
        message = (str(error).strip().splitlines() or [""])[0][:LONGEST]
        frames = [frame for frame in extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
        own = [frame for frame in frames if Path(frame.filename).suffix == ".py" and frame.filename != __file__]
        at = f"{Path(own[-1].filename).name}, line {own[-1].lineno}" if own else ""
        if isinstance(error, SyntaxError) and error.filename:
            at = f"{Path(error.filename).name}, line {error.lineno}"
        _fail("model-fails", f"{doing} raises {type(error).__name__}: {message}", f"see {at}" if at else None)


def _fail(code: str, message: str, help: str | None = None) -> NoReturn:
    raise SpecError([Diagnostic(code, message, help=help)]) from None
