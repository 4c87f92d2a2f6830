"""A network of tests of models."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")


SPEC = """\
network: own
input: image(3, 16, 16)
layers:
  conv1: conv(8, 3, padding=1, norm=batch_norm(eps=0.001), activation=relu)
  conv2: conv(8, 3, stride=2)
  pool: global_avgpool
  fc: linear(5)
"""
