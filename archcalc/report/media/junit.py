"""Results as JUnit XML, which CI systems show: suites of cases that pass, fail, are left out or cannot be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple
from xml.sax.saxutils import escape
from xml.sax.saxutils import quoteattr as quoted

from archcalc.source import visible


class Case(NamedTuple):
    """One thing that was checked; without an outcome it passed."""

    name: str
    outcome: Literal["", "failure", "error", "skipped"] = ""
    message: str = ""
    text: str = ""
    type: str = ""


def junit(suites: Iterable[tuple[str, Sequence[Case]]]) -> str:
    """Cases by the name of their suite; a suite without any is left out."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for suite, cases in suites:
        if cases:
            lines += [f"  <testsuite name={quoteattr(suite)} {_counts(cases)}>"]
            lines += [f"    {_element(suite, case)}" for case in cases]
            lines += ["  </testsuite>"]
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def quoteattr(text: str) -> str:
    """A value in quotes; XML has no control characters."""
    return quoted(_lines(text))


def _lines(text: str) -> str:
    return "\n".join(map(visible, text.split("\n")))


def _counts(cases: Sequence[Case]) -> str:
    outcomes = [case.outcome for case in cases]
    counts = {
        "tests": len(cases),
        "failures": outcomes.count("failure"),
        "errors": outcomes.count("error"),
        "skipped": outcomes.count("skipped"),
    }
    return " ".join(f'{name}="{count}"' for name, count in counts.items())


def _element(suite: str, case: Case) -> str:
    head = f"<testcase classname={quoteattr(suite)} name={quoteattr(case.name)}"
    if not case.outcome:
        return f"{head}/>"
    kind = f" type={quoteattr(case.type)}" if case.type else ""
    outcome = f"<{case.outcome}{kind} message={quoteattr(case.message)}"
    inside = f"{outcome}>{escape(_lines(case.text))}</{case.outcome}>" if case.text else f"{outcome}/>"
    return f"{head}>{inside}</testcase>"
