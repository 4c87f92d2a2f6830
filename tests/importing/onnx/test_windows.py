"""Extents of convolutions, poolings and resizing at every opset; expected extents are by hand."""

from pathlib import Path

import pytest

pytest.importorskip("onnx")

from tests.importing.onnx.models import model, node, numbers, only, ops, read, scalar, shape, weight


@pytest.mark.parametrize("opset", [11, 13, 17, 21, 22, 24])
@pytest.mark.parametrize(
    ("extent", "kernel", "stride", "pads", "expected"),
    [
        (112, 3, 2, [0, 0, 0, 0], 56),  # GoogLeNet pool1: ceil((112 - 3)/2) + 1
        (4, 1, 2, [0, 0, 0, 0], 2),  # plain ceil gives ceil(3/2) + 1 = 3, whose window begins at 4, beyond the input
        (5, 2, 3, [1, 1, 1, 1], 2),  # plain ceil gives ceil(5/3) + 1 = 3, whose window begins at 6 = 5 + 1
        (6, 2, 3, [1, 1, 1, 1], 3),  # begins at 6, within 6 + 1
    ],
)
def test_ceil_pools_clip_at_every_opset(
    opset: int, extent: int, kernel: int, stride: int, pads: list[int], expected: int, tmp_path: Path
) -> None:
    pool = node("MaxPool", "x", "y", kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads, ceil_mode=1)
    program = read(model([pool], {"x": [1, 8, extent, extent]}, opset=opset), tmp_path)
    found = only(program, "max_pool2d")
    assert shape(program, found) == (1, 8, expected, expected)
    assert found.arguments["ceil_mode"] is True


def test_padding_for_same_lower_stands_before(tmp_path: Path) -> None:
    """Extent 8, kernel 4, stride 2: 4 windows need 2*3 + 4 - 8 = 2 zeros; kernel 3 needs 1, first."""
    conv = node("Conv", "x w", "y", strides=[2, 2], auto_pad="SAME_LOWER")
    program = read(model([conv], {"x": [1, 1, 8, 8]}, [weight("w", 1, 1, 4, 3)]), tmp_path)
    found = only(program, "convolution")
    assert found.arguments["padding"] == [(1, 1), (1, 0)]
    assert shape(program, found) == (1, 1, 4, 4)


def test_padding_for_same_upper_is_the_word(tmp_path: Path) -> None:
    conv = node("Conv", "x w", "y", strides=[2, 2], auto_pad="SAME_UPPER")
    program = read(model([conv], {"x": [1, 1, 7, 8]}, [weight("w", 1, 1, 3, 3)]), tmp_path)
    found = only(program, "convolution")
    assert found.arguments["padding"] == "same"
    assert shape(program, found) == (1, 1, 4, 4)


def test_uneven_padding_is_a_pair_an_axis(tmp_path: Path) -> None:
    conv = node("Conv", "x w", "y", pads=[0, 1, 2, 3])
    program = read(model([conv], {"x": [1, 1, 8, 8]}, [weight("w", 1, 1, 3, 3)]), tmp_path)
    assert only(program, "convolution").arguments["padding"] == [(0, 2), (1, 3)]
    assert shape(program, only(program, "convolution")) == (1, 1, 8, 10)


def test_groups_and_dilation(tmp_path: Path) -> None:
    conv = node("Conv", "x w", "y", group=4, dilations=[2, 2], pads=[2, 2, 2, 2])
    program = read(model([conv], {"x": [1, 8, 9, 9]}, [weight("w", 16, 2, 3, 3)]), tmp_path)
    found = only(program, "convolution")
    assert (found.arguments["groups"], found.arguments["dilation"]) == (4, [2, 2])
    assert shape(program, found) == (1, 16, 9, 9)


def test_transposed_convolutions(tmp_path: Path) -> None:
    """(n - 1)*s - pads + d*(k - 1) + output padding + 1 = 7*2 - 2 + 2 + 1 + 1 = 16."""
    conv = node("ConvTranspose", "x w", "y", strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1], group=2)
    program = read(model([conv], {"x": [1, 8, 8, 8]}, [weight("w", 8, 3, 3, 3)]), tmp_path)
    found = only(program, "convolution")
    assert found.arguments["transposed"] is True
    assert shape(program, found) == (1, 6, 16, 16)


def test_a_transposed_convolution_to_a_shape(tmp_path: Path) -> None:
    """With kernel 3 and stride 2, 5 positions give 11 in full; 10 asked for take one away, after."""
    conv = node("ConvTranspose", "x w", "y", strides=[2], output_shape=[10])
    program = read(model([conv], {"x": [1, 1, 5]}, [weight("w", 1, 1, 3)]), tmp_path)
    found = only(program, "convolution")
    assert shape(program, found) == (1, 1, 10)
    assert found.arguments["padding"] == [(0, 1)]


def test_same_with_a_kernel_below_the_stride_is_said(tmp_path: Path) -> None:
    """Kernel 2, stride 3, 4 positions: onnxruntime gives 3*3 + 2 = 11, Keras 12."""
    conv = node("ConvTranspose", "x w", "y", strides=[3], auto_pad="SAME_UPPER")
    program = read(model([conv], {"x": [1, 1, 4]}, [weight("w", 1, 1, 2)]), tmp_path)
    assert shape(program, only(program, "convolution")) == (1, 1, 11)
    assert any("Keras" in note for note in program.notes)


def test_a_pool_that_changes_nothing_is_left_out(tmp_path: Path) -> None:
    pool = node("AveragePool", "x", "a", kernel_shape=[1, 1], strides=[1, 1])
    program = read(model([pool, node("Relu", "a", "y")], {"x": [1, 2, 4, 4]}), tmp_path)
    assert ops(program) == ["relu"]


def test_average_pools_count_padding_or_not(tmp_path: Path) -> None:
    for given, expected in ((0, False), (1, True)):
        pool = node("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=given)
        found = only(read(model([pool], {"x": [1, 2, 4, 4]}), tmp_path), "avg_pool2d")
        assert found.arguments["count_include_pad"] is expected


@pytest.mark.parametrize(
    ("attributes", "inputs", "stored", "expected"),
    [
        ({"mode": "nearest"}, "x _ s", [("s", [1.0, 1.0, 2.0, 2.0])], "upsample_nearest2d"),
        ({"mode": "linear"}, "x _ s", [("s", [1.0, 1.0, 2.0, 2.0])], "upsample_bilinear2d"),
        ({"mode": "cubic"}, "x _ s", [("s", [1.0, 1.0, 2.0, 2.0])], "upsample_bicubic2d"),
    ],
)
def test_resizing_by_factors(attributes: dict[str, str], inputs: str, stored: list[tuple[str, list[float]]],
                             expected: str, tmp_path: Path) -> None:  # fmt: skip
    from onnx import helper

    tensors = [helper.make_tensor(name, 1, [len(given)], given) for name, given in stored]
    program = read(model([node("Resize", inputs, "y", **attributes)], {"x": [1, 2, 5, 7]}, tensors), tmp_path)
    assert shape(program, only(program, expected)) == (1, 2, 10, 14)


def test_resizing_to_sizes_with_corners(tmp_path: Path) -> None:
    resize = node("Resize", "x _ _ s", "y", mode="linear", coordinate_transformation_mode="align_corners")
    program = read(model([resize], {"x": [1, 2, 5, 7]}, [numbers("s", 1, 2, 9, 9)]), tmp_path)
    found = only(program, "upsample_bilinear2d")
    assert found.arguments["align_corners"] is True
    assert shape(program, found) == (1, 2, 9, 9)


def test_padding_is_an_attribute_before_opset_11_and_an_input_after(tmp_path: Path) -> None:
    old = model([node("Pad", "x", "y", pads=[0, 0, 1, 2, 0, 0, 3, 4])], {"x": [1, 2, 5, 5]}, opset=10)
    new = model(
        [node("Pad", "x p v", "y")], {"x": [1, 2, 5, 5]}, [numbers("p", 0, 0, 1, 2, 0, 0, 3, 4), scalar("v", 1)]
    )
    for made in (old, new):
        program = read(made, tmp_path)
        found = only(program, "pad")
        assert found.arguments["pad"] == [2, 4, 1, 3]  # the last axis first
        assert shape(program, found) == (1, 2, 9, 11)


def test_lrn_is_a_whole_layer(tmp_path: Path) -> None:
    program = read(
        model([node("LRN", "x", "y", size=5, alpha=0.0001, beta=0.75, bias=2.0)], {"x": [1, 8, 4, 4]}), tmp_path
    )
    assert only(program, "module").arguments["kind"] == "LocalResponseNorm"
