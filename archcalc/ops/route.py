"""Mixtures of experts: of many bodies of one kind, few are computed at each position."""

from __future__ import annotations

from archcalc.dims import Dim, RequirementError, require_at_least, require_equal
from archcalc.ops.arguments import argument
from archcalc.ops.base import (
    ONE,
    POINTWISE,
    AnyWindow,
    Arithmetic,
    Copies,
    Example,
    Kept,
    Operator,
    Parameters,
    Saved,
    TorchCall,
    operator,
)
from archcalc.ops.checks import require_channels
from archcalc.ops.roles import Roles
from archcalc.ops.shape import Shape, features, sequence

Shapes = tuple[Shape, ...]


@operator("route")
class Route(Operator):
    """Mixture of experts: at each position the outputs of the `top` experts of the router, weighted and added.

    `expert` is written once, stored `experts` times and computed `top` times at each position; `router` gives a number
    for each expert; `shared` is computed always, and added.

    Shapes:  router (experts, extent...), expert (out, extent...), shared (out, extent...) -> (out, extent...).
    Counts:  the bodies by themselves, those of the expert `experts` times stored and `top` times computed. Here: the
             choice, comparisons = top * (experts - 1) * positions; weights times outputs, multiplications = top
             * outputs; additions = (top - 1) * outputs, and outputs more with `shared`. connections = 0.
    Errors:  no-channels, shape-mismatch, router-mismatch, fewer-experts.
    Source:  Shazeer et al. 2017, equation (1); Jiang et al. 2024 (Mixtral), section 2.1; DeepSeek-AI 2024
             (DeepSeek-V2), equation (20).
    """

    experts: Dim = argument("count", "bodies that are stored")
    top: Dim = argument("count", "bodies that are computed at each position")

    merges = True
    roles = Roles((("router", "expert"),), ("shared",))

    def copies_of(self, role: str) -> Copies:
        """How often what stands in a branch is stored and computed."""
        return Copies(self.experts, self.top) if role == "expert" else ONE

    def _require_alike(self, x: Shapes, role: str) -> None:
        """Refuse a branch of other positions than the experts'."""
        expert, found = self.branch(x, "expert"), self.branch(x, role)
        require_channels(found, self.name)
        if found.rank != expert.rank:
            what = f"route needs branches of one rank; the expert gives {expert.kind} {expert}"
            raise RequirementError("shape-mismatch", f"{what} and {role} {found.kind} {found}")
        for a, b in zip(expert.spatial, found.spatial, strict=True):
            require_equal(
                a,
                b,
                "shape-mismatch",
                "route needs branches of one extent; the expert gives {expert}, {role} gives {found}",
                role=role,
                expert=expert,
                found=found,
            )

    def infer(self, x: Shapes) -> Shape:
        """Output shape: that of an expert."""
        expert: Shape = self.branch(x, "expert")
        require_channels(expert, self.name)
        self._require_alike(x, "router")
        require_equal(
            self.branch(x, "router").channels,
            self.experts,
            "router-mismatch",
            "the router gives {a} numbers at each position; there are {b} experts",
            help="linear(experts) gives one for each",
        )
        require_at_least(
            self.experts, self.top, "fewer-experts", "route computes {minimum} experts of {value}", help="lower top"
        )
        if self.branch(x, "shared") is not None:
            self._require_alike(x, "shared")
            require_equal(
                expert.channels,
                self.branch(x, "shared").channels,
                "shape-mismatch",
                "an expert gives {a} channels, shared gives {b}",
            )
        return expert

    def parameters(self, x: Shapes) -> Parameters:
        """Nothing stored: its branches hold the weights."""
        return Parameters()

    def arithmetic(self, x: Shapes, y: Shape) -> Arithmetic:
        """The choice and the weighted sum."""
        added = self.top - 1 if self.branch(x, "shared") is None else self.top
        return Arithmetic(
            additions=added * y.elements,
            multiplications=self.top * y.elements,
            comparisons=self.top * (self.experts - 1) * y.positions,
            merge=y.elements,
        )

    def connections(self, x: Shapes, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shapes) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shapes, y: Shape) -> Saved:
        """What the experts give, and which were chosen with what weights."""
        chosen = self.top * y.positions
        return Saved(inputs=(self.given.index("expert"),), made=(Kept(chosen, "indices"), Kept(chosen)))

    def torch(self, x: Shapes) -> TorchCall:
        """A module of its own, which takes one expert's outputs for those of all that are chosen."""
        return TorchCall("archcalc.Route", (self.given, self.top))

    examples = (
        Example(
            "Jiang et al. 2024, Table 1: 2 of 8 experts in 4096 channels; by hand for one position",
            {"router": sequence(8, 1), "expert": sequence(4096, 1)},
            {"experts": 8, "top": 2},
            sequence(4096, 1),
            {"params": 0, "macs": 0, "multiplications": 8192, "additions": 4096, "comparisons": 14},
        ),
        Example(
            "by hand: 3 of 4 experts and a shared one, 5 features: 3 products, 2 + 1 sums each, 3*3 comparisons",
            {"router": features(4), "expert": features(5), "shared": features(5)},
            {"experts": 4, "top": 3},
            features(5),
            {"multiplications": 15, "additions": 15, "comparisons": 9, "connections": 0},
        ),
    )
