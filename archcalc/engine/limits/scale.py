"""Compound scaling (Tan and Le 2019): depth, width and resolution grow together, each by its own base.

With bases a, b, c a network is scaled by a^phi in depth, b^phi in width and c^phi in resolution. Repeats are rounded
up, as the authors' `round_repeats` does; other values go to the nearest multiple of a step: a multiplier to tenths,
as their coefficients are, where all channels stay whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product
from math import ceil, floor
from typing import Any

from archcalc.engine.limits.budget import over, quantity_of
from archcalc.engine.limits.solve import finest_step
from archcalc.engine.network import Network, analyze
from archcalc.results.budget import Limit
from archcalc.results.solution import Scaled, Scaling
from archcalc.source import Diagnostic, SpecError, suggestion

# Tan and Le 2019, section 3.3: found by a grid search under depth * width^2 * resolution^2 = 2, about.
COEFFICIENTS = {"depth": Fraction(6, 5), "width": Fraction(11, 10), "resolution": Fraction(23, 20)}
QUANTITIES = ("params", "macs")
TENTH = Fraction(1, 10)  # of a multiplier whose spec rounds channels and layers itself
COARSEST_SHARE = Fraction(1, 8)  # of any other, so that 64 channels become a multiple of 8
PHI_STEP = Fraction(1, 100)  # to which the largest phi is found
LAST_PHI = 7  # EfficientNet-B7, where no limit ends the rows before
MOST_PHI = 40  # with these bases 2^40 times the cost: whoever keeps to a limit until then has none on it
MOST_COMBINATIONS = 1000  # of a grid


def scale(
    network: Network,
    limits: Sequence[Limit] = (),
    coefficients: Mapping[str, Fraction] | None = None,
    steps: Mapping[str, Fraction] | None = None,
    by: Fraction = Fraction(1, 2),
    set: Mapping[str, Any] | None = None,
) -> Scaling:
    """A network scaled by phi = 0, `by`, 2 `by`, ... while it keeps to the limits; 7 and less without limits.

    Args:
        network: what `load` gave.
        limits: the most that each quantity may be.
        coefficients: variables and the base of each; without, depth, width and resolution as EfficientNet's.
        steps: variables and what their values are multiples of.
        by: from one row to the next.
        set: values of other variables.

    Raises:
        SpecError: the spec has none of the variables, or one is neither a number nor a list of numbers; nothing
            grows, it is over the limits at once, or no phi passes them.
    """
    bases = _known(network, coefficients)
    if min(bases.values()) < 1 or max(bases.values()) == 1:
        message = "a network is scaled up: each base is 1 or more, and one of them is more"
        raise SpecError([Diagnostic("not-scalable", message, help="--factor depth=1.2 --factor resolution=1.15")])
    scaler = _Scaler(network, limits, bases, dict(steps or {}), dict(set or {}))
    rows = [scaler.at(Fraction(0))]
    if not rows[0].is_within:
        message = f"{network.name} is over the limits before it is scaled"
        help = "a smaller network, or a larger limit"
        raise SpecError([Diagnostic("no-solution", message, notes=(over(limits, rows[0].costs),), help=help)])
    while rows[-1].is_within and (phi := rows[-1].phi + by) <= (MOST_PHI if limits else LAST_PHI):
        rows.append(scaler.at(phi))
    if limits and rows[-1].is_within:
        quantities = " and ".join(scaler.quantities)
        message = f"no phi up to {MOST_PHI} takes {network.name} over the limits of {quantities}"
        raise SpecError([Diagnostic("no-limit", message, help="limit another quantity: --max macs=2G")])
    return Scaling(network.name, scaler.coefficients, tuple(limits), tuple(rows), scaler.largest(rows))


def grid(
    network: Network,
    limits: Sequence[Limit],
    values: Sequence[Fraction],
    coefficients: Mapping[str, Fraction] | None = None,
    steps: Mapping[str, Fraction] | None = None,
    set: Mapping[str, Any] | None = None,
) -> Scaling:
    """Every combination of bases among some values, at phi = 1, that keeps to the limits; the dearest first.

    Raises:
        SpecError: as `scale`; too many combinations.
    """
    names = list(_known(network, coefficients))
    if len(values) ** len(names) > MOST_COMBINATIONS:
        message = f"{len(values)} values of {len(names)} coefficients are more than {MOST_COMBINATIONS:,} combinations"
        raise SpecError([Diagnostic("too-many-points", message, help="a larger step: 1:1.4:0.1")])
    rows = []
    for bases in product(values, repeat=len(names)):
        scaler = _Scaler(network, limits, dict(zip(names, bases, strict=True)), dict(steps or {}), dict(set or {}))
        rows.append(scaler.at(Fraction(1)))
    within = sorted((row for row in rows if row.is_within), key=lambda row: [-cost for cost in row.costs.values()])
    return Scaling(network.name, {}, tuple(limits), tuple(within), None)


class _Scaler:
    def __init__(
        self,
        network: Network,
        limits: Sequence[Limit],
        coefficients: dict[str, Fraction],
        steps: dict[str, Fraction],
        set: dict[str, Any],
    ) -> None:
        self.network, self.limits, self.coefficients, self.set = network, limits, coefficients, set
        self.quantities = [*dict.fromkeys([limit.quantity for limit in limits] or QUANTITIES)]
        self.values = {name: _value(network, name, set) for name in coefficients}
        for name in steps:
            if isinstance(self.values.get(name, ()), tuple):
                scaled = [each for each, value in self.values.items() if not isinstance(value, tuple)]
                help = suggestion(name, scaled, f"numbers that are scaled here: {', '.join(scaled) or 'none'}")
                raise SpecError([Diagnostic("not-scalable", f"a step of `{name}`, which is no number here", help=help)])
        self.steps = {
            name: steps.get(name) or _step(network, name, value, set)
            for name, value in self.values.items()
            if not isinstance(value, tuple)
        }

    def at(self, phi: Fraction) -> Scaled:
        """The network scaled by phi, and whether it keeps to the limits."""
        factors = {name: _power(base, phi) for name, base in self.coefficients.items()}
        settings = {name: self.scaled(name, factor) for name, factor in factors.items()}
        try:
            cost = analyze(self.network, set={**self.set, **settings})
        except SpecError as error:
            where = f"at phi {phi}: {', '.join(f'{name} is {value}' for name, value in settings.items())}"
            found = [each._replace(notes=(where, *each.notes)) for each in error.diagnostics]
            raise SpecError(found) from None
        costs = {quantity: quantity_of(cost, quantity) for quantity in self.quantities}
        within = all(costs[limit.quantity] <= limit.most for limit in self.limits)
        rounded = {name: Fraction(round(factor * 10_000), 10_000) for name, factor in factors.items()}
        return Scaled(phi, rounded, settings, costs, within)

    def scaled(self, name: str, factor: Fraction) -> str:
        """A value times its factor as `--set` takes it: repeats rounded up, others to the nearest multiple."""
        value = self.values[name]
        if isinstance(value, tuple):
            return f"[{', '.join(str(ceil(item * factor)) for item in value)}]"
        step = self.steps[name]
        return str(max(step, floor(value * factor / step + Fraction(1, 2)) * step))

    def largest(self, rows: Sequence[Scaled]) -> Scaled | None:
        """The scaling by the largest phi, in hundredths, within the limits: between the last two rows."""
        if not self.limits:
            return None
        low, high = (int(row.phi / PHI_STEP) for row in rows[-2:])
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.at(middle * PHI_STEP).is_within else (low, middle)
        return self.at(low * PHI_STEP)


def _known(network: Network, coefficients: Mapping[str, Fraction] | None) -> dict[str, Fraction]:
    found = dict(coefficients or {name: base for name, base in COEFFICIENTS.items() if name in network.spec.settable})
    if not found:
        message = f"{network.name} has no variable `depth`, `width` or `resolution`"
        known = ", ".join(network.spec.settable) or "none"
        raise SpecError([Diagnostic("not-scalable", message, help=f"--factor NAME=1.2 with one of: {known}")])
    return found


def _value(network: Network, name: str, set: Mapping[str, Any]) -> Any:
    value = network.value(name, set)
    items = value if isinstance(value, tuple) else (value,)
    if not items or not all(isinstance(item, (int, Fraction)) and not isinstance(item, bool) for item in items):
        message = f"the variable `{name}` of {network.name} is neither a number nor a list of numbers"
        raise SpecError([Diagnostic("not-scalable", message, help="--factor NAME=1.2 with a variable that is")])
    return value


def _step(network: Network, name: str, value: int | Fraction, set: Mapping[str, Any]) -> Fraction:
    """What a value goes to a multiple of, where no step is given."""
    if value == 1 or value != int(value):
        try:
            network.graph({**set, name: value + TENTH}, with_heads=False)
        except SpecError:
            pass
        else:
            return TENTH
    return max(finest_step(network, name, set), COARSEST_SHARE if value == 1 else Fraction(0))


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    """Base to a power of two or three decimals, to 30 digits, alike on every machine."""
    with localcontext(prec=30):
        root = Decimal(base.numerator) / Decimal(base.denominator)
        return Fraction(root ** (Decimal(exponent.numerator) / Decimal(exponent.denominator)))


def fractions_between(first: Fraction, last: Fraction, step: Fraction) -> Iterator[Fraction]:
    """First, first + step, ... up to the last, it included."""
    while first <= last:
        yield first
        first += step
