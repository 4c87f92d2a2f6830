"""Inputs: batch 1, open extents as variables, channels last, several inputs."""

from pathlib import Path

import pytest

pytest.importorskip("onnx")

from onnx import TensorProto

from archcalc.importing.onnx.inputs import Given
from archcalc.source import SpecError
from tests.importing.onnx.models import model, node, numbers, only, ops, read, shape, weight


def conv(extents: list[int | str | None]) -> object:
    return model([node("Conv", "x w", "y")], {"x": extents}, [weight("w", 8, 3, 1, 1)])


@pytest.mark.parametrize("batch", ["batch", "N", "unk__12", None, 10])
def test_the_batch_is_one(batch: int | str | None, tmp_path: Path) -> None:
    program = read(conv([batch, 3, 32, 32]), tmp_path)
    assert shape(program, only(program, "convolution")) == (1, 8, 32, 32)
    assert program.free == {}
    assert len(program.notes) == (batch == 10)


def test_named_extents_are_variables(tmp_path: Path) -> None:
    program = read(conv(["batch", 3, "rows", "columns"]), tmp_path)
    assert program.free == {"rows": 224, "columns": 224}
    assert any("rows = 224, columns = 224" in note for note in program.notes)


def test_nameless_extents_have_the_usual_names_and_channels_are_the_weights(tmp_path: Path) -> None:
    program = read(conv([None, None, None, None]), tmp_path)
    assert program.free == {"height": 224, "width": 224}
    assert program.tensors[program.inputs["x"]].shape == (1, 3, 224, 224)


def test_extents_that_an_exporter_numbered_have_the_usual_names(tmp_path: Path) -> None:
    assert read(conv(["s77", 3, "s53", "s0"]), tmp_path).free == {"height": 224, "width": 224}
    made = model(
        [node("Relu", "a", "b"), node("Relu", "c", "d"), node("Relu", "e", "f")],
        {"a": ["s1", 4, "s2"], "c": ["s1", 4, "s3"], "e": ["s1", 4, "s2"]},
        outputs=("b", "d", "f"),
    )
    assert read(made, tmp_path).free == {"length": 128, "length_2": 128}


def test_a_length_that_was_fixed_within_the_file_is_found(tmp_path: Path) -> None:
    """Positions are cut into 10 by an exporter that was given 10, though the input is said to be open."""
    nodes = [node("MatMul", "x w", "a"), node("Reshape", "a to", "b"), node("Relu", "b", "y")]
    program = read(model(nodes, {"x": [1, "length", 8]}, [weight("w", 8, 8), numbers("to", 10, 4, 2)]), tmp_path)
    assert program.free == {"length": 10}
    assert ops(program) == ["linear", "view", "relu"]


def test_extents_that_are_asked_for(tmp_path: Path) -> None:
    given: Given
    for given in (
        (3, 64, 96),
        [3, 64, 96],
        {"x": (3, 64, 96)},
        {"rows": 64, "columns": 96},
        {"rows": [64], "columns": [96]},
    ):
        program = read(conv(["batch", 3, "rows", "columns"]), tmp_path, given)
        assert program.free == {"rows": 64, "columns": 96}
        assert not program.notes


def test_rows_and_columns_that_the_file_fixes_may_be_others_where_all_nodes_fit(tmp_path: Path) -> None:
    program = read(conv([1, 3, 32, 32]), tmp_path, (3, 64, 48))
    assert shape(program, only(program, "convolution")) == (1, 8, 64, 48)
    nodes = [node("Conv", "x w", "a"), node("Flatten", "a", "f"), node("Gemm", "f m", "y", transB=1)]
    made = model(nodes, {"x": [1, 3, 4, 4]}, [weight("w", 8, 3, 1, 1), weight("m", 5, 128)])
    with pytest.raises(SpecError) as caught:
        read(made, tmp_path, (3, 8, 8))
    (found,) = caught.value.diagnostics
    assert found.code == "bad-input"
    assert "Gemm" in found.message
    assert "1x3x4x4" in found.message


def test_channels_that_the_file_fixes(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read(conv([1, 3, 32, 32]), tmp_path, (1, 32, 32))
    (found,) = caught.value.diagnostics
    assert found.code == "bad-input"
    assert "1x3x32x32" in found.message


def test_an_input_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read(conv([1, 3, 32, 32]), tmp_path, {"image": (3, 64, 64)})
    (found,) = caught.value.diagnostics
    assert found.code == "unknown-input"
    assert found.help is not None
    assert "`x`" in found.help


def test_formulas_of_extents(tmp_path: Path) -> None:
    """`2*n` beside `n`: one variable."""
    made = model(
        [node("Relu", "a", "b"), node("Relu", "c", "d")], {"a": [1, 4, "n"], "c": [1, 4, "2*n"]}, outputs=("b", "d")
    )
    program = read(made, tmp_path, {"n": 10})
    assert [shape(program, item) for item in program.operations] == [(1, 4, 10), (1, 4, 20)]
    assert program.free == {"n": 10}


def test_channels_last_are_turned(tmp_path: Path) -> None:
    nodes = [node("Transpose", "x", "t", perm=[0, 3, 1, 2]), node("Conv", "t w", "y")]
    program = read(model(nodes, {"x": ["b", 32, 48, 3]}, [weight("w", 8, 3, 1, 1)]), tmp_path)
    assert program.tensors[program.inputs["x"]].shape == (1, 3, 32, 48)
    assert program.input_words["x"] == "image"


def test_samples_without_a_channel_are_a_sequence_of_one(tmp_path: Path) -> None:
    nodes = [node("Unsqueeze", "x one", "a"), node("Conv", "a w", "y", strides=[4])]
    program = read(model(nodes, {"x": ["batch", 512]}, [numbers("one", 1), weight("w", 8, 1, 16)]), tmp_path)
    assert program.tensors[program.inputs["x"]].shape == (1, 1, 512)
    assert program.input_words["x"] == "sequence"


def test_open_extents_of_channels_last(tmp_path: Path) -> None:
    """Keras: rows and columns are open, the one channel stands last, and a view brings it forward."""
    nodes = [node("Reshape", "x to", "t"), node("Conv", "t w", "y")]
    stored = [numbers("to", -1, 1, 224, 224), weight("w", 8, 1, 3, 3)]
    program = read(model(nodes, {"x": ["n", None, None, 1]}, stored), tmp_path)
    assert program.free == {"height": 224, "width": 224}
    assert program.tensors[program.inputs["x"]].shape == (1, 1, 224, 224)


def test_rows_and_columns_without_a_channel_are_an_image_of_one(tmp_path: Path) -> None:
    nodes = [node("Unsqueeze", "x one", "a"), node("Conv", "a w", "y")]
    program = read(model(nodes, {"x": ["batch", 100, 128]}, [numbers("one", 1), weight("w", 8, 1, 3, 3)]), tmp_path)
    assert program.tensors[program.inputs["x"]].shape == (1, 1, 100, 128)
    assert program.input_words == {"x": "image"}


def test_positions_first(tmp_path: Path) -> None:
    program = read(model([node("MatMul", "x w", "y")], {"x": [1, 10, 4]}, [weight("w", 4, 8)]), tmp_path)
    assert program.input_words["x"] == "positions first"
    program = read(model([node("Conv", "x w", "y")], {"x": [1, 4, 10]}, [weight("w", 8, 4, 3)]), tmp_path)
    assert program.input_words["x"] == "sequence"


def test_extents_are_searched_where_the_usual_ones_do_not_fit(tmp_path: Path) -> None:
    """The last layer reads 8*6*40 features of 48/8 rows and 320/8 columns, so that 224 cannot be."""
    nodes = [
        node("Conv", "x w", "a", strides=[8, 8]),
        node("Reshape", "a to", "f"),
        node("Gemm", "f m", "y", transB=1),
    ]
    stored = [weight("w", 8, 3, 8, 8), numbers("to", 1, 8 * 6 * 40), weight("m", 5, 8 * 6 * 40)]
    program = read(model(nodes, {"x": [None, 3, "h", "w_"]}, stored), tmp_path)
    assert program.free == {"h": 48, "w_": 320}
    assert "opaque" not in ops(program)


def test_initializers_that_stand_among_the_inputs_are_none(tmp_path: Path) -> None:
    made = model([node("Conv", "x w", "y")], {"x": [1, 3, 8, 8], "w": [8, 3, 1, 1]}, [weight("w", 8, 3, 1, 1)])
    assert list(read(made, tmp_path).inputs) == ["x"]


def test_an_input_that_nothing_reads_is_said(tmp_path: Path) -> None:
    made = model([node("Relu", "x", "y")], {"x": [1, 3], "mask": [1, 3]}, kinds={"mask": TensorProto.INT64})
    program = read(made, tmp_path)
    assert list(program.inputs) == ["x"]
    assert any("`mask`" in note for note in program.notes)


def test_states_of_recurrent_layers_are_no_inputs(tmp_path: Path) -> None:
    stored = [weight("W", 1, 16, 3), weight("R", 1, 16, 4), weight("B", 1, 32)]
    made = model([node("LSTM", "x W R B _ h c", "y hn cn", hidden_size=4)],
                 {"x": [5, 1, 3], "h": [1, 1, 4], "c": [1, 1, 4]}, stored, outputs=("y", "hn", "cn"))  # fmt: skip
    program = read(made, tmp_path)
    assert list(program.inputs) == ["x"]
    assert list(program.outputs) == ["y"]
    assert any("`hn`, `cn`" in note for note in program.notes)
