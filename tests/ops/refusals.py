"""What operators of sequences refuse: the operator, its arguments, its input (by roles where it has them), the code."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.ops import LayerReference, Shape, features, image, sequence

TOKENS = Shape(None, (8,))


def _attended(length: int = 6, keys: int = 6, **other: Shape) -> dict[str, Shape]:
    return {"q": sequence(8, length), "k": sequence(8, keys), "v": sequence(8, keys), **other}


def _scanned(**other: Shape) -> dict[str, Shape]:
    return {"x": sequence(8, 5), "dt": sequence(8, 5), "B": sequence(4, 5), "C": sequence(4, 5), **other}


def _corrected(**other: Shape) -> dict[str, Shape]:
    given = {"q": sequence(4, 5), "k": sequence(4, 5), "v": sequence(8, 5), "beta": sequence(2, 5)}
    return {**given, "decay": sequence(2, 5), **other}


def _deformed(offsets: Shape, *factors: Shape) -> tuple[Shape, ...]:
    return (image(4, 8, 8), offsets, *factors)


_TIED = LayerReference("encoder", 0, features(10), features(12))
_ROUTED = {"router": sequence(4, 5), "expert": sequence(8, 5)}

SEQUENCE_REFUSALS: list[tuple[str, dict[str, Any], Any, str]] = [
    ("conv", {"channels": 4, "kernel": 3, "padding": "causal"}, image(3, 8, 8), "sequence-needed"),
    ("depthwise", {"kernel": 3, "padding": "causal"}, image(3, 8, 8), "sequence-needed"),
    ("embedding", {"entries": 10, "channels": 4}, features(3), "tokens-needed"),
    ("position_embedding", {"entries": 10}, sequence(4, 11), "too-many-positions"),
    ("position_embedding", {"entries": 10, "past": 10}, sequence(4, 1), "too-many-positions"),
    ("rotary", {"part": Fraction(3, 2)}, sequence(8, 3), "share-above-one"),
    ("rotary", {}, sequence(3, 3), "indivisible-channels"),
    ("rotary", {"part": Fraction(1, 4)}, sequence(4, 3), "indivisible-channels"),
    ("sinusoid", {"channels": 4}, features(2), "one-number-needed"),
    ("maxout", {"pieces": 2}, features(3), "indivisible-channels"),
    ("rms_norm", {"heads": 2}, sequence(3, 5), "indivisible-heads"),
    ("join", {}, (sequence(3, 5), sequence(4, 5)), "shape-mismatch"),
    ("join", {}, (sequence(3, 5), features(3)), "sequence-needed"),
    ("select_token", {"index": 0}, image(3, 2, 2), "sequence-needed"),
    ("select_token", {"index": 5}, sequence(3, 5), "token-out-of-range"),
    ("to_image", {"height": 2, "width": 2}, features(4), "sequence-needed"),
    ("transpose", {}, image(3, 2, 2), "sequence-needed"),
    ("to_image", {"height": 2, "width": 2}, sequence(3, 5), "positions-mismatch"),
    ("cache", {"past": 3}, features(4), "sequence-needed"),
    *[(name, {}, (sequence(3, 5), sequence(3, 4)), "shape-mismatch") for name in ("sub", "dot")],
    *[(name, {}, (sequence(3, 5), features(3)), "shape-mismatch") for name in ("sub", "dot")],
    *[(name, {}, (features(3),) * 3, "two-branches-needed") for name in ("sub", "dot")],
    *[(name, {"hidden": 4}, features(3), "sequence-needed") for name in ("lstm", "gru", "rnn")],
    *[
        (
            name,
            {"hidden": 4, "initial": LayerReference("encoder", 0, sequence(3, 5), features(5))},
            sequence(3, 5),
            "initial-mismatch",
        )
        for name in ("lstm", "gru", "rnn")
    ],
    ("attend", {"heads": 2}, _attended(q=features(8)), "no-spatial-axes"),
    ("attend", {"heads": 3}, _attended(), "indivisible-heads"),
    ("attend", {"heads": 2, "kv_heads": 1}, _attended(), "heads-mismatch"),
    ("attend", {"heads": 4}, {"q": sequence(8, 6), "kv": sequence(8, 6)}, "heads-mismatch"),
    ("attend", {"heads": 2}, _attended(bias=sequence(3, 32)), "heads-mismatch"),
    ("attend", {"heads": 2}, _attended(sinks=features(3)), "heads-mismatch"),
    ("attend", {"heads": 2}, {"qkv": sequence(10, 6)}, "indivisible-heads"),
    ("attend", {"heads": 2}, _attended(v=sequence(8, 5)), "keys-mismatch"),
    ("attend", {"heads": 2, "blocks": 3}, _attended(keys=9), "keys-mismatch"),
    ("attend", {"heads": 2, "window": 3}, _attended(keys=9), "keys-mismatch"),
    ("attend", {"heads": 2, "causal": True}, _attended(length=7), "fewer-keys"),
    ("attend", {"heads": 2, "window": 4}, _attended(), "even-window"),
    ("attend", {"heads": 2, "blocks": 4}, _attended(), "indivisible-blocks"),
    ("attend", {"heads": 2, "blocks": (2, 3)}, _attended(), "axes-mismatch"),
    ("attend", {"heads": 2, "blocks": 3, "shift": 3}, _attended(), "bad-shift"),
    ("attend", {"heads": 2, "blocks": 3, "shift": 1, "grid": True}, _attended(), "bad-shift"),
    ("attend", {"heads": 2, "blocks": 3, "shift": 1, "causal": True}, _attended(), "bad-shift"),
    ("attend", {"heads": 2, "blocks": 3, "shift": 1, "window": 3}, _attended(), "bad-shift"),
    ("attend", {"heads": 2, "shift": 1}, _attended(), "blocks-needed"),
    ("attend", {"heads": 2, "grid": True}, _attended(), "blocks-needed"),
    ("l2_norm", {"heads": 2}, sequence(3, 5), "indivisible-heads"),
    ("route", {"experts": 4, "top": 2}, {**_ROUTED, "router": TOKENS}, "no-channels"),
    ("route", {"experts": 4, "top": 2}, {**_ROUTED, "router": features(4)}, "shape-mismatch"),
    ("route", {"experts": 4, "top": 2}, {**_ROUTED, "router": sequence(4, 6)}, "shape-mismatch"),
    ("route", {"experts": 4, "top": 2}, {**_ROUTED, "shared": sequence(7, 5)}, "shape-mismatch"),
    ("route", {"experts": 5, "top": 2}, _ROUTED, "router-mismatch"),
    ("route", {"experts": 4, "top": 5}, _ROUTED, "fewer-experts"),
    ("scan", {"states": 4}, _scanned(x=image(8, 5, 1)), "sequence-needed"),
    ("scan", {"states": 4}, _scanned(B=sequence(4, 6)), "length-mismatch"),
    ("scan", {"states": 4}, _scanned(dt=sequence(2, 5)), "roles-mismatch"),
    ("scan", {"states": 4}, _scanned(C=sequence(8, 5)), "roles-mismatch"),
    ("scan", {"states": 3}, _scanned(), "roles-mismatch"),
    ("scan", {"states": 4}, _scanned(B=sequence(12, 5), C=sequence(12, 5)), "roles-mismatch"),
    ("scan", {"states": 4, "heads": 3}, _scanned(dt=sequence(3, 5)), "indivisible-heads"),
    ("delta", {"heads": 2}, _corrected(v=features(8)), "sequence-needed"),
    *[(name, {"kernel": 9, **more}, image(3, 8, 8), "window-larger-than-input")
      for name, more in (("unfold", {}), ("local", {"channels": 4}))],
    ("layer_norm", {"heads": 2}, sequence(3, 5), "indivisible-heads"),
    ("layer_norm", {"axes": 2}, sequence(3, 5), "no-such-axis"),
    ("layer_norm", {"axes": (1, 1)}, sequence(3, 5), "no-such-axis"),
    ("linear", {"channels": 15, "weights": _TIED}, features(8), "tie-mismatch"),
    ("upsample", {}, sequence(2, 8), "upsample-arguments"),
    ("upsample", {"scale": 2, "size": 16}, sequence(2, 8), "upsample-arguments"),
    ("upsample", {"scale": Fraction(1, 9)}, sequence(2, 8), "no-positions-left"),
    ("slice_positions", {"start": 3, "stop": 3}, sequence(2, 8), "positions-out-of-range"),
    ("slice_positions", {"stop": 9}, sequence(2, 8), "positions-out-of-range"),
    ("deform_conv", {"channels": 4, "kernel": 9}, _deformed(image(162, 8, 8)), "window-larger-than-input"),
    ("deform_conv", {"channels": 4, "kernel": 3}, (sequence(4, 8),) * 2, "image-needed"),
    ("deform_conv", {"channels": 4, "kernel": 3}, (image(4, 8, 8),), "two-branches-needed"),
    ("deform_conv", {"channels": 4, "kernel": 3, "groups": 3}, _deformed(image(18, 6, 6)), "indivisible-groups"),
    ("deform_conv", {"channels": 3, "kernel": 3, "groups": 2}, _deformed(image(18, 6, 6)), "indivisible-groups"),
    ("deform_conv", {"channels": 4, "kernel": 3}, _deformed(image(17, 6, 6)), "offsets-mismatch"),
    ("deform_conv", {"channels": 4, "kernel": 3}, _deformed(image(54, 6, 6)), "offsets-mismatch"),
    ("deform_conv", {"channels": 4, "kernel": 3}, _deformed(image(18, 8, 8)), "offsets-mismatch"),
    ("deform_conv", {"channels": 4, "kernel": 3}, _deformed(image(18, 6, 6), image(18, 6, 6)), "offsets-mismatch"),
    ("delta", {"heads": 2}, _corrected(beta=sequence(2, 6)), "length-mismatch"),
    ("delta", {"heads": 2}, _corrected(beta=sequence(3, 5)), "roles-mismatch"),
    ("delta", {"heads": 2}, _corrected(q=sequence(6, 5)), "roles-mismatch"),
    ("delta", {"heads": 2, "k_heads": 3}, _corrected(), "indivisible-heads"),
    ("delta", {"heads": 3, "k_heads": 2}, _corrected(v=sequence(9, 5), beta=sequence(3, 5), decay=sequence(3, 5)),
     "indivisible-heads"),
]  # fmt: skip
