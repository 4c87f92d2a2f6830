"""State spaces and the delta rule: what transformers multiplies for them, and what FlopCounterMode sees of that.

A spec counts the recurrence: 2*channels*states + channels at each position of a scan, 3*heads*keys*values of a delta
rule. transformers 5.24 computes the same otherwise, and where the two differ, the difference is given here as a
formula, never as a tolerance.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import torch

from archcalc.torch_bridge.zoo.decoders import built, inputs
from archcalc.torch_bridge.zoo.models import Known, ZooModel

_KERNEL = 4
_MAMBA2_CHUNK, _DELTA_CHUNK = 256, 64  # Mamba2Config.chunk_size; torch_chunk_gated_delta_rule, chunk_size


def _tokens(model: Any, new: int, past: int) -> dict[str, Any]:
    """Tokens alone: no position, no mask."""
    return {"input_ids": inputs(model, new, past)["input_ids"], "use_cache": True}


def _with_positions(model: Any, new: int, past: int) -> dict[str, Any]:
    """Tokens, their positions, and one mask for all kinds of layers."""
    mask = torch.zeros(1, 1, new, past + new, device="meta")
    return {**inputs(model, new, past), "attention_mask": mask}


class _Scan(NamedTuple):
    """MACs of one layer's scan, each with its formula: at a position of the recurrence, and as they are counted."""

    recurrence: int
    whole: int
    step: int
    formula: str
    whole_formula: str
    step_formula: str


def _known(length: int, past: int, layers: int, channels: int, scan: _Scan) -> dict[str, Known]:
    """What transformers has otherwise in `layers` layers of a causal convolution of `channels` and a scan."""
    conv = channels * _KERNEL
    recurrence = f"the recurrence has {scan.formula} at each position"
    return {
        "macs": Known(
            more=layers * (conv * (_KERNEL - 1) + scan.whole - scan.recurrence * length),
            reason=(
                f"of {layers} layers each, the convolution is padded on both sides and cut: {_KERNEL - 1} positions of "
                f"{channels}*{_KERNEL} more; the scan is counted as {scan.whole_formula}, while {recurrence}"
            ),
        ),
        f"macs_past_{past}": Known(
            more=layers * (conv + scan.step - scan.recurrence),
            reason=(
                f"of {layers} layers each, the convolution reads {_KERNEL + 1} positions and gives two, of which one "
                f"is kept: {channels}*{_KERNEL} more; the scan is counted as {scan.step_formula}, while {recurrence}"
            ),
        ),
        "state": Known(
            more=layers * channels,
            reason=f"the cache holds {_KERNEL} positions of a convolution, of which {_KERNEL - 1} are read again",
        ),
    }


def _selective(length: int, layers: int, inner: int, states: int = 16) -> dict[str, Known]:
    """Mamba: only what reads the states (times C) is a matrix product; the rest is element by element."""
    scan = _Scan(
        recurrence=2 * inner * states + inner,
        whole=inner * states * length,
        step=inner * states,
        formula=f"2*{inner}*{states} + {inner}",
        whole_formula=f"{inner}*{states}*{length}, what reads the states alone",
        step_formula=f"{inner}*{states}",
    )
    return _known(length, length, layers, inner, scan)


def _dual(length: int, layers: int, inner: int, groups: int, heads: int, states: int = 128) -> dict[str, Known]:
    """Mamba-2: chunks of 256, the last one filled up; products within chunks, to their states, between chunks, back."""
    chunks = -(-length // _MAMBA2_CHUNK)
    padded = chunks * _MAMBA2_CHUNK
    scan = _Scan(
        recurrence=2 * inner * states + inner,
        whole=padded * _MAMBA2_CHUNK * (heads * states + inner)
        + 2 * padded * inner * states
        + (chunks + 1) ** 2 * inner * states,
        step=inner * states,
        formula=f"2*{inner}*{states} + {inner}",
        whole_formula=(
            f"{padded}*{_MAMBA2_CHUNK}*({heads}*{states} + {inner}) + 2*{padded}*{inner}*{states} + "
            f"{chunks + 1}**2*{inner}*{states}, in chunks of {_MAMBA2_CHUNK}"
        ),
        step_formula=f"{inner}*{states}, what reads the states alone",
    )
    return _known(length, length, layers, inner + 2 * groups * states, scan)


def _delta(length: int, past: int, layers: int, k_heads: int, heads: int, keys: int, values: int) -> dict[str, Known]:
    """Gated delta rule: chunks of 64; a triangular system that is not counted, and a step element by element."""
    padded = -(-length // _DELTA_CHUNK) * _DELTA_CHUNK
    scan = _Scan(
        recurrence=3 * heads * keys * values,
        whole=heads * padded * (_DELTA_CHUNK * (2 * keys + values) + 3 * keys * values),
        step=0,
        formula=f"3*{heads}*{keys}*{values}",
        whole_formula=(
            f"{heads}*{padded}*({_DELTA_CHUNK}*(2*{keys} + {values}) + 3*{keys}*{values}), in chunks of "
            f"{_DELTA_CHUNK} and without their triangular systems"
        ),
        step_formula="nothing, element by element",
    )
    return _known(length, past, layers, 2 * k_heads * keys + heads * values, scan)


def _mamba(width: int, depth: int, **more: Any) -> ZooModel:
    build = partial(built, "Mamba", hidden_size=width, num_hidden_layers=depth, time_step_rank=-(-width // 16), **more)
    return ZooModel("transformers", build, _tokens, pasts=(64,), known=_selective(64, depth, 2 * width))


def _mamba2(width: int, depth: int) -> ZooModel:
    sizes: dict[str, Any] = {
        "hidden_size": width,
        "num_hidden_layers": depth,
        "num_heads": 2 * width // 64,
        "n_groups": 1,
    }
    build = partial(built, "Mamba2", vocab_size=50288, tie_word_embeddings=True, **sizes)
    known = _dual(64, depth, 2 * width, 1, 2 * width // 64)
    return ZooModel("transformers", build, _tokens, pasts=(64,), known=known)


MODELS: dict[str, ZooModel] = {
    "mamba_130m": _mamba(768, 24),
    "mamba_370m": _mamba(1024, 48),
    "mamba_790m": _mamba(1536, 48),
    "mamba_1_4b": _mamba(2048, 48),
    "mamba_2_8b": _mamba(2560, 64),
    "mamba_config": ZooModel(
        "transformers", partial(built, "Mamba"), _tokens, pasts=(64,), known=_selective(64, 32, 1536)
    ),
    "mamba2_130m": _mamba2(768, 24),
    "mamba2_370m": _mamba2(1024, 48),
    "mamba2_780m": _mamba2(1536, 48),
    "mamba2_1_3b": _mamba2(2048, 48),
    "mamba2_2_7b": _mamba2(2560, 64),
    "mamba2_config": ZooModel(
        "transformers", partial(built, "Mamba2"), _tokens, pasts=(64,), known=_dual(64, 64, 8192, 8, 128)
    ),
    "jamba": ZooModel(
        "transformers", partial(built, "Jamba"), _with_positions, pasts=(16,), known=_selective(16, 28, 8192)
    ),
    "jamba_1_5_large": ZooModel(
        "transformers",
        partial(
            built,
            "Jamba",
            hidden_size=8192,
            num_hidden_layers=72,
            num_attention_heads=64,
            intermediate_size=24576,
            mamba_dt_rank=512,
        ),
        _with_positions,
        pasts=(16,),
        known=_selective(16, 63, 16384),
    ),
    "qwen3_next": ZooModel(
        "transformers",
        partial(built, "Qwen3Next"),
        _with_positions,
        pasts=(127,),
        known=_delta(128, 127, 36, 16, 32, 128, 128),
    ),
}
