"""What counters and exported programs say, computed again: a function for each condition, by its id."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode

Figures = dict[str, int]


def flops(call: Callable[[], Any]) -> int:
    """What FlopCounterMode counts, 2 for a multiply-accumulate."""
    with FlopCounterMode(display=False) as mode:
        call()
    return int(mode.get_total_flops())


def numbers(tensors: Any) -> int:
    return sum(tensor.numel() for tensor in tensors)


class Tied(nn.Module):
    """A table of 100 entries of 16 whose rows are the weights of the output, too."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.output = nn.Embedding(100, 16), nn.Linear(16, 100, bias=False)
        self.output.weight = self.table.weight

    def forward(self, tokens: Tensor) -> Tensor:
        given: Tensor = self.output(self.table(tokens))
        return given


def exported_tied_weights(folder: Path) -> Figures:
    model, tokens = Tied(), torch.zeros(1, 4, dtype=torch.int64)
    loose = torch.export.export(model, (tokens,), strict=False)
    strict = torch.export.export(model, (tokens,), strict=True)
    users = {node.name: len(node.users) for node in loose.graph.nodes if node.op == "placeholder"}
    inputs = {spec.arg.name: spec.target for spec in loose.graph_signature.input_specs}
    unused = [inputs[name] for name, many in users.items() if not many]
    assert unused == ["table.weight"], unused  # both uses are ascribed to the last of the names
    saved = io.BytesIO()
    torch.export.save(loose, saved)
    saved.seek(0)
    loaded = torch.export.load(saved)
    return {
        "of_model": numbers(model.parameters()),
        "exported": numbers(loose.parameters()),
        "exported_strict": numbers(strict.parameters()),
        "loaded": len({id(parameter) for parameter in loaded.parameters()}),
        "loaded_storages": len({parameter.data_ptr() for parameter in loaded.parameters()}),
    }


def mixtral(experts: str, device: str, dtype: torch.dtype = torch.bfloat16) -> Callable[[], Any]:
    config = transformers.MixtralConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_local_experts=4,
        num_experts_per_tok=2,
    )
    config._experts_implementation = experts
    config._attn_implementation = "eager"
    with torch.device(device):
        model = transformers.MixtralForCausalLM(config).eval().to(dtype)
        tokens = torch.zeros(1, 8, dtype=torch.int64)
    return lambda: model(tokens)


def experts_under_grouped_mm(folder: Path) -> Figures:
    return {
        f"{experts}_{device}": flops(mixtral(experts, device))
        for experts, device in (
            ("grouped_mm", "cpu"),
            ("grouped_mm", "meta"),
            ("batched_mm", "cpu"),
            ("batched_mm", "meta"),
            ("eager", "cpu"),
        )
    } | {"of_experts": 2 * 8 * 2 * 3 * 32 * 48}


def backward_of_groups(folder: Path) -> Figures:
    figures: Figures = {}
    for groups in (1, 4):
        layer = nn.Conv2d(8, 8, 3, padding=1, groups=groups, bias=False, device="meta")
        image = torch.zeros(1, 8, 6, 6, device="meta", requires_grad=True)
        figures[f"forward_{groups}"] = flops(lambda layer=layer, image=image: layer(image))  # type: ignore[misc]
        figures[f"both_{groups}"] = flops(
            lambda layer=layer, image=image: layer(image).sum().backward()  # type: ignore[misc]
        )
    return figures


def training_of_mobilenet(folder: Path) -> Figures:
    from torchvision.models.mobilenetv2 import mobilenet_v2

    with torch.device("meta"):
        model, image = mobilenet_v2(), torch.zeros(1, 3, 224, 224)
    return {"forward": flops(lambda: model(image)), "both": flops(lambda: model(image).sum().backward())}


def attention(device: str, key: int, value: int, dropout: float = 0.0) -> int:
    q, k, v = (torch.zeros(1, 2, 8, size, device=device) for size in (key, key, value))
    return flops(lambda: scaled_dot_product_attention(q, k, v, dropout_p=dropout))


def attention_on_cpu(folder: Path) -> Figures:
    return {
        "meta": attention("meta", 16, 16),
        "cpu": attention("cpu", 16, 16),
        "cpu_narrower": attention("cpu", 16, 8),
        "cpu_dropout": attention("cpu", 16, 16, 0.5),
    }


def recurrence_on_cpu(folder: Path) -> Figures:
    figures: Figures = {}
    for device in ("cpu", "meta"):
        x = torch.zeros(1, 5, 8, device=device)
        layers: dict[str, nn.Module] = {
            "lstm": nn.LSTM(8, 16, batch_first=True, device=device),
            "lstm_proj": nn.LSTM(8, 16, batch_first=True, proj_size=4, device=device),
            "gru": nn.GRU(8, 16, batch_first=True, device=device),
        }
        for name, layer in layers.items():
            figures[f"{name}_{device}"] = flops(lambda layer=layer, x=x: layer(x))  # type: ignore[misc]
    return figures


def fails(call: Callable[[], Any]) -> int:
    try:
        call()
    except Exception:
        return 1
    return 0


def decoders_on_meta(folder: Path) -> Figures:
    config = transformers.LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4
    )
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(config).eval()
        tokens = torch.zeros(1, 8, dtype=torch.int64)
        mask = torch.ones(1, 8, dtype=torch.int64)
    return {
        "default": fails(lambda: model(tokens)),
        "without_cache": fails(lambda: model(tokens, use_cache=False)),
        "with_mask": fails(lambda: model(tokens, attention_mask=mask)),
        "experts_float32": fails(mixtral("grouped_mm", "meta", torch.float32)),
        "experts_bfloat16": fails(mixtral("grouped_mm", "meta")),
    }


def names(folder: Path) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for path in folder.glob("*.safetensors"):
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        found |= {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}
    return found


def names_in_files(folder: Path) -> Figures:
    small = {
        "vocab_size": 64,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
    }
    figures: Figures = {}
    for name, model in (
        (
            "mixtral",
            transformers.MixtralForCausalLM(
                transformers.MixtralConfig(**small, num_local_experts=2, num_experts_per_tok=1)
            ),
        ),
        (
            "qwen3_moe",
            transformers.Qwen3MoeForCausalLM(
                transformers.Qwen3MoeConfig(**small, num_experts=2, num_experts_per_tok=1, moe_intermediate_size=48)
            ),
        ),
        (
            "gpt_oss",
            transformers.GptOssForCausalLM(
                transformers.GptOssConfig(**small, num_local_experts=2, num_experts_per_tok=1)
            ),
        ),
    ):
        model.save_pretrained(folder / name)
        figures[f"{name}_memory"] = len(model.state_dict())
        figures[f"{name}_file"] = len(names(folder / name))
    shapes = names(folder / "gpt_oss")
    inner = next(shape for name, shape in shapes.items() if name.endswith("gate_up_proj"))
    figures["gpt_oss_inner"], figures["gpt_oss_last"] = inner[1], inner[2]
    assert "model.layers.0.block_sparse_moe.experts.0.w1.weight" in names(folder / "mixtral")
    return figures


def totals_of_checkpoints(folder: Path) -> Figures:
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=2
    )
    model = transformers.ResNetForImageClassification(config)
    model.save_pretrained(folder, max_shard_size="4KB")
    index = json.loads((folder / "model.safetensors.index.json").read_text(encoding="utf-8"))["metadata"]
    shapes = names(folder)
    elements = sum(torch.Size(shape).numel() for shape in shapes.values())
    return {
        "parameters": numbers(model.parameters()),
        "total_parameters": index["total_parameters"],
        "total_size": index["total_size"],
        "size_over_4": index["total_size"] // 4,
        "elements": elements,
        "counters": sum(name.endswith("num_batches_tracked") for name in shapes),
    }


def head_dim_of_configurations(folder: Path) -> Figures:
    deepseek, mixtral_config = transformers.DeepseekV3Config(), transformers.MixtralConfig()
    assert getattr(mixtral_config, "head_dim", None) is None
    assert getattr(transformers.MistralConfig(), "layer_types", None) is None
    return {
        "head_dim": deepseek.head_dim,
        "of_keys": deepseek.qk_nope_head_dim + deepseek.qk_rope_head_dim,
        "of_values": deepseek.v_head_dim,
        "window": transformers.MistralConfig().sliding_window,
    }


def operations_of_the_trainer(folder: Path) -> Figures:
    figures: Figures = {}
    for tied in (False, True):
        config = transformers.LlamaConfig(
            vocab_size=1000,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=4,
            tie_word_embeddings=tied,
            attn_implementation="eager",
        )
        with torch.device("meta"):
            model = transformers.LlamaForCausalLM(config).eval()
            tokens = torch.zeros(1, 16, dtype=torch.int64)
        word = "tied" if tied else "untied"
        figures[f"trainer_{word}"] = transformers.Trainer.floating_point_ops(
            SimpleNamespace(model=model),
            {"input_ids": tokens},
        )
        figures[f"counter_{word}"] = 3 * flops(lambda model=model, tokens=tokens: model(tokens))  # type: ignore[misc]
    return figures


def chunks_of_scans(folder: Path) -> Figures:
    figures: Figures = {}
    outputs: list[Tensor] = []
    for chunk in (16, 64, 256):
        config = transformers.Mamba2Config(
            vocab_size=32,
            hidden_size=32,
            num_heads=4,
            head_dim=16,
            state_size=16,
            n_groups=1,
            num_hidden_layers=1,
            chunk_size=chunk,
        )
        torch.manual_seed(0)
        model = transformers.Mamba2Model(config).eval()
        tokens = torch.arange(128).reshape(1, 128) % 32
        with torch.no_grad():
            figures[f"chunk_{chunk}"] = flops(lambda model=model, tokens=tokens: model(tokens))  # type: ignore[misc]
            given = model(tokens).last_hidden_state
        outputs.append(given)
    assert all(torch.allclose(outputs[0], given, atol=1e-4) for given in outputs)
    return figures


def windows_of_attention(folder: Path) -> Figures:
    figures: Figures = {}
    for window in (16, 4096):
        config = transformers.Gemma3TextConfig(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=8,
            sliding_window=window,
            attn_implementation="eager",
        )
        model = transformers.Gemma3ForCausalLM(config).eval()
        tokens = torch.zeros(1, 128, dtype=torch.int64)
        figures[f"window_{window}"] = flops(lambda model=model, tokens=tokens: model(tokens))  # type: ignore[misc]
    return figures


def float4_in_safetensors(folder: Path) -> Figures:
    packed = torch.zeros(3, 4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
    save_file({"packed": packed}, folder / "packed.safetensors")
    (shape,) = names(folder).values()
    return {"of_tensor": packed.numel(), "of_file": torch.Size(shape).numel(), "bytes": packed.nbytes}


def registered_and_not_counted(folder: Path) -> Figures:
    left, right = (torch.zeros(rows, 32).to(torch.float8_e4m3fn) for rows in (16, 48))
    one, each = torch.tensor(1.0), functional.ScalingType.TensorWise
    return {
        "operator": flops(lambda: torch._scaled_mm(left, right.t(), one, one, out_dtype=torch.bfloat16)),
        "function": flops(
            lambda: functional.scaled_mm(left, right.t(), one, each, one, each, output_dtype=torch.bfloat16)
        ),
    }


def sizes_of_exports(folder: Path) -> Figures:
    """Extents of the input that are symbols in the exported program; a named size may be refused."""
    import torchvision
    from torch.export import Dim

    convolutional = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)).eval()
    transformer = torchvision.models.VisionTransformer(32, 8, 1, 2, 16, 32).eval()
    figures: Figures = {}
    for name, model in (("convolutions", convolutional), ("transformer", transformer)):
        image = torch.zeros(1, 3, 32, 32)
        given = {2: Dim.AUTO, 3: Dim.AUTO}
        program = torch.export.export(model, (image,), dynamic_shapes=(given,), strict=False)
        shape = [node.meta["val"].shape for node in program.graph.nodes if node.op == "placeholder"][-1]
        figures[f"symbols_{name}"] = sum(not str(extent).isdecimal() for extent in shape)
        named = ({2: Dim("height", min=16, max=64)},)
        figures[f"refused_{name}"] = fails(
            lambda model=model, image=image, named=named: torch.export.export(  # type: ignore[misc]
                model, (image,), dynamic_shapes=named, strict=False
            )
        )
    return figures


class Normed(Tied):
    """The same with a norm before the output."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(16)

    def forward(self, tokens: Tensor) -> Tensor:
        given: Tensor = self.output(self.norm(self.table(tokens)))
        return given


def exported_tied_weights_on_meta(folder: Path) -> Figures:
    with torch.device("meta"):
        model, tokens = Normed(), torch.zeros(1, 4, dtype=torch.int64)
    saved = io.BytesIO()
    torch.export.save(torch.export.export(model, (tokens,), strict=False), saved)
    saved.seek(0)
    loaded = list(torch.export.load(saved).parameters())
    return {
        "tensors": len(list(model.parameters())),
        "addresses": len({parameter.data_ptr() for parameter in loaded}),
        "objects": len({id(parameter) for parameter in loaded}),
        "of_model": numbers(model.parameters()),
        "by_object": numbers(loaded),
    }


def cache_of_falcon(folder: Path) -> Figures:
    config = transformers.FalconConfig(
        vocab_size=64,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=8,
        num_kv_heads=2,
        new_decoder_architecture=True,
    )
    with torch.device("meta"):
        model = transformers.FalconForCausalLM(config).eval()
        cache = model(torch.zeros(1, 1, dtype=torch.int64)).past_key_values
    (layer,) = cache.layers
    return {"cached": layer.keys.numel() + layer.values.numel(), "needed": 2 * config.num_kv_heads * config.head_dim}


def tied_output_of_t5(folder: Path) -> Figures:
    found = {}
    for is_tied in (True, False):
        config = transformers.T5Config(
            vocab_size=100, d_model=16, d_kv=4, d_ff=32, num_layers=1, num_heads=4, tie_word_embeddings=is_tied
        )
        with torch.device("meta"):
            found[is_tied] = numbers(transformers.T5ForConditionalGeneration(config).parameters())
    table = config.vocab_size * config.d_model
    return {"tied": found[True], "untied": found[False], "stored": found[True] + table}
