"""FLOPs of torchvision's ViT-B/16, as TorchLens finds them."""

import warnings

import torch
import torchlens
from torchvision.models import vit_b_16

warnings.simplefilter("ignore")
trace = torchlens.trace(vit_b_16().eval(), torch.zeros(1, 3, 224, 224))
print(int(trace.total_flops_forward))
