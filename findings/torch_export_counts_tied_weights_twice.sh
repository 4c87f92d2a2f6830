#!/usr/bin/env bash
# torch.export with its default (strict=False) lists tied weights twice, and ascribes all uses to the last name.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("torch", "numpy")))

import io

import torch
from torch import nn


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.output = nn.Embedding(100, 16), nn.Linear(16, 100, bias=False)
        self.output.weight = self.table.weight

    def forward(self, tokens):
        return self.output(self.table(tokens))


def many(module):
    return sum(parameter.numel() for parameter in module.parameters())


model, tokens = Tied(), torch.zeros(1, 4, dtype=torch.int64)
loose = torch.export.export(model, (tokens,), strict=False)
strict = torch.export.export(model, (tokens,), strict=True)
print(f"parameters: model {many(model):,}, strict=False (the default) {many(loose):,}, strict=True {many(strict):,}")
assert (many(model), many(loose), many(strict)) == (1600, 3200, 1600)
names = {spec.arg.name: spec.target for spec in loose.graph_signature.input_specs if spec.target}
users = {names[node.name]: len(node.users) for node in loose.graph.nodes if node.name in names}
print(f"users by name: {users}")
assert users == {"table.weight": 0, "output.weight": 2}
file = io.BytesIO()
torch.export.save(loose, file)
file.seek(0)
loaded = list(torch.export.load(file).parameters())
print(f"loaded again: {len({id(each) for each in loaded})} objects, {len({each.data_ptr() for each in loaded})} storage")
assert len({id(each) for each in loaded}) == 2
PYTHON
