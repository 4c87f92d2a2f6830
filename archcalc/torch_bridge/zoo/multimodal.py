"""Networks that read images, beside texts or alone: transformers' definitions."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from archcalc.torch_bridge.zoo.decoders import EAGER
from archcalc.torch_bridge.zoo.encoders import mask, tokens, whole
from archcalc.torch_bridge.zoo.models import ZooModel, on_meta

_DETR_RESOLUTION = 256  # not 800, since its model is counted with memory


def _pixels(config: Any, device: str = "meta") -> Tensor:
    return torch.zeros(1, 3, config.image_size, config.image_size, device=device)


def _of_both(model: Any, new: int, past: int) -> dict[str, Any]:
    """A picture, and a text of the length that the model was trained at."""
    length = model.config.text_config.max_position_embeddings
    picture = _pixels(model.config.vision_config)
    return {"pixel_values": picture, "input_ids": tokens(length), "attention_mask": mask(length, length)}


class Llava(nn.Module):
    """Parts of LLaVA and its like in their order: what puts the picture into the text cannot run on meta.

    transformers looks for the tokens that stand for the picture; here its vectors stand before the text's.
    """

    def __init__(self, model: Any) -> None:
        """Take a `LlavaForConditionalGeneration`, or another model of a vision tower and a text."""
        super().__init__()
        self.model = model
        self.config = model.config

    def forward(self, pixel_values: Tensor, input_ids: Tensor) -> Any:
        """Logits of picture and text."""
        found = self.model.model.get_image_features(pixel_values=pixel_values, return_dict=True).pooler_output
        words = self.model.get_input_embeddings()(input_ids)
        embedded = torch.cat([torch.cat(list(found))[None], words], dim=1)
        length = embedded.shape[1]
        kinds = set(getattr(self.model.config.text_config, "layer_types", None) or ())
        seen = {kind: mask(length, length) for kind in kinds} if len(kinds) > 1 else mask(length, length)
        given = self.model.model.language_model(
            inputs_embeds=embedded,
            attention_mask=seen,
            position_ids=torch.arange(length, device="meta")[None],
            use_cache=True,
        )
        self.model.lm_head(given.last_hidden_state)
        return given


def _llava_model(**text: Any) -> nn.Module:
    import transformers

    config = transformers.LlamaConfig(vocab_size=32064, **text)
    return Llava(whole("LlavaForConditionalGeneration", text_config=config)).eval()


def _of_picture_and_text(model: Any, new: int, past: int) -> dict[str, Any]:
    return {"pixel_values": _pixels(model.config.vision_config), "input_ids": tokens(new)}


def _llava(**text: Any) -> ZooModel:
    return ZooModel("transformers", partial(_llava_model, **text), _of_picture_and_text)


def _gemma3_model(**text: Any) -> nn.Module:
    vision = {**_sizes(1152, 27, 16, 4304), "image_size": 896, "patch_size": 14, "vision_use_head": False}
    text = {"sliding_window": 1024, **text}
    return Llava(whole("Gemma3ForConditionalGeneration", vision_config=vision, text_config=text)).eval()


def _gemma3(width: int, depth: int, heads: int, kv_heads: int, hidden: int, **more: Any) -> ZooModel:
    sizes = {**_sizes(width, depth, heads, hidden), "num_key_value_heads": kv_heads, **more}
    return ZooModel("transformers", partial(_gemma3_model, **sizes), _of_picture_and_text)


def _paligemma_model(resolution: int) -> nn.Module:
    vision: dict[str, Any] = {"image_size": resolution, "patch_size": 14, "vision_use_head": False}
    vision |= {"model_type": "siglip_vision_model", **_sizes(1152, 27, 16, 4304)}
    text: dict[str, Any] = {"model_type": "gemma", "num_key_value_heads": 1, "head_dim": 256, "vocab_size": 257216}
    text |= _sizes(2048, 18, 8, 16384)
    return Llava(whole("PaliGemmaForConditionalGeneration", vision_config=vision, text_config=text)).eval()


def _paligemma(resolution: int) -> ZooModel:
    return ZooModel("transformers", partial(_paligemma_model, resolution), _of_picture_and_text)


def _detr_model(backbone: str, classes: int) -> nn.Module:
    """DETR with memory, whose content is never read: its mask is looked at, which meta cannot."""
    transformers: Any = import_module("transformers")
    config = transformers.DetrConfig(num_labels=classes)
    config.backbone_config.backbone = backbone
    config._attn_implementation = EAGER
    model = on_meta(lambda: transformers.DetrForObjectDetection(config))
    return model.to_empty(device="cpu")


def _of_image(model: Any, new: int, past: int) -> dict[str, Any]:
    return {"pixel_values": torch.zeros(1, 3, new, new)}


def _detr(backbone: str = "resnet50", classes: int = 91) -> ZooModel:
    build = partial(_detr_model, backbone, classes)
    return ZooModel("transformers", build, _of_image, settings={"resolution": _DETR_RESOLUTION})


def _clip(build: str, patch: int, size: int, vision: dict[str, int], text: dict[str, int], **more: int) -> ZooModel:
    vision_config = {"patch_size": patch, "image_size": size, **vision}
    return ZooModel(
        "transformers", partial(whole, build, vision_config=vision_config, text_config=text, **more), _of_both
    )


def _sizes(width: int, depth: int, heads: int, hidden: int | None = None) -> dict[str, int]:
    return {
        "hidden_size": width,
        "num_hidden_layers": depth,
        "num_attention_heads": heads,
        "intermediate_size": hidden or 4 * width,
    }


def _siglip(patch: int, size: int, *sizes: int) -> ZooModel:
    text = {**_sizes(*sizes), "projection_size": sizes[0], "bos_token_id": 1, "eos_token_id": 1}
    return _clip("SiglipModel", patch, size, _sizes(*sizes), text)


_L_VISION, _L_TEXT = _sizes(1024, 24, 16), _sizes(768, 12, 12)
_SO400M = (1152, 27, 16, 4304)
MODELS: dict[str, ZooModel] = {
    "clip_vit_b_32": _clip("CLIPModel", 32, 224, {}, {}),
    "clip_vit_b_16": _clip("CLIPModel", 16, 224, {}, {}),
    "clip_vit_l_14": _clip("CLIPModel", 14, 224, _L_VISION, _L_TEXT, projection_dim=768),
    "clip_vit_l_14@336": _clip("CLIPModel", 14, 336, _L_VISION, _L_TEXT, projection_dim=768),
    **{
        f"siglip_base{'' if size == 224 else f'@{size}'}": _siglip(16, size, 768, 12, 12)
        for size in (224, 256, 384, 512)
    },
    "siglip_large": _siglip(16, 256, 1024, 24, 16),
    "siglip_large@384": _siglip(16, 384, 1024, 24, 16),
    "siglip_so400m": _siglip(14, 224, *_SO400M),
    "siglip_so400m@384": _siglip(14, 384, *_SO400M),
    "llava_1_5_7b": _llava(),
    "llava_1_5_13b": _llava(hidden_size=5120, num_hidden_layers=40, num_attention_heads=40, intermediate_size=13824),
    "gemma3_multimodal_4b": _gemma3(2560, 34, 8, 4, 10240),
    "gemma3_multimodal_12b": _gemma3(3840, 48, 16, 8, 15360),
    "gemma3_multimodal_27b": _gemma3(5376, 62, 32, 16, 21504, head_dim=128),
    "paligemma_3b": _paligemma(224),
    "paligemma_3b@448": _paligemma(448),
    "paligemma_3b@896": _paligemma(896),
    "detr_resnet50": _detr(classes=2),
    "detr_resnet50@coco": _detr(),
    "detr_resnet101": _detr("resnet101"),
}
