"""Which networks torchvision defines too, and how to build its model of each."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from archcalc.engine.network import Network
from archcalc.source.extra import require
from archcalc.spec.library import find


class Definition(NamedTuple):
    """A builder of `torchvision.models` and the arguments that give the same network."""

    builder: str
    arguments: Mapping[str, Any] = MappingProxyType({})
    only_at: tuple[int, ...] = ()  # the input, channels first, where they are the same; at others they are not
    on_meta: bool = True  # whether it can be built there; RegNet's builders compute their sizes on tensors


# Without weights of their own initialisation: it takes seconds and changes no count.
_WITHOUT_HEADS = MappingProxyType({"aux_logits": False, "init_weights": False})
_PLAIN = MappingProxyType({"init_weights": False})
_SEGMENTATION = MappingProxyType({"weights_backbone": None})
_HEADS = ("aux_logits", "aux_loss")  # what builders call their train-only heads

_REGNETS = (
    *(f"x_{size}" for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")),
    *(f"y_{size}" for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf", "128gf")),
)

DEFINITIONS: dict[str, Definition] = {
    "alexnet@torchvision": Definition("alexnet"),
    **{f"vgg{depth}": Definition(f"vgg{depth}", _PLAIN, (3, 224, 224)) for depth in (11, 13, 16, 19)},
    **{f"vgg{depth}@bn": Definition(f"vgg{depth}_bn", _PLAIN, (3, 224, 224)) for depth in (11, 13, 16, 19)},
    **{f"vgg{depth}@torchvision": Definition(f"vgg{depth}", _PLAIN) for depth in (11, 13, 16, 19)},
    **{f"vgg{depth}@torchvision-bn": Definition(f"vgg{depth}_bn", _PLAIN) for depth in (11, 13, 16, 19)},
    "googlenet@torchvision": Definition("googlenet", _WITHOUT_HEADS),
    "inception_v3": Definition("inception_v3", _WITHOUT_HEADS),
    **{f"resnet{depth}@torchvision": Definition(f"resnet{depth}") for depth in (18, 34, 50, 101, 152)},
    "squeezenet1_0": Definition("squeezenet1_0"),
    "squeezenet1_1": Definition("squeezenet1_1"),
    **{name: Definition(name) for name in ("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d")},
    **{name: Definition(name) for name in ("wide_resnet50_2", "wide_resnet101_2")},
    **{f"densenet{depth}": Definition(f"densenet{depth}") for depth in (121, 161, 169, 201)},
    **{name: Definition(name) for name in ("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small")},
    **{
        f"shufflenet_v2_x{width}@torchvision": Definition(f"shufflenet_v2_x{width}")
        for width in ("0_5", "1_0", "1_5", "2_0")
    },
    **{f"convnext_{size}": Definition(f"convnext_{size}") for size in ("tiny", "small", "base", "large")},
    **{f"efficientnet_b{number}": Definition(f"efficientnet_b{number}") for number in range(8)},
    **{f"efficientnet_v2_{size}": Definition(f"efficientnet_v2_{size}") for size in "sml"},
    **{name: Definition(name) for name in ("mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3")},
    **{f"regnet_{name}": Definition(f"regnet_{name}", on_meta=False) for name in _REGNETS},
    # Built for one size of image: their tables of positions and their grids are made for it.
    **{
        name: Definition(name, only_at=(3, 224, 224))
        for name in ("vit_b_16", "vit_b_32", "vit_l_16", "vit_l_32", "vit_h_14", "maxvit_t")
    },
    **{
        name: Definition(f"segmentation.{name}", {**_SEGMENTATION, "aux_loss": False})
        for name in (
            *(f"{head}_resnet{depth}" for head in ("fcn", "deeplabv3") for depth in (50, 101)),
            "deeplabv3_mobilenet_v3_large",
        )
    },
    "lraspp_mobilenet_v3_large": Definition("segmentation.lraspp_mobilenet_v3_large", _SEGMENTATION),
    **{f"swin_{size}": Definition(f"swin_{size}") for size in ("t", "s", "b", "v2_t", "v2_s", "v2_b")},
}


def definition_of(network: Network) -> Definition | None:
    """How torchvision defines a network of archcalc's; a user's own file of the same name is another network."""
    definition = DEFINITIONS.get(network.name)
    if definition is None or network.spec.source.text != find(network.name).spec.source.text:
        return None
    return definition


def has_heads(name: str) -> bool:
    """Whether torchvision's model of a network has train-only heads, which are left out unless asked for."""
    return _heads_of(DEFINITIONS[name]) != []


def _heads_of(definition: Definition) -> list[str]:
    return [name for name in _HEADS if name in definition.arguments]


def torchvision_model(name: str, device: Any = "meta", with_heads: bool = False) -> Any:
    """The model of torchvision for one of our networks, at inference; its warnings about initialisation are not ours.

    Raises:
        KeyError: torchvision does not define it.
        MissingExtraError: torchvision is not installed.
    """
    definition = DEFINITIONS[name]
    require("torch", "torchvision")
    import torch
    import torchvision

    from archcalc.torch_bridge.counters.counters import Uninitialised

    there = definition.on_meta or str(device) != "meta"
    with warnings.catch_warnings(), torch.device(device) if there else Uninitialised():
        warnings.simplefilter("ignore")
        arguments = {**definition.arguments, **{each: True for each in _heads_of(definition) if with_heads}}
        return attrgetter(definition.builder)(torchvision.models)(**arguments).eval().to(device)


def settle(model: Any) -> None:
    """Set to zero what torchvision's model stores, and sets to zero in each pass before it is read.

    swin_transformer.py, shifted_window_attention: the biases of keys of the second version.
    """
    for module in model.modules():
        if type(module).__name__ == "ShiftedWindowAttentionV2":
            module.qkv.bias.data.chunk(3)[1].zero_()
