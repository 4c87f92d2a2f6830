"""Model types of transformers that no spec describes, with what it would need."""

from __future__ import annotations

_TYPES = {
    "deberta deberta-v2": (
        "its scores add products of contents with distances (disentangled attention), which `attend` has no branch for"
    ),
    "xlnet transfo-xl": (
        "its scores add products of contents with sinusoids of distances, which `attend` has no branch for"
    ),
    "longformer led big_bird bigbird_pegasus": (
        "some of its positions are read by all and read all, others a window; `attend` has one mask for all positions"
    ),
    "reformer": "its attention compares what a hash puts together; `attend` has no such choice",
    "llama4 llama4_text": "its attention is in chunks of positions, and `attend` has windows that move along alone",
    "deepseek_v32 deepseek_v4 glm_moe_dsa": (
        "its attention reads the positions that an index network chooses; `attend` has no such choice"
    ),
    "wav2vec2 hubert wavlm unispeech unispeech-sat sew sew-d": (
        "its convolution over positions stores length and direction of its weights apart (weight normalisation), "
        "which `conv` does not"
    ),
    "convnextv2": "its blocks divide by the mean over the channels of their norms (global response normalisation)",
    "vit_mae": "a quarter of its patches, chosen by chance, is read; `archcalc show vit_b_16` is its encoder",
    "resnet": (
        "its stages are lists of widths, and the spec has the paper's; `archcalc show resnet50@torchvision` is what "
        "microsoft/resnet-50 is"
    ),
    "apertus": "its activation (xIELU) has two trained numbers",
    "rwkv": "its recurrence weighs keys by their age, which neither `scan` nor `delta` does",
    "recurrent_gemma": "its recurrence (RG-LRU) is neither `scan` nor `delta`",
    "xlstm": "its recurrence has a matrix for each head and gates that are exponentials, which `delta` is not",
}
REASONS = {name: reason for names, reason in _TYPES.items() for name in names.split()}
