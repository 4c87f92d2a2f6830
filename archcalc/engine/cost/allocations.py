"""How engines allocate caches, and what formulas calculators have: a rule each, with version and source.

To add one: an entry here. What a rule does not say holds as needed: recurrent states, what convolutions keep, and keys
and values of another input are what the network keeps of them.
"""

from __future__ import annotations

from archcalc.results.cache import Rule

ENGINES = (
    Rule(
        "transformers_dynamic",
        "5.24.0",
        "what is needed",
        "transformers/cache_utils.py, DynamicLayer and DynamicSlidingWindowLayer; models/deepseek_v3 keeps the latent",
    ),
    Rule(
        "transformers_static",
        "5.24.0",
        "the context at once; of windows all positions",
        "transformers/cache_utils.py, StaticLayer and StaticSlidingWindowLayer: min(sliding_window, max_cache_len)",
        to_context=True,
        window=0,
    ),
    Rule(
        "transformers_expanded",
        "4.57.1",
        "expands latents",
        "transformers/models/deepseek_v3/modeling_deepseek_v3.py: past_key_values.update(key_states, value_states)",
        expands=True,
    ),
    Rule(
        "transformers_dynamic_4",
        "4.49.0",
        "ignores windows, expands latents",
        "transformers/cache_utils.py, DynamicCache: every layer grows; models that had a cache of their own apart",
        window=None,
        expands=True,
    ),
    Rule(
        "vllm",
        "commit 001cabc1",
        "pages of 16, one more for a window",
        "vllm/v1/kv_cache_interface.py, SlidingWindowSpec and MLAAttentionSpec; vllm/config/cache.py, "
        "DEFAULT_BLOCK_SIZE = 16; the tokens of a step stand for max_num_batched_tokens, and pages of hybrid networks, "
        "which it makes equal in bytes, are larger",
        page=16,
        window_new=True,
        window_pages=1,
    ),
    Rule(
        "vllm_no_hybrid",
        "commit 001cabc1",
        "pages of 16, ignores windows",
        "vllm/v1/kv_cache_interface.py, FullAttentionSpec: what it is without the hybrid allocator",
        page=16,
        window=None,
    ),
    Rule(
        "tensorrt_llm",
        "commit 00825c4e",
        "pages of 32, one more for a window",
        "tensorrt_llm/llmapi/llm_args.py, KvCacheConfig.tokens_per_block = 32; "
        "cpp/include/tensorrt_llm/batch_manager/kvCacheManager.h, kSWAExtraBlock = 1",
        page=32,
        window=0,
        window_pages=1,
    ),
    Rule(
        "tensorrt_llm_64",
        "0.9",
        "pages of 64, one more for a window",
        "trtllm-build --tokens_per_block, 64 by default (recalled)",
        page=64,
        window=0,
        window_pages=1,
    ),
    Rule(
        "llama_cpp",
        "commit 02c28f53",
        "multiples of 256 for all examples together",
        "src/llama-context.cpp: GGML_PAD(n_ctx, 256); src/llama-kv-cache-iswa.cpp: "
        "GGML_PAD(min(size_base, n_swa * n_seq_max + n_ubatch), 256), n_ubatch 512; latents alone: has_v = !is_mla",
        page=256,
        shares=True,
        window=512,
    ),
    Rule(
        "llama_cpp_swa_full",
        "commit 02c28f53",
        "the same, ignores windows",
        "--swa-full; src/llama-kv-cache-iswa.cpp: size_swa = size_base",
        page=256,
        shares=True,
        window=None,
    ),
    Rule(
        "preallocated",
        "",
        "the context at once, ignores windows, expands latents",
        "Kwon et al. 2023 (PagedAttention), section 3.1: systems that reserve the longest request's memory",
        to_context=True,
        window=None,
        expands=True,
    ),
)

FORMULAS = (
    Rule(
        "formula_heads",
        "",
        "2 x layers x heads x head_dim",
        "forgets kv_heads, windows and latents; vllm-project/vllm pull request 29736, whose review says so",
        formula="heads",
    ),
    Rule(
        "formula_hidden",
        "",
        "2 x layers x hidden",
        "takes the width of the network for that of keys and of values; KolosalAI/model-memory-calculator issue 2",
        formula="hidden",
    ),
    Rule(
        "formula_kv_heads",
        "",
        "2 x layers x kv_heads x (hidden / heads)",
        "forgets head_dim, windows and latents; LMCache/LMCache issue 688",
        formula="kv_heads",
    ),
    Rule(
        "formula_latent_twice",
        "",
        "2 x layers x latent",
        "takes the latent for keys and again for values, forgets the rotary part; LMCache/LMCache pull request 694",
        formula="latent_twice",
    ),
)

RULES = (*ENGINES, *FORMULAS)
