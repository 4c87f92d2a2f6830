"""Experts: how many different ones some tokens are expected to use."""

from __future__ import annotations

from fractions import Fraction
from math import exp, log1p

from archcalc.engine.cost.analyze import elements
from archcalc.graph import Node

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


def parameters_read(node: Node, stored: int, batch: int) -> int:
    """Of the parameters that are stored with an operation those that it reads for a batch.

    Of a table that is looked up a row for each position, of experts those that the tokens are expected to use.
    """
    tokens = batch * elements(node.y._replace(channels=1))
    if node.operator.looks_up:
        return min(stored, batch * elements(node.y))
    experts, top = node.operator.copies
    return stored if experts == top else stored // int(experts) * used_experts(int(experts), int(top), tokens)
