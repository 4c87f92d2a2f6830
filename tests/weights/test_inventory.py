"""What tensors of a checkpoint are to a network: against files that transformers and torch's models are saved in."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

import pytest

from archcalc import analyze
from archcalc.results.weights import Inventory, Role, Tensor, WeightFile
from archcalc.weights.inventory import inventory
from archcalc.weights.read import read_weights
from tests.cli.running import run
from tests.weights.making import safetensors_bytes


def file_of(*tensors: tuple[str, str, tuple[int, ...]]) -> WeightFile:
    """A checkpoint of tensors, their bytes left out."""
    return WeightFile("m", "safetensors", ("m",), tuple(Tensor(*tensor, 0, "m") for tensor in tensors), {})


def roles(file: WeightFile) -> dict[str, Role]:
    return {name: group.role for group in inventory(file).groups for name in group.names}


def test_names_that_differ_in_numbers_are_one_group() -> None:
    names = [f"model.layers.{layer}.mlp.experts.{expert}.w1.weight" for layer in range(12) for expert in range(8)]
    found = inventory(file_of(*((name, "BF16", (4, 3)) for name in names), ("conv1.weight", "BF16", (4, 3))))
    assert [(group.pattern, group.tensors, group.params) for group in found.groups] == [
        ("conv1.weight", 1, 12),
        ("model.layers.*.mlp.experts.*.w1.weight", 96, 96 * 12),
    ]


def test_buffers_and_scales_are_no_parameters() -> None:
    found = roles(
        file_of(
            ("bn1.running_mean", "F32", (8,)),
            ("bn1.num_batches_tracked", "I64", ()),
            ("h.0.attn.bias", "F32", (1, 1, 16, 16)),
            ("h.0.attn.c_attn.bias", "F32", (48,)),
            ("layers.3.mlp.gate.e_score_correction_bias", "F32", (8,)),
            ("layers.0.q_proj.weight_scale_inv", "F32", (1, 1)),
            ("layers.0.bias", "F32", (8,)),
        )
    )
    buffers = {name for name, role in found.items() if role is Role.BUFFER}
    assert buffers == {
        "bn1.running_mean",
        "bn1.num_batches_tracked",
        "h.0.attn.bias",
        "layers.3.mlp.gate.e_score_correction_bias",
    }
    assert [name for name, role in found.items() if role is Role.SCALE] == ["layers.0.q_proj.weight_scale_inv"]


def test_packed_numbers_are_unpacked() -> None:
    # gpt-oss-20b's gate_up_proj: 32 experts of 5,760 x 2,880 in blocks of 32 as 16 bytes, each with a scale.
    found = inventory(
        file_of(
            ("model.layers.0.mlp.experts.gate_up_proj_blocks", "U8", (32, 5760, 90, 16)),
            ("model.layers.0.mlp.experts.gate_up_proj_scales", "U8", (32, 5760, 90)),
        )
    )
    assert found.params == 32 * 5760 * 2880
    assert found.of(Role.SCALE) == 32 * 5760 * 90
    # AutoGPTQ: eight 4-bit numbers in an int32.
    gptq = file_of(("q.qweight", "I32", (512, 4096)), ("q.qzeros", "I32", (32, 512)), ("q.scales", "F16", (32, 4096)))
    assert inventory(gptq).params == 4096 * 4096


def beside(file: WeightFile, network: str) -> Inventory:
    return inventory(file, analyze(network))


TABLE = ("transformer.wte.weight", "F32", (7, 5))


def spec(tmp_path: Path, text: str) -> str:
    path = tmp_path / "net.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_tied_head_that_is_stored_twice(tmp_path: Path) -> None:
    name = spec(tmp_path, "network: net\ninput: features(7)\nlayers:\n  table: linear(5, bias=false)\n")
    found = beside(file_of(TABLE, ("lm_head.weight", "F32", (7, 5))), name)
    assert (found.params, found.of(Role.TIED), found.unexplained) == (35, 35, 0)
    other = beside(file_of(TABLE, ("lm_head.weight", "F32", (7, 6))), name)
    assert (other.params, other.of(Role.TIED)) == (77, 0)


def test_a_layer_more_and_a_tensor_more(tmp_path: Path) -> None:
    name = spec(tmp_path, "network: net\ninput: features(5)\nlayers:\n  a: linear(5, bias=false)\n  b: linear(5)\n")
    layers = [(f"model.layers.{i}.w.weight", "F32", (5, 5)) for i in range(2)]
    last = [("model.layers.2.w.weight", "F32", (5, 5)), ("model.layers.2.norm.weight", "F32", (5,))]
    bias = ("model.bias", "F32", (5,))
    (part,) = beside(file_of(*layers, bias, *last), name).differences
    assert (part.params, part.what) == (30, "model.layers.2.*")
    (part,) = beside(file_of(*layers, bias, ("extra.weight", "F32", (11,))), name).differences
    assert (part.params, part.what) == (11, "extra.weight")
    fewer = beside(file_of(*layers), name)
    assert (fewer.differences, fewer.unexplained) == ((), -5)


def test_what_is_on_top_of_an_encoder_and_the_pooler_it_lacks(tmp_path: Path) -> None:
    """As BertForMaskedLM is saved: a transform of the masked words, and no pooler."""
    name = spec(
        tmp_path, "network: net\ninput: features(5)\nlayers:\n  body: linear(5, bias=false)\n  pooler: linear(5)\n"
    )
    body = ("encoder.weight", "F32", (5, 5))
    head = [("cls.dense.weight", "F32", (5, 5)), *((f"cls.{each}", "F32", (5,)) for each in ("a", "b", "c", "d"))]
    found = beside(file_of(body, *head), name)
    assert [(part.params, part.what) for part in found.differences] == [(45, "cls.*"), (-30, "pooler")]
    whole = beside(file_of(body, *head, ("pooler.weight", "F32", (5, 5)), ("pooler.bias", "F32", (5,))), name)
    assert [(part.params, part.what) for part in whole.differences] == [(45, "cls.*")]


def test_the_command_beside_a_network(tmp_path: Path) -> None:
    name = spec(tmp_path, "network: net\ninput: features(5)\nlayers:\n  a: linear(5)\n")
    path = tmp_path / "m.safetensors"
    path.write_bytes(safetensors_bytes({"a.weight": ("F32", (5, 5), 100), "a.bias": ("F32", (5,), 20)}))
    found = run("weights", str(path), "--against", name)
    assert "net has 30 parameters: the file's" in found.stdout
    as_json = json.loads(run("weights", str(path), "--against", name, "--format", "json").stdout)
    assert (as_json["params"], as_json["expected_params"], as_json["size_bytes"]) == (30, 30, 120)
    rows = run("weights", str(path), "--format", "csv").stdout.splitlines()
    assert rows[0] == "tensors,role,dtype,shape,count,elements,params,size_bytes"
    assert "a.weight,parameter,F32,5x5,1,25,25,100" in rows
    path.write_bytes(safetensors_bytes({"a.weight": ("F32", (5, 5), 100)}))
    missing = run("weights", str(path), "--against", name, code=1)
    assert "-5 without a reason that is known" in missing.stdout
    path.write_bytes(b"")
    broken = run("weights", str(path), code=2)
    assert "error[truncated-file]: the file ends at byte 0" in broken.stderr


@pytest.mark.torch
@pytest.mark.parametrize("builder", ["resnet18", "efficientnet_b0"])
def test_files_of_torchvision(tmp_path: Path, builder: str) -> None:
    torchvision: Any = pytest.importorskip("torchvision", reason="the torch extra is not installed")
    files: Any = pytest.importorskip("safetensors.torch", reason="the zoo extra is not installed")
    model = getattr(torchvision.models, builder)()
    files.save_file(model.state_dict(), tmp_path / "m.safetensors")
    found = beside(read_weights(tmp_path), f"{builder}@torchvision" if builder == "resnet18" else builder)
    assert found.params == found.expected_params == sum(p.numel() for p in model.parameters())
    assert found.of(Role.BUFFER) == sum(b.numel() for b in model.buffers())


@pytest.mark.torch
@pytest.mark.parametrize("is_tied", [True, False])
def test_files_of_transformers(tmp_path: Path, is_tied: bool) -> None:
    """Experts are one tensor in memory and one each in the file; a tied head is stored once."""
    transformers: Any = pytest.importorskip("transformers", reason="the zoo extra is not installed")
    config = transformers.MixtralConfig(
        vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, num_local_experts=4, tie_word_embeddings=is_tied,
    )  # fmt: skip
    model = transformers.MixtralForCausalLM(config)
    model.save_pretrained(tmp_path, max_shard_size="100KB")
    found = inventory(read_weights(tmp_path))
    assert len(found.file.files) > 1
    assert found.params == sum(p.numel() for p in model.parameters())
    experts = [group for group in found.groups if "experts" in group.pattern]
    assert {group.tensors for group in experts} == {8}


CONFIG = {
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "vocab_size": 100,
}


def folder_of(tmp_path: Path, **changes: Any) -> Path:
    """A folder with a checkpoint of the names and shapes of a small LLaMA, and its config.json."""
    tensors = {"model.embed_tokens.weight": (100, 64), "lm_head.weight": (100, 64), "model.norm.weight": (64,)}
    for layer in range(2):
        of = f"model.layers.{layer}"
        for name, rows in (("q", 64), ("k", 32), ("v", 32), ("o", 64)):
            tensors[f"{of}.self_attn.{name}_proj.weight"] = (rows, 64)
        for name, shape in (("gate", (96, 64)), ("up", (96, 64)), ("down", (64, 96))):
            tensors[f"{of}.mlp.{name}_proj.weight"] = shape
        tensors[f"{of}.input_layernorm.weight"] = tensors[f"{of}.post_attention_layernorm.weight"] = (64,)
    entries = {name: ("F16", shape, 2 * prod(shape)) for name, shape in tensors.items()}
    (tmp_path / "model.safetensors").write_bytes(safetensors_bytes(entries))
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | changes), encoding="utf-8")
    return tmp_path


def test_a_folder_is_held_to_its_own_configuration(tmp_path: Path) -> None:
    """Parameters by hand: embedding and head of 6,400, a norm, layers of 12,288 + 18,432 + 128."""
    found = json.loads(run("weights", str(folder_of(tmp_path)), "--format", "json").stdout)
    assert found["params"] == found["expected_params"] == 2 * 6_400 + 64 + 2 * (12_288 + 18_432 + 128)
    assert found["unexplained"] == 0
    assert found["why_alone"] is None
    other = run("weights", str(folder_of(tmp_path, num_hidden_layers=3)), code=1).stdout
    assert "30,848 fewer" in " ".join(other.split())


def test_a_folder_whose_configuration_no_spec_knows_says_so(tmp_path: Path) -> None:
    for changes, why in (
        ({"model_type": "lama"}, "no spec is of the model_type `lama`"),
        ({"use_qk_norm": True}, "`use_qk_norm` = true is not read by llama"),
    ):
        folder = str(folder_of(tmp_path, **changes))
        found = run("weights", folder).stdout
        assert f"no network for config.json: {why}" in " ".join(found.split())
        found = json.loads(run("weights", folder, "--format", "json").stdout)
        assert found["network"] is None
        assert why in found["why_alone"]
        assert "--set is of a network" in run("weights", folder, "--set", "width=3", code=2).stderr
