"""Whatever stands in a file of the ledger: claims or diagnostics with places inside the file, never an exception."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from archcalc.claims.check import check_claim
from archcalc.claims.expression import ExpressionError, parse_formula
from archcalc.claims.read import claims_of
from archcalc.claims.value import FUNCTIONS, Evaluator, ValueProblemError
from archcalc.results.claim import STATUSES
from archcalc.source import Source
from archcalc.spec.library import specs_folder

PAGE = (Path(__file__).parents[2] / "specs/claims/README.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
WORDS = [
    *re.findall(r"[\w.]+|[^\w\s]|\n +", EXAMPLE),
    "batch: 0",
    "input: [3]",
    "[",
    "{",
    "'",
    '"',
    "- ",
    "1e9",
    "true",
]
EVALUATOR = Evaluator(specs_folder())
TOKENS = (
    *(
        'params("lenet5")',
        'output_shape("lenet5", "C1")',
        'argument("lenet5", "C1", "kernel")',
        'count("lenet5", "C*")',
    ),
    *("0", "1", "2", "64", "0.5", "[", "]", "(", ")", ",", ":", "+", "-", "*", "/", "//", "**", "%", "<", "==", "!="),
    *("max", "sum", "len", "prod", "x", '"a"', "if", "not", "lambda", "=", "batch", " "),
)


@given(st.lists(st.tuples(st.integers(0, len(EXAMPLE)), st.integers(0, 12), st.sampled_from(WORDS)), max_size=4))
def test_a_file_that_was_changed_anywhere(changes: list[tuple[int, int, str]]) -> None:
    text = EXAMPLE
    for at, gone, put in changes:
        text = text[:at] + put + text[at + gone :]
    found = claims_of(Source("changed.yaml", text), "changed")
    for finding in found.findings:
        assert finding.message
        if finding.span is not None:
            assert 0 <= finding.span.start <= finding.span.end <= len(text) + 1
    for claim in found.claims:
        assert check_claim(claim, EVALUATOR).status in STATUSES


@given(st.lists(st.sampled_from(TOKENS), max_size=9).map(" ".join))
def test_any_expression_is_computed_or_refused(text: str) -> None:
    refused, unknown = None, None
    try:
        EVALUATOR._evaluated(parse_formula(text, FUNCTIONS).tree)
    except ExpressionError as error:
        refused = error.problem
    except ValueProblemError as error:
        unknown = str(error)
    assert unknown != ""
    if refused is not None:
        assert 0 <= refused.start < refused.end <= max(len(text), 1)
        assert refused.help
