#!/usr/bin/env bash
# transformers builds T5, mT5 and UMT5 with a tied output where config.json says that it is not: T5 1.1 lacks a table.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 transformers==5.24.0
"$folder/venv/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("torch", "transformers")))

import torch
import transformers

# the sizes of T5 1.1 small (its published file says tie_word_embeddings: false)
sizes = {
    "vocab_size": 32128, "d_model": 512, "d_kv": 64, "d_ff": 1024, "num_layers": 8, "num_decoder_layers": 8,
    "num_heads": 6, "feed_forward_proj": "gated-gelu",
}
for kind in ("T5", "MT5", "UMT5"):
    found = {}
    for is_tied in (True, False):
        config = getattr(transformers, f"{kind}Config")(**sizes, tie_word_embeddings=is_tied)
        with torch.device("meta"):
            model = getattr(transformers, f"{kind}ForConditionalGeneration")(config)
        assert config.tie_word_embeddings is True
        assert model.lm_head.weight is model.shared.weight
        found[is_tied] = sum(parameter.numel() for parameter in model.parameters())
    table = sizes["vocab_size"] * sizes["d_model"]
    print(f"{kind}: {found[True]:,} parameters tied, {found[False]:,} untied, where {found[True] + table:,} are to be stored")
    assert found[True] == found[False]
PYTHON
