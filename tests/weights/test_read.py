"""Headers of weight files: what they say is read, and what is wrong with them is told with its place."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest

from archcalc.results.formats import GGML, SAFETENSORS
from archcalc.source import SpecError
from archcalc.weights import gguf
from archcalc.weights.read import read_weights
from tests.weights.making import gguf_bytes, safetensors_bytes, sharded, text, with_header

TWO = {"b.weight": ("F32", (2, 3), 24), "a.bias": ("BF16", (2,), 4)}


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def refusal(path: Path) -> tuple[str, str]:
    with pytest.raises(SpecError) as error:
        read_weights(path)
    (found,) = error.value.diagnostics
    assert found.source is not None
    assert found.source.name
    assert found.help
    return found.code, found.message


def test_a_file_of_safetensors(tmp_path: Path) -> None:
    found = read_weights(write(tmp_path, "m.safetensors", safetensors_bytes(TWO, {"format": "pt"})))
    assert [(t.name, t.dtype, t.shape, t.elements, t.size_bytes) for t in found.tensors] == [
        ("b.weight", "F32", (2, 3), 6, 24),
        ("a.bias", "BF16", (2,), 2, 4),
    ]
    assert found.metadata == {"format": "pt"}
    assert found.files == ("m.safetensors",)


def test_scalars_empty_tensors_and_files_without_any(tmp_path: Path) -> None:
    several = {"scalar": ("I64", (), 8), "empty": ("F16", (0, 3), 0), "fp4": ("F4", (3, 4), 6)}
    found = read_weights(write(tmp_path, "m.safetensors", safetensors_bytes(several)))
    assert {t.name: t.elements for t in found.tensors} == {"scalar": 1, "empty": 0, "fp4": 12}
    assert read_weights(write(tmp_path, "none.safetensors", safetensors_bytes({}))).tensors == ()


def test_files_with_an_index(tmp_path: Path) -> None:
    index = sharded(tmp_path, {"one.safetensors": {"a": TWO["a.bias"]}, "two.safetensors": {"b": TWO["b.weight"]}})
    for path in (index, tmp_path):
        found = read_weights(path)
        assert {t.name: t.file for t in found.tensors} == {"a": "one.safetensors", "b": "two.safetensors"}
        assert found.files == ("one.safetensors", "two.safetensors")


@pytest.mark.parametrize("cut", range(0, 120, 7))
def test_a_file_that_ends_too_early(tmp_path: Path, cut: int) -> None:
    whole = safetensors_bytes(TWO)
    assert cut < len(whole)
    assert refusal(write(tmp_path, "m.safetensors", whole[:cut]))[0] == "truncated-file"


def header(**changes: object) -> bytes:
    entry = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]} | changes
    return with_header(json.dumps({"w": entry}).encode(), 24)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (struct.pack("<Q", 1 << 60), "at most 33,554,432 are read"),
        (with_header(b"[" * 100_000, 0), "nested too deep"),
        (with_header(b"[]", 0), "no JSON object"),
        (with_header(b"{]", 0), "not JSON"),
        (with_header(b'{"w": "\xff"}', 0), "not JSON"),
        (with_header(b'{"w": 1, "w": 1}', 0), "stands in it twice"),
        (with_header(b'{"w": 1}', 0), "no dtype, shape and data_offsets"),
        (with_header(b'{"__metadata__": {"a": 1}}', 0), "holds texts by name"),
        (header(dtype="F33"), "the type `F33`"),
        (header(dtype="F64"), "takes 24 bytes, and its shape takes 48 as F64"),
        (header(shape=[2, -3]), "not whole numbers"),
        (header(shape=[True, 6]), "not whole numbers"),
        (header(data_offsets=[24, 0]), "not whole numbers"),
        (header(shape=[1], data_offsets=[4, 8]), "leaves a hole of 4 bytes"),
        (safetensors_bytes(TWO) + b"!", "1 bytes after the last tensor"),
    ],
)
def test_a_header_that_is_wrong(tmp_path: Path, data: bytes, message: str) -> None:
    code, found = refusal(write(tmp_path, "m.safetensors", data))
    assert code == "bad-header"
    assert message in found


def test_an_index_that_is_wrong(tmp_path: Path) -> None:
    shards = {"one.safetensors": {"a": TWO["a.bias"]}, "two.safetensors": {"b": TWO["b.weight"]}}
    assert "where the index puts it" in refusal(sharded(tmp_path, shards, a="two.safetensors"))[1]
    assert "where the index puts it" in refusal(sharded(tmp_path, shards, c="two.safetensors"))[1]
    assert "not the name of a file beside" in refusal(sharded(tmp_path, shards, c="../two.safetensors"))[1]
    code, message = refusal(sharded(tmp_path, shards, c="three.safetensors"))
    assert (code, message) == ("missing-shards", "1 of 3 files are not there: three.safetensors")
    index = sharded(tmp_path, shards)
    index.write_text('{"weight_map": {"a": "one.safetensors", "b": 1}}', encoding="utf-8")
    assert "`weight_map` gives" in refusal(index)[1]
    index.write_text('{"weight_map": {"a": "one.safetensors"}}', encoding="utf-8")
    (tmp_path / "one.safetensors").write_bytes(safetensors_bytes(TWO | {"a": TWO["a.bias"]}))
    assert "the index does not list it" in refusal(index)[1]


def test_what_is_no_weight_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.gguf")[0] == "no-such-file"
    assert refusal(tmp_path)[0] == "no-such-file"
    code, message = refusal(write(tmp_path, "pytorch_model.bin", b"PK"))
    assert (code, message) == ("wrong-magic", "`pytorch_model.bin` is no weight file that is read")
    os.mkfifo(tmp_path / "pipe.safetensors")
    assert refusal(tmp_path / "pipe.safetensors") == (
        "no-such-file",
        f"`{tmp_path / 'pipe.safetensors'}` is no ordinary file",
    )


def test_a_folder_with_two_checkpoints(tmp_path: Path) -> None:
    write(tmp_path, "a.safetensors", safetensors_bytes(TWO))
    write(tmp_path, "b.safetensors", safetensors_bytes(TWO))
    assert refusal(tmp_path)[0] == "several-checkpoints"
    write(tmp_path, "c.gguf", gguf_bytes([]))
    assert refusal(tmp_path)[0] == "several-checkpoints"


# a key, its type and value: a number, a text, a list of texts, a list of numbers
METADATA = (
    text("general.alignment") + struct.pack("<II", 4, 32),
    text("general.architecture") + struct.pack("<I", 8) + text("llama"),
    text("tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("bc"),
    text("scores") + struct.pack("<IIQ3f", 9, 6, 3, 0.0, 1.0, 2.0),
)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_file_of_gguf(tmp_path: Path, order: str) -> None:
    tensors = [("token_embd.weight", (256, 3), 12, 0), ("norm.weight", (256,), 0, 448)]
    metadata = b"".join(METADATA) if order == "<" else b""
    data = gguf_bytes(tensors, metadata, len(METADATA) if metadata else 0, order)
    found = read_weights(write(tmp_path, "m.gguf", data))
    assert [(t.name, t.dtype, t.shape, t.size_bytes) for t in found.tensors] == [
        ("token_embd.weight", "Q4_K", (3, 256), 3 * 144),
        ("norm.weight", "F32", (256,), 1024),
    ]
    assert found.metadata == ({"general.alignment": "32", "general.architecture": "llama"} if metadata else {})


@pytest.mark.parametrize("cut", range(0, 300, 23))
def test_a_gguf_that_ends_too_early(tmp_path: Path, cut: int) -> None:
    whole = gguf_bytes([("w", (256, 3), 12, 0)], b"".join(METADATA), len(METADATA), data=432)
    assert cut < len(whole)
    assert refusal(write(tmp_path, "m.gguf", whole[:cut]))[0] == "truncated-file"


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"GGML" + bytes(40), "wrong-magic", "does not begin with GGUF"),
        (gguf_bytes([], version=1), "bad-header", "version 1"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 40, 0), "bad-header", "1,099,511,627,776 tensors"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 40), "bad-header", "entries of metadata"),
        (gguf_bytes([], struct.pack("<Q", 1 << 40), 1), "bad-header", "would take 1,099,511,627,776 bytes"),
        (gguf_bytes([], text("k") + struct.pack("<I", 13), 1), "bad-header", "the type 13"),
        (gguf_bytes([], text("k") + struct.pack("<IIQ", 9, 8, 1 << 40), 1), "bad-header", "texts are not read"),
        (gguf_bytes([], text("k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 9, 1), "bad-header", "too deep"),
        (gguf_bytes([], text("general.alignment") + struct.pack("<II", 4, 0), 1), "bad-header", "1 or more"),
        (gguf_bytes([("w", (1,) * 5, 0, 0)]), "bad-header", "has 5 extents"),
        (gguf_bytes([("w", (32,), 4, 0)]), "bad-header", "ggml's type 4"),
        (gguf_bytes([("w", (48, 2), 2, 0)]), "bad-header", "48 elements, and Q4_0 packs 32"),
        (gguf_bytes([("w", (8,), 0, 8)]), "bad-header", "no multiple of 32"),
        (gguf_bytes([("w", (32,), 0, 0), ("v", (32,), 0, 32)]), "bad-header", "overlaps"),
        (gguf_bytes([("w", (8,), 0, 0), ("w", (8,), 0, 32)]), "bad-header", "two tensors have one name"),
    ],
)
def test_a_gguf_that_is_wrong(tmp_path: Path, data: bytes, code: str, message: str) -> None:
    found = refusal(write(tmp_path, "m.gguf", data))
    assert found[0] == code
    assert message in found[1]


def test_lists_are_skipped_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf, "MOST_TEXTS", 2)
    data = gguf_bytes([], b"".join(METADATA), len(METADATA))
    assert "tokens" not in read_weights(write(tmp_path, "m.gguf", data)).metadata
    monkeypatch.setattr(gguf, "MOST_TEXTS", 1)
    assert "more than 1 texts" in refusal(tmp_path / "m.gguf")[1]


def test_block_sizes_are_those_of_the_gguf_package() -> None:
    constants = pytest.importorskip("gguf.constants", reason="the zoo extra is not installed")
    theirs = {
        kind.value: (kind.name, *constants.GGML_QUANT_SIZES[kind])
        for kind in constants.GGMLQuantizationType
        if kind in constants.GGML_QUANT_SIZES
    }
    ours = {number: (word, *block) for number, (word, block) in GGML.items()}
    assert {number: theirs.get(number) for number in ours} == ours
    assert ours[12] == ("Q4_K", 256, 144)


def test_types_of_safetensors_are_those_of_the_package(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors", reason="the zoo extra is not installed")
    for dtype, bits in SAFETENSORS.items():
        path = write(tmp_path, "m.safetensors", safetensors_bytes({"w": (dtype, (8,), bits)}))
        with safetensors.safe_open(path, "np") as file:
            assert file.get_slice("w").get_dtype() == dtype
        wrong = safetensors_bytes({"w": (dtype, (8,), bits + 1)})
        with pytest.raises(safetensors.SafetensorError):
            safetensors.safe_open(write(tmp_path, "wrong.safetensors", wrong), "np")


def test_a_gguf_that_the_package_wrote(tmp_path: Path) -> None:
    package = pytest.importorskip("gguf", reason="the zoo extra is not installed")
    numpy = pytest.importorskip("numpy")
    writer = package.GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_context_length(4096)
    writer.add_token_list(["a", "b", "c"])
    weights = numpy.zeros((4, 512), dtype=numpy.float32)
    for word in ("Q8_0", "Q4_0", "MXFP4"):
        kind = package.GGMLQuantizationType[word]
        writer.add_tensor(f"{word}.weight", package.quants.quantize(weights, kind), raw_dtype=kind)
    writer.add_tensor("norm.weight", weights[0])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    read = package.GGUFReader(tmp_path / "m.gguf")
    theirs = {t.name: (t.tensor_type.name, tuple(map(int, t.shape[::-1])), int(t.n_bytes)) for t in read.tensors}
    found = read_weights(tmp_path / "m.gguf")
    assert {t.name: (t.dtype, t.shape, t.size_bytes) for t in found.tensors} == theirs
    assert len(theirs) == 4
