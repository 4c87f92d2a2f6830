"""What each command does, as a function: it takes names, paths, texts or networks, and gives an `Answer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.engine.network import AnyNetwork, Network, analyze, load
from archcalc.python.answer import Answer
from archcalc.source import Source

if TYPE_CHECKING:
    from archcalc.engine.validate import Validation
    from archcalc.ops import Operator
    from archcalc.results.audit import Audit
    from archcalc.results.budget import BudgetCheck, Limit
    from archcalc.results.claim import Ledger
    from archcalc.results.comparison import Comparison
    from archcalc.results.convention import Convention
    from archcalc.results.difference import Difference
    from archcalc.results.explanation import Explanation
    from archcalc.results.formula import Formulas
    from archcalc.results.found import Found
    from archcalc.results.solution import Scaling, Solution


def names(part: str = "") -> list[str]:
    """Names of the networks that come with archcalc, those that hold a word."""
    from archcalc.spec.library import all_names, plain

    return [name for name in all_names() if plain(part) in plain(name)]


def compare(*networks: AnyNetwork, **how: Any) -> Answer[Comparison]:
    """Which network is cheaper, where, and why: what `archcalc compare` tells.

    Args:
        networks: two or more.
        how: as `analyze` takes it: `batch`, `set`, `input`, `dtype`, `convention`, `with_heads`, `scope`.

    Raises:
        ValueError: there are fewer than two.
        SpecError: as `analyze`.
    """
    from archcalc.engine.compare import compare as compare_costs
    from archcalc.engine.groups import grouped
    from archcalc.report.comparison import compared
    from archcalc.report.media import data
    from archcalc.results.cost import totals_row

    if len(networks) < 2:
        raise ValueError("compare needs two networks or more; analyze shows one")
    costs = [analyze(network, **how) for network in networks]
    found = compare_costs(costs)
    return Answer(
        found,
        lambda: {"networks": [data.network_object(cost) for cost in costs]},
        lambda: [data.network_row(cost) | totals_row(cost) for cost in costs],
        lambda: compared(found, "si", parts=[grouped(cost, "layer", 1) for cost in costs]),
    )


def find(*places: str | Path, **how: Any) -> Answer[Found]:
    """Networks by what they cost, what they are for, and their published accuracy.

    Args:
        places: folders and files of specs; without any, all networks that come with archcalc.
        how: `where`, `task`, `pareto`, `sort`, `top`, `dtype`, `with_accuracy`.

    Raises:
        SpecError: an unknown column or task, no condition, or no such place.
    """
    from archcalc.claims.find import find as find_networks
    from archcalc.report.found import found_object, found_row, listed

    found = find_networks(*map(str, places), **how)
    return Answer(
        found,
        lambda: {"networks": [found_object(row, found) for row in found.networks]},
        lambda: [found_row(row, found) for row in found.networks],
        lambda: listed(found, "si"),
    )


def diff(old: AnyNetwork, new: AnyNetwork | None = None, *, git: str | None = None, **how: Any) -> Answer[Difference]:
    """What changed between two networks, layer by layer.

    Args:
        old: the one; with `git`, a file.
        new: the other; with `git`, the file as it is now.
        git: a revision, in which the file is the old network.
        how: as `analyze` takes it.

    Raises:
        SpecError: as `analyze`; no such revision.
        ValueError: there is no second network, and no revision.
    """
    from archcalc.engine.difference import difference
    from archcalc.report.difference import changes, difference_object, rows
    from archcalc.spec.library import find_in_revision

    if new is None and git is None:
        raise ValueError("diff needs two networks, or a file and a revision: diff('my.yaml', git='main')")
    before = load(old) if git is None else Network(*find_in_revision(str(old), git))
    after = load(old if new is None else new)
    labels = (f"{git}:{before.name}" if git else before.name, after.name)
    found = difference(analyze(before, **how), analyze(after, **how), *labels)
    return Answer(found, lambda: difference_object(found, []), lambda: rows(found), lambda: changes(found, []))


def explain(network: AnyNetwork, layer: str, **how: Any) -> Answer[list[Explanation]]:
    """How the numbers of a layer come about: rules, the numbers put in, results, and whose rules they are.

    Args:
        network: the network.
        layer: the path of a layer.
        how: as `analyze` takes it.

    Raises:
        KeyError: there is no such layer.
        SpecError: as `analyze`.
    """
    from archcalc.engine.explain import explained
    from archcalc.report.explanation import explanation_object, layer_explained, rule_object
    from archcalc.report.media import data

    cost = analyze(network, **how)
    found = next((each for each in cost.layers if each.name == layer), None)
    if found is None:
        cost[layer]  # says what was probably meant
        raise KeyError(f"{layer} of {cost.name} is a block: cost[{layer!r}] is its sum")
    explanations = explained(cost, found)
    return Answer(
        explanations,
        lambda: {
            "networks": [
                data.network_object(cost, [found]) | {"explanations": [explanation_object(of) for of in explanations]}
            ]
        },
        lambda: [
            {"operation": of.name, **rule_object(rule), "source": of.source} for of in explanations for rule in of.rules
        ],
        lambda: layer_explained(cost, found, explanations),
    )


def audit(table: str | Path, specs: Sequence[str | Path] = ()) -> Answer[Audit]:
    """Whether each figure of somebody's table is right, explained, or wrong by how much.

    Args:
        table: a file, or the text of a table: CSV, TSV, Markdown, LaTeX or JSON.
        specs: files of networks of one's own that it may name.

    Raises:
        SpecError: it cannot be read, or is no table.
    """
    from archcalc.claims.audit import audit as audit_table
    from archcalc.report.audit import audited, rows
    from archcalc.source import read_source

    kind = "a table: CSV, TSV, Markdown, LaTeX or JSON"
    is_text = isinstance(table, str) and "\n" in table
    source = Source("table", str(table)) if is_text else read_source(Path(table), kind=kind)
    found = audit_table(source, list(map(str, specs)))
    return Answer(
        found, lambda: {"file": found.file, "figures": rows(found)}, lambda: rows(found), lambda: audited(found)
    )


def solve(
    network: AnyNetwork,
    variable: str,
    max: Mapping[str, int | str] | None = None,
    *,
    like: AnyNetwork | None = None,
    quantities: Sequence[str] = ("macs",),
    step: Fraction | float | str | None = None,
    set: Mapping[str, Any] | None = None,
    with_heads: bool = False,
    batch: int = 1,
    dtype: str = "fp32",
) -> Answer[Solution]:
    """The largest value of a variable that a budget allows.

    Args:
        network: the network.
        variable: one of its spec, a number.
        max: the most that each quantity may be: `{"macs": "2G"}`, `{"params": 7_000_000}`.
        like: a network that it may cost as much as, in each of `quantities`.
        quantities: what `like` compares.
        step: values are multiples of it.
        set: values of other variables.
        with_heads: count train-only heads too.
        batch: examples at once.
        dtype: of what is stored and kept, for bytes.

    Raises:
        SpecError: no such variable or quantity; no value keeps to the limits, or every value does.
        ValueError: there is no limit.
    """
    from archcalc.engine.limits.budget import known_quantity, quantity_of
    from archcalc.engine.limits.solve import solve as solve_for
    from archcalc.report.solution import solved, solved_object, solved_rows
    from archcalc.results.budget import Limit

    limits = _limits(max)
    if like is not None:
        other = analyze(like, batch, dtype=dtype, with_heads=with_heads)
        for name in quantities:
            value = quantity_of(other, known_quantity(name))
            limits.append(Limit(name, value, f"{other.name}'s {value:,}"))
    if not limits:
        raise ValueError("there is no limit to keep to: max={'macs': '2G'}, or like='resnet50'")
    exact = None if step is None else Fraction(str(step))
    found = solve_for(load(network), variable, limits, exact, set, with_heads, batch, dtype)
    return Answer(
        found, lambda: {"solutions": [solved_object(found)]}, lambda: solved_rows(found), lambda: solved(found, "raw")
    )


def scale(
    network: AnyNetwork,
    max: Mapping[str, int | str] | None = None,
    *,
    factors: Mapping[str, Fraction | float | str] | None = None,
    steps: Mapping[str, Fraction | float | str] | None = None,
    by: Fraction | float | str = Fraction(1, 2),
    set: Mapping[str, Any] | None = None,
) -> Answer[Scaling]:
    """Depth, width and resolution scaled at once, up to a budget, as EfficientNet is.

    Args:
        network: the network.
        max: the most that each quantity may be: `{"macs": "8G"}`.
        factors: variables and the base that each is scaled by, to the power of phi.
        steps: variables and what their values are multiples of.
        by: phi from one row to the next.
        set: values of other variables.

    Raises:
        SpecError: as `archcalc scale`.
    """
    from archcalc.engine.limits.scale import scale as scale_by
    from archcalc.report.solution import scaled, scaled_rows

    exact = {name: Fraction(str(base)) for name, base in (factors or {}).items()}
    multiples = {name: Fraction(str(step)) for name, step in (steps or {}).items()}
    found = scale_by(load(network), _limits(max), exact or None, multiples, Fraction(str(by)), dict(set or {}))
    return Answer(found, lambda: {"scaled": scaled_rows(found)}, lambda: scaled_rows(found), lambda: scaled(found))


def _limits(max: Mapping[str, int | str] | None) -> list[Limit]:
    from archcalc.engine.limits.budget import limit_of

    return [limit_of(name, str(amount)) for name, amount in (max or {}).items()]


def formula(
    network: AnyNetwork,
    free: Sequence[str] | Mapping[str, Fraction | int | None] | None = None,
    quantities: Sequence[str] = ("macs", "params"),
    *,
    by: Any = "total",
    exact: bool = False,
    set: Mapping[str, Any] | None = None,
    with_heads: bool = False,
) -> Answer[Formulas]:
    """What a network costs as a function of some variables; called with values, it gives the numbers.

    Args:
        network: the network.
        free: the variables, or each with the unit that it is a multiple of; without, `resolution`.
        quantities: what is counted.
        by: what a row is: `total`, `stage` or `layer`.
        exact: show the form for every value, with the floors of sizes.
        set: values of variables.
        with_heads: count train-only heads too.

    Raises:
        SpecError: an unknown network, variable or quantity; or a variable that decides the structure.
    """
    from archcalc.engine.formula.forms import formulas
    from archcalc.report.formula import formulas_object, formulated

    found = formulas(load(network), free, quantities, by, set, with_heads)

    def rows() -> list[dict[str, Any]]:
        return [
            {"row": row or found.name, "quantity": name, "formula": str(form)}
            for row, of in found.chosen(exact).rows.items()
            for name, form in of.items()
        ]

    return Answer(found, lambda: {"networks": [formulas_object(found)]}, rows, lambda: formulated(found, exact))


def validate(*files: str | Path) -> Answer[Validation]:
    """All that is wrong with files of specs.

    Raises:
        ValueError: no file is named.
    """
    from archcalc.engine.validate import validate as validate_files
    from archcalc.report.media.blocks import Paragraph, Verbatim
    from archcalc.source import render_text, sort_diagnostics

    if not files:
        raise ValueError("validate needs a file")
    found = validate_files(list(map(str, files)))
    findings = sort_diagnostics(found.findings)
    rows = [
        {"code": each.code, "file": each.source.name if each.source else "", "line": each.line, "message": each.message}
        | {"help": each.help}
        for each in findings
    ]
    seen = f"{found.files} files, {found.networks} networks: {len(findings)} findings"
    return Answer(
        found,
        lambda: {"findings": rows},
        lambda: rows,
        lambda: [*([Verbatim(render_text(findings))] if findings else []), Paragraph(seen)],
    )


def check(*networks: AnyNetwork, max: Mapping[str, int | str] | None = None, **how: Any) -> Answer[Any]:
    """Networks held to their budgets; without any network, every published figure computed again.

    Args:
        networks: those with a `budget:` in their spec, or any with `max`.
        max: the most that each quantity may be, besides the budgets: `{"macs": "4G"}`.
        how: as `analyze` takes it.

    Raises:
        SpecError: as `analyze`; an unknown quantity, or no amount.
        ValueError: there is a limit and no network, or a network and no limit.
    """
    if not networks:
        if max or how:
            raise ValueError("max says what a network may cost, and none is given")
        return _ledger()
    from archcalc.engine.limits.budget import check_budget
    from archcalc.report.guards import budget_rows, guarded
    from archcalc.spec.budget import limits_of

    checks: list[BudgetCheck] = []
    for network in map(load, networks):
        if limits := [*limits_of(network.spec, network.name), *_limits(max)]:
            checks.extend(check_budget(analyze(network, **how), limits))
    if not checks:
        raise ValueError("there is no `budget:`, and no max is given: max={'params': '7M'}")
    return Answer(
        checks,
        lambda: {"budgets": budget_rows(checks), "deviations": []},
        lambda: budget_rows(checks),
        lambda: guarded(checks, []),
    )


def _ledger() -> Answer[Ledger]:
    from archcalc.claims.check import check_ledger
    from archcalc.report.claim import claim_object, claim_row, counted
    from archcalc.report.pages.ledger import checked

    found = check_ledger()
    return Answer(
        found,
        lambda: {"summary": counted(found.results), "claims": [claim_object(each) for each in found.results]},
        lambda: [claim_row(each) for each in found.results],
        lambda: checked(found),
    )


def sources() -> Answer[Ledger]:
    """Who printed the published figures, and how their figures fare."""
    from archcalc.claims.check import check_ledger
    from archcalc.report.sources import source_rows, sources_listed

    found = check_ledger()
    return Answer(
        found, lambda: {"sources": source_rows(found)}, lambda: source_rows(found), lambda: sources_listed(found)
    )


def conventions() -> Answer[dict[str, Convention]]:
    """Whose FLOPs there are, and what each counts."""
    from archcalc.engine.cost.conventions import CONVENTIONS
    from archcalc.report.reconciliation import convention_object, convention_rows, listed_conventions

    found = list(CONVENTIONS.values())
    return Answer(
        dict(CONVENTIONS),
        lambda: {"conventions": [convention_object(each) for each in found]},
        lambda: list(convention_rows(found)),
        lambda: listed_conventions(found),
    )


def operators() -> Answer[dict[str, type[Operator]]]:
    """The operators of the language."""
    from archcalc.ops import OPERATORS
    from archcalc.report.pages import operators as pages

    rows = partial(pages.rows, OPERATORS.values())
    return Answer(dict(OPERATORS), lambda: {"operators": rows()}, rows, pages.operators_listed)
