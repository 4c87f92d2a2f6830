#!/usr/bin/env bash
# The first operation under FlopCounterMode, or under any TorchDispatchMode, imports torch._dynamo, some 330 modules of
# torch's compiler, only to keep it away from the mode. One whose `_should_skip_dynamo` is False does without.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6
cat > "$folder/under.py" <<'PYTHON'
"""Imports torch, runs one product under a mode, and says what that imported: under.py MODE."""

import sys
from importlib.metadata import version

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode


class Watch(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


class Plain(TorchDispatchMode):
    @classmethod
    def _should_skip_dynamo(cls):
        return False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


MODES = {"FlopCounterMode": lambda: FlopCounterMode(display=False), "Watch": Watch, "Plain": Plain}
mode = MODES[sys.argv[1]]()
before = set(sys.modules)
with mode:
    torch.empty(2, 3, device="meta") @ torch.empty(3, 4, device="meta")
new = set(sys.modules) - before
is_imported = "torch._dynamo" in new
print(f"torch {version('torch')}, {sys.argv[1]}: {len(new):,} modules more than {len(before):,}, dynamo: {is_imported}")
if sys.argv[1] == "FlopCounterMode":
    assert mode.get_total_flops() == 2 * 2 * 3 * 4
assert is_imported == (sys.argv[1] != "Plain"), "not as described"
assert not is_imported or len(new) > 300, "fewer than described"
PYTHON
for mode in FlopCounterMode Watch Plain; do
  "$folder/venv/bin/python" "$folder/under.py" "$mode"
done
