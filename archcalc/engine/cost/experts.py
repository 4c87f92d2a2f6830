"""Experts: how many different ones some tokens are expected to use."""

from __future__ import annotations

from fractions import Fraction
from math import exp, log1p
from typing import Any

from archcalc.dims import Dim, minimum
from archcalc.graph import Node
from archcalc.source import Diagnostic, SpecError

ASSUMPTION = "uniform independent routing"
EXACT_UP_TO = 1 << 14  # tokens; beyond, the power of a fraction has millions of digits


def distinct_experts(experts: int, top: int, tokens: int) -> Fraction:
    """Different experts that so many tokens are expected to use, each `top` of them, under uniform independent routing.

    E*(1 - (1 - k/E)**n): a token leaves an expert out with probability 1 - k/E. It is at least `top` and at most
    min(experts, top*tokens). It adds up neither over tokens nor over batches, so it is no column of the totals.

    Raises:
        ValueError: no token, or more experts of each than there are.
    """
    if not 0 < top <= experts or tokens < 1:
        raise ValueError(f"{top} of {experts} experts for {tokens} tokens")
    return experts * (1 - Fraction(experts - top, experts) ** tokens)


def used_experts(experts: int, top: int, tokens: int) -> int:
    """The same as a whole number, rounded up: what a memory must deliver."""
    if tokens > EXACT_UP_TO and experts * exp(tokens * log1p(-top / (experts + 1))) < 1:
        return experts
    found = distinct_experts(experts, top, tokens)
    return -(-found.numerator // found.denominator)


def parameters_read(node: Node, stored: Dim, batch: Dim) -> Any:
    """Of the parameters that are stored with an operation those that it reads for a batch.

    Of a table that is looked up a row for each position, of experts those that the tokens are expected to use.

    Raises:
        SpecError: so many tokens that are not known, of which the experts used have no closed form.
    """
    if node.operator.looks_up:
        return minimum(stored, batch * node.y.elements)
    experts, top = node.operator.copies
    if experts == top:
        return stored
    tokens = batch * node.y.positions
    if not (isinstance(experts, int) and isinstance(top, int) and isinstance(tokens, int)):
        message = f"the experts of {node.layer} that an open number of tokens uses have no closed form"
        raise SpecError([Diagnostic("structural-variable", message, help="give length, batch and experts values")])
    return stored // experts * used_experts(experts, top, tokens)
