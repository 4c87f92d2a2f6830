"""Files: weights are stepped over, and what is no ONNX model is called what it is."""

import gzip
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("onnx")

import numpy as np
from onnx import external_data_helper, numpy_helper

from archcalc.importing.onnx.read import read_program
from archcalc.importing.onnx.skim import skim
from archcalc.source import SpecError
from tests.importing.onnx.models import model, node, only, ops, parameters, read, weight

CONV = model([node("Conv", "x w b", "y")], {"x": [1, 3, 8, 8]}, [weight("w", 64, 3, 3, 3), weight("b", 64)])


def code(path: Path) -> tuple[str, str]:
    with pytest.raises(SpecError) as caught:
        read_program(path)
    (found,) = caught.value.diagnostics
    assert found.help
    return found.code, found.message


def test_large_data_is_left_out_and_shapes_are_kept(tmp_path: Path) -> None:
    made = model([node("Conv", "x w", "y")], {"x": [1, 64, 8, 8]}, [weight("w", 64, 64, 3, 3)])
    path = tmp_path / "model.onnx"
    path.write_bytes(made.SerializeToString())
    left = skim(path)
    assert left.left_out == 64 * 64 * 9 * 4
    assert len(left.data) < 1000
    assert parameters(read(made, tmp_path)) == {"w": 36_864}


def test_numbers_in_packed_fields_are_left_out_too(tmp_path: Path) -> None:
    made = model([node("Conv", "x w", "y")], {"x": [1, 64, 8, 8]}, [weight("w", 64, 64, 3, 3)])
    (tensor,) = made.graph.initializer
    tensor.float_data.extend(numpy_helper.to_array(tensor).reshape(-1).tolist())
    tensor.ClearField("raw_data")
    path = tmp_path / "model.onnx"
    path.write_bytes(made.SerializeToString())
    assert skim(path).left_out == 64 * 64 * 9 * 4


def test_external_data_need_not_be_there(tmp_path: Path) -> None:
    made = model([node("Conv", "x w", "y")], {"x": [1, 64, 8, 8]}, [weight("w", 64, 64, 3, 3)])
    (tensor,) = made.graph.initializer
    external_data_helper.set_external_data(tensor, "nowhere.bin")
    tensor.ClearField("raw_data")
    program = read(made, tmp_path)
    assert parameters(program) == {"w": 36_864}
    assert ops(program) == ["convolution"]


ROOT = Path(__file__).parents[3]
MEASURE = """
import sys
from tests.peak_memory import peak_memory
from archcalc.importing.onnx.read import read_program
program = read_program(sys.argv[1])
print(program.operations[0].op, peak_memory())
"""


def test_half_a_gigabyte_of_weights_needs_no_more_memory(tmp_path: Path) -> None:
    """A file with a hole of 500 MB where its weights are: at most 60 MB more than one without."""
    peaks = []
    for channels in (1, 500):
        elements = channels * 1024 * 256
        made = model([node("MatMul", "x w", "y")], {"x": [1, 1024]}, [weight("w", 1, 1)])
        (tensor,) = made.graph.initializer
        tensor.dims[:] = [1024, elements // 1024]
        tensor.raw_data = b""
        (small,) = made.graph.initializer
        head = small.SerializeToString()
        size = elements * 4
        length = len(head) + 1 + len(varint(size)) + size
        del made.graph.initializer[:]
        graph = made.graph.SerializeToString()
        rest = len(graph) + 1 + len(varint(length)) + length
        made.ClearField("graph")
        path = tmp_path / f"{channels}.onnx"
        with path.open("wb") as file:
            file.write(made.SerializeToString() + b"\x3a" + varint(rest) + graph)  # field 7, the graph
            file.write(b"\x2a" + varint(length) + head + b"\x4a" + varint(size))  # its field 5; raw_data is 9
            file.truncate(file.tell() + size)
        child = [sys.executable, "-c", MEASURE, str(path)]
        found = subprocess.run(child, capture_output=True, text=True, check=True, cwd=ROOT)
        op, peak = found.stdout.split()
        assert op == "linear"
        peaks.append(int(peak))
    assert peaks[1] - peaks[0] < 60 * 2**20


def varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def test_a_truncated_file_is_told_with_the_byte(tmp_path: Path) -> None:
    made = model([node("Conv", "x w", "y")], {"x": [1, 64, 8, 8]}, [weight("w", 64, 64, 3, 3)])
    data = made.SerializeToString()
    path = tmp_path / "model.onnx"
    path.write_bytes(data[: len(data) // 2])
    told, message = code(path)
    assert told == "truncated-file"
    assert f"ends at byte {len(data) // 2:,}" in message


@pytest.mark.parametrize("part", range(1, 40))
def test_no_cut_of_a_file_is_a_traceback(part: int, tmp_path: Path) -> None:
    data = CONV.SerializeToString()
    path = tmp_path / "model.onnx"
    path.write_bytes(data[: len(data) * part // 40])
    assert code(path)[0] in ("truncated-file", "wrong-magic", "bad-graph")


def zipped() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("data.pkl", b"0")
    return held.getvalue()


NO_MODELS = [
    (b"", "empty"),
    (zipped(), "zip"),
    (b"\x89HDF\r\n\x1a\n" + bytes(50), "HDF5"),
    (b"\x80\x02}q\x00.", "pickle"),
    (b"GGUF" + bytes(60), "GGUF"),
    (b"\x1c\x00\x00\x00TFL3" + bytes(60), "TFLite"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
    (gzip.compress(b"model"), "gzip"),
    (b"<!DOCTYPE html><html></html>", "HTML"),
    (b'\x10\x00\x00\x00\x00\x00\x00\x00{"a": 0}        ', "safetensors"),
    (b'name: "LeNet"\ninput: "data"\nlayer { name: "conv1" }', "text"),
    (bytes(range(255, 0, -1)), "no ONNX model"),
]


# Archives hold the time at which they were made: their bytes are no names of tests, which every worker must find alike.
@pytest.mark.parametrize(("data", "said"), NO_MODELS, ids=[said for _, said in NO_MODELS])
def test_what_is_no_model_is_called_what_it_is(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    told, message = code(path)
    assert told == "wrong-magic"
    assert said in message


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    assert code(tmp_path / "none.onnx")[0] == "no-such-file"
    assert code(tmp_path)[0] == "no-such-file"


def test_an_old_opset_is_refused_with_a_way_out(tmp_path: Path) -> None:
    made = model([node("Relu", "x", "y")], {"x": [1, 3]}, opset=3)
    path = tmp_path / "model.onnx"
    path.write_bytes(made.SerializeToString())
    told, message = code(path)
    assert told == "unsupported-opset"
    assert "opset 3" in message


def test_a_name_that_no_node_gives(tmp_path: Path) -> None:
    made = model([node("Add", "x nothing", "y")], {"x": [1, 3]})
    path = tmp_path / "model.onnx"
    path.write_bytes(made.SerializeToString())
    told, message = code(path)
    assert told == "bad-graph"
    assert "`nothing`" in message


def test_without_the_package_the_line_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from archcalc.source import extra

    monkeypatch.setattr(extra, "find_spec", lambda name: None)
    path = tmp_path / "model.onnx"
    path.write_bytes(CONV.SerializeToString())
    with pytest.raises(extra.MissingExtraError) as caught:
        read_program(path)
    assert caught.value.line.endswith("[onnx]'")


@pytest.mark.parametrize("seed", range(25))
def test_a_damaged_file_is_refused_or_read(seed: int, tmp_path: Path) -> None:
    """Bytes that are changed by chance: a diagnostic or a program, never anything else."""
    data = bytearray(CONV.SerializeToString())
    chance = np.random.default_rng(seed)
    head = data.index(b"\x2a", 40) if b"\x2a" in data[40:] else len(data)
    for place in chance.integers(0, min(head, 200), 3):
        data[place] = int(chance.integers(0, 256))
    path = tmp_path / "model.onnx"
    path.write_bytes(bytes(data))
    try:
        found = str(len(read_program(path).operations))
    except SpecError as refused:
        found = refused.diagnostics[0].message
    assert found


def test_operations_say_their_weights(tmp_path: Path) -> None:
    convolution = only(read(CONV, tmp_path), "convolution")
    assert convolution.arguments["groups"] == 1
