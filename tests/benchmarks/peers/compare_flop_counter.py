"""The same with torch's own FlopCounterMode on the meta device: nothing is allocated or computed."""

import warnings

import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import googlenet, vgg16

warnings.simplefilter("ignore")
with torch.device("meta"):
    models = {
        "googlenet": googlenet(weights=None, aux_logits=False, init_weights=False),
        "vgg16": vgg16(weights=None, init_weights=False),
    }
    image = torch.zeros(1, 3, 224, 224)
for name, model in models.items():
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(image)
    print(name, sum(each.numel() for each in model.parameters()), counter.get_total_flops() // 2)
