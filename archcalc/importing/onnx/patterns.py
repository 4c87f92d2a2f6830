"""Operations that exporters take apart, put together again; and those that no output needs, left out.

A pattern looks at the last operation of what it stands for, finds the others by what they read, and gives the
operation that replaces it. What is replaced is left out because nothing reads it any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from archcalc.importing.neutral import Operation, Program, Ref, refs

Found = tuple[str, dict[str, Any]] | None
Pattern = Callable[["Search", Operation], Found]
PATTERNS: dict[str, list[Pattern]] = {}


def pattern(*ends: str) -> Callable[[Pattern], Pattern]:
    """Register a pattern that ends in one of these operations."""

    def register(function: Pattern) -> Pattern:
        for end in ends:
            PATTERNS.setdefault(end, []).append(function)
        return function

    return register


def rewrite(program: Program) -> None:
    """Put together what stands for one operation, and leave out what no output needs."""
    search = Search(program)
    for place, operation in enumerate(program.operations):
        for find in PATTERNS.get(operation.op, ()):
            found = find(search, operation)
            if found is not None:
                new = replace(operation, op=found[0], arguments=found[1])
                program.operations[place] = new
                search.made[operation.outputs[0]] = new
                break
    leave_out(program)


def leave_out(program: Program) -> None:
    """Take out operations of which nothing reaches an output, and inputs that none of the others reads."""
    needed = set(program.outputs.values())
    kept = []
    for operation in reversed(program.operations):
        if needed.intersection(operation.outputs):
            needed.update(operation.tensors())
            kept.append(operation)
    program.operations[:] = reversed(kept)
    read = {name: index for name, index in program.inputs.items() if index in needed}
    unread = [name for name in program.inputs if name not in read]
    if unread and read:
        program.notes.append(f"no output depends on {', '.join(f'`{name}`' for name in unread)}")
        program.inputs = read
        program.input_words = {name: word for name, word in program.input_words.items() if name in read}


class Search:
    """Operations by what they give, and how often that is read."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.made = {index: operation for operation in program.operations for index in operation.outputs}
        self.uses = Counter(index for operation in program.operations for index in set(operation.tensors()))
        self.uses.update(program.outputs.values())

    def before(self, value: Any, *names: str) -> Operation | None:
        """The operation that gives a tensor, if it is one of these."""
        found = self.made.get(value.tensor) if isinstance(value, Ref) else None
        return found if found is not None and found.op in names else None

    def pair(self, operation: Operation) -> list[tuple[Any, Any]]:
        """Both orders of what an operation of two tensors reads."""
        a, b = operation.arguments["self"], operation.arguments.get("other")
        return [(a, b), (b, a)]

    def number(self, value: Any) -> float | None:
        """A number among the arguments, or a constant of one element."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, Ref):
            tensor = self.program.tensors[value.tensor]
            while isinstance(numbers := tensor.value, list) and len(numbers) == 1:
                tensor = replace(tensor, value=numbers[0])
            if tensor.kind == "constant" and isinstance(tensor.value, (int, float)):
                return float(tensor.value)
        return None

    def factors(self, value: Any) -> list[Any]:
        """What is multiplied to give a tensor, numbers among it; a division by a number is a factor."""
        operation = self.before(value, "mul", "div")
        if operation is None:
            return [value]
        a, b = operation.arguments["self"], operation.arguments["other"]
        if operation.op == "div":
            number = self.number(b)
            return [value] if not number else [*self.factors(a), 1 / number]
        return [*self.factors(a), *self.factors(b)]

    def product(self, value: Any) -> tuple[float, list[Any]]:
        """A number and tensors whose product a tensor is."""
        number, tensors = 1.0, []
        for factor in self.factors(value):
            found = self.number(factor)
            if found is None:
                tensors.append(factor)
            else:
                number *= found
        return number, tensors

    def shape(self, value: Any) -> tuple[int, ...]:
        """Extents of a tensor."""
        shape: tuple[int, ...] = self.program.tensors[value.tensor].shape
        return shape

    def through(self, value: Any) -> Any:
        """What a tensor is but for its shape."""
        while (made := self.before(value, "view")) is not None:
            value = made.arguments["self"]
        return value

    def is_parameter(self, value: Any) -> bool:
        """Whether a tensor is stored and may be trained."""
        return isinstance(value, Ref) and self.program.tensors[value.tensor].kind == "parameter"


def _near(number: float | None, wanted: float) -> bool:
    return number is not None and abs(number - wanted) <= 2e-3 * abs(wanted)


@pattern("mul")
def gelu(search: Search, end: Operation) -> Found:
    """GELU: x * 0.5 * (1 + erf(x / sqrt(2))), or with tanh(sqrt(2/pi) * (x + 0.044715 x^3)), in any order."""
    number, tensors = search.product(Ref(end.outputs[0]))
    if not _near(number, 0.5) or len(tensors) != 2:
        return None
    for x, gate in (tensors, tensors[::-1]):
        total = search.before(gate, "add")
        if total is None:
            continue
        for inner, one in search.pair(total):
            if not _near(search.number(one), 1):
                continue
            erf, tanh = search.before(inner, "erf"), search.before(inner, "tanh")
            if erf is not None:
                scale, of = search.product(erf.arguments["self"])
                if of == [x] and _near(scale, 2**-0.5):
                    return "gelu", {"self": x, "approximate": "none"}
            if tanh is not None:
                scale, of = search.product(tanh.arguments["self"])
                if _near(scale, 0.7978845608) and len(of) == 1 and _is_cubic(search, of[0], x):
                    return "gelu", {"self": x, "approximate": "tanh"}
                if _near(scale, 0.7978845608) and len(of) == 2 and x in of:  # x * (1 + 0.044715 x^2)
                    return "gelu", {"self": x, "approximate": "tanh"}
    return None


def _is_cubic(search: Search, value: Any, x: Any) -> bool:
    total = search.before(value, "add")
    if total is None:
        return False
    for first, second in search.pair(total):
        if first != x:
            continue
        scale, of = search.product(second)
        power = search.before(of[0], "pow") if len(of) == 1 else None
        if _near(scale, 0.044715) and (of == [x, x, x] or (power is not None and power.arguments["self"] == x)):
            return True
    return False


@pattern("mul")
def gated_by_itself(search: Search, end: Operation) -> Found:
    """SiLU, hard swish, Mish: x * sigmoid(x), x * hardsigmoid(x), x * tanh(softplus(x))."""
    for x, gate in search.pair(end):
        sigmoid = search.before(gate, "sigmoid", "hardsigmoid")
        if sigmoid is not None and sigmoid.arguments["self"] == x:
            return ("silu" if sigmoid.op == "sigmoid" else "hardswish"), {"self": x}
        tanh = search.before(gate, "tanh")
        softplus = search.before(tanh.arguments["self"], "softplus") if tanh is not None else None
        if softplus is not None and softplus.arguments["self"] == x:
            return "mish", {"self": x}
    return None


@pattern("mul", "div")
def hard_swish(search: Search, end: Operation) -> Found:
    """Hard swish, hard sigmoid: x * min(max(x + 3, 0), 6) / 6, and the same without x."""
    number, tensors = search.product(Ref(end.outputs[0]))
    if not _near(number, 1 / 6) or len(tensors) not in (1, 2):
        return None
    for place, gate in enumerate(tensors):
        clipped = search.before(gate, "relu6", "hardtanh")
        moved = search.before(clipped.arguments["self"], "add") if clipped is not None else None
        if moved is None or not _near(search.number(moved.arguments["other"]), 3):
            continue
        x, rest = moved.arguments["self"], tensors[:place] + tensors[place + 1 :]
        if rest in ([], [x]):
            return ("hardswish" if rest else "hardsigmoid"), {"self": x}
    return None


@pattern("mul", "div")
def layer_norm(search: Search, end: Operation) -> Found:
    """(x - mean) / sqrt(mean((x - mean)^2) + eps) over the last axes, or the same without the mean."""
    found = _normed(search, Ref(end.outputs[0]))
    if found is None:
        return None
    x, dims, eps, is_centred = found
    rank = len(search.shape(x))
    over = sorted(axis % rank for axis in dims)
    if over != list(range(rank - len(over), rank)):
        return None
    named = {"input": x, "normalized_shape": list(search.shape(x)[over[0] :]), "weight": None, "eps": eps}
    return ("layer_norm", {**named, "bias": None}) if is_centred else ("rms_norm", named)


def _normed(search: Search, value: Any) -> tuple[Any, list[int], float, bool] | None:
    """(x, axes, eps, whether the mean is taken off) of what is divided by the root of its mean square."""
    divided = search.before(value, "div", "mul")
    if divided is None:
        return None
    choices = [(divided.arguments["self"], divided.arguments["other"])]
    if divided.op == "mul":
        choices = search.pair(divided)
    for above, below in choices:
        if divided.op == "mul":
            inverse = search.before(below, "reciprocal", "rsqrt", "pow", "div")
            if inverse is None:
                continue
            below = inverse.arguments["self"] if inverse.op in ("reciprocal",) else below  # noqa: PLW2901
        root = search.before(below, "sqrt", "rsqrt", "pow")
        if root is None:
            continue
        total = search.before(root.arguments["self"], "add")
        if total is None:
            continue
        mean = search.before(total.arguments["self"], "mean")
        eps = search.number(total.arguments["other"])
        if mean is None or eps is None or eps > 0.1:
            continue
        squared = search.before(mean.arguments["self"], "pow", "mul")
        if squared is None or squared.arguments["self"] not in (above, *_same(search, above)):
            continue
        if squared.op == "mul" and squared.arguments["other"] != squared.arguments["self"]:
            continue
        if squared.op == "pow" and not _near(search.number(squared.arguments["exponent"]), 2):
            continue
        centred = search.before(above, "sub")
        middle = search.before(centred.arguments["other"], "mean") if centred is not None else None
        if centred is not None and middle is not None and middle.arguments["self"] == centred.arguments["self"]:
            return centred.arguments["self"], mean.arguments["dim"], eps, True
        return above, mean.arguments["dim"], eps, False
    return None


def _same(search: Search, value: Any) -> list[Any]:
    """Tensors that are computed alike: some exporters take the mean off twice."""
    centred = search.before(value, "sub")
    if centred is None:
        return []
    return [
        Ref(index)
        for index, operation in search.made.items()
        if operation.op == "sub" and operation.arguments == centred.arguments
    ]


@pattern("view")
def group_norm(search: Search, end: Operation) -> Found:
    """A norm of each row of a view of (batch, groups, rest), as torch's exporter by TorchScript writes group norms."""
    norm = search.before(end.arguments["self"], "instance_norm")
    if norm is None or norm.arguments["weight"] is not None or norm.arguments["bias"] is not None:
        return None
    before = search.before(norm.arguments["input"], "view")
    if before is None:
        return None
    x = before.arguments["self"]
    rows, shape = search.shape(norm.arguments["input"]), search.shape(x)
    if len(rows) != 3 or shape != search.program.tensors[end.outputs[0]].shape or rows[0] != shape[0]:
        return None
    named = {"input": x, "num_groups": rows[1], "weight": None, "bias": None, "eps": norm.arguments["eps"]}
    return "group_norm", named


@pattern("add", "mul")
def scaled_norm(search: Search, end: Operation) -> Found:
    """Scale and shift after a norm that has none: of its channels, or of the axes that it is over."""
    name = {"mul": "weight", "add": "bias"}[end.op]
    for first, second in search.pair(end):
        norm = search.before(first, "group_norm", "instance_norm", "layer_norm", "rms_norm")
        if norm is None or not search.is_parameter(second) or search.uses[first.tensor] > 1:
            continue
        if norm.arguments.get(name, second) is not None or norm.arguments.get("bias") is not None:
            continue
        shape = search.shape(first)
        wanted = tuple(norm.arguments.get("normalized_shape", (shape[1], *[1] * (len(shape) - 2))))
        given = search.shape(second)
        leading = len(given) - len(wanted)
        if given[leading:] == wanted and all(extent == 1 for extent in given[:leading]):
            return norm.op, {**norm.arguments, name: second}
    return None


@pattern("div")
def softmax(search: Search, end: Operation) -> Found:
    """A softmax in parts, exp(x - max(x)) / sum(exp(x - max(x))), along the axis of the sum."""
    above = search.before(end.arguments["self"], "exp")
    below = search.before(search.through(end.arguments["other"]), "sum")
    if above is None or below is None or below.arguments["self"] != end.arguments["self"]:
        return None
    x = above.arguments["self"]
    moved = search.before(x, "sub")
    if moved is not None:
        largest = search.through(moved.arguments["other"])
        clipped = search.before(largest, "maximum")
        for value in (clipped.arguments["self"], clipped.arguments["other"]) if clipped is not None else (largest,):
            if search.before(search.through(value), "amax") is not None:
                x = moved.arguments["self"]
    dims = below.arguments["dim"]
    return ("softmax", {"self": x, "dim": dims[0]}) if len(dims) == 1 else None


@pattern("where")
def without_nan(search: Search, end: Operation) -> Found:
    """The rows of a softmax that a mask leaves empty made zeros: nothing that costs."""
    condition, zero, x = (end.arguments[name] for name in ("condition", "self", "other"))
    asked = search.before(condition, "isnan")
    if asked is None or asked.arguments["self"] != x or search.number(zero) != 0:
        return None
    return "alias", {"self": x}


@pattern("cat")
def roll(search: Search, end: Operation) -> Found:
    """Positions moved on: a part from some index on, then what was before it; along two axes, one after the other."""
    parts = [search.before(value, "slice") for value in end.arguments["tensors"]]
    if len(parts) != 2 or parts[0] is None or parts[1] is None:
        return None
    first, second = (part.arguments for part in parts if part is not None)
    x, dim = first["self"], end.arguments["dim"]
    if second["self"] != x or not first["dim"] == second["dim"] == dim or first["step"] != 1 or second["step"] != 1:
        return None
    extent = search.shape(x)[dim]
    if second["start"] != 0 or first["end"] != extent or first["start"] != second["end"]:
        return None
    shifts, dims = [-second["end"] if 2 * second["end"] < extent else extent - second["end"]], [dim]
    before = search.before(x, "roll")
    if before is not None and search.uses[x.tensor] <= 2 and dim not in before.arguments["dims"]:
        x = before.arguments["self"]
        shifts, dims = before.arguments["shifts"] + shifts, before.arguments["dims"] + dims
    return "roll", {"self": x, "shifts": shifts, "dims": dims}


__all__ = ["PATTERNS", "refs", "rewrite"]
