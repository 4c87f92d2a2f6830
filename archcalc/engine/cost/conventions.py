"""What is called FLOPs: conventions that archcalc ships. Each is data: what is counted, at how much, and whose it is.

Those of tools say what a tool counts of a network that is written with torch's own modules (`nn.ReLU`, `nn.MaxPool2d`)
and with `+` for a sum, at inference. Where a tool counts a function otherwise than a module, that is no matter of the
network: `archcalc reconcile` shows it as coding. Places are those of the version that is named; rules were read there
and compared with what the tool prints.
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter

from archcalc.engine.cost.costs import cost_of
from archcalc.engine.cost.kinds import (
    ADAPTIVE_AVERAGES,
    BATCH_NORM,
    CONVOLUTIONS,
    DECONV,
    LPPOOL,
    LRN,
    MULTIPLIED,
    NOT_COMPARED,
    NOT_DECONV,
    POOLS,
    RECURRENT,
    SETS_OF_ONE,
    SOFTMAX,
    UPSAMPLE,
    WITH_BIAS,
    kinds,
)
from archcalc.engine.cost.versions import (
    ONNX_TOOL,
    TORCHLENS,
    TORCHSCAN,
    TORCHSCAN_MACS,
    ULTRALYTICS_THOP,
    VERSIONS,
)
from archcalc.results.convention import Convention, Term
from archcalc.results.cost import NetworkCost

# torch.nn.LocalResponseNorm and nn.LPPool are functions of smaller ones; a tool that counts those counts them within.
_LRN_WITHIN = (
    Term("outputs", 3, LRN, "elements of response norms"),
    Term("padded_channels", 1, LRN, "padded inputs of response norms"),
)
_LPPOOL_WITHIN = (
    Term("inputs", 1, LPPOOL, "inputs of power pooling"),
    Term("outputs", 2, LPPOOL, "outputs of power pooling"),
)
# `a + b` passes these tools by; torch.add(a, b) does not.
_TORCH_ADD = Term("outputs", 1, kinds("add", "mul"), "outputs of torch.add and torch.mul")

ARITHMETIC = Convention(
    "arithmetic",
    "every operation: 2 for a multiply-accumulate, 1 for each other addition, multiplication, division, comparison "
    "and transcendental function",
    (
        Term("macs", 2),
        Term("additions"),
        Term("multiplications"),
        Term("divisions"),
        Term("comparisons"),
        Term("transcendentals"),
    ),
    "archcalc",
)
MACS = Convention(
    "macs",
    "multiply-accumulate pairs of convolutions, linear layers and matrix products; nothing else",
    (Term("macs"),),
    'what papers since He et al. 2015, Table 1, call "FLOPs (multiply-adds)"',
    unit="MACs",
)
TWO_PER_MAC = Convention(
    "two_per_mac",
    "2 for a multiply-accumulate; nothing else",
    (Term("macs", 2),),
    "Canziani et al. 2016, whose operations are twice the multiply-accumulates",
    unit="operations",
)

FVCORE = Convention(
    "fvcore",
    "1 for a multiply-accumulate, 2 for a batch-normalised element, 5 for one of another norm, inputs of adaptive "
    "average pooling of images; no bias, activation or other pooling",
    (
        Term("macs", 1, MULTIPLIED - RECURRENT),
        Term("scaled", 2, BATCH_NORM),
        Term("unscaled", 1, BATCH_NORM),
        Term("by_batch", 3, BATCH_NORM),
        Term("scaled", 5, SETS_OF_ONE),
        Term("unscaled", 4, SETS_OF_ONE),
        Term("image_inputs", 1, ADAPTIVE_AVERAGES, "inputs of adaptive average pooling"),
        Term("bilinear_outputs", 4, UPSAMPLE),
        Term("nearest_image_outputs", 1, UPSAMPLE),
    ),
    "fvcore/nn/flop_count.py:26-44; fvcore/nn/jit_handles.py:127-151, 230-281",
    "0.1.5.post20221221",
    "flops",
)
FVCORE_FUSED = Convention(
    "fvcore_fused",
    "as fvcore, of a model whose attention is one call of scaled_dot_product_attention, which fvcore passes over: the "
    "GMACs of timm's benchmarks of transformers",
    (Term("macs", 1, MULTIPLIED - RECURRENT - kinds("attend"), "MACs beside those of attention"), *FVCORE.terms[1:]),
    "fvcore/nn/flop_count.py:26-44, which knows no scaled_dot_product_attention",
    FVCORE.version,
    "flops",
    called="fvcore where attention is fused",
)
TORCH_FLOP_COUNTER = Convention(
    "torch_flop_counter",
    "2 for a multiply-accumulate of convolutions, linear layers and matrix products; nothing else",
    (Term("macs", 2, MULTIPLIED),),
    "torch/utils/flop_counter.py:160-255 (FlopCounterMode)",
    "2.14.1",
    "FLOP",
)
PTFLOPS = Convention(
    "ptflops",
    "1 for a multiply-accumulate or a bias addition, 2 for a batch-normalised element, 2 for an element of nn.ReLU "
    "and an input of pooling: its hook on the module and its patched function count both",
    (
        Term("macs"),
        Term("bias", 1, WITH_BIAS),
        Term("affine", 2, kinds("batch_norm", "group_norm", "instance_norm")),
        Term("bare", 1, kinds("batch_norm", "group_norm", "instance_norm")),
        Term("affine", 1, kinds("layer_norm")),
        Term("bare", 1, kinds("layer_norm")),
        Term("outputs", 2, kinds("relu", "prelu", "elu", "gelu"), "activated elements"),
        Term("outputs", 1, kinds("relu6", "leaky_relu", "silu"), "activated elements"),
        Term("outputs", 1, SOFTMAX, "elements of softmax"),
        Term("inputs", 2, POOLS, "inputs of pooling"),
        Term("outputs", 2, UPSAMPLE, "outputs of upsampling"),
        *_LRN_WITHIN,
        *_LPPOOL_WITHIN,
    ),
    "ptflops/pytorch_ops.py:21-92, 271-321, 422-469; ptflops/pytorch_engine.py:348-449",
    "0.7.5",
    "MACs",
    (  # counted once, for there is no module to hook
        Term("outputs", -1, kinds("relu", "prelu", "elu", "gelu", "leaky_relu"), "activated elements"),
        Term("inputs", -1, POOLS, "inputs of pooling"),
        Term("outputs", -1, kinds("layer_norm"), "normalised elements"),
        _TORCH_ADD,
    ),
)
PTFLOPS_ATEN = Convention(
    "ptflops_aten",
    "1 for a multiply-accumulate or a bias addition of convolutions and linear layers; nothing else",
    (Term("macs"), Term("bias", 1, WITH_BIAS)),
    "ptflops/aten_ops.py:23-116 (backend=aten)",
    "0.7.5",
    "MACs",
)
THOP = Convention(
    "thop",
    "1 for a multiply-accumulate, 4 for an element of a norm with scale and shift (2 without), outputs of average "
    "pooling, inputs and outputs of adaptive average pooling; no bias, nn.ReLU or max pooling; a transposed "
    "convolution has its weights at every output position",
    (
        Term("macs", 1, NOT_DECONV),
        Term("weights_at_outputs", 1, DECONV),
        Term("affine", 4, kinds("batch_norm", "layer_norm", "instance_norm")),
        Term("bare", 2, kinds("batch_norm", "layer_norm", "instance_norm")),
        Term("outputs", 1, kinds("avgpool"), "outputs of average pooling"),
        Term("inputs", 1, ADAPTIVE_AVERAGES, "inputs of adaptive average pooling"),
        Term("outputs", 1, ADAPTIVE_AVERAGES, "outputs of adaptive average pooling"),
        Term("outputs", 1, kinds("prelu"), "activated elements"),
        Term("outputs", 3, kinds("softmax"), "elements of softmax"),
        Term("positions", -1, kinds("softmax"), "positions of softmax"),
        Term("linear_outputs", 5, UPSAMPLE),
        Term("bilinear_outputs", 11, UPSAMPLE),
        Term("bicubic_outputs", 259, UPSAMPLE),
        Term("nearest_outputs", 1, UPSAMPLE),
    ),
    "thop/profile.py:21-66; thop/vision/basic_hooks.py:22-146; thop/vision/calc_func.py:28-91",
    "0.1.1.post2209072238",
    "MACs",
    (  # not seen at all
        Term("outputs", -1, ADAPTIVE_AVERAGES | kinds("avgpool"), "outputs of average pooling"),
        Term("inputs", -1, ADAPTIVE_AVERAGES, "inputs of adaptive average pooling"),
        Term("outputs", -4, kinds("layer_norm"), "normalised elements"),
    ),
)
TORCHINFO = Convention(
    "torchinfo",
    "1 for a multiply-accumulate or a bias addition of a convolution; the parameters of norms and linear layers, once, "
    "whatever their size; a transposed convolution has its weights at every output position",
    (
        Term("macs", 1, CONVOLUTIONS),
        Term("weights_at_outputs", 1, DECONV),
        Term("bias", 1, CONVOLUTIONS | DECONV),
        Term("weights", 1, kinds("linear")),
        Term("biases", 1, kinds("linear")),
        Term("norm_params", named="parameters of norms"),
        Term("weights", 1, kinds("prelu"), "slopes"),
    ),
    "torchinfo/layer_info.py:225-245",
    "1.8.0",
    "mult-adds",
)
_CALFLOPS_MACS = Convention(
    "calflops_macs",
    "1 for a multiply-accumulate of convolutions and linear layers; nothing else; a transposed convolution is divided "
    "by its groups twice",
    (Term("macs", 1, NOT_DECONV), Term("grouped_twice", 1, DECONV)),
    "calflops/pytorch_ops.py:83-173",
    "0.3.2",
    "MACs",
)
_ELEMENTWISE_OF_CALFLOPS = (
    Term("affine", 2, BATCH_NORM),
    Term("bare", 1, BATCH_NORM),
    Term("affine", 5, SETS_OF_ONE),
    Term("bare", 4, SETS_OF_ONE),
    Term("outputs", 1, kinds("relu", "prelu", "elu", "leaky_relu", "silu", "gelu"), "activated elements"),
    Term("outputs", 1, SOFTMAX, "elements of softmax"),
    Term("inputs", 1, POOLS, "inputs of pooling"),
    *_LRN_WITHIN,
    *_LPPOOL_WITHIN,
)
_CALFLOPS = Convention(
    "calflops",
    "2 for a multiply-accumulate, 1 for a bias addition of a convolution (not of a linear layer), 2 for a "
    "batch-normalised element, 1 for an element of an activation and an input of pooling",
    (
        Term("macs", 2, NOT_DECONV),
        Term("grouped_twice", 2, DECONV),
        Term("bias", 1, CONVOLUTIONS),
        Term("bias_of_forward", 1, DECONV),
        *_ELEMENTWISE_OF_CALFLOPS,
        Term("inputs", 1, UPSAMPLE, "inputs of upsampling"),
    ),
    "calflops/pytorch_ops.py:83-189, 247-251",
    "0.3.2",
    functions=(_TORCH_ADD,),
)
_DEEPSPEED_MACS = Convention(
    "deepspeed_macs",
    "1 for a multiply-accumulate of convolutions, linear layers and matrix products; nothing else",
    (Term("macs"),),
    "deepspeed/profiling/flops_profiler/profiler.py",
    "0.19.8",
    "MACs",
)
_DEEPSPEED = Convention(
    "deepspeed",
    "as calflops, and the bias of transposed convolutions and the outputs of upsampling",
    (
        Term("macs", 2),
        Term("bias", 1, kinds("conv", "depthwise", "patch_embedding", "deconv")),
        *_ELEMENTWISE_OF_CALFLOPS,
        Term("outputs", 1, UPSAMPLE, "outputs of upsampling"),
    ),
    "deepspeed/profiling/flops_profiler/profiler.py",
    "0.19.8",
    functions=(_TORCH_ADD,),
)
TORCHPROFILE = Convention(
    "torchprofile",
    "1 for a multiply-accumulate, 1 for an element of a norm with scale and shift, outputs of average pooling; no "
    "bias, ReLU or max pooling; a transposed convolution has its weights at every output position, as if without "
    "groups where it changes the channels",
    (
        Term("macs", 1, NOT_DECONV),
        Term("weights_of_all_inputs", 1, DECONV),
        Term("affine", 1, BATCH_NORM | SETS_OF_ONE),
        Term("outputs", 1, ADAPTIVE_AVERAGES | kinds("avgpool"), "outputs of average pooling"),
        Term("outputs", 1, kinds("leaky_relu"), "activated elements"),
        Term("multiplications", 1, kinds("mul", "scale", "channel_scale"), "products"),
        Term("bilinear_outputs", 4, UPSAMPLE),
        Term("outputs", 3, LRN | LPPOOL, "elements of response norms and power pooling"),
    ),
    "torchprofile/handlers.py:73-106, 180-314",
    "0.1.0",
    "MACs",
    counts_means=True,
    counts_sizes=True,
)
TORCHVISION = Convention(
    "torchvision",
    "1 for a multiply-accumulate; rounded to thousandths of a billion in its documentation",
    (Term("macs"),),
    'torchvision/models: the "_ops" of a weight\'s meta data',
    "0.29.1",
    "GFLOPS",
)

TOOLS: tuple[Convention, ...] = (
    TORCHVISION,
    TORCH_FLOP_COUNTER,
    FVCORE,
    PTFLOPS,
    PTFLOPS_ATEN,
    THOP,
    TORCHINFO,
    TORCHPROFILE,
    _CALFLOPS_MACS,
    _CALFLOPS,
    _DEEPSPEED_MACS,
    _DEEPSPEED,
)
# Of `VERSIONS`, those that `reconcile` runs where they are installed and asked for.
FURTHER_TOOLS: tuple[Convention, ...] = (ULTRALYTICS_THOP, TORCHLENS, TORCHSCAN, TORCHSCAN_MACS, ONNX_TOOL)
CONVENTIONS: dict[str, Convention] = {
    convention.name: convention for convention in (ARITHMETIC, MACS, TWO_PER_MAC, *TOOLS, FVCORE_FUSED, *VERSIONS)
}


_OPERATION = attrgetter("operator", "x", "y")


def terms_of(cost: NetworkCost) -> list[tuple[Term, int]]:
    """What a network has of that its convention counts: terms, and how many of each there are."""
    nodes = cost.graph.nodes
    times = Counter([_OPERATION(nodes[index]) for layer in cost.layers for index in layer.nodes])
    operations = [((*key, cost_of(*key)), count) for key, count in times.items()]
    counted = [
        (term, cost.batch * sum([term.many(*of) * count for of, count in operations])) for term in cost.convention.terms
    ]
    return [(term, many) for term, many in counted if many]


def not_compared(cost: NetworkCost) -> list[str]:
    """Operators of a network of which nobody has read what the tool counts whose convention is meant."""
    if not cost.convention.version or cost.convention in (TORCH_FLOP_COUNTER, FVCORE):
        return []
    return sorted({cost.graph.nodes[index].operator.name for of in cost.layers for index in of.nodes} & NOT_COMPARED)
