"""What `archcalc compare googlenet vgg16` says in its first lines, with fvcore on torchvision's models.

With the argument `bare`, the models' weights are left as they are allocated, which nobody writes but saves seconds.
"""

import logging
import sys
import warnings

import torch
from fvcore.nn.flop_count import FlopCountAnalysis
from fvcore.nn.parameter_count import parameter_count
from torchvision.models import googlenet, vgg16

warnings.simplefilter("ignore")
logging.getLogger("fvcore").setLevel(logging.ERROR)
image = torch.zeros(1, 3, 224, 224)
initialised = "bare" not in sys.argv
for name, model in (
    ("googlenet", googlenet(aux_logits=False, init_weights=initialised)),
    ("vgg16", vgg16(init_weights=initialised)),
):
    counted = FlopCountAnalysis(model.eval(), image)
    print(name, parameter_count(model)[""], counted.total(), dict(counted.by_module()))
