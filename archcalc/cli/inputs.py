"""What is typed, checked and made into the arguments of one function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from archcalc.cli.output import FINDINGS, complain, fail, say
from archcalc.named import NamedTuple

if TYPE_CHECKING:
    from fractions import Fraction

    from archcalc.engine.network import Network
    from archcalc.results.cost import NetworkCost
    from archcalc.results.storage import Bits
    from archcalc.source import Diagnostic, SpecError
    from archcalc.spec.limits import Limits

Made = TypeVar("Made")


class Request(NamedTuple):
    """How a network is to be analysed, as typed."""

    set: list[str] | None = None
    input: list[str] | None = None
    batch: int = 1
    dtype: str = "fp32"
    convention: str = "arithmetic"
    with_heads: bool = False
    limit: list[str] | None = None
    strict: bool = False
    bits: str | None = None
    density: str | None = None
    scope: str | None = None
    step: bool = False
    state_dtype: str | None = None


def analysed(names: Sequence[str], request: Request) -> list[NetworkCost]:
    """Costs of the networks.

    Raises:
        SpecError: everything that is wrong with any of them.
    """
    from archcalc.engine.network import analyze, load

    arguments = checked(request)
    networks = for_each(dict.fromkeys(names), lambda name: load(name, arguments["input"]))
    warn_of_inputs(networks.values(), arguments["set"], arguments["input"])
    costs = for_each(networks, lambda name: analyze(networks[name], **arguments))
    if request.strict:
        refuse_unknown(costs.values())
    return [costs[name] for name in names]


def tell_remarks(*networks: str) -> None:
    """Say on stderr what must be known of configurations, beside a result that has no place for it."""
    from archcalc.spec.library import is_configuration

    for network in filter(is_configuration, dict.fromkeys(networks)):
        from archcalc.engine.network import load

        for remark in load(network).spec.remarks:
            say(remark if len(networks) == 1 else f"{network}: {remark}")


def warn_of_inputs(networks: Iterable[Network], set: Mapping[str, Any] | None, input: Any) -> None:
    """Say on stderr which inputs seem to be given channels last.

    Raises:
        SpecError: an input does not fit the spec.
    """
    from archcalc.engine.channels_last import channels_last
    from archcalc.source import unique

    found = unique(warning for network in networks for warning in channels_last(network, input, set))
    if found:
        complain(found)


def for_each(names: Iterable[str], make: Callable[[str], Made]) -> dict[str, Made]:
    """What is made of each name, by name.

    Raises:
        SpecError: everything that is wrong with any of them.
    """
    from archcalc.source import SpecError, unique

    made: dict[str, Made] = {}
    wrong: list[Diagnostic] = []
    for name in names:
        try:
            made[name] = make(name)
        except SpecError as error:
            wrong.extend(error.diagnostics)
    if wrong:
        raise SpecError(unique(wrong))
    return made


def checked(request: Request) -> dict[str, Any]:
    """Arguments of `analyze`."""
    from archcalc.engine.cost.conventions import CONVENTIONS
    from archcalc.results.cost import DTYPES

    if request.batch < 1:
        fail("bad-batch", f"the batch is {request.batch}; it is 1 or more", "--batch 1")
    return {
        "set": settings(request.set or []),
        "input": sizes(request.input),
        "batch": request.batch,
        "dtype": known(request.dtype, DTYPES, "dtype"),
        "convention": known(request.convention, CONVENTIONS, "convention"),
        "with_heads": request.with_heads,
        "limits": limits(request.limit or []),
        "bits": bits(request.bits),
        "density": density(request.density),
        "scope": request.scope or "",
        "step": request.step,
        "state_dtype": None if request.state_dtype is None else known(request.state_dtype, DTYPES, "dtype"),
    }


def density(text: str | None) -> Fraction | None:
    """A decimal from 0 to 1."""
    from archcalc.engine.network import exact_density

    if text is None:
        return None
    try:
        return exact_density(text.strip())
    except ValueError as error:
        fail("bad-density", str(error), "--density 0.33")


def bits(text: str | None) -> Bits | None:
    """A number of bits, or the word of a format that packs weights in blocks."""
    from archcalc.results.formats import BLOCKS
    from archcalc.results.storage import bits_of
    from archcalc.source import suggestion

    if text is None:
        return None
    found = bits_of(text)
    if found is None:
        help = suggestion(text.lower(), BLOCKS, f"--bits 8, or a format: {', '.join(BLOCKS)}")
        fail("bad-bits", f"--bits takes a whole number of 1 or more, or a format of blocks, not `{text}`", help)
    return found


def known(word: str, words: Iterable[str], what: str) -> str:
    """A word of a list; another one is an error with the nearest."""
    from archcalc.source import suggestion

    choices = list(words)
    if word in choices:
        return word
    help = suggestion(word, choices, f"there are {', '.join(choices)}")
    fail(f"unknown-{what}", f"no {what} is called `{word}`", help)


def pairs(given: Sequence[str], option: str, sample: str) -> list[tuple[str, str]]:
    """`NAME=VALUE` in two."""
    found = []
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.strip() or not value.strip():
            fail("bad-option", f"{option} takes NAME=VALUE, not `{text}`", f"{option} {sample}")
        found.append((name.strip(), value.strip()))
    return found


def words(given: Sequence[str], option: str, sample: str) -> list[str]:
    """Names with commas between them, each once; one at least."""
    found = dict.fromkeys(word for text in given for part in text.split(",") if (word := part.strip()))
    if not found:
        fail("bad-option", f"{option} takes names, with commas between them", f"{option} {sample}")
    return list(found)


def settings(given: Sequence[str]) -> dict[str, str]:
    """Variables and the expressions that they are set to; the last one holds."""
    return dict(pairs(given, "--set", "resolution=256"))


def limits(given: Sequence[str]) -> Limits:
    """Limits of the expansion, some of them raised."""
    from archcalc.spec.limits import DEFAULT_LIMITS

    raised = {}
    for name, value in pairs(given, "--limit", "layers=2000000"):
        known(name, DEFAULT_LIMITS.raisable, "limit")
        number = whole_number(value)
        if number is None:
            fail("bad-option", f"--limit {name} takes a whole number of 1 or more, not `{value}`")
        raised[name] = number
    return DEFAULT_LIMITS._replace(**raised)


def whole_number(text: str) -> int | None:
    """A whole number of 1 or more, as people write it: `2_000_000`, `2,000,000`; None: it is none."""
    digits = text.strip().replace("_", "").replace(",", "")
    return int(digits) or None if digits.isdecimal() and digits.isascii() and len(digits) <= 18 else None


def positive_number(text: str) -> Fraction | None:
    """A number above 0 and not too large, exactly: `0.25`, `1/8`; None: it is none."""
    from archcalc.spec.number import exact_number

    number = exact_number(text)
    return number if number is not None and 0 < number < 10**9 else None


def sizes(given: Sequence[str] | None) -> list[int] | dict[str, list[int]] | None:
    """`3x256x256` as numbers; `text=128` and `image=3x224x224` by name."""
    if not given:
        return None
    if len(given) == 1 and "=" not in given[0]:
        return _numbers(given[0])
    return {name: _numbers(text) for name, text in pairs(given, "--input", "text=128")}


_SHAPE = r"(?:image|volume|sequence|features|tokens)\(([^()]*)\)"


def _numbers(text: str) -> list[int]:
    written = re.fullmatch(_SHAPE, text.strip())  # as in a spec: image(3, 224, 224)
    plain = written[1] if written else text
    parts = plain.strip().lower().replace("×", "x").replace(",", "x").split("x")
    if not all(part.strip().isdecimal() and part.isascii() and len(part) <= 18 for part in parts):
        help = "--input 3x256x256; of several inputs --input left=4 --input right=6"
        fail("bad-input", f"--input takes sizes with x between them, channels first, not `{text}`", help)
    return [int(part) for part in parts]


def tell_left_out(broken: Iterable[tuple[str, SpecError]]) -> None:
    """Say on stderr which files are left out because they do not read or expand."""
    import typer

    for name, error in broken:
        found = f"{len(error.diagnostics)} finding{'s' * (len(error.diagnostics) != 1)}"
        typer.echo(f"left out: {name} has {found} (archcalc validate {name})", err=True)


def refuse_unknown(costs: Iterable[NetworkCost]) -> None:
    """End where an operation is of unknown cost: totals would be lower bounds."""
    import typer

    from archcalc.source import Diagnostic

    found = []
    for cost in costs:
        unknown = [layer for layer in cost.layers if layer.status == "unknown"]
        if unknown:
            named = ", ".join(f"{layer.name} ({layer.type})" for layer in unknown)
            found.append(
                Diagnostic(
                    "unknown-cost",
                    f"{cost.name}: the cost of {named} is not known",
                    help="without --strict, totals are marked as lower bounds",
                )
            )
    if found:
        complain(found)
        raise typer.Exit(FINDINGS)
