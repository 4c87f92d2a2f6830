"""Whole nets: phases, inputs, tops in place, old forms, shared weights, and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.importing.prototxt import read_prototxt
from archcalc.ops import Shape
from archcalc.source import SpecError
from tests.importing.prototxt.reading import IMAGE, line, read, totals

CONV = (
    'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" '
    "convolution_param { num_output: 4 kernel_size: 3 } }"
)
RELU = 'layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }'
FC = 'layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc" inner_product_param { num_output: 10 } }'


def refused(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as error:
        read(tmp_path, text)
    assert all(found.line is not None for found in error.value.diagnostics)
    return [(found.code, found.message) for found in error.value.diagnostics]


INPUTS = [
    'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8 ',
    'input: "data" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }',
    'input: "data" input_shape { dim: [1, 3, 8, 8] }',
    'layer { name: "data" type: "Input" top: "data" input_param { shape: { dim: 1 dim: 3 dim: 8 dim: 8 } } }',
    'layer { name: "d" type: "MemoryData" top: "data" top: "label" memory_data_param { batch_size: 1 '
    "channels: 3 height: 8 width: 8 } }",
    'layer { name: "d" type: "DummyData" top: "data" dummy_data_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }',
    'layer { name: "d" type: "DummyData" top: "data" dummy_data_param { num: 1 channels: 3 height: 8 width: 8 } }',
    'layer { name: "d" type: "Data" top: "data" top: "label" transform_param { crop_size: 8 mean_value: '
    "1 mean_value: 2 mean_value: 3 } data_param { batch_size: 1 } }",
    'layer { name: "d" type: "ImageData" top: "data" top: "label" image_data_param { new_height: 8 new_width: 8 } }',
]


@pytest.mark.parametrize("given", INPUTS)
def test_every_form_of_input(tmp_path: Path, given: str) -> None:
    calls = read(tmp_path, given + CONV + RELU + FC)
    assert list(calls.inputs.values()) == [Shape(3, (8, 8))]
    assert line(calls) == ["conv 4x6x6", "relu 4x6x6", "linear 10"]
    assert totals(calls) == (4 * 27 + 4 + 10 * 144 + 10, 4 * 27 * 36 + 1440, 0)


def test_an_input_that_is_not_said_is_asked_for(tmp_path: Path) -> None:
    data = 'layer { name: "d" type: "Data" top: "data" top: "label" data_param { source: "lmdb" batch_size: 64 } }'
    [(code, message)] = refused(tmp_path, data + CONV)
    assert code == "prototxt-layer"
    assert "the shape of the input `data` is not said" in message
    calls = read(tmp_path, data + CONV, input=(1, 28, 28))
    assert calls.inputs == {"data": Shape(1, (28, 28))}


def test_another_input_takes_the_place_of_the_first(tmp_path: Path) -> None:
    assert line(read(tmp_path, IMAGE.format(8) + CONV, input=(3, 16, 16))) == ["conv 4x14x14"]


def test_a_part_of_a_net_has_the_input_that_is_given(tmp_path: Path) -> None:
    assert line(read(tmp_path, CONV, input=(3, 8, 8))) == ["conv 4x6x6"]
    [(code, _)] = refused(tmp_path, CONV)
    assert code == "prototxt-net"


def test_the_batch_is_said_and_costs_are_of_one_example(tmp_path: Path) -> None:
    one = read(tmp_path, IMAGE.format(8) + CONV)
    ten = read(tmp_path, IMAGE.format(8).replace("input_dim: 1", "input_dim: 10", 1) + CONV)
    assert totals(one) == totals(ten)
    assert not one.notes
    assert ten.notes == ["The file says a batch of 10; costs are of one example"]


TRAINED = (
    'layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } transform_param '
    "{ crop_size: 8 } }"
    'layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST } transform_param '
    "{ crop_size: 10 } }"
)
MEASURES = (
    'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }'
    'layer { name: "accuracy" type: "Accuracy" bottom: "fc" bottom: "label" top: "accuracy" include { phase: TEST } }'
)


def test_of_phases_test_is_read_and_what_measures_is_left_out(tmp_path: Path) -> None:
    calls = read(tmp_path, TRAINED + CONV + FC + MEASURES)
    assert calls.inputs == {"data": Shape(3, (10, 10))}
    assert list(calls.outputs) == ["fc"]
    assert any("phase TEST" in note for note in calls.notes)
    assert any("`loss`, `accuracy`" in note for note in calls.notes)


def test_a_net_with_data_for_training_alone_is_read_for_training(tmp_path: Path) -> None:
    calls = read(
        tmp_path,
        TRAINED.partition('layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST')[0] + CONV,
    )
    assert calls.inputs == {"data": Shape(3, (8, 8))}
    assert (
        any("phase TRAIN" in note for note in calls.notes) is False
    )  # all layers are of that phase: nothing is left out
    assert line(calls) == ["conv 4x6x6"]


def test_the_state_of_the_file_and_stages(tmp_path: Path) -> None:
    only = 'layer { name: "t" type: "TanH" bottom: "conv" top: "t" include { phase: TEST stage: "deploy" } }'
    not_in = 'layer { name: "s" type: "Sigmoid" bottom: "conv" top: "s" exclude { stage: "deploy" } }'
    text = IMAGE.format(8) + CONV + only + not_in
    assert line(read(tmp_path, text)) == ["conv 4x6x6", "sigmoid 4x6x6"]
    assert line(read(tmp_path, 'state { phase: TEST stage: "deploy" } ' + text)) == ["conv 4x6x6", "tanh 4x6x6"]
    level = 'layer { name: "t" type: "TanH" bottom: "conv" top: "t" include { min_level: 1 } }'
    assert line(read(tmp_path, IMAGE.format(8) + CONV + level)) == ["conv 4x6x6"]


def test_tops_in_place_are_read_in_their_order(tmp_path: Path) -> None:
    text = IMAGE.format(8) + CONV + RELU + RELU.replace("ReLU", "TanH").replace("relu", "tanh") + FC
    calls = read(tmp_path, text)
    assert [call.inputs for call in calls.calls] == [(-1,), (0,), (1,), (2,)]


def test_v1_layers(tmp_path: Path) -> None:
    text = (
        'name: "old" input: "data" input_dim: 10 input_dim: 3 input_dim: 8 input_dim: 8 '
        'layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 blobs_lr: 2 weight_decay: 1 '
        "convolution_param { num_output: 4 kernel_size: 3 } }"
        'layers { name: "relu" type: RELU bottom: "conv" top: "conv" }'
        'layers { name: "pool" type: POOLING bottom: "conv" top: "pool" pooling_param { pool: MAX '
        "kernel_size: 3 stride: 2 } }"
        'layers { name: "norm" type: LRN bottom: "pool" top: "norm" }'
        'layers { name: "fc" type: INNER_PRODUCT bottom: "norm" top: "fc" inner_product_param { num_output: 10 } }'
        'layers { name: "drop" type: DROPOUT bottom: "fc" top: "fc" }'
        'layers { name: "prob" type: SOFTMAX bottom: "fc" top: "prob" }'
        'layers { name: "loss" type: SOFTMAX_LOSS bottom: "fc" bottom: "label" include: { phase: TRAIN } }'
    )
    calls = read(tmp_path, text)
    assert [call.operator.name for call in calls.calls] == [
        "conv",
        "relu",
        "maxpool",
        "lrn",
        "linear",
        "dropout",
        "softmax",
    ]
    assert totals(calls).params == 4 * 27 + 4 + 10 * 4 * 9 + 10  # 6x6 maps pooled to ceil(3/2) + 1 = 3


def test_shared_weights_are_one_tensor(tmp_path: Path) -> None:
    shared = 'param { name: "w" } param { name: "b" }'
    again = CONV.replace('"conv"', '"conv2"')
    text = IMAGE.format(8) + CONV.replace("top", f"{shared} top", 1) + again.replace("top", f"{shared} top", 1)
    calls = read(tmp_path, text)
    assert [call.weights for call in calls.calls] == [("w", "b"), ("w", "b")]
    assert calls.parameters == {"w": (4, 3, 3, 3), "b": (4,)}
    assert totals(calls).params == 112


def test_layers_of_one_name_have_weights_of_their_own(tmp_path: Path) -> None:
    again = CONV.replace('bottom: "data" top: "conv"', 'bottom: "conv" top: "again"').replace(
        "kernel_size: 3", "kernel_size: 1"
    )
    calls = read(tmp_path, IMAGE.format(8) + CONV + again + again.replace('"again"', '"more"'))
    assert totals(calls).params == 112 + 20 + 20
    assert len({call.weights for call in calls.calls}) == 3


def test_shared_weights_of_other_sizes_are_refused(tmp_path: Path) -> None:
    more = CONV.replace('"conv"', '"conv2"').replace("num_output: 4", "num_output: 5")
    text = (
        IMAGE.format(8)
        + CONV.replace("top", 'param { name: "w" } top', 1)
        + more.replace("top", 'param { name: "w" } top', 1)
    )
    [(code, message)] = refused(tmp_path, text)
    assert code == "prototxt-layer"
    assert "shared weights `w`" in message


def test_weights_that_are_not_trained_are_frozen(tmp_path: Path) -> None:
    rates = "param { lr_mult: 0 } param { lr_mult: 0 }"
    calls = read(tmp_path, IMAGE.format(8) + CONV.replace("top", f"{rates} top", 1))
    assert not calls.calls[0].operator.trainable
    assert read(tmp_path, IMAGE.format(8) + CONV).calls[0].operator.trainable


def test_several_outputs_are_kept_and_the_last_is_the_networks_own(tmp_path: Path) -> None:
    other = FC.replace('"fc"', '"other"')
    calls = read(tmp_path, IMAGE.format(8) + CONV + other + FC)
    assert list(calls.outputs) == ["fc", "other"]
    assert "Beside `fc` it gives `other`" in calls.notes


def test_what_leads_to_no_output_is_left_out_and_said(tmp_path: Path) -> None:
    dead = 'layer { name: "s" type: "Slice" bottom: "conv" top: "x" top: "y" slice_param { slice_point: 1 } }'
    use = FC.replace('bottom: "conv"', 'bottom: "y"')
    calls = read(tmp_path, IMAGE.format(8) + CONV + dead + use)
    assert line(calls) == ["conv 4x6x6", "slice_channels 3x6x6", "linear 10"]
    assert any("leads to no output" in note and "s/x" in note for note in calls.notes)


def test_names_of_nets(tmp_path: Path) -> None:
    folder = tmp_path / "resnet"
    folder.mkdir()
    for file, said, wanted in (
        ("alexnet.prototxt", "AlexNet", "alexnet"),
        ("deploy.prototxt", "CaffeNet", "CaffeNet"),
        ("train_val.prototxt", "", "resnet"),
    ):
        (folder / file).write_text((f'name: "{said}" ' if said else "") + IMAGE.format(8)[12:] + CONV)
        assert read_prototxt(folder / file).name == wanted


def test_a_layer_type_that_is_not_known_is_named_with_its_place(tmp_path: Path) -> None:
    text = (
        IMAGE.format(8)
        + "\n"
        + CONV.replace("Convolution", "Convolutoin")
        + "\n"
        + FC
        + FC.replace("InnerProduct", "Qux")
    )
    found = refused(tmp_path, text)
    assert [code for code, _ in found] == ["unknown-layer-type"]
    assert "`conv`" in found[0][1]
    assert "Convolutoin" in found[0][1]
    with pytest.raises(SpecError) as error:
        read(tmp_path, text)
    assert error.value.diagnostics[0].line == 2
    assert "`Convolution`" in (error.value.diagnostics[0].help or "")


def test_a_bottom_that_nothing_gives(tmp_path: Path) -> None:
    [(code, message)] = refused(tmp_path, IMAGE.format(8) + CONV + FC.replace('bottom: "conv"', 'bottom: "cnov"'))
    assert code == "prototxt-layer"
    assert "`cnov`" in message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "prototxt-net"),
        ('net: "train.prototxt" base_lr: 0.01', "prototxt-net"),
        ('layers { layer { name: "conv" type: "conv" } bottom: "data" top: "conv" }', "prototxt-net"),
        (IMAGE.format(8) + CONV + "layers { }", "prototxt-net"),
        ('input: "data" input_dim: 1 input_dim: 3 ' + CONV, "prototxt-net"),
        (IMAGE.format(8) + 'layer { name: "x" bottom: "data" }', "prototxt-layer"),
        (IMAGE.format(8) + CONV[:-12], "prototxt-syntax"),
        ("network: x\nlayers:\n  conv1: conv(3, 3)", "prototxt-syntax"),
        (IMAGE.format(8) + MEASURES.replace('bottom: "fc"', 'bottom: "data"'), "prototxt-net"),
        ('input: "data" input_shape { dim: 1 dim: 3 dim: 99999999 dim: 99999999 }' + CONV, "prototxt-layer"),
    ],
)
def test_files_that_are_no_net(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(SpecError) as error:
        read(tmp_path, text)
    assert [found.code for found in error.value.diagnostics] == [code]


def test_what_is_not_read_is_said(tmp_path: Path) -> None:
    calls = read(tmp_path, IMAGE.format(8) + CONV.replace("kernel_size: 3", "kernel_size: 3 deformable: 1"))
    assert calls.notes == ["Not read: `deformable` in convolution_param of Convolution layers"]


SSD_HEAD = """
layer { name: "loc" type: "Convolution" bottom: "conv" top: "loc" convolution_param { num_output: 12 kernel_size: 1 } }
layer { name: "loc_p" type: "Permute" bottom: "loc" top: "loc_p" permute_param { order: 0 order: 2 order: 3 order: 1 } }
layer { name: "loc_f" type: "Flatten" bottom: "loc_p" top: "loc_f" flatten_param { axis: 1 } }
layer { name: "conf" type: "Convolution" bottom: "conv" top: "conf" convolution_param { num_output: 6 kernel_size: 1 } }
layer { name: "conf_p" type: "Permute" bottom: "conf" top: "conf_p"
  permute_param { order: 0 order: 2 order: 3 order: 1 } }
layer { name: "conf_f" type: "Flatten" bottom: "conf_p" top: "conf_f" flatten_param { axis: 1 } }
layer { name: "prior" type: "PriorBox" bottom: "conv" bottom: "data" top: "prior"
  prior_box_param { min_size: 4 aspect_ratio: 2 } }
layer { name: "conf_r" type: "Reshape" bottom: "conf_f" top: "conf_r"
  reshape_param { shape { dim: 0 dim: -1 dim: 2 } } }
layer { name: "conf_s" type: "Softmax" bottom: "conf_r" top: "conf_s" softmax_param { axis: 2 } }
layer { name: "conf_o" type: "Flatten" bottom: "conf_s" top: "conf_o" }
layer { name: "out" type: "DetectionOutput" bottom: "loc_f" bottom: "conf_o" bottom: "prior" top: "out"
  detection_output_param { num_classes: 2 } }
"""


def test_a_head_of_ssd(tmp_path: Path) -> None:
    calls = read(tmp_path, IMAGE.format(8) + CONV + SSD_HEAD)
    assert totals(calls).params == 4 * 27 + 4 + 12 * 4 + 12 + 6 * 4 + 6
    reasons = [call.reason for call in calls.calls if call.operator.name == "opaque"]
    assert reasons == [
        "108 softmaxes of 2 of the elements have no operator",
        "non-maximum suppression depends on the image",
    ]
    assert any("prior" in note for note in calls.notes)


def test_several_inputs_have_their_shapes_by_name(tmp_path: Path) -> None:
    second = CONV.replace('"conv"', '"conv2"').replace('"data"', '"other"')
    both = 'layer { name: "c" type: "Concat" bottom: "conv" bottom: "conv2" top: "c" }'
    text = 'input: "data" input: "other" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 } ' + CONV + second + both
    found = read(tmp_path, text, input={"other": (3, 8, 8)})
    assert line(found) == ["conv 4x6x6", "conv 4x6x6", "concat 8x6x6"]
    assert read(tmp_path, text, input={"other": "3x10x10", "data": (3, 10, 10)}).calls[-1].shape == Shape(8, (8, 8))
    with pytest.raises(SpecError, match="is no shape"):
        read(tmp_path, text, input="threexthree")


RPN = """
layer { name: "cls" type: "Convolution" bottom: "conv" top: "cls" convolution_param { num_output: 18 kernel_size: 1 } }
layer { name: "cls_r" type: "Reshape" bottom: "cls" top: "cls_r"
  reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } } }
layer { name: "cls_p" type: "Softmax" bottom: "cls_r" top: "cls_p" }
layer { name: "cls_b" type: "Reshape" bottom: "cls_p" top: "cls_b"
  reshape_param { shape { dim: 0 dim: 18 dim: -1 dim: 0 } } }
layer { name: "box" type: "Convolution" bottom: "conv" top: "box" convolution_param { num_output: 36 kernel_size: 1 } }
layer { name: "proposal" type: "Python" bottom: "cls_b" bottom: "box" bottom: "im_info" top: "rois"
  python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" } }
layer { name: "pool" type: "ROIPooling" bottom: "conv" bottom: "rois" top: "pool"
  roi_pooling_param { pooled_w: 4 pooled_h: 4 spatial_scale: 0.0625 } }
layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc" inner_product_param { num_output: 21 } }
"""


def test_regions_are_counted_one(tmp_path: Path) -> None:
    head = 'input: "data" input: "im_info" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 } input_shape { dim: 1 dim: 3 } '
    calls = read(tmp_path, head + CONV + RPN)
    assert totals(calls).params == 112 + 18 * 5 + 36 * 5 + 21 * 4 * 16 + 21
    assert calls.calls[-1].shape == Shape(21)
    assert any("one region" in note for note in calls.notes)
    assert {call.reason for call in calls.calls if call.reason} == {
        "324 softmaxes of 2 of the elements have no operator",  # 9 boxes at each of 6x6 positions
        "ROIPooling depends on the regions",
        "proposals depend on the image",
    }
    assert list(calls.outputs) == ["fc", "proposal"]
