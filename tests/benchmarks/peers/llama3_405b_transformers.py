"""Parameters and MACs of LLaMA-3.1 405B, as a script with transformers and FlopCounterMode finds them on meta."""

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM

LENGTH = 2048
config = LlamaConfig(
    vocab_size=128256, hidden_size=16384, num_hidden_layers=126, num_attention_heads=128, num_key_value_heads=8,
    intermediate_size=53248, max_position_embeddings=131072,
)  # fmt: skip
config._attn_implementation = "eager"
with torch.device("meta"):
    model = LlamaForCausalLM(config).eval()
    inputs = {
        "input_ids": torch.zeros(1, LENGTH, dtype=torch.long),
        "attention_mask": torch.zeros(1, 1, LENGTH, LENGTH),
        "position_ids": torch.arange(LENGTH)[None],
    }
with FlopCounterMode(display=False) as mode, torch.no_grad():
    model(**inputs)
print(sum(parameter.numel() for parameter in model.parameters()), mode.get_total_flops() // 2)
