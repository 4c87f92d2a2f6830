"""Networks that read a text or a sound as a whole, and those that write one about it: transformers' definitions."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from archcalc.torch_bridge.zoo.decoders import EAGER
from archcalc.torch_bridge.zoo.models import Known, ZooModel, on_meta

SOURCE = 512  # tokens that the encoders of texts read


def whole(name: str, **settings: Any) -> nn.Module:
    """A model of transformers by its class, on meta, of its configuration's own defaults but for `settings`."""
    import transformers

    model = getattr(transformers, name)
    config = model.config_class(**settings)
    for each in (
        config,
        *(getattr(config, part) for part in ("text_config", "vision_config") if hasattr(config, part)),
    ):
        each._attn_implementation = EAGER
    return on_meta(lambda: model(config))


def tokens(length: int) -> torch.Tensor:
    """So many tokens, on meta."""
    return torch.zeros(1, length, dtype=torch.long, device="meta")


def mask(queries: int, keys: int) -> torch.Tensor:
    """A mask of four axes, which transformers takes as it is: on meta it cannot make one."""
    return torch.zeros(1, 1, queries, keys, device="meta")


def _of_bert(model: Any, new: int, past: int) -> dict[str, Any]:
    return {"input_ids": tokens(new), "token_type_ids": tokens(new), "attention_mask": mask(new, new)}


def _of_text(model: Any, new: int, past: int) -> dict[str, Any]:
    """A source, in the first pass, and new tokens of the target."""
    target = {"decoder_input_ids": tokens(new), "decoder_attention_mask": mask(new, past + new)}
    source = {} if past else {"input_ids": tokens(SOURCE)}
    return {**source, **target, "attention_mask": mask(1, SOURCE), "use_cache": True}


def _of_sound(model: Any, new: int, past: int) -> dict[str, Any]:
    """30 seconds of sound, in the first pass, and new tokens of the text."""
    sound = torch.zeros(1, model.config.num_mel_bins, 2 * model.config.max_source_positions, device="meta")
    return {
        **({} if past else {"input_features": sound}),
        "decoder_input_ids": tokens(new),
        "decoder_attention_mask": mask(new, past + new),
        "decoder_position_ids": torch.arange(past, past + new, device="meta")[None],
        "use_cache": True,
    }


def _of_words(model: Any, new: int, past: int) -> dict[str, Any]:
    return {"input_ids": tokens(new), "attention_mask": mask(new, new)}


def _bert(**sizes: int) -> ZooModel:
    return ZooModel("transformers", partial(whole, "BertModel", **sizes), _of_bert)


def _t5(width: int, depth: int, heads: int, hidden: int, head_width: int = 64, **more: Any) -> ZooModel:
    sizes = {"d_model": width, "num_layers": depth, "num_heads": heads, "d_ff": hidden, "d_kv": head_width}
    build = partial(whole, "T5ForConditionalGeneration", **sizes, **more)
    return ZooModel("transformers", build, _of_text, pasts=(127,))


def _t5_v1_1(width: int, depth: int, heads: int, hidden: int) -> ZooModel:
    ties = Known(
        more=-32128 * width,
        reason="transformers 5 ties T5's output to its embedding, whatever tie_word_embeddings says; the file has both",
    )
    model = _t5(width, depth, heads, hidden, feed_forward_proj="gated-gelu", tie_word_embeddings=False)
    return model._replace(known={"params": ties})


def _bart(**sizes: int) -> ZooModel:
    return ZooModel("transformers", partial(whole, "BartForConditionalGeneration", **sizes), _of_text, pasts=(127,))


def _whisper(width: int, depth: int, heads: int, decoder_depth: int | None = None, **more: int) -> ZooModel:
    sizes = {
        "d_model": width,
        "encoder_layers": depth,
        "decoder_layers": decoder_depth or depth,
        "encoder_attention_heads": heads,
        "decoder_attention_heads": heads,
        "encoder_ffn_dim": 4 * width,
        "decoder_ffn_dim": 4 * width,
    }
    build = partial(whole, "WhisperForConditionalGeneration", **sizes, **more)
    return ZooModel("transformers", build, _of_sound, pasts=(127,))


def _electra(**sizes: int) -> ZooModel:
    return ZooModel("transformers", partial(whole, "ElectraModel", **sizes), _of_bert)


def _albert(width: int, depth: int, heads: int) -> ZooModel:
    sizes = {"hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": heads}
    build = partial(whole, "AlbertModel", **sizes, intermediate_size=4 * width)
    return ZooModel("transformers", build, _of_bert)


def _of_words_by_kind(model: Any, new: int, past: int) -> dict[str, Any]:
    """Words, their positions, and a mask for each kind of layer."""
    kinds = {kind: mask(new, new) for kind in set(model.config.layer_types)}
    return {"input_ids": tokens(new), "attention_mask": kinds, "position_ids": torch.arange(new, device="meta")[None]}


def _modernbert(**sizes: int) -> ZooModel:
    return ZooModel("transformers", partial(whole, "ModernBertModel", **sizes), _of_words_by_kind)


def _translator(name: str, **settings: Any) -> ZooModel:
    return ZooModel("transformers", partial(whole, name, **settings), _of_text, pasts=(127,))


_SCALED = {"scale_embedding": True}
_PEGASUS, _MBART, _M2M = (
    "PegasusForConditionalGeneration",
    "MBartForConditionalGeneration",
    "M2M100ForConditionalGeneration",
)
_OPUS: dict[str, Any] = {
    "max_position_embeddings": 512,
    "d_model": 512,
    "encoder_layers": 6,
    "decoder_layers": 6,
    "encoder_attention_heads": 8,
    "decoder_attention_heads": 8,
    "encoder_ffn_dim": 2048,
    "decoder_ffn_dim": 2048,
    "activation_function": "swish",
}
_LARGE = {"encoder_layers": 16, "decoder_layers": 16}
_V3 = {"num_mel_bins": 128, "vocab_size": 51866}
MODELS: dict[str, ZooModel] = {
    "bert_base": _bert(),
    "bert_large": _bert(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096),
    "distilbert_base": ZooModel("transformers", partial(whole, "DistilBertModel"), _of_words),
    "distilbert_base@multilingual": ZooModel(
        "transformers", partial(whole, "DistilBertModel", vocab_size=119547), _of_words
    ),
    "electra_small": _electra(),
    "electra_base": _electra(embedding_size=768, hidden_size=768, num_attention_heads=12, intermediate_size=3072),
    "electra_large": _electra(
        embedding_size=1024, hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096
    ),
    "albert_base": _albert(768, 12, 12),
    "albert_large": _albert(1024, 24, 16),
    "albert_xlarge": _albert(2048, 24, 16),
    "albert_xxlarge": _albert(4096, 12, 64),
    "mpnet_base": ZooModel("transformers", partial(whole, "MPNetModel", max_position_embeddings=514), _of_words),
    "modernbert_base": _modernbert(),
    "modernbert_large": _modernbert(
        hidden_size=1024, num_hidden_layers=28, num_attention_heads=16, intermediate_size=2624
    ),
    "opus_mt": _translator("MarianMTModel", **_OPUS, **_SCALED),
    "pegasus_large": _translator(_PEGASUS, vocab_size=96103, activation_function="relu", **_LARGE, **_SCALED),
    "mbart_large": _translator(_MBART, vocab_size=250027, **_SCALED),
    "mbart_large_50": _translator(_MBART, vocab_size=250054, activation_function="relu", **_SCALED),
    "m2m_100_418m": _translator(_M2M),
    "nllb_200_600m": _translator(_M2M, vocab_size=256206),
    "marian@transformers": _translator("MarianMTModel"),
    "marian@transformers-first": _translator(_PEGASUS),
    "t5_small": _t5(512, 6, 8, 2048),
    "t5_base": _t5(768, 12, 12, 3072),
    "t5_large": _t5(1024, 24, 16, 4096),
    "t5_3b": _t5(1024, 24, 32, 16384, 128),
    "t5_11b": _t5(1024, 24, 128, 65536, 128),
    "t5_v1_1_small": _t5_v1_1(512, 8, 6, 1024),
    "t5_v1_1_base": _t5_v1_1(768, 12, 12, 2048),
    "t5_v1_1_large": _t5_v1_1(1024, 24, 16, 2816),
    "t5_v1_1_xl": _t5_v1_1(2048, 24, 32, 5120),
    "t5_v1_1_xxl": _t5_v1_1(4096, 24, 64, 10240),
    "bart_base": _bart(
        d_model=768,
        encoder_layers=6,
        decoder_layers=6,
        encoder_attention_heads=12,
        decoder_attention_heads=12,
        encoder_ffn_dim=3072,
        decoder_ffn_dim=3072,
    ),
    "bart_large": _bart(),
    "whisper_tiny": _whisper(384, 4, 6),
    "whisper_base": _whisper(512, 6, 8),
    "whisper_small": _whisper(768, 12, 12),
    "whisper_medium": _whisper(1024, 24, 16),
    "whisper_large": _whisper(1280, 32, 20),
    "whisper_large@v3": _whisper(1280, 32, 20, **_V3),
    "whisper_large@v3-turbo": _whisper(1280, 32, 20, 4, **_V3),
}
