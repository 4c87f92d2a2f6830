"""Results as data: what others say of a network, beside what archcalc says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

# Against whom networks are verified; receptive fields are gradients, and so torch's.
TOOLS = ("torch", "fvcore", "torchvision", "transformers", "timm", "diffusers")
OPTIONAL = TOOLS[2:]  # libraries with definitions of their own: left out where they are not installed
MODEL = "model"  # as the tool: a model of the user's own
VALUES = "values"  # the outputs themselves, with the same weights
# Quantities of a receptive field.
FIELDS = tuple(f"{of}{name}" for of in ("", "local_") for name in ("receptive_field", "jump", "first_centre"))
EXPORTS = ("exports", "exported_out_shape", "exported_params")  # of what went through torch.export
WITH_HEADS = "_with_heads"  # ends the name of a quantity that train-only heads are in
State = Literal["equal", "differs", "not counted"]
Value = int | str | tuple[Any, ...]  # a tuple is a shape, or one number for each axis


class Check(NamedTuple):
    """One figure, as archcalc says it and as another counts or measures it.

    `operation` is the name of a node, or nothing for the whole network. `not counted` is a fault of the other that
    is known by name; `reason` says which, and of a difference what else is known.
    """

    network: str
    against: str
    operation: str
    quantity: str
    ours: Value
    theirs: Value
    state: State
    reason: str = ""


class Agreement(NamedTuple):
    """How many checks there are in each state."""

    equal: int = 0
    differs: int = 0
    not_counted: int = 0

    @property
    def checks(self) -> int:
        """All that were compared; what the other does not count was not."""
        return self.equal + self.differs


@dataclass(slots=True)
class NetworkVerification:
    """A network and everything that was checked of it."""

    name: str
    layers: int
    operations: int
    params: int
    macs: int
    at_least: bool = False  # an operation of unknown cost makes the totals lower bounds
    checks: list[Check] = field(default_factory=list)

    def of(self, against: str = "", quantities: Iterable[str] = ()) -> list[Check]:
        """Checks against one tool, of some quantities; nothing said means all."""
        chosen = frozenset(quantities)
        return [
            check
            for check in self.checks
            if (not against or check.against == against) and (not chosen or check.quantity in chosen)
        ]

    @property
    def differences(self) -> list[Check]:
        """What is not equal."""
        return [check for check in self.checks if check.state == "differs"]

    @property
    def not_counted(self) -> list[Check]:
        """What another does not count, by a fault that is known."""
        return [check for check in self.checks if check.state == "not counted"]


@dataclass(slots=True)
class Verification:
    """Networks verified, and the versions of the tools."""

    networks: list[NetworkVerification]
    against: tuple[str, ...]
    versions: dict[str, str]
    exported: bool = False  # whether the models went through torch.export too
    settings: dict[str, str] = field(default_factory=dict)  # variables that were set
    input: str = ""  # 3x193x193, where it was not that of the spec
    model: str = ""  # mymodule.py:Net(3), where it was held against one

    @property
    def agreement(self) -> Agreement:
        """All checks."""
        return agreement([check for network in self.networks for check in network.checks])

    @property
    def differences(self) -> list[Check]:
        """What is not equal, network by network."""
        return [check for network in self.networks for check in network.differences]


def compare(network: str, against: str, operation: str, quantity: str, ours: Value, theirs: Value) -> Check:
    """A figure beside another's: equal to the last digit, or not."""
    state: State = "equal" if ours == theirs else "differs"
    return Check(network, against, operation, quantity, ours, theirs, state)


def agreement(checks: Sequence[Check]) -> Agreement:
    """How many of these checks there are in each state."""
    states = [check.state for check in checks]
    return Agreement(states.count("equal"), states.count("differs"), states.count("not counted"))
