"""What `archcalc compare googlenet vgg16` says in its first lines, with fvcore on torchvision's models."""

import logging
import warnings

import torch
from fvcore.nn.flop_count import FlopCountAnalysis
from fvcore.nn.parameter_count import parameter_count
from torchvision.models import googlenet, vgg16

warnings.simplefilter("ignore")
logging.getLogger("fvcore").setLevel(logging.ERROR)
image = torch.zeros(1, 3, 224, 224)
for name, model in (
    ("googlenet", googlenet(weights=None, aux_logits=False, init_weights=False)),
    ("vgg16", vgg16(weights=None, init_weights=False)),
):
    counted = FlopCountAnalysis(model.eval(), image)
    print(name, parameter_count(model)[""], counted.total(), dict(counted.by_module()))
