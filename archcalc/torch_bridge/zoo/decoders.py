"""Language models that read one text: what transformers calls `...ForCausalLM`."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from archcalc.torch_bridge.zoo.models import Known, ZooModel, on_meta

# Attention as a matrix product, so that FlopCounterMode sees it; experts as batched products, which it counts, while
# the default (grouped_mm) is counted as nothing (torch 2.14.1).
EAGER, EXPERTS = "eager", "batched_mm"


def built(family: str, suffix: str = "ForCausalLM", **settings: Any) -> nn.Module:
    """A model of transformers on meta, of its configuration's own defaults but for `settings`."""
    import transformers

    name = f"{family}{'Text' * (family == 'Gemma3')}Config"
    config = getattr(transformers, name)(**settings)
    config._attn_implementation = EAGER
    config._experts_implementation = EXPERTS
    return on_meta(lambda: getattr(transformers, f"{family}{suffix}")(config))


def inputs(model: Any, new: int, past: int) -> dict[str, Any]:
    """Tokens, their positions and masks: on meta transformers cannot make the masks itself."""
    config = model.config
    kinds = set(getattr(config, "layer_types", None) or ())
    window = getattr(config, "sliding_window", None)

    def mask(kind: str) -> torch.Tensor:
        keys = past + new
        if window is not None and (kind == "sliding_attention" or not kinds):
            keys = min(past, window - 1) + new
        return torch.zeros(1, 1, new, keys, device="meta")

    named = kinds & {"full_attention", "sliding_attention"}
    return {
        "input_ids": torch.zeros(1, new, dtype=torch.long, device="meta"),
        "position_ids": torch.arange(past, past + new, device="meta")[None],
        "attention_mask": {kind: mask(kind) for kind in named} if len(kinds) > 1 else mask(*kinds or [""]),
        "use_cache": True,
    }


def decoder(family: str, past: int, suffix: str = "ForCausalLM", **settings: Any) -> ZooModel:
    """A family's default configuration but for `settings`, whole and in a step after `past` tokens."""
    return ZooModel("transformers", partial(built, family, suffix, **settings), inputs, pasts=(past,))


def _gpt2(width: int, depth: int, heads: int) -> ZooModel:
    return decoder("GPT2", 1000, "LMHeadModel", n_embd=width, n_layer=depth, n_head=heads)


def sized(
    family: str, past: int, width: int, depth: int, heads: int, kv_heads: int, hidden: int, **more: Any
) -> ZooModel:
    """A decoder of a family by its sizes, under the names that most configurations give them."""
    sizes: dict[str, Any] = {"hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": heads}
    return decoder(family, past, **sizes, num_key_value_heads=kv_heads, intermediate_size=hidden, **more)


def _falcon(width: int, depth: int, heads: int, kv_heads: int = 8) -> ZooModel:
    model = decoder(
        "Falcon",
        127,
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        num_kv_heads=kv_heads,
        new_decoder_architecture=True,
    )
    # transformers 5.24.0, models/falcon/modeling_falcon.py, _split_heads: keys and values are spread before the cache
    reason = f"transformers caches the {kv_heads} heads of keys and values spread over all {heads}"
    return model._replace(known={"state": Known(heads // kv_heads, reason)})


def _llama(*sizes: int, **more: Any) -> ZooModel:
    return sized("Llama", 127, *sizes, **more)


_LLAMA3: dict[str, Any] = {"vocab_size": 128256, "max_position_embeddings": 131072}
_TIED: dict[str, Any] = {"tie_word_embeddings": True}
_QWEN: dict[str, Any] = {"vocab_size": 151936}
_DEEPSEEK2: dict[str, Any] = {
    "vocab_size": 102400,
    "kv_lora_rank": 512,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "qk_nope_head_dim": 128,
    "n_shared_experts": 2,
    "num_experts_per_tok": 6,
    "first_k_dense_replace": 1,
}
_GEMMA3: dict[str, Any] = {"sliding_window": 1024}
MODELS: dict[str, ZooModel] = {
    "gpt2": _gpt2(768, 12, 12),
    "gpt2_medium": _gpt2(1024, 24, 16),
    "gpt2_large": _gpt2(1280, 36, 20),
    "gpt2_xl": _gpt2(1600, 48, 25),
    "llama_7b": _llama(4096, 32, 32, 32, 11008),
    "llama_13b": _llama(5120, 40, 40, 40, 13824),
    "llama_33b": _llama(6656, 60, 52, 52, 17920),
    "llama_65b": _llama(8192, 80, 64, 64, 22016),
    "llama2_7b": _llama(4096, 32, 32, 32, 11008),
    "llama2_13b": _llama(5120, 40, 40, 40, 13824),
    "llama2_70b": _llama(8192, 80, 64, 8, 28672),
    "llama3_8b": decoder("Llama", 2047, num_key_value_heads=8, intermediate_size=14336, **_LLAMA3),
    "llama3_70b": _llama(8192, 80, 64, 8, 28672, **_LLAMA3),
    "llama3_405b": _llama(16384, 126, 128, 8, 53248, **_LLAMA3),
    "llama3_2_1b": _llama(2048, 16, 32, 8, 8192, **_LLAMA3, **_TIED),
    "llama3_2_3b": _llama(3072, 28, 24, 8, 8192, **_LLAMA3, **_TIED),
    "mistral_7b": decoder("Mistral", 6000),
    "qwen2@transformers": decoder("Qwen2", 127),
    "qwen2_5_0_5b": sized("Qwen2", 127, 896, 24, 14, 2, 4864, **_QWEN, **_TIED),
    "qwen2_5_1_5b": sized("Qwen2", 127, 1536, 28, 12, 2, 8960, **_QWEN, **_TIED),
    "qwen2_5_3b": sized("Qwen2", 127, 2048, 36, 16, 2, 11008, **_QWEN, **_TIED),
    "qwen2_5_7b": sized("Qwen2", 127, 3584, 28, 28, 4, 18944, vocab_size=152064),
    "qwen2_5_14b": sized("Qwen2", 127, 5120, 48, 40, 8, 13824, vocab_size=152064),
    "qwen2_5_32b": sized("Qwen2", 127, 5120, 64, 40, 8, 27648, vocab_size=152064),
    "qwen2_5_72b": sized("Qwen2", 127, 8192, 80, 64, 8, 29568, vocab_size=152064),
    "qwen3@transformers": decoder("Qwen3", 127),
    "qwen3@transformers-moe": decoder("Qwen3Moe", 127),
    "qwen3_0_6b": sized("Qwen3", 127, 1024, 28, 16, 8, 3072, **_TIED),
    "qwen3_1_7b": sized("Qwen3", 127, 2048, 28, 16, 8, 6144, **_TIED),
    "qwen3_4b": sized("Qwen3", 127, 2560, 36, 32, 8, 9728, **_TIED),
    "qwen3_8b": sized("Qwen3", 127, 4096, 36, 32, 8, 12288),
    "qwen3_14b": sized("Qwen3", 127, 5120, 40, 40, 8, 17408),
    "qwen3_32b": sized("Qwen3", 127, 5120, 64, 64, 8, 25600),
    "qwen3_30b_a3b": sized("Qwen3Moe", 127, 2048, 48, 32, 4, 6144, head_dim=128),
    "qwen3_235b_a22b": sized("Qwen3Moe", 127, 4096, 94, 64, 4, 12288, head_dim=128, moe_intermediate_size=1536),
    "gemma2_2b": sized("Gemma2", 6000, 2304, 26, 8, 4, 9216),
    "gemma2_9b": sized("Gemma2", 127, 3584, 42, 16, 8, 14336),
    "gemma2_27b": sized("Gemma2", 127, 4608, 46, 32, 16, 36864, head_dim=128),
    "gemma3_text": decoder("Gemma3", 6000, "ForCausalLM"),
    "gemma3_1b": sized("Gemma3", 6000, 1152, 26, 4, 1, 6912, vocab_size=262144, sliding_window=512),
    "gemma3_4b": sized("Gemma3", 2000, 2560, 34, 8, 4, 10240, **_GEMMA3),
    "gemma3_12b": sized("Gemma3", 2000, 3840, 48, 16, 8, 15360, **_GEMMA3),
    "gemma3_27b": sized("Gemma3", 2000, 5376, 62, 32, 16, 21504, head_dim=128, **_GEMMA3),
    "phi3_mini": decoder("Phi3", 3000, sliding_window=2047),
    "phi3_medium": sized("Phi3", 127, 5120, 40, 40, 10, 17920, sliding_window=2047),
    "phi3@transformers": decoder("Phi3", 127),
    "olmo2@transformers": decoder("Olmo2", 127),
    "olmo2_1b": sized("Olmo2", 127, 2048, 16, 16, 16, 8192, vocab_size=100352),
    "olmo2_7b": sized("Olmo2", 127, 4096, 32, 32, 32, 11008, vocab_size=100352),
    "olmo2_13b": sized("Olmo2", 127, 5120, 40, 40, 40, 13824, vocab_size=100352),
    "olmo2_32b": sized("Olmo2", 127, 5120, 64, 40, 8, 27648, vocab_size=100352),
    "mixtral_8x7b": decoder("Mixtral", 127),
    "mixtral_8x22b": sized("Mixtral", 127, 6144, 56, 48, 8, 16384, vocab_size=32768),
    "deepseek_v3": decoder("DeepseekV3", 127),
    "deepseek_v2": decoder(
        "DeepseekV2",
        127,
        **_DEEPSEEK2,
        hidden_size=5120,
        num_hidden_layers=60,
        intermediate_size=12288,
        num_attention_heads=128,
        num_key_value_heads=128,
        moe_intermediate_size=1536,
        n_routed_experts=160,
        q_lora_rank=1536,
    ),
    "deepseek_v2_lite": decoder(
        "DeepseekV2",
        127,
        **_DEEPSEEK2,
        hidden_size=2048,
        num_hidden_layers=27,
        intermediate_size=10944,
        num_attention_heads=16,
        num_key_value_heads=16,
        moe_intermediate_size=1408,
        n_routed_experts=64,
        q_lora_rank=None,
    ),
    "gpt_oss_120b": decoder("GptOss", 300),
    "gpt_oss_20b": decoder("GptOss", 300, num_hidden_layers=24, num_local_experts=32),
    "falcon_7b": decoder("Falcon", 127),
    "falcon_40b": _falcon(8192, 60, 128),
    "falcon_180b": _falcon(14848, 80, 232),
}
