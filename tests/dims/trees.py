"""Random rules: each builds the same number from ints and from variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from archcalc.dims import Dim, ceil_div, equal, less, maximum, minimum, select, variable

Rule = Callable[[Mapping[str, Any]], Any]

LEAST = {"r": 1, "w": 1, "k": 5, "z": 0}
OPEN: dict[str, Dim] = {name: variable(name, at_least) for name, at_least in LEAST.items()}

settings.register_profile("archcalc-dims", derandomize=True, deadline=None)
quick = settings(settings.get_profile("archcalc-dims"), max_examples=300)


def _binary(operate: Callable[[Any, Any], Any]) -> Callable[[tuple[Rule, Rule]], Rule]:
    return lambda pair: lambda values: operate(pair[0](values), pair[1](values))


def _with_literal(operate: Callable[[Any, int], Any]) -> Callable[[tuple[Rule, int]], Rule]:
    return lambda pair: lambda values: operate(pair[0](values), pair[1])


def _choice(relation: Callable[[Any, Any], Any]) -> Callable[[tuple[Rule, Rule, Rule]], Rule]:
    return lambda rules: lambda v: select(relation(rules[0](v), rules[1](v)), rules[2](v), rules[0](v) + rules[1](v))


def _larger(rules: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    pairs = st.tuples(rules, rules)
    literals = st.tuples(rules, st.integers(1, 9))
    return st.one_of(
        pairs.map(_binary(lambda a, b: a + b)),
        pairs.map(_binary(lambda a, b: a - b)),
        pairs.map(_binary(lambda a, b: a * b)),
        pairs.map(_binary(maximum)),
        pairs.map(_binary(minimum)),
        pairs.map(_binary(lambda a, b: a // maximum(b, 1))),
        pairs.map(_binary(lambda a, b: (a * b + b) // maximum(1, b))),
        literals.map(_with_literal(lambda a, q: a // q)),
        literals.map(_with_literal(ceil_div)),
        literals.map(_with_literal(lambda a, q: q - a)),
        literals.map(_with_literal(lambda a, q: q * a)),
        st.tuples(rules, st.integers(0, 3)).map(_with_literal(lambda a, n: a**n)),
        st.tuples(rules, rules, rules).map(_choice(less)),
        st.tuples(rules, rules, rules).map(_choice(equal)),
    )


def _name(name: str) -> Rule:
    return lambda values: values[name]


def _literal(number: int) -> Rule:
    return lambda values: number


rules = st.recursive(
    st.sampled_from(sorted(LEAST)).map(_name) | st.integers(-9, 40).map(_literal), _larger, max_leaves=8
)
points = st.fixed_dictionaries({name: st.integers(least, least + 40) for name, least in LEAST.items()})
