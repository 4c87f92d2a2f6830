"""A ResNet-50 as torch exports it, with its weights inline: python export_resnet50.py FILE."""

import sys
import warnings

import torch
from torchvision.models import resnet50

warnings.simplefilter("ignore")
torch.onnx.export(
    resnet50(weights=None).eval(), (torch.zeros(1, 3, 224, 224),), sys.argv[1], dynamo=False, opset_version=17
)
