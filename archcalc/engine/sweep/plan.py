"""What a sweep will compute, decided before it runs: axes, which of them are looped, chunks, points to check."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from math import prod
from operator import index
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, NoReturn

from archcalc import __version__
from archcalc.engine.cost.quantities import instead_of
from archcalc.engine.library import NetworkText, text_of
from archcalc.engine.network import AnyNetwork, Network, check_variable, load
from archcalc.engine.sweep.axes import axes_in, axis_of, variable_of
from archcalc.engine.sweep.expansion import BATCH, DEPTHS, SWEEPABLE, SWEPT, Question
from archcalc.engine.sweep.many import way_of
from archcalc.engine.sweep.planned import forget
from archcalc.engine.sweep.selection import Selection, selection
from archcalc.results.cost import DTYPES
from archcalc.results.position import Position, position_of
from archcalc.results.sweep import Axis, Heading
from archcalc.source import Diagnostic, SpecError
from archcalc.spec.limits import DEFAULT_LIMITS, Limits

CHUNK = 2**19  # points that are computed and kept together: columns of 4 MiB, for which NumPy asks for large pages
MOST_EXPANSIONS = 64  # of one chunk, where each takes milliseconds
MOST_STRUCTURES = 2**17  # points of a chunk of structures, so that little is lost where a run is interrupted
CHECKED = 16  # points of a run that the integer engine computes once more


class Chunk(NamedTuple):
    """Points that are computed together: a box of one network, or draws of a sample."""

    number: int
    first: int  # number of its first point
    points: int
    network: int  # whose box it is
    box: tuple[tuple[int, int], ...]  # of each axis, looped ones first, begin and end; of a sample, none


class Plan(NamedTuple):
    """A sweep, decided: one axis at least. It can be sent to another machine."""

    networks: tuple[NetworkText, ...]
    axes: tuple[Axis, ...]
    question: Question
    selection: Selection
    looped: tuple[tuple[str, ...], ...]  # by network
    apart: tuple[bool, ...] = ()  # by network: whether it is taken apart, so that structures are as fast as numbers
    sample: int | None = None
    seed: int = 0
    most_points: int = CHUNK
    most_expansions: int = MOST_EXPANSIONS
    lacking: tuple[tuple[str, tuple[str, ...]], ...] = ()  # networks that are left out, and variables they do not have
    version: str = __version__
    most_structures: int = MOST_STRUCTURES  # points of a chunk of a network that is taken apart

    @property
    def names(self) -> tuple[str, ...]:
        """Of the networks."""
        return tuple(of.name for of in self.networks)

    @property
    def points(self) -> int:
        """Configurations to compute."""
        return self.sample or len(self.networks) * prod(axis.size for axis in self.axes)

    @property
    def size(self) -> int:
        """Configurations of which some are drawn, or all computed."""
        return len(self.networks) * prod(axis.size for axis in self.axes)

    @property
    def is_endless(self) -> bool:
        """Whether there are more configurations to go through than can be numbered."""
        return self.points > sys.maxsize

    def refuse_endless(self) -> None:
        """Refuse to go through more configurations than can be numbered.

        Raises:
            SpecError: there are more.
        """
        if self.is_endless:
            _refuse(
                "too-many-points", f"{self.points:,} configurations cannot be numbered", "--sample 1000000 draws some"
            )

    @property
    def heading(self) -> Heading:
        """What the sweep is of."""
        looped = dict(zip(self.names, self.looped, strict=True))
        quantities, lacking = self.question.quantities, dict(self.lacking)
        return Heading(self.names, self.axes, quantities, self.points, self.sample, self.seed, looped, lacking)

    @property
    def key(self) -> str:
        """A digest of everything that the result depends on."""
        digest = hashlib.sha256(repr(self._replace(axes=())).encode())
        for axis in self.axes:
            digest.update(repr((axis.name, axis.unit, axis.texts, axis.size)).encode())
            is_wide = axis.multiples.dtype == object
            digest.update(repr(axis.multiples.tolist()).encode() if is_wide else axis.multiples.tobytes())
        return digest.hexdigest()

    def ordered(self, network: int) -> list[Axis]:
        """The axes of a network, looped ones first: those vary slowest."""
        looped = self.looped[network]
        return sorted(self.axes, key=lambda axis: axis.name not in looped)

    @property
    def chunks(self) -> int:
        """How many chunks."""
        if self.sample:
            return -(-self.sample // self._draws())
        return sum(self._count(network) for network in range(len(self.networks)))

    def chunk(self, number: int) -> Chunk:
        """One chunk; their points are numbered on, network after network."""
        if self.sample:
            size = self._draws()
            return Chunk(number, number * size, min(size, self.sample - number * size), 0, ())
        network, within = 0, number
        while within >= self._count(network):
            within -= self._count(network)
            network += 1
        sizes = [axis.size for axis in self.ordered(network)]
        at, rows = self._split(network)
        outer, part = divmod(within, -(-sizes[at] // rows))
        box: list[tuple[int, int]] = []
        for size in reversed(sizes[:at]):
            outer, index = divmod(outer, size)
            box.insert(0, (index, index + 1))
        box.append((part * rows, min(part * rows + rows, sizes[at])))
        box.extend((0, size) for size in sizes[at + 1 :])
        first = network * prod(sizes)
        for (begin, _), below in zip(box, range(1, len(sizes) + 1), strict=True):
            first += begin * prod(sizes[below:])
        return Chunk(number, first, prod(end - begin for begin, end in box), network, tuple(box))

    def checked(self) -> frozenset[int]:
        """Numbers of the points that are computed once more, the same in every run of this plan."""
        if self.is_endless:  # nobody goes through them
            return frozenset()
        random = Random(self.key)
        return frozenset(random.sample(range(self.points), min(CHECKED, self.points)))

    def _split(self, network: int) -> tuple[int, int]:
        """The axis along which chunks are cut, and how many of its values a chunk has."""
        axes = self.ordered(network)
        looped = len(self.looped[network])
        points = expansions = 1
        is_slow = not (self.apart and self.apart[network])
        most_points = self.most_points if is_slow else max(1, min(self.most_points, self.most_structures))
        for at in reversed(range(len(axes))):
            most = most_points // points
            if at < looped and is_slow:
                most = min(most, self.most_expansions // expansions)
                expansions *= axes[at].size
            if axes[at].size > most:
                return at, max(1, most)
            points *= axes[at].size
        return 0, axes[0].size

    def _count(self, network: int) -> int:
        sizes = [axis.size for axis in self.ordered(network)]
        at, rows = self._split(network)
        return prod(sizes[:at]) * -(-sizes[at] // rows)

    def _draws(self) -> int:
        """Draws in a chunk of a sample: fewer where nearly each takes an expansion of its own."""
        own = [prod(axis.size for axis in self.axes if axis.name in looped) for looped in self.looped]
        is_many = sum(own) > self.most_expansions
        if is_many and all(self.apart):
            return min(self.most_points, self.most_structures)
        return max(1, self.most_points // 64) if is_many else self.most_points


def make_plan(
    networks: AnyNetwork | Sequence[AnyNetwork],
    over: Mapping[str, Any] | Sequence[Axis],
    *,
    set: Mapping[str, Any] | None = None,
    quantities: Sequence[str] | None = None,
    where: Sequence[str] = (),
    pareto: str | Sequence[str] = (),
    sort: str | None = None,
    top: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    batch: int = 1,
    dtype: str = "fp32",
    with_heads: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Plan:
    """Decide a sweep: everything that can be wrong with it but single configurations is found here.

    Raises:
        SpecError: an unknown network, variable, column, quantity or condition, or values that are none.
        ValueError: an unknown dtype, no quantities, or a batch, top, sample or seed that is too small.
    """
    for name, number, least in (("batch", batch, 1), ("top", top, 1), ("sample", sample, 1), ("seed", seed, 0)):
        if number is not None and index(number) < least:
            raise ValueError(f"{name} is {number}; it must be at least {least}")
    if dtype not in DTYPES:
        raise ValueError(f"no dtype is called {dtype}; there are {', '.join(DTYPES)}")
    is_one = isinstance(networks, (str, Path, Network)) or hasattr(networks, "named_parameters")
    given: list[Any] = [networks] if is_one else list(networks)  # type: ignore[arg-type]  # several
    found: dict[str, Network] = {}
    for each in map(load, given):
        if found.setdefault(each.name, each).spec.source.text != each.spec.source.text:
            _refuse("same-name", f"two of the networks are called {each.name}", "give one of them another name")
    axes = [axis_of(name, values) for name, values in over.items()] if isinstance(over, Mapping) else list(over)
    settings = {name: str(value) if not isinstance(value, str) else value for name, value in (set or {}).items()}
    axes = axes_in(list(found.values()), axes, settings)
    lacking = _check_axes(axes, list(found.values()), settings)
    found = {name: network for name, network in found.items() if name not in dict(lacking)}
    swept = tuple(dict.fromkeys(SWEPT if quantities is None else map(_quantity, quantities)))
    if not swept:
        raise ValueError(f"a sweep has one quantity at least, of {', '.join(SWEPT)}")
    for axis in axes:
        if axis.name in swept:
            _refuse("bad-axis", f"{axis.name} is an axis here, and cannot be a quantity too", "leave one of them out")
    question = Question(swept, tuple(settings.items()), batch, dtype, with_heads, limits)
    chosen = selection(axes, swept, where, pareto, sort, top)
    texts = tuple(text_of(each) for each in found.values())
    forget()
    ways = [way_of(each, question, axes) for each in found.values()]
    looped, apart = tuple(looped for looped, _ in ways), tuple(is_apart for _, is_apart in ways)
    plan = Plan(texts, tuple(axes), question, chosen, looped, apart, None, seed, CHUNK, MOST_EXPANSIONS, lacking)
    plan = plan._replace(most_structures=MOST_STRUCTURES)
    if sample is not None and sample < plan.points:
        return plan._replace(sample=sample)
    if not (chosen.where or chosen.pareto or chosen.top):
        plan.refuse_endless()
    return plan


def _check_axes(
    axes: Sequence[Axis], networks: Sequence[Network], settings: Mapping[str, str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Refuse axes that are none; networks that lack some of the variables, with those."""
    seen: list[str] = []
    whole = {(position_of(name) or Position(name)) for name in settings}
    for number, axis in enumerate(axes):
        if axis.name in seen:
            _refuse("bad-axis", f"{axis.name} is given twice", f"--over {axis.name}=1:4,8 joins ranges and values")
        other = next((each for each in axes[:number] if each.position.overlaps(axis.position)), None)
        if other is not None:
            _refuse("bad-axis", f"{axis.name} is in {other.name} too", "sweep over the whole list, or over its items")
        # an item varies where its list is set, or each item of it
        if any(each.overlaps(axis.position) and not axis.position.is_closer(each, axis.position) for each in whole):
            _refuse("bad-axis", f"{axis.name} is set, and swept over", "leave one of --set and --over out")
        if axis.name == "network" or (axis.name in SWEEPABLE and axis.name not in DEPTHS):
            _refuse("bad-axis", f"{axis.name} is a column of every sweep, not a variable")
        seen.append(axis.name)
    lacking: dict[str, tuple[str, ...]] = {}
    for network in networks:
        named = [name for name in (*seen, *settings) if name != BATCH or name in settings]
        lacks = tuple(name for name in named if variable_of(name) not in network.spec.settable)
        if lacks:
            lacking[network.name] = lacks
    if len(lacking) == len(networks):
        _refuse_lacking(networks, lacking)
    networks = [network for network in networks if network.name not in lacking]
    for axis in axes:
        is_own = all(axis.variable in network.spec.settable for network in networks)
        if axis.name == BATCH and not is_own and (axis.unit != 1 or axis.multiples.min() < 1):
            _refuse("bad-axis", "a batch is a whole number of 1 or more")
    if not axes:
        names = dict.fromkeys(name for network in networks for name in network.spec.settable)
        _refuse("no-axes", "nothing to sweep over", f"--over NAME=VALUES; variables are {', '.join([*names, BATCH])}")
    return tuple(lacking.items())


def _refuse_lacking(networks: Sequence[Network], lacking: Mapping[str, tuple[str, ...]]) -> NoReturn:
    """Each of the networks lacks a variable: one that all lack, with the nearest name, or else another one each."""
    for name in next(iter(lacking.values())):
        if all(name in lacks for lacks in lacking.values()):
            check_variable(networks[0].spec, name)
    each = "; ".join(f"{network} has no {', '.join(names)}" for network, names in lacking.items())
    _refuse("unknown-variable", f"no network has all of these variables: {each}", "one sweep for each network")


def _quantity(name: str) -> str:
    if name not in SWEEPABLE:
        _refuse("unknown-quantity", f"a sweep has no quantity `{name}`", instead_of(name, SWEEPABLE))
    return name


def _refuse(code: str, message: str, help: str | None = None) -> NoReturn:
    raise SpecError([Diagnostic(code, message, help=help)])
