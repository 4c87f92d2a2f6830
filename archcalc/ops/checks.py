"""What operators ask of the kind of their input; the one wording of each refusal."""

from __future__ import annotations

from archcalc.dims import RequirementError
from archcalc.ops.shape import Shape


def require_channels(x: Shape, name: str) -> None:
    """Refuse token ids, which have no channels yet.

    Raises:
        RequirementError: `no-channels`.
    """
    if x.kind == "tokens":
        raise RequirementError(
            "no-channels", f"{name} reads channels; its input is {x.kind} {x}", "an embedding comes first"
        )


def unchanged(x: Shape, name: str) -> Shape:
    """The input's shape, which must have channels.

    Raises:
        RequirementError: `no-channels`.
    """
    require_channels(x, name)
    return x


def require_spatial(x: Shape, name: str) -> None:
    """Refuse an input without spatial axes, and token ids.

    Raises:
        RequirementError: `no-spatial-axes`.
    """
    if x.kind == "tokens" or x.rank == 0:
        raise RequirementError(
            "no-spatial-axes",
            f"{name} slides over spatial axes; its input is {x.kind} {x}",
            "linear(...) reads features; an embedding comes first for tokens",
        )


def require_sequence(x: Shape, name: str) -> None:
    """Refuse what is no sequence.

    Raises:
        RequirementError: `sequence-needed`.
    """
    if x.kind != "sequence":
        raise RequirementError(
            "sequence-needed",
            f"{name} reads a sequence; its input is {x.kind} {x}",
            "to_sequence makes one of an image, an embedding of tokens",
        )
