"""Conventions of other versions of tools, and of tools that are younger.

Each was derived from the source of the version that is named, and holds what that prints for single modules and for
torchvision's networks: `tests/engine/conventions/versions.csv`.
"""

from __future__ import annotations

from archcalc.engine.cost.kinds import (
    ADAPTIVE_AVERAGES,
    ADAPTIVE_MAXIMA,
    BATCH_NORM,
    CONVOLUTIONS,
    DECONV,
    LAYER_NORM,
    LPPOOL,
    LRN,
    NOT_DECONV,
    POOLS,
    SETS_OF_ONE,
    SLIDING,
    SOFTMAX,
    UPSAMPLE,
    WITH_BIAS,
    kinds,
)
from archcalc.results.convention import Convention, Term

PTFLOPS_0_6 = Convention(
    "ptflops_0_6",
    "1 for a multiply-accumulate or a bias addition, 2 for an element of a norm with scale and shift (1 without), 1 "
    "for an element of an activation and an input of pooling; a transposed convolution has its weights at every output "
    "position, a linear layer its bias once",
    (
        Term("macs", 1, NOT_DECONV),
        Term("weights_at_outputs", 1, DECONV),
        Term("bias", 1, CONVOLUTIONS | DECONV),
        Term("biases", 1, kinds("linear")),
        Term("affine", 2, kinds("batch_norm", "group_norm", "instance_norm")),
        Term("bare", 1, kinds("batch_norm", "group_norm", "instance_norm")),
        Term("outputs", 1, kinds("relu", "relu6", "leaky_relu", "prelu", "elu", "gelu"), "activated elements"),
        Term("inputs", 1, POOLS, "inputs of pooling"),
        Term("outputs", 1, UPSAMPLE, "outputs of upsampling"),
    ),
    "ptflops/pytorch_ops.py:17-92, 224-275 of 0.6.9; 0.7 patches functions and counts them too",
    "0.6.9",
    "MACs",
    called="ptflops to 0.6",
)
THOP_0_0 = Convention(
    "thop_0_0",
    "1 for a multiply-accumulate or a bias addition of a convolution, 2 for a batch-normalised element, outputs of "
    "average pooling, 1 for an element of leaky ReLU; no other norm, no bias of a linear layer; a transposed "
    "convolution has its weights at every output position",
    (
        Term("macs", 1, NOT_DECONV),
        Term("weights_at_outputs", 1, DECONV),
        Term("bias", 1, CONVOLUTIONS | DECONV),
        Term("affine", 2, BATCH_NORM),
        Term("bare", 2, BATCH_NORM),
        Term("outputs", 1, kinds("avgpool"), "outputs of average pooling"),
        Term("whole_windows", 1, ADAPTIVE_AVERAGES),
        Term("outputs", 1, ADAPTIVE_AVERAGES, "outputs of adaptive average pooling"),
        Term("outputs", 1, kinds("leaky_relu"), "activated elements"),
        Term("linear_outputs", 5, UPSAMPLE),
        Term("bilinear_outputs", 11, UPSAMPLE),
        Term("bicubic_outputs", 259, UPSAMPLE),
    ),
    "thop/profile.py:27-72; thop/vision/basic_hooks.py:22-172 of 0.0.31.post2005241907",
    "0.0.31",
    "MACs",
    called="thop 0.0",
)
ULTRALYTICS_THOP = Convention(
    "ultralytics_thop",
    "1 for a multiply-accumulate, 4 for an element of a norm with scale and shift (2 without), taps and outputs of "
    "average pooling; no bias, activation or max pooling",
    (
        Term("macs"),
        Term("affine", 4, BATCH_NORM | SETS_OF_ONE),
        Term("bare", 2, BATCH_NORM | SETS_OF_ONE),
        Term("window_inputs", 1, kinds("avgpool")),
        Term("outputs", 1, kinds("avgpool"), "outputs of average pooling"),
        Term("adaptive_inputs", 1, ADAPTIVE_AVERAGES),
        Term("outputs", 1, ADAPTIVE_AVERAGES, "outputs of adaptive average pooling"),
        Term("outputs", 1, kinds("prelu"), "activated elements"),
        Term("outputs", 3, SOFTMAX, "elements of softmax"),
        Term("positions", -1, SOFTMAX, "positions of softmax"),
        Term("linear_outputs", 5, UPSAMPLE),
        Term("bilinear_outputs", 11, UPSAMPLE),
        Term("bicubic_outputs", 259, UPSAMPLE),
        Term("trilinear_outputs", 31, UPSAMPLE),
    ),
    "thop/profile.py:42-126; thop/vision/basic_hooks.py:35-155 of ultralytics-thop, which installs as thop",
    "2.2.3",
    "MACs",
    called="ultralytics-thop 2.2",
)
TORCHLENS = Convention(
    "torchlens",
    "2 for a multiply-accumulate, 1 for a bias addition, 5 for a normalised element, 1 for an element of ReLU (more "
    "for other activations), a window of pooling along one axis at each output, inputs of adaptive pooling, sums",
    (
        Term("macs", 2),
        Term("bias", 1, WITH_BIAS),
        Term("affine", 5, BATCH_NORM | SETS_OF_ONE),
        Term("bare", 5, BATCH_NORM | SETS_OF_ONE),
        *(
            Term("outputs", worth, kinds(*names), "activated elements")
            for worth, names in (
                (1, ("relu", "relu6", "leaky_relu", "prelu")),
                (3, ("hard_sigmoid",)),
                (4, ("sigmoid", "hard_swish")),
                (5, ("silu",)),
                (6, ("tanh",)),
                (8, ("mish",)),
                (9, ("elu", "softplus")),
                (14, ("gelu",)),
            )
        ),
        Term("outputs", 5, SOFTMAX, "elements of softmax"),
        Term("typed_taps", 1, SLIDING | LPPOOL),
        Term("inputs", 1, ADAPTIVE_AVERAGES, "inputs of adaptive average pooling"),
        Term("inputs", 2, ADAPTIVE_MAXIMA, "inputs of adaptive max pooling"),
        Term("inputs", 2, LPPOOL, "inputs of power pooling"),
        Term("outputs", 7, LPPOOL, "outputs of power pooling"),
        Term("outputs", 6, LRN, "elements of response norms"),
        Term("taps_of_channels", 1, LRN),
        Term("outputs", 2, kinds("dropout"), "elements of dropout"),
        Term("additions", 1, kinds("add"), "sums"),
        Term("multiplications", 1, kinds("mul"), "products"),
        Term("outputs", 4, UPSAMPLE, "outputs of upsampling"),
    ),
    "torchlens/capture/flops.py:320-600, 764-1090; total_flops_forward",
    "2.36.1",
    called="TorchLens 2.36",
)
_POOLING_OF_TORCHSCAN = (
    Term("typed_taps", 1, SLIDING),
    Term("outputs", -1, SLIDING | ADAPTIVE_MAXIMA | ADAPTIVE_AVERAGES, "outputs of pooling"),
    Term("outputs_by_axes", 1, kinds("avgpool") | ADAPTIVE_AVERAGES),
    Term("remainder_windows", 1, ADAPTIVE_MAXIMA | ADAPTIVE_AVERAGES),
)
TORCHSCAN = Convention(
    "torchscan",
    "2 for a multiply-accumulate, 1 less for a dot product, 1 for a bias addition, 4 for a batch-normalised element "
    "(2 without scale and shift) and 2 for a channel, 1 for an element of ReLU, windows of pooling; a transposed "
    "convolution has its weights at every output position",
    (
        Term("macs", 2, NOT_DECONV),
        Term("weights_at_outputs", 2, DECONV),
        Term("dot_products", -1, WITH_BIAS),
        Term("bias", 1, WITH_BIAS),
        Term("axes", 8, DECONV),
        Term("affine", 4, BATCH_NORM),
        Term("bare", 2, BATCH_NORM),
        Term("channels", 2, BATCH_NORM, "channels that are normalised"),
        Term("affine", 8, LAYER_NORM),
        Term("bare", 6, LAYER_NORM),
        Term("rows", 2, LAYER_NORM),
        *(
            Term("outputs", worth, kinds(*names), "activated elements")
            for worth, names in ((1, ("relu",)), (2, ("relu6",)), (4, ("leaky_relu", "sigmoid")), (6, ("elu", "tanh")))
        ),
        *_POOLING_OF_TORCHSCAN,
        Term("outputs", 1, kinds("dropout"), "elements of dropout"),
    ),
    "torchscan/modules/flops.py:70-245: module_flops",
    "0.2.0",
    called="torchscan 0.2",
)
TORCHSCAN_MACS = Convention(
    "torchscan_macs",
    "1 for a multiply-accumulate, 2 for a batch-normalised element (1 without scale and shift), windows of pooling; a "
    "transposed convolution has its weights at every output position",
    (
        Term("macs", 1, NOT_DECONV),
        Term("weights_at_outputs", 1, DECONV),
        Term("axes", 4, DECONV),
        Term("affine", 2, BATCH_NORM),
        Term("bare", 1, BATCH_NORM),
        *_POOLING_OF_TORCHSCAN,
    ),
    "torchscan/modules/macs.py:20-150: macs",
    "0.2.0",
    "MACs",
    called="torchscan 0.2 (MACs)",
)
ONNX_TOOL = Convention(
    "onnx_tool",
    "1 for a multiply-accumulate, a bias addition, an element of ReLU, a sum and a tap of pooling, 32 for an "
    "exponential; a batch norm is folded into the bias of its convolution when torch exports it, 1 an element; a "
    "transposed convolution has twice its weights at every output position",
    (
        Term("macs", 1, NOT_DECONV),
        Term("weights_at_outputs", 2, DECONV),
        Term("bias", 1, WITH_BIAS),
        Term("affine", 1, BATCH_NORM),
        Term("bare", 1, BATCH_NORM),
        Term("affine", 7, LAYER_NORM),
        Term("bare", 7, LAYER_NORM),
        Term("rows", 29, LAYER_NORM),
        Term("affine", 9, kinds("group_norm")),
        Term("affine", 7, kinds("instance_norm")),
        Term("bare", 7, kinds("instance_norm")),
        *(
            Term("outputs", worth, kinds(*names), "activated elements")
            for worth, names in (
                (1, ("relu",)),
                (2, ("relu6", "leaky_relu", "prelu")),
                (4, ("hard_sigmoid",)),
                (5, ("hard_swish",)),
                (32, ("sigmoid",)),
                (33, ("silu",)),
                (34, ("gelu",)),
                (35, ("elu",)),
                (76, ("tanh", "softplus")),
                (153, ("mish",)),
            )
        ),
        Term("outputs", 36, SOFTMAX, "elements of softmax"),
        Term("flat_taps", 1, SLIDING),
        Term("inputs", 1, ADAPTIVE_AVERAGES | ADAPTIVE_MAXIMA, "inputs of adaptive pooling"),
        Term("outputs", 4, kinds("global_avgpool"), "outputs of global average pooling"),
        Term("inputs", 32, LPPOOL, "inputs of power pooling"),
        Term("flat_taps", 1, LPPOOL),
        Term("outputs", 37, LPPOOL, "outputs of power pooling"),
        Term("additions", 1, kinds("add"), "sums"),
        Term("multiplications", 1, kinds("mul"), "products"),
        Term("smooth_outputs", 4, UPSAMPLE),
        Term("bicubic_outputs", 8, UPSAMPLE),
    ),
    "onnx_tool/node.py:387, 1487, 2060-2071, 2565-2576; of torch's export (dynamo=False)",
    "1.0.1",
    "MACs",
    called="onnx-tool 1.0",
)
VERSIONS: tuple[Convention, ...] = (
    PTFLOPS_0_6,
    THOP_0_0,
    ULTRALYTICS_THOP,
    TORCHLENS,
    TORCHSCAN,
    TORCHSCAN_MACS,
    ONNX_TOOL,
)
