"""Seconds that fvcore takes to count an instantiated ResNet-152, one a line.

FLOPs alone; with the argument `all`, everything that fvcore counts: FLOPs, activations and parameters.
"""

import gc
import logging
import sys
import time
import warnings

import torch
from fvcore.nn.activation_count import ActivationCountAnalysis
from fvcore.nn.flop_count import FlopCountAnalysis
from fvcore.nn.parameter_count import parameter_count
from torchvision.models import resnet152

warnings.simplefilter("ignore")
logging.getLogger("fvcore").setLevel(logging.ERROR)
model = resnet152(weights=None).eval()
image = torch.zeros(1, 3, 224, 224)
gc.collect()  # what imports leave to the collector is no part of a count
for _ in range(4):
    start = time.perf_counter()
    FlopCountAnalysis(model, image).total()
    if "all" in sys.argv:
        ActivationCountAnalysis(model, image).total()
        parameter_count(model)
    print(time.perf_counter() - start)
