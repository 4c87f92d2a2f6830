"""Configurations as transformers 5.24 writes them and as the hub has them, in every family that a spec reads."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.source import SpecError, read_source
from archcalc.spec import library
from archcalc.spec.read import read_spec
from archcalc.spec.undescribed import REASONS

FOLDER = Path(__file__).parent / "configurations"

# Parameters of the model that transformers 5.24.0 builds, on meta, from the configuration of the file. Files without
# `hub_` are what `to_json_string()` of a configuration gives; all but t5_gated are of one without arguments.
PARAMS = {
    "albert": 222_595_584,
    "bart": 406_291_456,
    "beit": 85_658_114,
    "bert": 109_482_240,
    "bloom": 16_156_544,
    "camembert": 109_482_240,
    "clip": 151_277_313,
    "codegen": 6_050_882_784,
    "cohere": 34_980_831_232,
    "cohere2": 34_980_831_232,
    "convnext": 27_821_666,
    "deepseek_v2": 38_612_307_968,
    "deepseek_v3": 671_026_404_352,
    "deit": 85_803_268,
    "dinov2": 85_725_696,
    "dinov2_with_registers": 85_820_928,
    "distilbert": 66_362_880,
    "electra": 13_483_008,
    "ernie4_5": 360_748_032,
    "falcon": 6_921_720_704,
    "gemma": 8_537_680_896,
    "gemma2": 2_614_341_888,
    "gemma3_text": 2_628_658_432,
    "glm": 9_399_951_360,
    "glm4": 9_400_279_040,
    "gpt2": 124_439_808,
    "gpt_bigcode": 111_446_784,
    "gpt_neo": 1_315_575_808,
    "gpt_neox": 20_554_567_680,
    "gpt_oss": 116_829_156_672,
    "gptj": 6_050_882_784,
    "granite": 6_738_415_616,
    "granitemoe": 37_039_116_288,
    "granitemoeshared": 37_039_116_288,
    "hub_bert": 109_482_240,
    "hub_gpt2": 124_439_808,
    "hub_llama3": 8_030_261_248,
    "hub_whisper": 37_760_640,
    "jamba": 51_570_323_328,
    "llama": 6_738_415_616,
    "llava": 7_062_902_784,
    "m2m_100": 483_905_536,
    "mamba": 159_308_544,
    "mamba2": 7_285_403_648,
    "marian": 414_307_328,
    "mbart": 406_295_552,
    "ministral3": 8_489_553_920,
    "mistral": 7_241_732_096,
    "mixtral": 46_702_792_704,
    "modernbert": 149_014_272,
    "mpnet": 109_484_928,
    "mpt": 1_311_213_568,
    "mt5": 172_119_424,
    "nemotron": 17_642_041_344,  # of 48 heads of keys and values: with none it builds nothing
    "olmo": 6_888_095_744,
    "olmo2": 6_888_624_128,
    "olmo3": 6_888_624_128,
    "olmoe": 13_361_612_800,
    "opt": 125_239_296,
    "paligemma": 2_910_390_528,
    "pegasus": 406_287_360,
    "persimmon": 9_397_175_296,
    "phi": 1_418_270_720,
    "phi3": 3_821_079_552,
    "phimoe": 41_872_793_600,
    "qwen2": 12_049_846_272,
    "qwen2_moe": 14_315_784_192,
    "qwen3": 12_049_461_248,
    "qwen3_moe": 15_350_731_776,
    "qwen3_next": 79_674_391_296,
    "roberta": 124_644_864,
    "seed_oss": 28_921_040_896,
    "segformer": 3_714_658,
    "siglip": 203_155_970,
    "smollm3": 3_075_098_624,
    "stablelm": 2_795_443_200,
    "starcoder2": 3_030_371_328,
    "swin": 27_520_892,
    "t5": 60_506_624,
    "t5_gated": 222_903_552,
    "umt5": 172_122_112,
    "vit": 85_800_194,
    "whisper": 37_760_640,
    "xlm-roberta": 109_482_240,
}
# transformers 5 ties the output of T5, and builds this one with 222,903,552; the published file has its own.
OF_FILE = {"hub_t5_v1_1": 247_577_856}
NEEDED: dict[str, dict[str, Any]] = {"nemotron": {"num_key_value_heads": 48}}
# transformers 5 builds it, and cannot run it: 196 patches of a picture make no 256 vectors.
REFUSED = {"gemma3": "gemma3 requires at least as many patches as vectors of a picture"}


@cache
def values(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def test_every_file_is_held_to_a_number() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {*PARAMS, *OF_FILE, *REFUSED}


@pytest.mark.parametrize(("name", "params"), [*PARAMS.items(), *OF_FILE.items()])
def test_parameters_are_those_that_transformers_builds(name: str, params: int) -> None:
    assert archcalc.analyze(str(FOLDER / f"{name}.json")).totals.params == params


@pytest.mark.parametrize("model_type", sorted(library.types()))
def test_what_a_configuration_leaves_out_is_the_default_of_its_class(model_type: str) -> None:
    """The network that a model_type starts from costs what the class's own configuration costs, without arguments."""
    assert values(model_type)["model_type"] == model_type
    if model_type in REFUSED:
        return
    spec = read_spec(read_source(library.types()[model_type]))
    assert spec.huggingface is not None
    rules = spec.huggingface()
    base = rules.types[model_type] or spec.network
    found = archcalc.analyze(str(FOLDER / f"{model_type}.json"))
    expected = archcalc.analyze(base, set=rules.starts[model_type])
    assert found.totals == expected.totals


def test_a_bare_model_type_is_the_default_of_its_class(tmp_path: Path) -> None:
    for model_type in library.types():
        path = tmp_path / f"{model_type}.json"
        path.write_text(json.dumps({"model_type": model_type}), encoding="utf-8")
        if model_type in REFUSED:
            for name in (path, FOLDER / f"{model_type}.json"):
                with pytest.raises(SpecError, match=REFUSED[model_type]):
                    archcalc.analyze(str(name))
        else:
            assert archcalc.analyze(str(path)).totals.params == PARAMS[model_type], model_type


# Parameters that transformers 5.24.0 builds on meta from what the hub has of these, in the keys that matter; the last
# two are `deit-tiny-distilled-patch16-224`, whose two classifiers have 192,500 numbers, and DeepSeek-V2-Lite.
HUB: list[tuple[dict[str, Any], int]] = [
    (
        {"model_type": "roberta", "vocab_size": 50265, "type_vocab_size": 1, "max_position_embeddings": 514},
        124_645_632,
    ),
    ({"model_type": "vit", "id2label": {str(number): "" for number in range(1000)}, "encoder_stride": 16}, 86_567_656),
    (
        {
            "model_type": "falcon", "hidden_size": 8192, "num_attention_heads": 128, "num_hidden_layers": 60,
            "num_kv_heads": 8, "new_decoder_architecture": True, "multi_query": True,
        },
        41_303_293_952,
    ),
    (
        {
            "model_type": "deit", "hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768,
            "id2label": {str(number): "" for number in range(1000)},
        },
        5_910_800,
    ),
    (
        {
            "model_type": "deepseek_v2", "first_k_dense_replace": 1, "hidden_size": 2048, "intermediate_size": 10944,
            "kv_lora_rank": 512, "moe_intermediate_size": 1408, "n_group": 1, "num_attention_heads": 16,
            "num_experts_per_tok": 6, "num_hidden_layers": 27, "q_lora_rank": None, "scoring_func": "softmax",
            "topk_method": "greedy", "vocab_size": 102400, "pretraining_tp": 1, "aux_loss_alpha": 0.001,
        },
        15_706_484_224,
    ),
    (
        {"model_type": "gpt2", "n_special": 0, "predict_special_tokens": True, "output_past": True, "_num_labels": 3},
        124_439_808,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("values", "params"), HUB, ids=[values["model_type"] for values, _ in HUB])
def test_files_of_the_hub(values: dict[str, Any], params: int, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    assert archcalc.analyze(str(path)).totals.params == params


# One key alone, as short files have it: all that it leaves out is the class's default, also where ours follows from
# another variable. Parameters that transformers 5.24.0 builds on meta.
ALONE: list[tuple[str, dict[str, Any], int]] = [
    ("bart", {"d_model": 512}, 165_446_144),
    ("bart", {"encoder_layers": 6}, 330_714_112),
    ("bart", {"encoder_ffn_dim": 2048}, 355_935_232),
    ("bert", {"hidden_size": 384}, 47_534_208),
    ("clip", {"text_config": {"hidden_size": 256}}, 116_429_825),
    ("clip", {"vision_config": {"hidden_size": 384}}, 100_293_249),
    ("cohere", {"head_dim": 64}, 29_612_122_112),
    ("cohere2", {"head_dim": 64}, 29_612_122_112),
    ("deit", {"hidden_size": 384}, 35_842_180),
    ("deit", {"num_labels": 7}, 85_810_958),
    ("falcon", {"new_decoder_architecture": True, "num_hidden_layers": 2}, 791_064_960),
    ("llava", {"vision_config": {"model_type": "clip_vision_model"}}, 6_845_802_752),
    ("llava", {"vision_config": {"image_size": 672}, "text_config": {"vocab_size": 32064}}, 6_846_628_096),
    ("mt5", {"is_gated_act": False}, 163_730_816),
    ("qwen3_moe", {"num_attention_heads": 16}, 15_375_900_672),
    ("roberta", {"hidden_size": 384}, 55_115_520),
    ("siglip", {"vision_config": {"num_hidden_layers": 6}}, 160_628_738),
    ("siglip", {"vision_config": {"intermediate_size": 1536}}, 172_465_154),
    ("t5", {"is_gated_act": True}, 73_089_536),
    ("vit", {"hidden_size": 384}, 35_840_642),
    ("vit", {"num_labels": 10}, 85_806_346),
    ("whisper", {"d_model": 192}, 17_006_400),
    ("whisper", {"encoder_layers": 2}, 34_212_480),
    ("whisper", {"encoder_ffn_dim": 768}, 35_398_272),
    ("xlm-roberta", {"hidden_size": 384}, 47_534_208),
]


@pytest.mark.parametrize(("model_type", "given", "params"), ALONE)
def test_the_rest_is_the_default_of_the_class(
    model_type: str, given: dict[str, Any], params: int, tmp_path: Path
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": model_type, **given}), encoding="utf-8")
    assert archcalc.analyze(str(path)).totals.params == params


def test_what_is_refused_for_its_normalised_weights_has_them() -> None:
    """Of data2vec-audio it was said too, whose convolutions are plain ones."""
    found = find_spec("transformers")
    if found is None or found.origin is None:
        pytest.skip("the zoo extra is not installed")
    named = [name for name, reason in REASONS.items() if "weight normalisation" in reason]
    assert "wav2vec2" in named
    for name in named:
        (path,) = Path(found.origin).parent.glob(f"models/*/modeling_{name.replace('-', '_')}.py")
        assert "parametrizations.weight_norm" in path.read_text(encoding="utf-8"), name


def test_a_tower_that_is_said_without_its_head_has_one(tmp_path: Path) -> None:
    """SigLIP's class has a head where an object of it says nothing; PaliGemma's own default has none."""
    path = tmp_path / "config.json"
    path.write_text('{"model_type": "paligemma", "vision_config": {"image_size": 448}}', encoding="utf-8")
    with pytest.raises(SpecError, match="requires a tower without the head that nothing reads"):
        archcalc.analyze(str(path))


def test_a_text_of_another_width_than_the_pictures_vectors_is_refused(tmp_path: Path) -> None:
    """Transformers builds it, and cannot join the two."""
    path = tmp_path / "config.json"
    path.write_text('{"model_type": "paligemma", "text_config": {"model_type": "gemma"}}', encoding="utf-8")
    with pytest.raises(SpecError) as error:
        archcalc.analyze(str(path))
    assert [found.code for found in error.value.diagnostics] == ["shape-mismatch"]


def test_a_tower_of_siglip_without_its_head_is_refused(tmp_path: Path) -> None:
    """Transformers builds it, 7,087,104 parameters smaller, and has nothing to compare with the text."""
    path = tmp_path / "config.json"
    path.write_text('{"model_type": "siglip", "vision_config": {"vision_use_head": false}}', encoding="utf-8")
    with pytest.raises(SpecError, match=r"`vision_config\.vision_use_head` is false; siglip is written for true"):
        archcalc.analyze(str(path))


def test_two_numbers_of_classes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"model_type": "vit", "num_labels": 10, "id2label": {"0": "a", "1": "b"}}', encoding="utf-8")
    with pytest.raises(SpecError, match="`id2label` is 2, and another key gives 10 for the same"):
        archcalc.analyze(str(path))


@pytest.mark.torch
@pytest.mark.parametrize(
    "name", [name if name not in library.types() else pytest.param(name, marks=pytest.mark.slow) for name in PARAMS]
)
def test_transformers_builds_as_many(name: str) -> None:
    """Of the files that are no class's defaults; tests/zoo holds those with all else that is counted."""
    pytest.importorskip("torch", reason="the torch extra is not installed")
    pytest.importorskip("transformers", reason="the zoo extra is not installed")
    from archcalc.torch_bridge.zoo.models import parameters
    from tests.zoo.configurations import built

    assert parameters(built(values(name) | NEEDED.get(name, {}))) == PARAMS[name]


@pytest.mark.torch
@pytest.mark.parametrize("model_type", sorted(library.types()))
def test_files_are_what_the_class_gives_today(model_type: str) -> None:
    transformers = pytest.importorskip("transformers", reason="the zoo extra is not installed")
    today = json.loads(transformers.AutoConfig.for_model(model_type).to_json_string())
    stored = values(model_type)
    if today["transformers_version"] != stored["transformers_version"]:
        pytest.skip(f"the files are of transformers {stored['transformers_version']}")
    assert today == stored
