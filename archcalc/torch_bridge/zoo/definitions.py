"""All networks that transformers, timm or diffusers define."""

from __future__ import annotations

from archcalc.engine.network import Network
from archcalc.spec.library import find
from archcalc.torch_bridge.zoo import cnns, decoders, diffusion, encoders, multimodal, open_decoders, scans, vision
from archcalc.torch_bridge.zoo.models import ZooModel

_KINDS = (cnns, decoders, diffusion, encoders, multimodal, open_decoders, scans, vision)
MODELS: dict[str, ZooModel] = {name: model for kind in _KINDS for name, model in kind.MODELS.items()}


def zoo_model(network: Network) -> ZooModel | None:
    """How a library defines a network of archcalc's; a user's own file of the same name is another network."""
    model = MODELS.get(network.name)
    if model is None or network.spec.source.text != find(network.name).spec.source.text:
        return None
    return model
