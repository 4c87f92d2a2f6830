"""How layers are called in a torch model, whatever their names are in the language.

A name that a module has for itself (`train`, `forward`, `_modules`) or that Python keeps (`import`) gets an underscore.
So does one that is such a name with underscores behind it (`train_`), so that no two layers become one.
"""

from __future__ import annotations

import re
from functools import cache
from keyword import iskeyword

from torch import fx, nn

from archcalc.torch_bridge.model import merges


@cache
def _taken() -> frozenset[str]:
    """Names that have a meaning in a model and in the folders that it has: empty ones, and merges named as them."""
    holders = (fx.GraphModule(nn.Module(), fx.Graph()), merges.Concat())
    return frozenset(name for holder in holders for name in dir(holder))


def submodule_name(part: str) -> str:
    """What a part of a layer's path is called as a submodule."""
    stem = part.rstrip("_")
    forms = (part[:length] for length in range(len(stem), len(part) + 1))
    return f"{part}_" if any(form in _taken() or iskeyword(form) for form in forms) else part


def variable_name(operation: str) -> str:
    """What an operation's output is called in the code of `forward`, before others are told apart from it."""
    found = re.sub(r"\W", "_", operation)
    if found == "self" or iskeyword(found):
        return f"{found}_"
    return f"_{found}" if found[:1].isdigit() else found


def class_name(network: str) -> str:
    """What the class of a network's model is called."""
    return "".join(part.capitalize() for part in re.split(r"\W+|_", network) if part) or "Network"
