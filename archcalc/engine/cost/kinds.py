"""Operators by what tools count them as."""

from __future__ import annotations

from archcalc.ops import Operator


def kinds(*operators: str) -> frozenset[str]:
    """Operators of one kind."""
    return frozenset(operators)


MAX_POOLS = kinds("maxpool", "global_maxpool", "adaptive_maxpool")
ADAPTIVE_AVERAGES = kinds("global_avgpool", "adaptive_avgpool")
ADAPTIVE_MAXIMA = kinds("global_maxpool", "adaptive_maxpool")
SLIDING = kinds("maxpool", "avgpool")
POOLS = MAX_POOLS | ADAPTIVE_AVERAGES | kinds("avgpool")
DECONV = kinds("deconv")
CONVOLUTIONS = kinds("conv", "depthwise", "patch_embedding")
NOT_DECONV = CONVOLUTIONS | kinds("linear")
WITH_BIAS = NOT_DECONV | DECONV
BATCH_NORM = kinds("batch_norm")
LAYER_NORM = kinds("layer_norm")
SETS_OF_ONE = kinds("layer_norm", "group_norm", "instance_norm")  # statistics of the example itself
RECURRENT = kinds("lstm", "gru", "rnn")
# Whose products FlopCounterMode sees, as matrix products or convolutions; torchvision's deform_conv has no rule there.
MULTIPLIED = WITH_BIAS | RECURRENT | kinds("attend", "scan", "delta", "dot", "local", "opaque")
# Of these nobody has read in every tool what it counts.
NOT_COMPARED = RECURRENT | kinds(
    *("attend", "route", "scan", "delta", "dot", "local", "deform_conv", "embedding", "position_embedding", "rotary"),
    *("sinusoid", "quick_gelu", "softcap", "maxout", "sub", "exp", "l2_norm"),
)
LRN, LPPOOL, SOFTMAX, UPSAMPLE = kinds("lrn"), kinds("lppool"), kinds("softmax", "softmax2d"), kinds("upsample")
DROPOUTS = kinds("dropout", "spatial_dropout", "alpha_dropout", "drop_path")


def is_view(operator: Operator) -> bool:
    """Whether a forward pass gives what it was given, or a part of it, under another shape."""
    return operator.views or operator.name in DROPOUTS
