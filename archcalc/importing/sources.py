"""Models by what people type: which are files of a format, which are programmes to run; their calls and their spec.

Files are read and never run. What runs code is a source only in a form of its own, `my_file.py:Net()`, and its reader
is one of the rooms above, which say so by `register`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from archcalc.importing.calls import Calls
    from archcalc.importing.imported import Imported
    from archcalc.source import SpecError

Kind = Literal["prototxt", "onnx", "torch"]
Given: TypeAlias = Sequence[Any] | Mapping[str, Any] | str | int | None
"""Another shape of the first input, channels first, or shapes by name."""
Reader: TypeAlias = Callable[[Any, Any], "Calls"]

FURTHER = 64  # positions that the second size of an input has more
LIBRARIES = ("torchvision", "timm", "transformers", "keras")
_FILE = r"(?s).+\.py:\s*\S.*"
_MODULE = r"(?s)(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):\s*[A-Za-z_].*"
FORMS = "model.onnx, net.prototxt, torchvision:resnet50, timm:NAME, transformers:./config.json, my_file.py:Net()"

# Files that people have instead of their network, and what to give.
OTHER_FILES = {
    ".caffemodel": ("weights of Caffe", "the prototxt beside it says the network"),
    ".pt": ("an archive of torch", "the module says the network: my_file.py:Net()"),
    ".pth": ("an archive of torch", "the module says the network: my_file.py:Net()"),
    ".pt2": ("an exported program of torch", "the module says the network: my_file.py:Net()"),
    ".ckpt": ("a checkpoint", "the module says the network: my_file.py:Net()"),
    ".safetensors": ("weights", "the config.json beside it says the network; `archcalc weights` tells what is in it"),
    ".gguf": ("weights", "`archcalc weights` tells what is in it"),
    ".h5": ("a model of Keras", "keras:NAME, or my_file.py:make() on Keras' torch backend"),
    ".keras": ("a model of Keras", "keras:NAME, or my_file.py:make() on Keras' torch backend"),
    ".tflite": ("a model of TensorFlow Lite", "an ONNX file of the same model: model.onnx"),
    ".pb": ("a graph of TensorFlow", "an ONNX file of the same model: model.onnx"),
    ".mlmodel": ("a model of Core ML", "an ONNX file of the same model: model.onnx"),
    ".py": ("a programme", "say what in it makes the model: my_file.py:Net(num_classes=10)"),
}

_readers: dict[str, Reader] = {}
_found: dict[tuple[Any, ...], Imported] = {}


def register(kind: str, reader: Reader) -> None:
    """Say who reads a kind of source: `torch`, by its name, or `module`, an object."""
    _readers[kind] = reader


def _reader(kind: str) -> Reader:
    """Who reads a kind of source; the room that registers readers is above this one, and asked when one is needed."""
    if kind not in _readers:
        import_module("archcalc.python.models")
    return _readers[kind]


def kind_of(name: str) -> Kind | None:
    """What kind of source a text means; None: it is none, but a name or a file of ours."""
    lower = name.lower()
    if lower.endswith((".prototxt", ".prototxt.txt")):
        return "prototxt"
    if lower.endswith((".onnx", ".onnx.textproto", ".onnxtxt")):
        return "onnx"
    if ":" not in name:
        return None
    if re.fullmatch(_FILE, name) or (name.partition(":")[0] in LIBRARIES and name.partition(":")[2]):
        return "torch"
    found = re.fullmatch(_MODULE, name)
    if found is None or found["module"].endswith((".yaml", ".yml")) or _is_network(found["module"]):
        return None
    return "torch"


def _is_network(name: str) -> bool:
    """Whether a word before a colon is a network of ours, of which there is no such thing."""
    from archcalc.spec.library import index, plain

    return "." not in name and plain(name) in index()


def refusal(name: str) -> SpecError | None:
    """What a file is that is no source, though it looks like one; None: it may be one of ours."""
    from archcalc.source import Diagnostic, SpecError

    what, help = OTHER_FILES.get(Path(name).suffix.lower(), ("", ""))
    return SpecError([Diagnostic("not-a-source", f"`{name}` is {what}, not a network", help=help)]) if what else None


def read(source: str, input: Given = None) -> Calls:
    """The calls of a source.

    Raises:
        SpecError: it is no source, or cannot be read.
        MissingExtraError: a library that reads it is not installed, with the line to type.
    """
    kind = kind_of(source)
    if kind == "prototxt":
        from archcalc.importing.prototxt import read_prototxt

        return read_prototxt(source, input)
    if kind == "onnx":
        from archcalc.source.extra import require

        require("onnx", extra="onnx")
        from archcalc.importing.onnx import read_onnx

        return read_onnx(source, (input,) if isinstance(input, int) else input)  # type: ignore[arg-type]  # no text
    if kind == "torch":
        from archcalc.source.extra import require

        require("torch")
        return _reader("torch")(source, input)
    from archcalc.source import Diagnostic, SpecError

    raise refusal(source) or SpecError([Diagnostic("not-a-source", f"`{source}` is no model", help=FORMS)])


def imported(source: Any, input: Given = None, check_input: Given = None, name: str = "") -> Imported:
    """A model as a spec, proven to be it: a file, what makes it, or the module itself.

    Args:
        source: as it was typed, or a torch module.
        input: another shape of its input, or the one that it does not say.
        check_input: a second one, at which what is written is held to the model too; without it a larger one, where
            the model can read that: numbers that are functions of the input show there alone.
        name: of the network, in place of its own.

    Raises:
        SpecError: it is no source, or cannot be read.
        MissingExtraError: a library that reads it is not installed, with the line to type.
    """
    input, check_input = _sizes(input), _sizes(check_input)
    key = (source, _version(source), repr(input), repr(check_input), name) if isinstance(source, str) else None
    if key is not None and key in _found:
        return _found[key]
    from archcalc.spec.collector import paused_collector

    with paused_collector():
        found = _imported(source, input, check_input, name)
    if key is not None:
        _found[key] = found
    return found


def _imported(source: Any, input: Given, check_input: Given, name: str) -> Imported:
    calls = read_again(source, input)
    if not calls.outputs:
        from archcalc.source import Diagnostic, SpecError

        raise SpecError([Diagnostic("cannot-import", f"{calls.name} gives nothing that was computed from its input")])
    if name:
        calls.name = name
    found = (
        _at_two_sizes(source, calls) if check_input is None else written(calls, _read_at(source, calls, check_input))
    )
    calls.again = calls.lowered = None  # so that nothing is kept that was made for reading
    return found


def _at_two_sizes(source: Any, calls: Calls) -> Imported:
    """The spec, held at a larger input too: at one of no whole windows, where those matter and it can be read."""
    if not any(shape.rank for shape in calls.inputs.values()):
        return written(calls)  # of features alone, there is no second size
    if calls.ragged:
        second = _larger(source, calls, FURTHER + calls.ragged)
        found = None if isinstance(second, str) else written(calls, second)
        if found is not None and found.proof.is_of_both:
            return found
    second = _larger(source, calls, FURTHER)
    if isinstance(second, str):
        found = written(calls)
        found.notes.append(second)
        return found
    return written(calls, second)


def _sizes(given: Given) -> Given:
    """Shapes of ours as numbers, channels first."""
    from archcalc.ops import Shape

    if isinstance(given, Shape):
        return given.spatial if given.channels is None else (given.channels, *given.spatial)
    if isinstance(given, Mapping):
        return {name: _sizes(each) for name, each in given.items()}
    return given


def written(calls: Calls, second: Calls | None = None) -> Imported:
    """The spec of what was read, and its proof.

    Where writing itself fails, that is the difference that is told: a model of somebody's is never a traceback, and its
    costs are known without a spec.
    """
    from archcalc.importing.decompile import decompile
    from archcalc.importing.imported import Imported, Proof

    try:
        return decompile(calls, second)
    except Exception as error:
        told = f"no spec can be written of it: {type(error).__name__}: {error} (please report the model)"
        return Imported(calls, "", Proof(differences=[told]), notes=calls.notes)


def read_again(source: Any, input: Given) -> Calls:
    """The calls of a source or of a module at some size of its input.

    Raises:
        SpecError: it cannot be read, or not at that size.
    """
    return read(source, input) if isinstance(source, str) else _reader("module")(source, input)


def _larger(source: Any, calls: Calls, by: int) -> Calls | str:
    """The model read once more, with every input larger by so many positions along each axis, or why that cannot be."""
    from archcalc.source import SpecError

    larger: dict[str, Any] = {}
    for name, shape in calls.inputs.items():
        extents = tuple([extent + by for extent in shape.spatial])
        larger[name] = extents if shape.channels is None else (shape.channels, *extents)
    try:
        return _read_at(source, calls, larger if len(larger) > 1 else next(iter(larger.values())))
    except SpecError as error:
        at = ", ".join("x".join(map(str, sizes)) for sizes in larger.values())
        return f"The text is of this size of the input alone; at {at}: {error.diagnostics[0].message}"


def _read_at(source: Any, calls: Calls, input: Given) -> Calls:
    """The model at another size: what was made for the first reading read again, or made anew where it has changed."""
    found = calls.again(input) if calls.again is not None else None
    return found or read_again(source, input)


def _version(source: str) -> tuple[int, int]:
    """Of a file, when it was written and how long it is: another version is read anew."""
    try:
        found = Path(source.partition(".py:")[0] + ".py" if ".py:" in source else source).stat()
    except (OSError, ValueError):
        return 0, 0
    return found.st_mtime_ns, found.st_size
