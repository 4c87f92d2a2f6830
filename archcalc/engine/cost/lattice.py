"""Windows over one axis: which pixels of the input each position reads, in time that does not depend on strides.

After upsampling, neighbours read differently: positions repeat their pattern in cycles. A cycle is held as runs of
positions that read the same, of which a copy a thousand times as large has no more than one that is twice as large.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import TypeAlias

from archcalc.named import NamedTuple

MOST_STEPS = 1 << 17  # reads that are looked up for one network; what would take more is a lower bound


class Read(NamedTuple):
    """Pixels from low to high, both included."""

    low: int
    high: int

    def moved(self, by: int) -> Read:
        """As many pixels further on."""
        return Read(self.low + by, self.high + by)

    @property
    def size(self) -> int:
        """How many pixels there are from the first to the last."""
        return self.high - self.low + 1


Run: TypeAlias = tuple[int, Read | None]  # its first position; what each position of it reads, if anything


class Steps:
    """How much has been looked up, and whether there may be more."""

    def __init__(self, most: int = MOST_STEPS) -> None:
        self.taken = 0
        self.most = most

    def take(self, number: int) -> bool:
        """Whether so many more are within the limit; only then they are counted."""
        if self.taken + number > self.most:
            return False
        self.taken += number
        return True


class Lattice(NamedTuple):
    """What the positions of a cycle read; the next cycle reads the same, `cycle` pixels further on.

    `is_lost` where the pattern had too many runs to be followed: the one read is then what every position at least
    sees, and windows add nothing to it.
    """

    runs: tuple[Run, ...]
    phases: int
    cycle: int
    is_lost: bool = False

    @property
    def jump(self) -> Fraction:
        """Pixels from one position to the next."""
        return Fraction(self.cycle, self.phases)

    @property
    def is_uniform(self) -> bool:
        """Whether every position reads as its neighbours do."""
        return self.phases == 1 and not self.is_lost

    @property
    def size(self) -> int:
        """Pixels that the position with the largest field reads, from the first to the last."""
        return max((read.size for _, read in self.runs if read), default=0)

    @property
    def has_gaps(self) -> bool:
        """Whether some positions read nothing."""
        return any(read is None for _, read in self.runs)

    @property
    def first_centre(self) -> Fraction:
        """Of the first position that reads anything, taken back to where the first would be."""
        first = next(((start, read) for start, read in self.runs if read), None)
        return Fraction(first[1].low + first[1].high, 2) - first[0] * self.jump if first else Fraction(0)

    def at(self, position: int) -> Read | None:
        """What a position reads."""
        cycles, phase = divmod(position, self.phases)
        read = self.runs[bisect_right(self.runs, phase, key=_start) - 1][1]
        return read.moved(cycles * self.cycle) if read else None

    def next_run(self, position: int) -> int:
        """The first position of the run after the one that a position is in."""
        cycles, phase = divmod(position, self.phases)
        index = bisect_right(self.runs, phase, key=_start)
        after = self.runs[index][0] if index < len(self.runs) else self.phases
        return cycles * self.phases + after

    def last_before(self, position: int) -> int:
        """The last position of the run before the one that a position is in."""
        cycles, phase = divmod(position, self.phases)
        return cycles * self.phases + self.runs[bisect_right(self.runs, phase, key=_start) - 1][0] - 1

    def between(self, first: int, last: int) -> Read | None:
        """What the positions from one to another read together, where fields move on with positions."""
        if first > last:
            return None
        low, high = self._beginning(first, last), self._ending(first, last)
        return Read(low.low, high.high) if low and high else None

    def _beginning(self, first: int, last: int) -> Read | None:
        """The first read from a position on: runs without one have one beside them, or the end of the cycle."""
        for _ in range(3):
            if first <= last and not (read := self.at(first)):
                first = self.next_run(first)
            else:
                return read if first <= last else None
        return None

    def _ending(self, first: int, last: int) -> Read | None:
        for _ in range(3):
            if first <= last and not (read := self.at(last)):
                last = self.last_before(last)
            else:
                return read if first <= last else None
        return None


START = Lattice(((0, Read(0, 0)),), 1, 1)


def _start(run: Run) -> int:
    return run[0]


def hull(reads: Iterable[Read | None]) -> Read | None:
    """From the first pixel of any to the last of any."""
    low = high = None
    for read in reads:
        if read:
            low = read[0] if low is None or read[0] < low else low
            high = read[1] if high is None or read[1] > high else high
    return None if low is None or high is None else Read(low, high)


def slid(of: Lattice, kernel: int, stride: int, padding: int, dilation: int, steps: Steps) -> Lattice:
    """A window that slides: output j reads inputs j * stride - padding + t * dilation."""
    read = of.runs[0][1]
    reach = dilation * (kernel - 1)
    if of.is_uniform and read:
        by = padding * of.cycle
        return Lattice(((0, Read(read.low - by, read.high + reach * of.cycle - by)),), 1, of.cycle * stride)
    shared = gcd(of.phases, stride)
    phases, cycle = of.phases // shared, of.cycle * (stride // shared)
    if of.is_lost:
        return Lattice(of.runs, phases, cycle, is_lost=True)
    if not _moves_on(of) or (of.has_gaps and dilation > 1):
        few = min(kernel, of.phases // gcd(of.phases, dilation))  # taps further on read what these do, moved
        taps = sorted({*range(few), *range(kernel - few, kernel)}) if steps.take(2 * few * phases) else []
        if not taps:
            return _lost(of, phases, cycle, may_miss=of.has_gaps)
        return _made(
            range(phases),
            phases,
            cycle,
            lambda output: hull(of.at(output * stride - padding + tap * dilation) for tap in taps),
        )
    wraps = stride // shared
    if 2 * len(of.runs) * wraps < phases:
        if not steps.take(2 * len(of.runs) * wraps):
            return _lost(of, phases, cycle, may_miss=of.has_gaps)
        ends = (0, reach)
        starts = {
            -((end - padding - start) // stride) % phases
            for end in ends
            for wrap in range(wraps)
            for start in (first + wrap * of.phases for first, _ in of.runs)
        }
        positions: Sequence[int] = sorted({0, *starts})
    elif steps.take(2 * phases):
        positions = range(phases)
    else:
        return _lost(of, phases, cycle, may_miss=of.has_gaps)
    return _made(
        positions,
        phases,
        cycle,
        lambda output: of.between(output * stride - padding, output * stride - padding + reach),
    )


def denser(of: Lattice, kernel: int, padding: int, dilation: int, upsample: int, steps: Steps) -> Lattice:
    """A transposed window: output j reads the inputs i for which j + padding = i * upsample + t * dilation."""
    phases = of.phases * upsample
    misses = dilation > 1 or kernel < upsample
    if of.is_lost:
        return Lattice(((0, None if misses else of.runs[0][1]),), phases, of.cycle, is_lost=True)
    if dilation > 1 or not _moves_on(of):
        shared = gcd(dilation, upsample)
        apart = upsample // shared  # taps of one output
        inverse = pow(dilation // shared, -1, apart)
        few = min(-(-kernel // apart), of.phases)
        if not steps.take(2 * few * phases):
            return _lost(of, phases, of.cycle, may_miss=True)

        def spread(output: int) -> Read | None:
            reached = output + padding
            if reached % shared:
                return None
            first = reached // shared * inverse % apart
            many = -(-(kernel - first) // apart)
            chosen = {*range(min(few, many)), *range(max(many - few, 0), many)}
            taps = [first + number * apart for number in chosen]
            return hull(of.at((reached - tap * dilation) // upsample) for tap in taps)

        return _made(range(phases), phases, of.cycle, spread)
    starts: set[int] = {0}
    changes = range(of.phases) if misses else [start for start, _ in of.runs]
    if not steps.take(2 * len(changes)):
        return _lost(of, phases, of.cycle, may_miss=misses or of.has_gaps)
    for start in changes:  # the first and the last input that an output reads begin to be this one, or to be past it
        for output in (start * upsample - padding, (start - 1) * upsample + kernel - padding):
            starts.add(output % phases)
    return _made(
        sorted(starts),
        phases,
        of.cycle,
        lambda output: of.between(-((kernel - 1 - output - padding) // upsample), (output + padding) // upsample),
    )


def shifted(of: Lattice, by: int) -> Lattice:
    """The positions from a later one on."""
    if of.is_lost:
        return of
    positions = sorted({0, *((start - by) % of.phases for start, _ in of.runs)})
    return _made(positions, of.phases, of.cycle, lambda output: of.at(output + by))


def union(branches: Sequence[Lattice], steps: Steps) -> Lattice:
    """What any branch reads; the jump is the largest, which a merge of unequal ones can only be said to have."""
    if len(branches) == 1 or all(branch == branches[0] for branch in branches):
        return branches[0]
    if len({(branch.phases, branch.cycle, branch.is_lost, len(branch.runs)) for branch in branches}) == 1:
        first = branches[0]
        if (
            first.phases == len(first.runs) == 1
            and not first.is_lost
            and first.cycle
            and steps.take(len(branches) ** 2)
        ):
            return Lattice(((0, hull([branch.runs[0][1] for branch in branches])),), 1, first.cycle)
    furthest = max(branches, key=lambda branch: branch.jump)
    alike = [branch for branch in branches if branch.jump == furthest.jump]
    others = [read for branch in branches if branch.jump != furthest.jump if (read := branch.at(0))]
    phases = lcm(*(branch.phases for branch in alike))
    cycle = furthest.cycle * (phases // furthest.phases)
    if any(branch.is_lost for branch in branches) or not steps.take(
        sum(len(branch.runs) * (phases // branch.phases) for branch in alike) * len(branches)
    ):
        smallest = [_smallest(branch) for branch in branches]
        return Lattice(((0, max(smallest, key=lambda read: read.size if read else 0)),), phases, cycle, is_lost=True)
    positions = sorted(
        {
            start + again * branch.phases
            for branch in alike
            for again in range(phases // branch.phases)
            for start, _ in branch.runs
        }
    )

    def together(position: int) -> Read | None:
        moved = int(position * furthest.jump)
        return hull([*(branch.at(position) for branch in alike), *(read.moved(moved) for read in others)])

    return _made(positions, phases, cycle, together)


def _smallest(of: Lattice) -> Read | None:
    reads = [read for _, read in of.runs]
    return None if None in reads else min((read for read in reads if read), key=lambda read: read.size)


def _lost(of: Lattice, phases: int, cycle: int, may_miss: bool) -> Lattice:
    """The pattern is followed no further: what every position sees at least."""
    return Lattice(((0, None if may_miss else _smallest(of)),), phases, cycle, is_lost=True)


def _moves_on(of: Lattice) -> bool:
    """Whether a later position never begins, or ends, to read before an earlier one; those without a read aside."""
    reads = [read for _, read in of.runs if read]
    after = [*reads[1:], *(read.moved(of.cycle) for read in reads[:1])]
    return all(a.low <= b.low and a.high <= b.high for a, b in zip(reads, after, strict=True))


def _made(positions: Iterable[int], phases: int, cycle: int, read: Callable[[int], Read | None]) -> Lattice:
    """A lattice from what the positions read where that may change; in the shortest cycle that says the same."""
    runs: list[Run] = []
    for position in positions:
        found = read(position)
        if not runs or found != runs[-1][1]:
            runs.append((position, found))
    last = runs[-1][1]
    goes_on = runs[0][1] == (last.moved(-cycle) if last else None)  # a run that lies over the end of a cycle
    changes = runs[1:] if goes_on else runs
    if not changes:
        shared = gcd(phases, cycle)
        return Lattice(tuple(runs), phases // shared, cycle // shared)
    for shorter in sorted(_divisors(gcd(phases, cycle, len(changes))), reverse=True):
        if shorter > 1 and _repeats(changes, phases // shorter, cycle // shorter, len(changes) // shorter):
            kept = tuple(run for run in runs if run[0] < phases // shorter)
            return Lattice(kept, phases // shorter, cycle // shorter)
    return Lattice(tuple(runs), phases, cycle)


def _repeats(changes: Sequence[Run], phases: int, cycle: int, many: int) -> bool:
    """Whether every change comes again after some positions, some pixels further on."""
    return all(
        later[0] == start + phases and later[1] == (read.moved(cycle) if read else None)
        for (start, read), later in zip(changes, changes[many:], strict=False)
    )


def _divisors(number: int) -> list[int]:
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]
