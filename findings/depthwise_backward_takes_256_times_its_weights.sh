#!/usr/bin/env bash
# On CPU torch's backward pass of a 5x5 or 7x7 depthwise convolution in channels last takes 256 times its weights more.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6
KINETO_LOG_LEVEL=99 "$folder/venv/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("torch", "numpy")))

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile


def scratch(kernel, memory_format):
    """Bytes beyond both gradients, as a multiple of the weights: what the allocator gave out during the backward pass."""
    layer = nn.Conv2d(192, 192, kernel, padding=kernel // 2, groups=192, bias=False)
    x = torch.randn(2, 192, 28, 28).contiguous(memory_format=memory_format).requires_grad_()
    gradient = torch.randn(2, 192, 28, 28).contiguous(memory_format=memory_format)
    y = layer(x)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        y.backward(gradient)
    events = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    alive = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        alive += event.nbytes()
        most = max(most, alive)
    weights = 4 * layer.weight.numel()
    return (most - weights - 4 * x.numel()) / weights


for kernel in (3, 5, 7):
    last = scratch(kernel, torch.channels_last)
    print(f"{kernel}x{kernel}, 192 channels, channels last: {last:.1f} times its weights")
    # A group has one channel, and is given a block of 16 x 16; 3x3 has a kernel of its own. ConvNeXt's 7x7 has gradients
    # in channels last: 38 MB and more for the 150 kB of a layer of 768 channels.
    assert last < 20 if kernel == 3 else last > 200
PYTHON
