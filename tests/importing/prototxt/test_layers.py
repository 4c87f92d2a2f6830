"""Each layer type of Caffe by its rule; expected values by hand from BVLC's source, at caffe @ 9b89154."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.importing.calls import Calls
from archcalc.ops import Shape
from archcalc.source import SpecError
from tests.importing.prototxt.reading import IMAGE, line, read, totals


def one(tmp_path: Path, layer: str, extent: int = 8, bottom: str = "data") -> Calls:
    return read(tmp_path, IMAGE.format(extent) + f'layer {{ name: "a" bottom: "{bottom}" top: "a" {layer} }}')


def refused(tmp_path: Path, text: str) -> tuple[str, str]:
    with pytest.raises(SpecError) as error:
        read(tmp_path, text)
    [found] = error.value.diagnostics
    assert found.line is not None
    return found.code, found.message


# Convolutions: base_conv_layer.cpp


@pytest.mark.parametrize(
    ("parameters", "shape", "params"),
    [
        ("num_output: 4 kernel_size: 3", Shape(4, (6, 6)), 4 * 3 * 9 + 4),
        ("num_output: 4 kernel_size: 3 bias_term: false pad: 1 stride: 2", Shape(4, (4, 4)), 4 * 3 * 9),
        ("num_output: 6 kernel_size: 1 group: 3", Shape(6, (8, 8)), 6 + 6),
        ("num_output: 4 kernel_h: 1 kernel_w: 3 pad_h: 0 pad_w: 1", Shape(4, (8, 8)), 4 * 3 * 3 + 4),
        ("num_output: 4 kernel_size: 3 kernel_size: 1 stride: 1 stride: 2", Shape(4, (6, 4)), 4 * 3 * 3 + 4),
        ("num_output: 4 kernel_size: 3 dilation: 2", Shape(4, (4, 4)), 4 * 3 * 9 + 4),
        ("num_output: 4 kernel_size: 3 hole: 2", Shape(4, (4, 4)), 4 * 3 * 9 + 4),  # DeepLab's fork
    ],
)
def test_a_convolution(tmp_path: Path, parameters: str, shape: Shape, params: int) -> None:
    calls = one(tmp_path, f'type: "Convolution" convolution_param {{ {parameters} }}')
    assert calls.calls[-1].shape == shape
    assert totals(calls).params == params
    assert totals(calls).macs == (params - (shape.channels if len(calls.parameters) == 2 else 0)) * shape.positions


@pytest.mark.parametrize("kind", ["Convolution", "DepthwiseConvolution", "ConvolutionDepthwise"])
def test_a_group_for_each_channel_is_depthwise(tmp_path: Path, kind: str) -> None:
    group = "group: 3" if kind == "Convolution" else ""
    calls = one(tmp_path, f'type: "{kind}" convolution_param {{ num_output: 6 kernel_size: 3 {group} }}')
    assert line(calls) == ["depthwise 6x6x6"]
    assert totals(calls).params == 6 * 9 + 6


@pytest.mark.parametrize(
    ("parameters", "extent"),
    [("kernel_size: 4 stride: 2 pad: 1", 16), ("kernel_size: 3 stride: 2", 17), ("kernel_size: 3 dilation: 2", 12)],
)
def test_a_deconvolution(tmp_path: Path, parameters: str, extent: int) -> None:
    calls = one(tmp_path, f'type: "Deconvolution" convolution_param {{ num_output: 3 group: 3 {parameters} }}')
    assert calls.calls[-1].shape == Shape(3, (extent, extent))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("num_output: 4", "no `kernel_size`"),
        ("kernel_size: 3", "no `num_output`"),
        ("num_output: 4 kernel_size: 3 group: 2", "groups do not divide 3 channels"),
        ("num_output: 4 kernel_size: 3 kernel_h: 3 kernel_w: 3", "both `kernel_size`"),
        ("num_output: 4 kernel_h: 3", "go together"),
        ("num_output: 4 kernel_size: 9", "does not fit"),
    ],
)
def test_a_wrong_convolution_is_named(tmp_path: Path, parameters: str, words: str) -> None:
    text = IMAGE.format(8)
    text += f'layer {{ name: "c1" type: "Convolution" bottom: "data" top: "a" convolution_param {{ {parameters} }} }}'
    code, message = refused(tmp_path, text)
    assert code == "prototxt-layer"
    assert "`c1`" in message
    assert words in message


# Pooling: pooling_layer.cpp


@pytest.mark.parametrize(
    ("extent", "parameters", "wanted"),
    [
        (224, "kernel_size: 3 stride: 2", 112),  # ceil(221/2) + 1
        (112, "kernel_size: 3 stride: 2 pad: 1", 57),  # ceil(111/2) + 1 = 57 windows; the last begins at 112 < 113
        (4, "kernel_size: 1 stride: 2", 3),  # without padding nothing is clipped: the last begins at 4, beyond the end
        (4, "kernel_size: 2 stride: 3 pad: 1", 3),  # ceil(4/3) + 1 = 3; the last begins at 6 >= 4 + 1, so one less: 2
        (7, "kernel_size: 2 stride: 2 round_mode: FLOOR", 3),
        (7, "kernel_size: 2 stride: 2 ceil_mode: false", 3),
        (7, "kernel_size: 2 stride: 2", 4),
        (7, "global_pooling: true", 1),
        (6, "kernel_size: 3", 4),
    ],
)
@pytest.mark.parametrize("pool", ["MAX", "AVE"])
def test_extents_of_pooling(tmp_path: Path, extent: int, parameters: str, wanted: int, pool: str) -> None:
    calls = one(tmp_path, f'type: "Pooling" pooling_param {{ pool: {pool} {parameters} }}', extent)
    wanted = caffe_extent(extent, parameters) if "global" not in parameters else wanted
    assert calls.calls[-1].shape == Shape(3, (wanted, wanted))


def caffe_extent(extent: int, parameters: str) -> int:
    """pooling_layer.cpp, lines 90 to 118, in floats as it has them."""
    words = parameters.replace(":", "").split()
    given = dict(zip(words[::2], words[1::2], strict=True))
    kernel, stride, pad = (
        int(given.get(name, default)) for name, default in (("kernel_size", 1), ("stride", 1), ("pad", 0))
    )
    reach = (extent + 2 * pad - kernel) / stride
    floors = given.get("round_mode") == "FLOOR" or given.get("ceil_mode") == "false"
    windows = int(reach) + 1 if floors else -int(-reach // 1) + 1
    if pad and (windows - 1) * stride >= extent + pad:
        windows -= 1
    return windows


def test_every_small_pooling_is_as_caffe_has_it(tmp_path: Path) -> None:
    for extent in range(3, 9):
        for kernel in range(1, 4):
            for stride in range(1, 4):
                for pad in range(kernel):
                    parameters = f"kernel_size: {kernel} stride: {stride} pad: {pad}"
                    calls = one(tmp_path, f'type: "Pooling" pooling_param {{ pool: AVE {parameters} }}', extent)
                    wanted = caffe_extent(extent, parameters)
                    assert calls.calls[-1].shape == Shape(3, (wanted, wanted)), (extent, parameters)


def test_a_window_over_all_of_the_map_is_global_where_it_is_said(tmp_path: Path) -> None:
    calls = one(tmp_path, 'type: "Pooling" pooling_param { pool: AVE kernel_size: 8 }')
    assert line(calls) == ["avgpool 3x1x1"]
    assert calls.notes == []
    calls = one(tmp_path, 'type: "Pooling" pooling_param { pool: AVE global_pooling: true }')
    assert line(calls) == ["global_avgpool 3x1x1"]


def test_spatial_pyramid_pooling(tmp_path: Path) -> None:
    calls = one(tmp_path, 'type: "SPP" spp_param { pyramid_height: 3 }', 13)
    assert calls.calls[-1].shape == Shape(3 * (1 + 4 + 16))


# Norms: batch_norm_layer.cpp, scale_layer.cpp, lrn_layer.cpp

NORM = 'layer { name: "bn" type: "BatchNorm" bottom: "data" top: "bn" batch_norm_param { eps: 0.001 } }'
SCALE = 'layer { name: "s" type: "Scale" bottom: "bn" top: "bn" scale_param { bias_term: true } }'


def test_batch_norm_and_scale_are_one_norm(tmp_path: Path) -> None:
    calls = read(tmp_path, IMAGE.format(4) + NORM + SCALE)
    assert line(calls) == ["batch_norm 3x4x4"]
    assert totals(calls) == (6, 0, 6)
    assert calls.calls[0].weights == ("bn[0]", "bn[1]", "s[0]", "s[1]")
    assert (calls.parameters, calls.buffers) == ({"s[0]": (3,), "s[1]": (3,)}, {"bn[0]": (3,), "bn[1]": (3,)})


def test_batch_norm_alone_has_no_trained_factor(tmp_path: Path) -> None:
    calls = read(tmp_path, IMAGE.format(4) + NORM)
    assert totals(calls) == (0, 0, 6)


def test_a_norm_that_others_read_stays_apart_from_the_scale(tmp_path: Path) -> None:
    scale = SCALE.replace('top: "bn"', 'top: "s"')
    both = 'layer { name: "e" type: "Eltwise" bottom: "bn" bottom: "s" top: "e" }'
    calls = read(tmp_path, IMAGE.format(4) + NORM + scale + both)
    assert [call.operator.name for call in calls.calls] == ["batch_norm", "channel_scale", "trained", "add", "add"]
    assert totals(calls) == (6, 0, 6)


def test_scale_and_bias_alone(tmp_path: Path) -> None:
    assert totals(one(tmp_path, 'type: "Scale"')).params == 3
    assert totals(one(tmp_path, 'type: "Scale" scale_param { num_axes: 0 }')).params == 1
    calls = one(tmp_path, 'type: "Bias"')
    assert line(calls) == ["trained 3", "add 3x8x8"]
    assert totals(calls).params == 3


def test_scale_of_two_bottoms_repeats_the_second(tmp_path: Path) -> None:
    text = IMAGE.format(4) + (
        'layer { name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param { pool: AVE global_pooling: true } }'
        'layer { name: "f" type: "Reshape" bottom: "p" top: "f" reshape_param { shape { dim: 0 dim: 0 } } }'
        'layer { name: "s" type: "Scale" bottom: "data" bottom: "f" top: "s" scale_param { axis: 0 } }'
    )
    assert line(read(tmp_path, text)) == ["global_avgpool 3x1x1", "flatten 3", "mul 3x4x4"]


def test_response_norms(tmp_path: Path) -> None:
    calls = one(tmp_path, 'type: "LRN" lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }')
    assert calls.calls[0].operator.name == "lrn"
    within = one(tmp_path, 'type: "LRN" lrn_param { local_size: 3 norm_region: WITHIN_CHANNEL }')
    assert within.calls[0].operator.name == "opaque"
    assert "within a channel" in within.calls[0].reason
    assert (
        refused(
            tmp_path,
            IMAGE.format(4) + 'layer { name: "a" type: "LRN" bottom: "data" top: "a" lrn_param { local_size: 4 } }',
        )[0]
        == "prototxt-layer"
    )


def test_the_norm_of_ssd(tmp_path: Path) -> None:
    calls = one(tmp_path, 'type: "Normalize" norm_param { across_spatial: false channel_shared: false }')
    assert line(calls) == ["l2_norm 3x8x8", "channel_scale 3x8x8"]
    assert totals(calls).params == 3
    assert totals(one(tmp_path, 'type: "Normalize" norm_param { across_spatial: false }')).params == 1
    whole = one(tmp_path, 'type: "Normalize" norm_param { channel_shared: false }')
    assert line(whole) == ["opaque 3x8x8"]
    assert totals(whole).params == 3


# Element by element


@pytest.mark.parametrize(
    ("layer", "operator"),
    [
        ('type: "ReLU"', "relu"),
        ('type: "ReLU" relu_param { negative_slope: 0.1 }', "leaky_relu"),
        ('type: "PReLU"', "prelu"),
        ('type: "ELU"', "elu"),
        ('type: "Sigmoid"', "sigmoid"),
        ('type: "TanH"', "tanh"),
        ('type: "BNLL"', "softplus"),
        ('type: "Swish"', "silu"),
        ('type: "Swish" swish_param { beta: 2 }', "opaque"),
        ('type: "Clip" clip_param { min: 0 max: 6 }', "relu6"),
        ('type: "Clip" clip_param { min: -1 max: 2 }', "hard_tanh"),
        ('type: "Power" power_param { scale: 0.5 }', "scale"),
        ('type: "Power" power_param { power: 2 }', "mul"),
        ('type: "Power" power_param { power: -0.5 shift: 1 }', "opaque"),
        ('type: "AbsVal"', "opaque"),
        ('type: "Exp"', "exp"),
        ('type: "Exp" exp_param { base: 2 }', "opaque"),
        ('type: "Power" power_param { scale: -1 }', "scale"),
        ('type: "ReLU" relu_param { negative_slope: -1 }', "leaky_relu"),
        ('type: "Dropout" dropout_param { dropout_ratio: 0.4 }', "dropout"),
        ('type: "Softmax"', "softmax"),
        ('type: "MVN"', "instance_norm"),
        ('type: "MVN" mvn_param { across_channels: true }', "layer_norm"),
    ],
)
def test_elements_keep_their_shape(tmp_path: Path, layer: str, operator: str) -> None:
    calls = one(tmp_path, layer)
    assert [call.operator.name for call in calls.calls] == [operator]
    assert calls.calls[0].shape == Shape(3, (8, 8))
    assert bool(calls.calls[0].reason) == (operator == "opaque")


@pytest.mark.parametrize(
    ("parameters", "operators"),
    [
        ("", ["add"]),
        ("operation: SUM coeff: 1 coeff: -1", ["sub"]),
        ("coeff: 0.5 coeff: 0.5", ["mean"]),
        ("coeff: 1 coeff: 0.1", ["scale", "add"]),
        ("operation: PROD", ["mul"]),
        ("operation: MAX", ["concat", "channel_shuffle", "maxout"]),
    ],
)
def test_eltwise(tmp_path: Path, parameters: str, operators: list[str]) -> None:
    text = IMAGE.format(4) + (
        'layer { name: "r" type: "ReLU" bottom: "data" top: "r" } layer { name: "t" type: "TanH" bottom: '
        '"data" top: "t" }'
        f'layer {{ name: "e" type: "Eltwise" bottom: "r" bottom: "t" top: "e" eltwise_param {{ {parameters} }} }}'
    )
    calls = read(tmp_path, text)
    assert [call.operator.name for call in calls.calls[2:]] == operators
    assert calls.calls[-1].shape == Shape(3, (4, 4))


# Shapes


def test_inner_products_read_all_from_their_axis_on(tmp_path: Path) -> None:
    calls = one(tmp_path, 'type: "InnerProduct" inner_product_param { num_output: 10 transpose: true }')
    assert line(calls) == ["linear 10"]
    assert totals(calls).params == 10 * 3 * 64 + 10
    text = IMAGE.format(4) + (
        'layer { name: "p" type: "Permute" bottom: "data" top: "p" permute_param { order: 0 order: 2 order: '
        "3 order: 1 } }"
        'layer { name: "r" type: "Reshape" bottom: "p" top: "r" reshape_param { shape { dim: 0 dim: 16 dim: 3 } } }'
        'layer { name: "f" type: "InnerProduct" bottom: "r" top: "f" inner_product_param { num_output: 5 axis: 2 } }'
    )
    calls = read(tmp_path, text)
    assert line(calls) == ["to_sequence 3x16", "linear 5x16"]
    assert totals(calls).macs == 16 * 3 * 5


@pytest.mark.parametrize(
    ("dims", "shape"),
    [
        ("dim: 0 dim: -1", "48"),
        ("dim: 0 dim: 0 dim: -1", "3x16"),
        ("dim: 1 dim: 48", "48"),
        ("dim: -1 dim: 48", "48"),
    ],
)
def test_reshape(tmp_path: Path, dims: str, shape: str) -> None:
    text = IMAGE.format(4) + (
        f'layer {{ name: "r" type: "Reshape" bottom: "data" top: "r" reshape_param {{ shape {{ {dims} }} }} }}'
        'layer { name: "f" type: "InnerProduct" bottom: "r" top: "f" inner_product_param { num_output: 5 } }'
    )
    calls = read(tmp_path, text)
    assert totals(calls).params == 5 * 48 + 5
    assert shape in {str(call.shape) for call in calls.calls} | {"3x16"}


@pytest.mark.parametrize(
    "dims", ["dim: 0 dim: 7", "dim: 3 dim: 16", "dim: 0 dim: -1 dim: -1", "dim: 0 dim: 0 dim: 0 dim: 0 dim: 0"]
)
def test_a_reshape_that_does_not_fit_is_refused(tmp_path: Path, dims: str) -> None:
    text = f'layer {{ name: "r" type: "Reshape" bottom: "data" top: "r" reshape_param {{ shape {{ {dims} }} }} }}'
    assert refused(tmp_path, IMAGE.format(4) + text)[0] == "prototxt-layer"


def test_shuffling_by_reshape_and_permute_is_a_channel_shuffle(tmp_path: Path) -> None:
    text = (
        'input: "data" input_shape { dim: 1 dim: 6 dim: 4 dim: 4 }'
        'layer { name: "a" type: "Reshape" bottom: "data" top: "a" reshape_param { shape { dim: 0 dim: 2 '
        "dim: 3 dim: 4 dim: 4 } } }"
        'layer { name: "b" type: "Permute" bottom: "a" top: "b" permute_param { order: 0 order: 2 order: 1 } }'
        'layer { name: "c" type: "Reshape" bottom: "b" top: "c" reshape_param { shape { dim: 0 dim: 6 dim: 4 '
        "dim: 4 } } }"
        'layer { name: "d" type: "Convolution" bottom: "c" top: "d" convolution_param { num_output: 6 '
        "kernel_size: 1 } }"
    )
    calls = read(tmp_path, text)
    assert line(calls) == ["channel_shuffle 6x4x4", "conv 6x4x4"]
    assert calls.calls[0].operator.values() == {"groups": 2}


def test_softmax_of_channels_that_stand_last(tmp_path: Path) -> None:
    text = IMAGE.format(4) + (
        'layer { name: "p" type: "Permute" bottom: "data" top: "p" permute_param { order: 0 order: 2 order: '
        "3 order: 1 } }"
        'layer { name: "s" type: "Softmax" bottom: "p" top: "s" softmax_param { axis: 3 } }'
        'layer { name: "f" type: "Flatten" bottom: "s" top: "f" }'
    )
    calls = read(tmp_path, text)
    assert line(calls) == ["softmax 3x4x4", "flatten 48"]
    assert any("another order" in note for note in calls.notes)


def test_slices_and_concatenations(tmp_path: Path) -> None:
    text = IMAGE.format(4) + (
        'layer { name: "s" type: "Slice" bottom: "data" top: "x" top: "y" slice_param { axis: 1 slice_point: 1 } }'
        'layer { name: "c" type: "Concat" bottom: "y" bottom: "x" top: "c" }'
        'layer { name: "t" type: "Slice" bottom: "c" top: "u" top: "v" slice_param { axis: 2 } }'
        'layer { name: "d" type: "Concat" bottom: "u" bottom: "v" top: "d" concat_param { axis: 2 } }'
    )
    calls = read(tmp_path, text)
    assert line(calls)[:5] == [
        "slice_channels 1x4x4",
        "slice_channels 2x4x4",
        "concat 3x4x4",
        "slice_positions 3x2x4",
        "slice_positions 3x2x4",
    ]
    assert calls.calls[-1].shape == Shape(3, (4, 4))
    assert calls.calls[2].inputs == (1, 0)


def test_crop_takes_the_extents_of_its_second_bottom(tmp_path: Path) -> None:
    text = (
        'input: "data" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }'
        'layer { name: "a" type: "Convolution" bottom: "data" top: "a" convolution_param { num_output: 2 '
        "kernel_size: 3 } }"
        'layer { name: "u" type: "Deconvolution" bottom: "a" top: "u" convolution_param { num_output: 2 '
        "kernel_size: 4 stride: 2 } }"
        'layer { name: "c" type: "Crop" bottom: "u" bottom: "data" top: "c" crop_param { axis: 2 offset: 3 } }'
    )
    calls = read(tmp_path, text)
    assert calls.calls[-1].operator.values()["sides"] == ((3, 3), (3, 3))  # 14 positions, 8 from the 4th on
    assert calls.calls[-1].shape == Shape(2, (8, 8))


def test_unpooling_reads_the_mask_of_a_max_pooling(tmp_path: Path) -> None:
    text = IMAGE.format(8) + (
        'layer { name: "p" type: "Pooling" bottom: "data" top: "p" top: "mask" pooling_param { kernel_size: '
        "2 stride: 2 } }"
        'layer { name: "c" type: "Convolution" bottom: "p" top: "c" convolution_param { num_output: 3 '
        "kernel_size: 1 } }"
        'layer { name: "u" type: "Upsample" bottom: "c" bottom: "mask" top: "u" upsample_param { scale: 2 } }'
    )
    assert line(read(tmp_path, text)) == ["maxpool 3x4x4", "conv 3x4x4", "unpool 3x8x8"]


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ('type: "Interp" interp_param { height: 20 width: 20 }', Shape(3, (20, 20))),
        ('type: "Interp" interp_param { zoom_factor: 2 }', Shape(3, (15, 15))),  # 8 + 7
        ('type: "Interp" interp_param { shrink_factor: 2 }', Shape(3, (4, 4))),  # (8 - 1)//2 + 1
        ('type: "Upsample" upsample_param { scale: 2 }', Shape(3, (16, 16))),
        ('type: "Reorg" reorg_param { stride: 2 }', Shape(12, (4, 4))),
        ('type: "Tile" tile_param { axis: 1 tiles: 2 }', Shape(6, (8, 8))),
        ('type: "Reduction" reduction_param { operation: MEAN axis: 2 }', Shape(3)),
        ('type: "ArgMax" argmax_param { axis: 1 }', Shape(1, (8, 8))),
        ('type: "ArgMax" argmax_param { top_k: 5 }', Shape(5)),
        ('type: "Flatten"', Shape(192)),
    ],
)
def test_shapes_of_other_layers(tmp_path: Path, layer: str, shape: Shape) -> None:
    assert one(tmp_path, layer).calls[-1].shape == shape


def test_embeddings_read_tokens(tmp_path: Path) -> None:
    text = (
        'input: "words" input_shape { dim: 1 dim: 7 }'
        'layer { name: "e" type: "Embed" bottom: "words" top: "e" embed_param { input_dim: 100 num_output: 8 '
        "bias_term: false } }"
    )
    calls = read(tmp_path, text)
    assert calls.inputs == {"words": Shape(None, (7,))}
    assert totals(calls).params == 800
