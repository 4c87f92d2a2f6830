"""Configurations as transformers 5.24 writes them and as the hub has them, in every family that a spec reads."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

import archcalc
from archcalc.source import read_source
from archcalc.spec import library
from archcalc.spec.read import read_spec

FOLDER = Path(__file__).parent / "configurations"

# Parameters of the model that transformers 5.24.0 builds, on meta, from the configuration of the file. Files without
# `hub_` are what `to_json_string()` of a configuration gives; all but t5_gated are of one without arguments.
PARAMS = {
    "bart": 406_291_456,
    "bert": 109_482_240,
    "clip": 151_277_313,
    "deepseek_v3": 671_026_404_352,
    "gemma2": 2_614_341_888,
    "gemma3_text": 2_628_658_432,
    "gpt2": 124_439_808,
    "gpt_oss": 116_829_156_672,
    "hub_bert": 109_482_240,
    "hub_gpt2": 124_439_808,
    "hub_llama3": 8_030_261_248,
    "hub_whisper": 37_760_640,
    "jamba": 51_570_323_328,
    "llama": 6_738_415_616,
    "mamba": 159_308_544,
    "mamba2": 7_285_403_648,
    "mistral": 7_241_732_096,
    "mixtral": 46_702_792_704,
    "olmo2": 6_888_624_128,
    "phi3": 3_821_079_552,
    "qwen2": 12_049_846_272,
    "qwen3": 12_049_461_248,
    "qwen3_moe": 15_350_731_776,
    "qwen3_next": 79_674_391_296,
    "siglip": 203_155_970,
    "t5": 60_506_624,
    "t5_gated": 222_903_552,
    "whisper": 37_760_640,
}
# transformers 5 ties the output of T5, and builds this one with 222,903,552; the published file has its own.
OF_FILE = {"hub_t5_v1_1": 247_577_856}
CLASSES = {
    "bart": "BartForConditionalGeneration",
    "bert": "BertModel",
    "clip": "CLIPModel",
    "siglip": "SiglipModel",
    "t5": "T5ForConditionalGeneration",
    "whisper": "WhisperForConditionalGeneration",
}


@cache
def values(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def test_every_file_is_held_to_a_number() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {*PARAMS, *OF_FILE}


@pytest.mark.parametrize(("name", "params"), [*PARAMS.items(), *OF_FILE.items()])
def test_parameters_are_those_that_transformers_builds(name: str, params: int) -> None:
    assert archcalc.analyze(str(FOLDER / f"{name}.json")).totals.params == params


@pytest.mark.parametrize("model_type", sorted(library.types()))
def test_what_a_configuration_leaves_out_is_the_default_of_its_class(model_type: str) -> None:
    """The network that a model_type starts from costs what the class's own configuration costs, without arguments."""
    assert values(model_type)["model_type"] == model_type
    spec = read_spec(read_source(library.types()[model_type]))
    rules = spec.huggingface
    assert rules is not None
    base = rules.types[model_type] or spec.network
    found, expected = (archcalc.analyze(name) for name in (str(FOLDER / f"{model_type}.json"), base))
    assert found.totals == expected.totals


def test_a_bare_model_type_is_the_default_of_its_class(tmp_path: Path) -> None:
    for model_type in library.types():
        path = tmp_path / f"{model_type}.json"
        path.write_text(json.dumps({"model_type": model_type}), encoding="utf-8")
        assert archcalc.analyze(str(path)).totals.params == PARAMS[model_type], model_type


@pytest.mark.torch
@pytest.mark.parametrize("name", sorted(PARAMS))
def test_transformers_builds_as_many(name: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the torch extra is not installed")
    transformers = pytest.importorskip("transformers", reason="the zoo extra is not installed")
    copyfile(FOLDER / f"{name}.json", tmp_path / "config.json")
    config = transformers.AutoConfig.from_pretrained(tmp_path)
    model_type = config.model_type
    with torch.device("meta"):
        if model_type in CLASSES:
            model = getattr(transformers, CLASSES[model_type])(config)
        else:
            model = transformers.AutoModelForCausalLM.from_config(config)
    assert sum(each.numel() for each in model.parameters()) == PARAMS[name]


@pytest.mark.torch
@pytest.mark.parametrize("model_type", sorted(library.types()))
def test_files_are_what_the_class_gives_today(model_type: str) -> None:
    transformers = pytest.importorskip("transformers", reason="the zoo extra is not installed")
    today = json.loads(transformers.AutoConfig.for_model(model_type).to_json_string())
    stored = values(model_type)
    if today["transformers_version"] != stored["transformers_version"]:
        pytest.skip(f"the files are of transformers {stored['transformers_version']}")
    assert today == stored
