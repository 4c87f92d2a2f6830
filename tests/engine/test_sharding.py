"""Memory divided among ranks, and what they send: worked by hand."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc.engine.memory.fit import fitted
from archcalc.engine.memory.memory import Asked, memory_of
from archcalc.engine.memory.sharding import Ranks
from archcalc.results.memory import Memory, Sharding
from archcalc.source import SpecError
from tests.engine.test_memory import DECODER, RESIDUAL


def shared(text: str, ranks: Ranks, set: dict[str, Any] | None = None, **asked: Any) -> Sharding:
    found: Memory = memory_of(text, Asked(ranks=ranks, **asked), set)
    assert found.sharding is not None
    return found.sharding


def test_gradients_of_experts_are_added_up_among_the_ranks_that_hold_the_same_ones() -> None:
    """mixtral_8x7b at 16 bits among 8 ranks: with ep=8 each expert is there once, and its gradients stay where they
    are: 32 layers of 3 matrices of 4096 x 14336, eight times. The others go round a ring of 8, there and back."""
    whole, experts = 46_702_792_704, 32 * 8 * 3 * 4096 * 14336
    (sums,) = (
        each.size_bytes
        for each in shared("mixtral_8x7b", Ranks(dp=8, ep=8), train=True, dtype="bf16").sent
        if each.of == "dp"
    )
    assert sums == 2 * (2 * (whole - experts) * 7 // 8)
    (alone,) = (each.size_bytes for each in shared("mixtral_8x7b", Ranks(dp=8), train=True, dtype="bf16").sent)
    assert alone == 2 * (2 * whole * 7 // 8)


def test_a_cache_is_divided_among_as_many_ranks_as_its_keys_have_heads() -> None:
    """llama3_70b keeps 8 heads of keys and values in 80 layers; of 16 ranks each holds one, twice in all. What
    deepseek_v3 keeps is one latent for all heads: every rank holds all of it."""
    whole = 80 * 2 * 8 * 128 * 2 * 8192
    (cache,) = (
        of
        for of in shared("llama3_70b", Ranks(tp=16), {"past": 8191}, dtype="bf16", step=True).shares
        if of.part == "cache"
    )
    assert (cache.whole_bytes, cache.rank_bytes, cache.divided_by) == (whole, whole // 8, "tp 8")
    (latent,) = (
        of
        for of in shared("deepseek_v3", Ranks(tp=8), {"past": 8191}, dtype="bf16", step=True).shares
        if of.part == "cache"
    )
    assert latent.rank_bytes == latent.whole_bytes == 61 * (512 + 64) * 2 * 8192


def test_a_branch_that_ends_in_a_norm_is_added_up_too() -> None:
    """gemma2_2b has a norm behind attention and MLP of each of its 26 layers: two sums each, forward and backward."""
    (sums,) = shared("gemma2_2b", Ranks(tp=2), {"length": 16}, train=True).sent
    assert sums.times == 26 * 2 * 2


def test_tensor_parallelism_of_convolutions_is_refused_and_a_pipeline_of_them_sends_a_bound() -> None:
    with pytest.raises(SpecError, match="residual has none"):
        shared(RESIDUAL, Ranks(tp=2), train=True)
    (sent,) = shared(RESIDUAL, Ranks(pp=2), train=True).sent
    assert (sent.operation, sent.size_bytes) == ("send of activations, at most", 16 * 8 * 8 * 4)


def test_what_fits_is_what_a_rank_holds() -> None:
    """A limit that the whole does not keep to, and a rank of eight does."""
    asked = Asked(train=True, ranks=Ranks(dp=8), zero=3)
    whole = memory_of(DECODER, Asked(train=True)).peak_bytes
    found = fitted(DECODER, asked, str(whole - 1)).fit
    assert found is not None
    assert found.largest > 1
    assert found.peak_bytes < whole <= (found.next_bytes or 0)


def test_recomputation_finds_blocks_of_several_layers_below_numbered_ones_of_one() -> None:
    """U-Net's convolutions are numbered and single: no block repeats, but with `full` its parts are computed again."""
    none, block, full = (
        memory_of("unet@padded", Asked(train=True, recompute=how), {"resolution": 96}).training
        for how in ("none", "block", "full")
    )
    assert none is not None
    assert block is not None
    assert full is not None
    assert block.macs_recomputed == 0
    assert block.saved_bytes == none.saved_bytes
    assert 0 < full.macs_recomputed < none.macs
    assert full.saved_bytes < none.saved_bytes
