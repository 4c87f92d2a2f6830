"""The numbers that rules use: ints, and polynomials where a size is a variable."""

from archcalc.dims.atoms import Condition, Dim
from archcalc.dims.decide import at_least_bound, at_most_bound, equal, less, sign
from archcalc.dims.fold import Algebra, bound, evaluate, fold, fold_all, substitute
from archcalc.dims.polynomial import Polynomial, total
from archcalc.dims.ratio import FREE, Ratio, make_divisible
from archcalc.dims.requirements import (
    Assumption,
    Relation,
    RequirementError,
    assume,
    collecting_assumptions,
    collecting_sentences,
    number_text,
    require_at_least,
    require_divides,
    require_equal,
)
from archcalc.dims.vocabulary import (
    adaptive_windows,
    ceil_div,
    maximum,
    minimum,
    prod,
    select,
    variable,
)
from archcalc.dims.windows import Inside, windows_inside

__all__ = [
    "FREE",
    "Algebra",
    "Assumption",
    "Condition",
    "Dim",
    "Inside",
    "Polynomial",
    "Ratio",
    "Relation",
    "RequirementError",
    "adaptive_windows",
    "assume",
    "at_least_bound",
    "at_most_bound",
    "bound",
    "ceil_div",
    "collecting_assumptions",
    "collecting_sentences",
    "equal",
    "evaluate",
    "fold",
    "fold_all",
    "less",
    "make_divisible",
    "maximum",
    "minimum",
    "number_text",
    "prod",
    "require_at_least",
    "require_divides",
    "require_equal",
    "select",
    "sign",
    "substitute",
    "total",
    "variable",
    "windows_inside",
]
