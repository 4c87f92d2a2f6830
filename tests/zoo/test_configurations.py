"""Every model_type that a spec reads, against transformers: of its defaults, and with each key changed by itself.

The second is what shows a variable that follows another where the class has a default of its own, and a key that the
spec reads and the class does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the torch extra is not installed")
pytest.importorskip("transformers", reason="the zoo extra is not installed")

import transformers
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from archcalc import SpecError, analyze
from archcalc.source import read_source
from archcalc.spec import library
from archcalc.spec.configuration import by_path
from archcalc.spec.huggingface import Gives, HuggingFace
from archcalc.spec.read import read_spec
from archcalc.torch_bridge.zoo.models import parameters
from tests.zoo.configurations import BASE, KINDS, Kind, built, theirs

pytestmark = pytest.mark.torch

FEW = ["cohere2", "distilbert", "gpt_neox", "qwen2_moe"]
TYPES = [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in sorted(library.types())]
DEPTHS = re.compile(r"num_hidden_layers|n_layers?|num_layers|depth|encoder_layers|decoder_layers|num_decoder_layers")
# Keys that transformers reads over: T5's own output, which its checkpoints have and version 5 ties; the names that the
# first files of Mamba give its sizes.
READ_OVER = {(name, "tie_word_embeddings") for name in ("t5", "mt5", "umt5")}
READ_OVER |= {(name, key) for name in ("mamba", "mamba2") for key in ("n_layer", "d_model")}


def rules_of(model_type: str) -> HuggingFace:
    read = read_spec(read_source(library.types()[model_type])).huggingface
    assert read is not None
    return read()


def file(folder: Path, values: dict[str, Any]) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    return str(path)


def put(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The same with one more value."""
    copied: dict[str, Any] = json.loads(json.dumps(values))
    *above, last = path.split(".")
    inner = copied
    for part in above:
        inner = inner.setdefault(part, {})
    inner[last] = value
    return copied


@pytest.mark.parametrize("model_type", TYPES)
def test_defaults_cost_what_transformers_counts(model_type: str, tmp_path: Path) -> None:
    values = {"model_type": model_type, **BASE.get(model_type, {})}
    name = file(tmp_path, values)
    for figure, expected in theirs(values).items():
        found = analyze(name, set=dict(figure.settings), step=figure.step).totals
        ours = {
            "params": found.params,
            "trainable": found.trainable_params,
            "macs": found.macs,
            "cached": found.state + found.state_once,
        }
        assert ours[figure.quantity] == expected, figure


def test_the_class_of_each_type_is_the_one_that_is_compared() -> None:
    """What the class is called whose figures a configuration gives, and which its `architectures` is held to."""
    wrong = []
    for model_type in library.types():
        (first, *_) = rules_of(model_type).classes[model_type]
        compared = KINDS.get(model_type, Kind()).name
        if compared == Kind().name:
            compared = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[model_type]
        if first != compared or getattr(transformers, first).config_class.model_type != model_type:
            wrong.append((model_type, first, compared))
    assert wrong == []


def changes(gives: Gives, default: Any) -> Iterator[Any]:
    """Other values of a key."""
    if gives.is_number_of or isinstance(default, list | float) or "rotary" in gives.path:
        return
    if isinstance(default, bool):
        yield not default
    elif isinstance(default, int):
        yield from (2 * default, max(1, default // 2), None)
    else:
        named = [word for word in gives.words if word != "*"]
        yield from (json.loads(word) if word in ("true", "false", "null") else word for word in named)
        yield None
    if default is None and "true" not in gives.words:
        yield 4


@pytest.mark.parametrize("model_type", TYPES)
def test_a_key_by_itself_says_what_it_says_to_transformers(model_type: str, tmp_path: Path) -> None:
    rules = rules_of(model_type)
    defaults = dict(by_path(json.loads(transformers.AutoConfig.for_model(model_type).to_json_string())))
    whole = {"model_type": model_type, **BASE.get(model_type, {})}
    base = whole
    for gives in rules.gives:
        if DEPTHS.fullmatch(gives.path.rpartition(".")[2]) and isinstance(defaults.get(gives.path), int):
            base = put(base, gives.path, 2)
    shared = {
        each.path for each in rules.gives for other in rules.gives if each != other and each.variable == other.variable
    }
    tried = [
        (gives.path, put(base, gives.path, value))
        for gives in rules.gives
        if gives.path not in shared or gives.path in defaults
        for value in changes(gives, defaults.get(gives.path))
    ]
    tried += [(gives.path, put(whole, gives.path, 2)) for gives in rules.gives if DEPTHS.fullmatch(gives.path)]
    wrong = []
    compared = 0
    for path, values in tried:
        try:
            expected = parameters(built(values))
        except Exception:  # whatever transformers says of a configuration that is none
            continue
        compared += 1
        try:
            found = analyze(file(tmp_path, values)).totals.params
        except SpecError:  # refused, which is no wrong number
            continue
        if found != expected and (model_type, path) not in READ_OVER:
            wrong.append((path, values, found, expected))
    assert wrong == []
    assert compared >= 2
