"""Models by their place: `torchvision:resnet50`, `timm:NAME`, `transformers:LlamaForCausalLM`, `my_file.py:Net()`.

Nothing is downloaded: models of libraries are made from their definitions, without weights.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from torch import nn

from archcalc.importing.calls import Calls
from archcalc.source import Diagnostic, SpecError, suggestion
from archcalc.source.extra import MissingExtraError
from archcalc.torch_bridge.model.reference import referred
from archcalc.torch_bridge.trace.arguments import Arguments
from archcalc.torch_bridge.trace.inputs import Given
from archcalc.torch_bridge.trace.keras_models import application
from archcalc.torch_bridge.trace.read import read_module
from archcalc.torch_bridge.trace.shells import made

IMAGE = (3, 224, 224)
FRAMES = 16
OTHER_SIZES = {"inception_v3": 299}  # of torchvision, as its weights say
LIBRARIES = ("torchvision", "timm", "transformers", "keras")


def read_torch(source: str, input: Given = None, name: str = "") -> Calls:
    """The calls of a model of a library, or of the user's own code, which runs for that.

    Args:
        source: `torchvision:NAME`, `timm:NAME`, `transformers:CLASS` or `transformers:./config.json`,
            `keras:MobileNetV2`, `my_file.py:Net(num_classes=10)`, `package.module:factory()`.
        input: as `read_module` takes it; where not given, what the library says of its model.
        name: of the network; that of the source where not given.

    Raises:
        SpecError: there is no such model, its code fails, or it cannot be traced.
        MissingExtraError: the library is not installed.
    """
    library, _, rest = source.partition(":")
    if library in LIBRARIES and rest:
        with _of_library(library, rest.strip()) as (model, found, default):
            given = default if input is None else input
            return read_module(model, given, name or _name(rest), source, found, is_own=True)
    with _of_user(source) as (model, found):
        return read_module(model, input, name or type(model).__name__, source, found, is_own=True)


def is_torch_source(text: str) -> bool:
    """Whether a source is one of these forms: a library's model, or code and an expression."""
    library, colon, rest = text.partition(":")
    return bool(colon) and bool(rest) and (library in LIBRARIES or library.endswith(".py") or "." in library)


def _name(rest: str) -> str:
    path = Path(rest)
    if path.suffix == ".json" and path.stem != "config":
        return path.stem
    return path.resolve().parent.name if path.suffix == ".json" else rest.partition("(")[0]


@contextmanager
def _of_library(library: str, rest: str) -> Iterator[tuple[nn.Module, Arguments, Given]]:
    if library == "keras":
        os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        import_module(library)
    except ModuleNotFoundError:
        raise MissingExtraError(library, "torch") from None
    makers: dict[str, Callable[[str], tuple[nn.Module, Arguments, Given]]] = {
        "torchvision": _torchvision,
        "timm": _timm,
        "transformers": _transformers,
        "keras": _keras,
    }
    yield makers[library](rest)


def _torchvision(name: str) -> tuple[nn.Module, Arguments, Given]:
    from torchvision import models
    from torchvision.models._api import get_model, get_model_weights, list_models

    name, settings = _settings(name)
    known = list_models()
    if name not in known:
        _fail("unknown-model", f"torchvision has no model `{name}`", suggestion(name, known, None, 3))
    is_detector = name in list_models(module=models.detection)
    more: dict[str, Any] = (
        {"weights_backbone": None} if is_detector or name in list_models(module=models.segmentation) else {}
    )
    if name in ("googlenet", "inception_v3"):
        more = {"init_weights": False}  # which warns where it is not said
    model, found = _tried(f"torchvision:{name}", lambda: get_model(name, weights=None, **more, **settings))
    size = OTHER_SIZES.get(name, 224)
    is_video = name in list_models(module=models.video)
    if is_video:  # of the size that its weights were trained at
        weights: Any = get_model_weights(name)
        return model, found, (3, FRAMES, *weights.DEFAULT.transforms.keywords["crop_size"])
    if name in list_models(module=models.optical_flow):
        return model, found, [(3, 520, 960), (3, 520, 960)]
    return model, found, (3, size, size)


def _timm(name: str) -> tuple[nn.Module, Arguments, Given]:
    import timm

    name, settings = _settings(name)
    if not timm.is_model(name):
        _fail("unknown-model", f"timm has no model `{name}`", suggestion(name, timm.list_models(), None, 3))
    model, found = _tried(f"timm:{name}", lambda: timm.create_model(name, pretrained=False, **settings))
    return model, found, None


def _transformers(rest: str) -> tuple[nn.Module, Arguments, Given]:
    import transformers

    path = Path(rest)
    path = path / "config.json" if path.is_dir() else path
    if path.suffix == ".json" or path.exists():
        if not path.is_file():
            _fail(
                "no-such-file", f"there is no file `{path}`", "transformers: takes a config.json or the name of a class"
            )
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            config = transformers.AutoConfig.for_model(**values)
        except (ValueError, TypeError, KeyError, UnicodeDecodeError) as error:
            _fail("bad-config", f"`{path}` is no configuration that transformers knows: {error}", None)
        cls = next((getattr(transformers, each, None) for each in values.get("architectures") or ()), None)
    else:
        name, settings = _settings(rest)
        cls = getattr(transformers, name, None)
        if cls is None or not hasattr(cls, "config_class"):
            known = [each for each in dir(transformers) if each.endswith(("Model", "LM", "Classification"))]
            _fail("unknown-model", f"transformers has no model `{name}`", suggestion(name, known, "a class, as in "
                  "transformers:LlamaForCausalLM, or a file: transformers:./config.json", 3))  # fmt: skip
        config = _tried_plain(f"transformers:{name}", lambda: cls.config_class(**settings))
    if cls is None:
        model, found = _tried(f"transformers:{rest}", lambda: transformers.AutoModel.from_config(config))
    else:
        model, found = _tried(f"transformers:{rest}", lambda: cls(config))
    return model, found, None


def _keras(rest: str) -> tuple[nn.Module, Arguments, Given]:
    name, settings = _settings(rest)
    model, found = _tried(f"keras:{name}", lambda: application(name, settings))
    return model, found, None


@contextmanager
def _of_user(source: str) -> Iterator[tuple[nn.Module, Arguments]]:
    """The user's model, while its folder is on the path; what it prints goes to stderr."""
    entered: list[Any] = []

    def make() -> nn.Module:
        context = referred(source)
        model = context.__enter__()
        entered.append(context)
        return model

    try:
        yield made(make)
    finally:
        for context in entered:
            context.__exit__(None, None, None)


def _settings(text: str) -> tuple[str, dict[str, Any]]:
    """`resnet18(num_classes=10)` as the name and its settings, which are literals."""
    import ast

    name, bracket, _ = text.partition("(")
    if not bracket:
        return text, {}
    try:
        call = ast.parse(text, mode="eval").body
        if isinstance(call, ast.Call) and not call.args:
            return name, {each.arg: ast.literal_eval(each.value) for each in call.keywords if each.arg}
    except (SyntaxError, ValueError):
        pass
    _fail("bad-model", f"`{text}` is no model with settings", "as in torchvision:resnet18(num_classes=10)")


def _tried(doing: str, make: Callable[[], Any]) -> tuple[nn.Module, Arguments]:
    result: tuple[nn.Module, Arguments] = _tried_plain(doing, lambda: made(make, is_own=True))
    return result


def _tried_plain(doing: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except SpecError:
        raise
    except Exception as error:
        message = (str(error).strip().splitlines() or [""])[0][:200]
        _fail("model-fails", f"{doing} raises {type(error).__name__}: {message}", None)


def _fail(code: str, message: str, help: str | None) -> NoReturn:
    raise SpecError([Diagnostic(code, message, help=help)]) from None
