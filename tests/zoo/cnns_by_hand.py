"""Networks of papers as torch modules, written by hand from their figures and their authors' definitions.

They are the other side of `tests/networks/zoo/cnns.json`: nothing of archcalc is in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

CUTS = {32: 19, 16: 27, 8: 31}  # where an image begins in FCN's last map, by its stride
VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def cut(x: Tensor, height: int, width: int, top: int | None = None) -> Tensor:
    """A part of a map, from `top` on in both directions, or the middle."""
    first = (x.shape[2] - height) // 2 if top is None else top
    left = (x.shape[3] - width) // 2 if top is None else top
    return x[:, :, first : first + height, left : left + width]


class UNet(nn.Module):
    """Ronneberger et al. 2015, Figure 1; `is_padded` as later code has it, with batch normalisation."""

    def __init__(self, channels: int = 1, classes: int = 2, is_padded: bool = False) -> None:
        super().__init__()
        widths = [64, 128, 256, 512, 1024]

        def double(inputs: int, outputs: int) -> nn.Sequential:
            parts: list[nn.Module] = []
            for each in (inputs, outputs):
                parts.append(nn.Conv2d(each, outputs, 3, padding=int(is_padded), bias=not is_padded))
                parts += [nn.BatchNorm2d(outputs)] * is_padded + [nn.ReLU()]
            return nn.Sequential(*parts)

        self.left = nn.ModuleList(map(double, [channels, *widths], widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * width, width, 2, 2) for width in reversed(widths[:-1]))
        self.right = nn.ModuleList(double(2 * width, width) for width in reversed(widths[:-1]))
        self.scores = nn.Conv2d(64, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of each pixel that is left."""
        passed: list[Tensor] = []
        for stage in self.left:
            x = stage(x if not passed else functional.max_pool2d(x, 2))
            passed.append(x)
        for up, double, left in zip(self.up, self.right, passed[-2::-1], strict=True):
            x = up(x)
            x = double(torch.cat([cut(left, *x.shape[2:]), x], 1))
        scores: Tensor = self.scores(x)
        return scores


def yolo_v1() -> nn.Module:
    """Redmon et al. 2015, Figure 3."""
    rows: list[tuple[int, int, int] | None] = [(7, 64, 2), None, (3, 192, 1), None]
    rows += [(1, 128, 1), (3, 256, 1), (1, 256, 1), (3, 512, 1), None]
    rows += [(1, 256, 1), (3, 512, 1)] * 4 + [(1, 512, 1), (3, 1024, 1), None]
    rows += [(1, 512, 1), (3, 1024, 1)] * 2 + [(3, 1024, 1), (3, 1024, 2), (3, 1024, 1), (3, 1024, 1)]
    parts: list[nn.Module] = []
    inputs = 3
    for row in rows:
        if row is None:
            parts.append(nn.MaxPool2d(2))
            continue
        kernel, outputs, stride = row
        parts += [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2), nn.LeakyReLU(0.1)]
        inputs = outputs
    parts += [nn.Flatten(), nn.Linear(7 * 7 * 1024, 4096), nn.LeakyReLU(0.1), nn.Dropout(), nn.Linear(4096, 7 * 7 * 30)]
    return nn.Sequential(*parts)


class FCN(nn.Module):
    """Long et al. 2015, by the net.py of voc-fcn32s, voc-fcn16s and voc-fcn8s of the authors' repository."""

    def __init__(self, stride: int, classes: int = 21) -> None:
        super().__init__()
        self.stride = stride
        inputs, self.stages = 3, nn.ModuleList()
        for widths in VGG16:
            parts: list[nn.Module] = []
            for width in widths:
                parts += [nn.Conv2d(inputs, width, 3, padding=100 if inputs == 3 else 1), nn.ReLU()]
                inputs = width
            self.stages.append(nn.Sequential(*parts, nn.MaxPool2d(2, ceil_mode=True)))
        self.fc = nn.Sequential(
            nn.Conv2d(512, 4096, 7), nn.ReLU(), nn.Dropout(), nn.Conv2d(4096, 4096, 1), nn.ReLU(), nn.Dropout()
        )
        self.score = nn.Conv2d(4096, classes, 1)
        self.twice = nn.ModuleList()
        self.scores = nn.ModuleList()
        for width in (512, 256)[: {32: 0, 16: 1, 8: 2}[stride]]:
            self.twice.append(nn.ConvTranspose2d(classes, classes, 4, 2, bias=False))
            self.scores.append(nn.Conv2d(width, classes, 1))
        self.last = nn.ConvTranspose2d(classes, classes, 2 * stride, stride, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        """Scores of each pixel."""
        x, pooled = image, []
        for stage in self.stages:
            x = stage(x)
            pooled.append(x)
        x = self.score(self.fc(x))
        for twice, score, earlier, top in zip(self.twice, self.scores, pooled[-2::-1], (5, 9), strict=False):
            x = twice(x)
            x = x + cut(score(earlier), x.shape[2], x.shape[3], top)
        return cut(self.last(x), image.shape[2], image.shape[3], CUTS[self.stride])


class Shuffled(nn.Module):
    """A unit of ShuffleNet: Zhang et al. 2017, Figure 2(b), and (c) where the stride is 2."""

    def __init__(self, inputs: int, outputs: int, groups: int, first_groups: int, stride: int) -> None:
        super().__init__()
        inner, rest = outputs // 4, outputs - inputs * (stride == 2)
        self.reduce = nn.Sequential(
            nn.Conv2d(inputs, inner, 1, groups=first_groups, bias=False), nn.BatchNorm2d(inner), nn.ReLU()
        )
        self.expand = nn.Sequential(
            nn.ChannelShuffle(groups),
            nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False),
            nn.BatchNorm2d(inner),
            nn.Conv2d(inner, rest, 1, groups=groups, bias=False),
            nn.BatchNorm2d(rest),
        )
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """The sum, or both beside each other at half of the size."""
        y = self.expand(self.reduce(x))
        return torch.relu(x + y if self.stride == 1 else torch.cat([functional.avg_pool2d(x, 3, 2, 1), y], 1))


def shufflenet_v1(groups: int, channels: int, stem: int) -> nn.Module:
    """Zhang et al. 2017, Table 1, with the classifier of the released code; `channels` are those of stage 2."""
    parts: list[nn.Module] = [nn.Conv2d(3, stem, 3, 2, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU()]
    parts.append(nn.MaxPool2d(3, 2, 1))
    inputs = stem
    for stage, units in enumerate((4, 8, 4)):
        for unit in range(units):
            outputs = channels * 2**stage
            parts.append(Shuffled(inputs, outputs, groups, groups if stage or unit else 1, 1 if unit else 2))
            inputs = outputs
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000, bias=False))


def _normed(layers: Iterable[nn.Module], activation: nn.Module) -> list[nn.Module]:
    parts: list[nn.Module] = []
    for layer in layers:
        parts += [layer, nn.BatchNorm2d(int(layer.out_channels)), activation]  # type: ignore[arg-type]
    return parts


def generator(width: int, kernel: int) -> nn.Module:
    """Radford et al. 2015, Figure 1, as the authors' code has it (5x5) or PyTorch's example (4x4)."""
    window: dict[str, Any] = {
        "kernel_size": kernel,
        "stride": 2,
        "padding": (kernel - 1) // 2,
        "output_padding": kernel % 2,
    }
    widths = [8 * width, 4 * width, 2 * width, width]
    up = [nn.ConvTranspose2d(100, 8 * width, 4, bias=False)]
    up += [nn.ConvTranspose2d(a, b, **window, bias=False) for a, b in pairwise(widths)]
    return nn.Sequential(*_normed(up, nn.ReLU()), nn.ConvTranspose2d(width, 3, **window, bias=False), nn.Tanh())


def discriminator(width: int, kernel: int) -> nn.Module:
    """The authors' code for faces (5x5), or PyTorch's example (4x4)."""
    window: dict[str, Any] = {"kernel_size": kernel, "stride": 2, "padding": (kernel - 1) // 2, "bias": False}
    widths = [width, 2 * width, 4 * width, 8 * width]
    down = [nn.Conv2d(a, b, **window) for a, b in pairwise(widths)]
    leaky = nn.LeakyReLU(0.2)
    first = [nn.Conv2d(3, width, **window), leaky]
    return nn.Sequential(*first, *_normed(down, leaky), nn.Conv2d(8 * width, 1, 4, bias=False), nn.Sigmoid())


class DeepLabV3(nn.Module):
    """Chen et al. 2017, sections 3 and 4, of torchvision's ResNet-101 and its pyramid; `stride` is that of the maps."""

    def __init__(self, stride: int = 16, classes: int = 21) -> None:
        super().__init__()
        from torchvision.models import resnet101
        from torchvision.models.segmentation.deeplabv3 import ASPP

        times = 16 // stride
        self.body = resnet101(replace_stride_with_dilation=[False, stride == 8, True])
        for module in self.body.modules():
            if hasattr(module, "conv2") and module.conv2.stride == (2, 2):  # He et al.: the first takes the stride
                module.conv1.stride, module.conv2.stride = (2, 2), (1, 1)
        for unit in self.body.layer3 if stride == 8 else ():
            unit.conv2.dilation = unit.conv2.padding = (2, 2)
        for unit, rate in zip(self.body.layer4, (1, 2, 4), strict=True):
            unit.conv2.dilation = unit.conv2.padding = (2 * times * rate,) * 2
        del self.body.fc
        self.head = nn.Sequential(ASPP(2048, [6 * times, 12 * times, 18 * times], 256), nn.Conv2d(256, classes, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Scores of each pixel."""
        body = self.body
        x = body.maxpool(body.relu(body.bn1(body.conv1(image))))
        x = self.head(body.layer4(body.layer3(body.layer2(body.layer1(x)))))
        return functional.interpolate(x, size=image.shape[2:], mode="bilinear")


class SSD300(nn.Module):
    """The maps of torchvision's SSD300, without the choice among boxes."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        from torchvision.models.detection import ssd300_vgg16

        whole = ssd300_vgg16(weights=None, weights_backbone=None, num_classes=classes)
        self.backbone, self.head = whole.backbone, whole.head

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Scores and offsets of 8,732 boxes."""
        found: dict[str, Tensor] = self.head(list(self.backbone(image).values()))
        return found
