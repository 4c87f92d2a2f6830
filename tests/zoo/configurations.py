"""What transformers makes of a config.json, on meta: parameters, MACs, elements of its caches, whole and in steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
import transformers
from torch import nn

from archcalc.torch_bridge.zoo.decoders import EAGER, EXPERTS, inputs
from archcalc.torch_bridge.zoo.encoders import _of_sound, mask, tokens
from archcalc.torch_bridge.zoo.models import on_meta, parameters, passed
from archcalc.torch_bridge.zoo.multimodal import Llava

NEW, PAST = 24, 40  # tokens of a whole pass, and those before a step


class Figure(NamedTuple):
    """A quantity, and what ours is asked with; `cached` is the state, with what is kept once and for all."""

    quantity: str
    settings: tuple[tuple[str, int], ...]
    step: bool = False


class Kind(NamedTuple):
    """A class of transformers, and how it is fed: arguments for new tokens after a past, and settings of the spec."""

    name: str = "AutoModelForCausalLM"
    fed: Callable[[Any, int, int], dict[str, Any]] | None = inputs
    steps: bool = True
    settings: tuple[tuple[str, int], ...] = (("length", NEW),)


def _words(model: Any, new: int, past: int) -> dict[str, Any]:
    return {"input_ids": tokens(new), "attention_mask": mask(new, new)}


def _image(model: Any, new: int, past: int, size: int | None = None) -> dict[str, Any]:
    size = size or model.config.image_size
    return {"pixel_values": torch.zeros(1, 3, size, size, device="meta")}


def _translated(model: Any, new: int, past: int) -> dict[str, Any]:
    source = {} if past else {"input_ids": tokens(NEW)}
    target = {"decoder_input_ids": tokens(new), "decoder_attention_mask": mask(new, past + new)}
    return {**source, **target, "attention_mask": mask(1, NEW), "use_cache": True}


def _alibi(model: Any, new: int, past: int) -> dict[str, Any]:
    return {"input_ids": tokens(new), "attention_mask": torch.ones(1, past + new, device="meta"), "use_cache": True}


def _picture_and_text(model: Any, new: int, past: int) -> dict[str, Any]:
    size = model.config.vision_config.image_size
    return {"pixel_values": torch.zeros(1, 3, size, size, device="meta"), "input_ids": tokens(new)}


BOTH = (("source_length", NEW), ("length", NEW))
TEXT = (("length", NEW),)


def _spread(model: Any, new: int, past: int) -> dict[str, Any]:
    seen = {kind: mask(new, new) for kind in set(model.config.layer_types)}
    return {"input_ids": tokens(new), "attention_mask": seen, "position_ids": torch.arange(new, device="meta")[None]}


def _pair(model: Any, new: int, past: int) -> dict[str, Any]:
    return {"input_ids": tokens(new), "token_type_ids": tokens(new), "attention_mask": mask(new, new)}


KINDS: dict[str, Kind] = {
    "bert": Kind("BertModel", _pair, False),
    "albert": Kind("AlbertModel", _pair, False),
    "electra": Kind("ElectraModel", _pair, False),
    "mpnet": Kind("MPNetModel", _words, False),
    "modernbert": Kind("ModernBertModel", _spread, False),
    "roberta": Kind("RobertaModel", _pair, False),
    "xlm-roberta": Kind("XLMRobertaModel", _pair, False),
    "camembert": Kind("CamembertModel", _pair, False),
    **dict.fromkeys(("jamba", "mamba", "mamba2", "qwen3_next"), Kind(fed=None)),  # their scans are held by zoo.scans
    "clip": Kind("CLIPModel", None),
    "siglip": Kind("SiglipModel", None),
    "vit": Kind("ViTForImageClassification", _image, False, ()),
    "dinov2": Kind("Dinov2Model", _image, False, ()),
    "dinov2_with_registers": Kind("Dinov2WithRegistersModel", _image, False, ()),
    "beit": Kind("BeitForImageClassification", _image, False, ()),
    "segformer": Kind("SegformerForSemanticSegmentation", partial(_image, size=512), False, ()),
    "swin": Kind("SwinForImageClassification", _image, False, ()),
    "convnext": Kind("ConvNextForImageClassification", _image, False, ()),
    "deit": Kind("DeiTForImageClassificationWithTeacher", _image, False, ()),
    "marian": Kind("MarianMTModel", _translated, True, BOTH),
    "pegasus": Kind("PegasusForConditionalGeneration", _translated, True, BOTH),
    "mbart": Kind("MBartForConditionalGeneration", _translated, True, BOTH),
    "m2m_100": Kind("M2M100ForConditionalGeneration", _translated, True, BOTH),
    "mt5": Kind("MT5ForConditionalGeneration", _translated, True, BOTH),
    "umt5": Kind("UMT5ForConditionalGeneration", _translated, True, BOTH),
    "t5": Kind("T5ForConditionalGeneration", _translated, True, BOTH),
    "bart": Kind("BartForConditionalGeneration", _translated, True, BOTH),
    "whisper": Kind("WhisperForConditionalGeneration", _of_sound, True),
    "bloom": Kind(fed=_alibi),
    "mpt": Kind(fed=_alibi),
    "distilbert": Kind("DistilBertModel", _words, False),
    "llava": Kind("LlavaForConditionalGeneration", _picture_and_text, False),
    "paligemma": Kind("PaliGemmaForConditionalGeneration", _picture_and_text, False),
    "gemma3": Kind("Gemma3ForConditionalGeneration", _picture_and_text, False),
}


# What transformers needs beside the model_type to build a network, or one that it can run.
GEMMA3 = {
    "text_config": {"hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34, "sliding_window": 1024},
    "vision_config": {
        "hidden_size": 1152,
        "image_size": 896,
        "intermediate_size": 4304,
        "num_attention_heads": 16,
        "num_hidden_layers": 27,
        "patch_size": 14,
        "vision_use_head": False,
    },
}
BASE: dict[str, dict[str, Any]] = {
    "deepseek_v2": {"num_experts_per_tok": 6},
    "gemma3": GEMMA3,
    "gpt_neo": {"num_layers": 2, "attention_types": [[["global", "local"], 1]]},
    "nemotron": {"num_key_value_heads": 8},
}


def built(values: dict[str, Any]) -> nn.Module:
    """The model of a configuration."""
    config = transformers.AutoConfig.for_model(**values)
    for each in (config, *(getattr(config, part, None) for part in ("text_config", "vision_config"))):
        if each is not None:
            each._attn_implementation = EAGER
            each._experts_implementation = EXPERTS
    kind = getattr(transformers, KINDS.get(values["model_type"], Kind()).name)
    return on_meta(lambda: (kind.from_config if hasattr(kind, "from_config") else kind)(config))


def theirs(values: dict[str, Any]) -> dict[Figure, int]:
    """All figures of a configuration."""
    kind = KINDS.get(values["model_type"], Kind())
    model: Any = built(values)
    if kind.fed is _picture_and_text:
        model = Llava(model).eval()
    given_gradients = sum(each.numel() for each in model.parameters() if each.requires_grad)
    found = {Figure("params", ()): parameters(model), Figure("trainable", ()): given_gradients}
    if kind.fed is None:
        return found
    whole = passed(model, kind.fed(model, NEW, 0))
    found[Figure("macs", kind.settings)] = whole.macs
    if kind.steps:
        if kind.fed not in (_translated, _of_sound):  # of these the memory is kept from the first step on
            found[Figure("cached", kind.settings)] = whole.cached
        longer = passed(model, kind.fed(model, PAST, 0))
        step = passed(model, {**kind.fed(model, 1, PAST), **longer.carried})
        asked = (*kind.settings[:-1], ("length", 1), ("past", PAST))
        found[Figure("macs", asked, True)] = step.macs
        found[Figure("cached", asked, True)] = step.cached
    return found
