"""Language models of many makers that read one text: transformers' definitions, of the sizes that were published."""

from __future__ import annotations

from typing import Any

import torch

from archcalc.torch_bridge.zoo.decoders import decoder, sized
from archcalc.torch_bridge.zoo.models import ZooModel

PAST = 127
TIED: dict[str, Any] = {"tie_word_embeddings": True}


def _with_slopes(model: Any, new: int, past: int) -> dict[str, Any]:
    """Tokens, and a mask of two axes, of which BLOOM and MPT make the slopes of their distances."""
    seen = torch.ones(1, past + new, device="meta")
    return {
        "input_ids": torch.zeros(1, new, dtype=torch.long, device="meta"),
        "attention_mask": seen,
        "use_cache": True,
    }


def _neox(vocabulary: int, width: int, depth: int, heads: int) -> ZooModel:
    sizes: dict[str, Any] = {"hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": heads}
    return decoder("GPTNeoX", PAST, **sizes, vocab_size=vocabulary, intermediate_size=4 * width)


def _like_gpt2(family: str, width: int, depth: int, heads: int, **more: Any) -> ZooModel:
    return decoder(family, PAST, n_embd=width, n_layer=depth, n_head=heads, **more)


def _opt(width: int, depth: int, heads: int, words: int = 0, **more: Any) -> ZooModel:
    sizes: dict[str, Any] = {
        "hidden_size": width,
        "num_hidden_layers": depth,
        "num_attention_heads": heads,
        "ffn_dim": 4 * width,
    }
    return decoder("OPT", PAST, **sizes, word_embed_proj_dim=words or width, **more)


def _bloom(width: int, depth: int, heads: int) -> ZooModel:
    return decoder("Bloom", PAST, hidden_size=width, n_layer=depth, n_head=heads)._replace(inputs=_with_slopes)


def _mpt(width: int, depth: int, heads: int, length: int) -> ZooModel:
    sizes: dict[str, Any] = {"d_model": width, "n_layers": depth, "n_heads": heads}
    return decoder("Mpt", PAST, **sizes, vocab_size=50432, max_seq_len=length)._replace(inputs=_with_slopes)


def _gpt_neo(width: int, depth: int, heads: int) -> ZooModel:
    sizes: dict[str, Any] = {"hidden_size": width, "num_layers": depth, "num_heads": heads}
    return decoder("GPTNeo", PAST, **sizes, attention_types=[[["global", "local"], depth // 2]])


def _granite(width: int, depth: int, heads: int, hidden: int, family: str = "Granite", **more: Any) -> ZooModel:
    factors: dict[str, Any] = {"embedding_multiplier": 12.0, "residual_multiplier": 0.22, "logits_scaling": 8.0}
    return sized(family, PAST, width, depth, heads, 8, hidden, vocab_size=49155, **factors, **TIED, **more)


def _granite_moe(width: int, depth: int, heads: int, experts: int) -> ZooModel:
    named = {"num_local_experts": experts, "num_experts_per_tok": 8}
    return _granite(width, depth, heads, 512, "GraniteMoe", **named)


def _nemotron(*sizes: int) -> ZooModel:
    return sized("Nemotron", PAST, *sizes, vocab_size=256000, head_dim=128)


_STABLE2: dict[str, Any] = {"vocab_size": 100352}
_OLMO3: dict[str, Any] = {"vocab_size": 100278, "sliding_window": 4096}
MODELS: dict[str, ZooModel] = {
    "gemma_2b": sized("Gemma", PAST, 2048, 18, 8, 1, 16384),
    "gemma_7b": decoder("Gemma", PAST),
    "qwen1_5_moe_a2_7b": decoder("Qwen2Moe", PAST),
    "qwen2_57b_a14b": sized(
        "Qwen2Moe",
        PAST,
        3584,
        28,
        28,
        4,
        18944,
        num_experts=64,
        num_experts_per_tok=8,
        moe_intermediate_size=2560,
        shared_expert_intermediate_size=20480,
    ),
    "gpt_neox_20b": decoder("GPTNeoX", PAST),
    "pythia_70m": _neox(50304, 512, 6, 8),
    "pythia_410m": _neox(50304, 1024, 24, 16),
    "pythia_1_4b": _neox(50304, 2048, 24, 16),
    "pythia_6_9b": _neox(50432, 4096, 32, 32),
    "pythia_12b": _neox(50688, 5120, 36, 40),
    "gptj_6b": decoder("GPTJ", PAST),
    "codegen_350m": _like_gpt2("CodeGen", 1024, 20, 16, vocab_size=51200, rotary_dim=32),
    "codegen_2b": _like_gpt2("CodeGen", 2560, 32, 32, vocab_size=51200),
    "gpt_neo_125m": _gpt_neo(768, 12, 12),
    "gpt_neo_1_3b": decoder("GPTNeo", PAST),
    "gpt_neo_2_7b": _gpt_neo(2560, 32, 20),
    "phi_1_5": decoder("Phi", PAST),
    "phi_2": sized("Phi", PAST, 2560, 32, 32, 32, 10240, partial_rotary_factor=0.4),
    "opt_125m": decoder("OPT", PAST),
    "opt_350m": _opt(1024, 24, 16, 512, do_layer_norm_before=False),
    "opt_1_3b": _opt(2048, 24, 32),
    "opt_6_7b": _opt(4096, 32, 32),
    "opt_30b": _opt(7168, 48, 56),
    "opt_66b": _opt(9216, 64, 72),
    "bloom_560m": _bloom(1024, 24, 16),
    "bloom_1b1": _bloom(1536, 24, 16),
    "bloom_7b1": _bloom(4096, 30, 32),
    "bloom_176b": _bloom(14336, 70, 112),
    "bloom@transformers": _bloom(64, 2, 8),
    "mpt_7b": _mpt(4096, 32, 32, 2048),
    "mpt_30b": _mpt(7168, 48, 64, 8192),
    "stablelm_3b_4e1t": decoder("StableLm", PAST),
    "stablelm_2_1_6b": sized("StableLm", PAST, 2048, 24, 32, 32, 5632, use_qkv_bias=True, **_STABLE2),
    "stablelm_2_12b": sized(
        "StableLm", PAST, 5120, 40, 32, 8, 13824, use_parallel_residual=True, qk_layernorm=True, **_STABLE2
    ),
    "starcoder2_3b": decoder("Starcoder2", PAST, sliding_window=4096),
    "starcoder2_7b": sized("Starcoder2", PAST, 4608, 32, 36, 4, 18432, sliding_window=4096),
    "starcoder2_15b": sized("Starcoder2", PAST, 6144, 40, 48, 4, 24576, sliding_window=4096, tie_word_embeddings=False),
    "starcoder_1b": _like_gpt2("GPTBigCode", 2048, 24, 16, vocab_size=49152, n_positions=8192),
    "starcoder_15b": _like_gpt2("GPTBigCode", 6144, 40, 48, vocab_size=49152, n_positions=8192),
    "starcoder@transformers": decoder("GPTBigCode", PAST),
    "granite_3_1_2b": _granite(2048, 40, 32, 8192),
    "granite_3_1_8b": _granite(4096, 40, 32, 12800),
    "granite_3_1_1b_a400m": _granite_moe(1024, 24, 16, 32),
    "granite_3_1_3b_a800m": _granite_moe(1536, 32, 24, 40),
    "granite@transformers": decoder("Granite", PAST),
    "granite@transformers-moe": decoder("GraniteMoe", PAST),
    "smollm3_3b": decoder("SmolLM3", PAST),
    "command_r": decoder("Cohere", PAST),
    "command_r_plus": sized("Cohere", PAST, 12288, 64, 96, 8, 33792, use_qk_norm=True),
    "command_r7b": sized("Cohere2", PAST, 4096, 32, 32, 8, 14336),
    "olmo_1b": sized("Olmo", PAST, 2048, 16, 16, 16, 8192, **TIED),
    "olmo_7b": decoder("Olmo", PAST),
    "olmo3_7b": decoder("Olmo3", PAST, **_OLMO3),
    "olmo3_32b": sized("Olmo3", PAST, 5120, 64, 40, 8, 27648, **_OLMO3),
    "olmoe_1b_7b": decoder("Olmoe", PAST, intermediate_size=1024),
    "glm4_9b": decoder("Glm", PAST),
    "glm4_9b@0414": decoder("Glm4", PAST),
    "glm4_32b": sized("Glm4", PAST, 6144, 61, 48, 2, 23040, attention_bias=False),
    "phi3_5_moe": decoder("Phimoe", PAST, attention_bias=True, lm_head_bias=True),
    "phimoe@transformers": decoder("Phimoe", PAST),
    "nemotron4_15b": _nemotron(6144, 32, 48, 8, 24576),
    "minitron_4b": _nemotron(3072, 32, 24, 8, 9216),
    "minitron_8b": _nemotron(4096, 32, 48, 8, 16384),
    "persimmon_8b": decoder("Persimmon", PAST),
}
