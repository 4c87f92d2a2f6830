"""Why a figure is not what its column and row ask for: deviations of five grades, each exact at the printed digits."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

from archcalc.claims.cases import BUFFERS, EMBEDDING, PARTS, Case, Values
from archcalc.claims.printed import Figure, Printed, Quotient, read_printed
from archcalc.engine.cost.conventions import CONVENTIONS

RESOLUTIONS = (224, 227, 231, 256, 288, 299, 320, 384, 448, 512, 192, 160, 128, 64, 32)
BATCHES = (2, 3, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 10, 100)
CLASSES = (1000, 1001, 10, 21, 100)
FLOPS = ("macs", "two_per_mac", "arithmetic")  # what a column of FLOPs may mean without being wrong
SELDOM = {"torchlens", "torchscan", "torchscan_macs", "onnx_tool"}  # tools that tables seldom quote
# So many digits must a figure have for a deviation to explain it. At two digits, one in three figures is within one
# unit of something that can be computed: of the 81 from 2.0 to 10.0 G, 8 are of grade 1 or 2 for ResNet-50.
EXACT = 99  # every digit: a whole number, or more digits than anybody rounds to
MANY = 5
_NEARLY = 1e-9  # what a float may be off, and much more
_CONVENTION, _UNIT, _MULTIPLE, _SETTING, _FAR = 1, 2, 3, 4, 5


class Deviation(NamedTuple):
    """A change of a case, in words; of each kind there is one at a time."""

    kind: str
    words: str
    change: dict[str, Any]
    grade: int
    digits: int  # that a figure must have
    key: str  # the same for other networks


class Candidate(NamedTuple):
    """What a deviation, or two, come to."""

    value: Fraction
    words: str
    grade: int
    digits: int
    key: str
    order: int  # among those of a network
    is_alone: bool = True  # one deviation, not two


class Candidates:
    """Deviations of one network by what they come to, so that a figure is looked up and not tried."""

    def __init__(self, found: list[Candidate]) -> None:
        self._found = sorted(found, key=lambda each: each.value)
        self._values = [float(each.value) for each in self._found]

    def near(self, low: float, high: float) -> list[Candidate]:
        """Those about from one number to another: to be compared exactly, for these are only nearly what they are."""
        low, high = low - abs(low) * _NEARLY, high + abs(high) * _NEARLY
        return self._found[bisect_left(self._values, low) : bisect_right(self._values, high)]


class Explainer:
    """Explanations of figures, network by network."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self._near: dict[tuple[Case, bool, bool], Candidates] = {}
        self._far: dict[tuple[Case, bool, bool], Candidates] = {}
        self._neighbours: dict[Case, Candidates] = {}

    def explanations(self, printed: Printed, text: str, plain: Case, says_input: bool, says_batch: bool,
                     of_column: frozenset[str] = frozenset()) -> list[Candidate]:  # fmt: skip
        """What explains a figure, the best first; of grades 4 and 5 only where nothing better does.

        Args:
            printed: the figure.
            text: what it was read from.
            plain: what its column and row ask for.
            says_input: whether the row says of what input it is: then it is of no other.
            says_batch: whether the row says of how many examples it is.
            of_column: keys of what explains most of its column, for which two digits are enough.
        """
        digits = digits_of(printed)
        if digits < 2:
            return []
        key = plain, says_input, says_batch
        if key not in self._near:
            self._near[key] = Candidates(self._candidates(plain, says_input, says_batch, is_far=False))
        found = _fitting(self._near[key], printed, digits, of_column)
        value = self.values.value(plain)
        least = 2 if plain.quantity == "size_bytes" else 3
        is_near = value is not None and digits >= least and _is_in_units(printed, value)
        if value is not None and is_near and _fits(read_printed(text, 1024), value, digits):
            words = "MiB for MB" if plain.quantity == "size_bytes" else "1,024 for a thousand"
            found.append(Candidate(value, words, _UNIT, least, words, 10**6))
        stored = self.values.value(plain._replace(part=BUFFERS)) if plain.quantity == "size_bytes" else None
        if stored is not None and _is_in_units(printed, stored) and _fits(read_printed(text, 1024), stored, digits):
            words = f"{BUFFERS}, MiB for MB"  # as files of weights are shown
            found.append(Candidate(stored, words, _UNIT, least, words, 10**6 + 1, stored == value))
        if not found:
            if key not in self._far:
                self._far[key] = Candidates(self._candidates(plain, says_input, says_batch, is_far=True))
            found = _fitting(self._far[key], printed, digits)
        return sorted(found, key=lambda each: (each.grade, not each.is_alone, each.order))

    def neighbour(self, printed: Printed, plain: Case) -> str:
        """The network of the same family whose figure it is: a row that has slipped; nothing: there is none."""
        if plain not in self._neighbours:
            found: list[Candidate] = []
            for name in self.values.names.neighbours(plain.network):
                value = self.values.value(plain._replace(network=name))
                if value is not None:
                    found.append(Candidate(value, name, _FAR, 3, name, len(found)))
            self._neighbours[plain] = Candidates(found)
        fitting = _fitting(self._neighbours[plain], printed, digits_of(printed))
        return fitting[0].words if fitting else ""

    def _candidates(self, plain: Case, says_input: bool, says_batch: bool, is_far: bool) -> list[Candidate]:
        near = list(_near_deviations(plain, self.values, says_batch))
        far = list(_far_deviations(plain, says_input)) if is_far else []
        alone = far if is_far else near
        found: list[Candidate] = []
        of_papers: set[Fraction] = set()
        for each in alone:
            value = self.values.value(plain._replace(**each.change))
            is_of_papers = each.change.get("convention") in FLOPS
            if value is not None and (is_of_papers or each.kind != "convention" or value not in of_papers):
                of_papers |= {value} if is_of_papers else set()
                found.append(Candidate(value, each.words, each.grade, each.digits, each.key, len(found)))
        alone_come_to = {each.value for each in found}  # two deviations that come to what one does explain nothing
        for one, other in combinations([*near, *far], 2):
            if is_far and one not in far and other not in far and not _is_far_pair(one, other):
                continue
            grade = _together(one, other, is_far)
            if grade is None or (is_far and "@" in one.words and not one.words.endswith("@torchvision")):
                continue  # other settings of a variant: of the one that libraries have
            value = self.values.value(plain._replace(**one.change)._replace(**other.change))
            if value is not None and value not in alone_come_to:
                if {one.change.get("convention"), other.change.get("convention")} & set(FLOPS):
                    alone_come_to.add(value)  # and what a convention of papers comes to, no tool is needed for
                words, key = f"{one.words}, {other.words}", f"{one.key}, {other.key}"
                is_usual = one.kind == "variant" and other.key == "doubled"
                least = 2 if is_usual else 4 if grade == _FAR else 3
                digits = max(least, one.digits, other.digits)
                found.append(Candidate(value, words, grade, digits, key, len(found), False))
        return found


def _is_in_units(printed: Printed, value: Fraction) -> bool:
    """Whether 1,024 for a thousand may be it: 1.024 to 1.0995 times as much, and what was rounded."""
    return 0.85 * float(value) <= float(printed.figures[0].value) <= float(value)


def _is_far_pair(one: Deviation, other: Deviation) -> bool:
    return {one.kind, other.kind} == {"convention", "multiple"}


def _together(one: Deviation, other: Deviation, is_far: bool) -> int | None:
    """The grade of two deviations at once; None: nobody makes both."""
    kinds = {one.kind, other.kind}
    if len(kinds) == 1:
        return None
    grade = max(one.grade, other.grade)
    if "variant" in kinds:
        return grade if is_far == (grade > _MULTIPLE) else None
    if not is_far:
        return None
    usual = [{"convention", "resolution"}, {"convention", "heads"}, {"convention", "multiple"}, {"heads", "part"},
             {"resolution", "multiple"}]  # fmt: skip
    is_of_papers = all(each.kind != "convention" or each.change.get("convention") in FLOPS for each in (one, other))
    return _FAR if kinds in usual and is_of_papers else None


def digits_of(printed: Printed) -> int:
    """Digits that count: 3 of 4.09G, 1 of 0.5G or ~60M, all of a whole number; none of 0 or of a bound."""
    if len(printed.figures) != 1:
        return 0
    (figure,) = printed.figures
    if isinstance(figure, Quotient) or printed.precision not in ("", "about"):
        return 0
    digits = len(str(abs(figure.value) // (figure.unit or 1)).lstrip("0"))
    return EXACT if figure.unit == 0 and digits >= MANY else digits


def _fits(printed: Printed, value: Fraction, digits: int) -> bool:
    """Whether a value is what is printed: with few digits rounded to it, for what is cut off is twice as wide."""
    if printed.agreement(value) is None:
        return False
    (figure,) = printed.figures
    if digits >= 3 or printed.precision or not isinstance(figure, Figure) or figure.unit == 0:
        return True
    low, high = figure.rounded()
    return low <= value <= high


def _fitting(
    candidates: Candidates, printed: Printed, digits: int, of_column: frozenset[str] = frozenset()
) -> list[Candidate]:
    (figure,) = printed.figures
    unit = figure.unit if isinstance(figure, Figure) else Fraction(0)
    near = candidates.near(float(figure.value - unit), float(figure.value + unit))
    near = [each for each in near if digits >= (2 if each.key in of_column else each.digits)]
    return [each for each in near if _fits(printed, each.value, digits)]


def _near_deviations(plain: Case, values: Values, says_batch: bool) -> Iterator[Deviation]:
    """What is meant instead, at the same settings: grades 1 to 3."""
    is_work = plain.quantity in ("macs", "flops")
    base = plain.network.partition("@")[0]
    for name in values.names.variants(plain.network):
        yield Deviation("variant", name, {"network": name}, _CONVENTION, 2, f"variant {name.removeprefix(base)}")
    if is_work:
        yield from _conventions(plain)
    if plain.quantity == "activations":
        words = "outputs of convolutions and linear layers"
        yield Deviation("convention", words, {"quantity": "neurons"}, _CONVENTION, 2, words)
    if plain.quantity == "weights":
        yield Deviation("convention", "all parameters", {"quantity": "params"}, _CONVENTION, 2, "all parameters")
    if plain.quantity in ("params", "size_bytes"):
        yield Deviation("part", BUFFERS, {"part": BUFFERS}, _UNIT, 3, BUFFERS)
    if plain.quantity == "active_params":
        yield Deviation("part", EMBEDDING, {"part": EMBEDDING}, _CONVENTION, 2, EMBEDDING)
    if not is_work and plain.quantity != "size_bytes":  # of bytes, that is another dtype
        yield Deviation("multiple", "doubled", {"factor": Fraction(2)}, _MULTIPLE, 2, "doubled")
    if plain.quantity != "size_bytes":
        yield Deviation("multiple", "halved", {"factor": Fraction(1, 2)}, _MULTIPLE, 3, "halved")
    for batch in BATCHES if plain.quantity not in ("params", "weights", "size_bytes") and not says_batch else ():
        if batch > 2 or plain.quantity not in ("macs", "flops"):  # a batch of 2 is doubled
            words = f"batch of {batch} left in"
            yield Deviation("multiple", words, {"factor": Fraction(batch)}, _MULTIPLE, 3, words)


def _conventions(plain: Case) -> Iterator[Deviation]:
    """Other conventions: those of papers, then those of tools."""
    own = "macs" if plain.quantity == "macs" else plain.convention
    told = {CONVENTIONS[own].terms}
    for name in dict.fromkeys((*FLOPS, *CONVENTIONS)):
        if CONVENTIONS[name].terms in told:  # two multiply-accumulates are doubled, whichever tool prints them
            continue
        told.add(CONVENTIONS[name].terms)
        change = {"quantity": "flops", "convention": name}
        if (own, name) == ("macs", "two_per_mac"):
            yield Deviation("convention", "doubled", change, _MULTIPLE, 2, "doubled")
        elif (own, name) == ("two_per_mac", "macs"):
            words = "halved: 1 for a multiply-accumulate"
            yield Deviation("convention", words, change, _MULTIPLE, 2, words)
        else:
            words = named(name) if name in FLOPS else f"as {CONVENTIONS[name].title} counts"
            yield Deviation("convention", words, change, _CONVENTION, 3 if name in SELDOM else 2, words)


def _far_deviations(plain: Case, says_input: bool) -> Iterator[Deviation]:
    """Other settings than the table says, and parts left out: grades 4 and 5."""
    is_of_maps = plain.quantity in ("macs", "flops", "activations", "neurons")
    yield Deviation("heads", "training heads counted", {"with_heads": True}, _SETTING, 2, "heads")
    for size in RESOLUTIONS if is_of_maps and not says_input else ():
        words = f"at {size}x{size}"
        yield Deviation("resolution", words, {"resolution": (size, size)}, _SETTING, 3, words)
    for classes in CLASSES:
        words = f"{classes} classes"
        yield Deviation("classes", words, {"classes": classes}, _SETTING, MANY if classes != 100 else EXACT, words)
    for dtype in ("fp16", "int8", "fp64") if plain.quantity == "size_bytes" and plain.dtype == "fp32" else ():
        yield Deviation("dtype", f"at {dtype}", {"dtype": dtype}, _SETTING, 2, dtype)
    for number, part in enumerate(PARTS.get(plain.quantity, ())):
        yield Deviation("part", part, {"part": part}, _FAR if number else _SETTING, 3, part)


def named(convention: str) -> str:
    """A convention of papers in words."""
    return {"macs": "1 for a multiply-accumulate", "two_per_mac": "2 for a multiply-accumulate"}.get(
        convention, "every operation"
    )
