"""What an expression of the language is made of. Offsets are counted from the start of the expression's text."""

from __future__ import annotations

from fractions import Fraction
from typing import Any


class Expression:
    """Base of what an expression is made of. `start` and `end` are offsets into its text."""

    __slots__ = ("_call", "_free", "_key", "end", "start")
    start: int
    end: int
    _key: tuple[Any, ...]  # these three are found when first asked for
    _free: tuple[str, ...]
    _call: Call

    @property
    def key(self) -> tuple[Any, ...]:
        """Structure without places: equal for expressions that say the same."""
        try:
            return self._key
        except AttributeError:
            parts = [_key_of(getattr(self, name)) for name in type(self).__slots__]
            self._key = (type(self).__name__, *parts)
            return self._key


def _key_of(part: Any) -> Any:
    if isinstance(part, Expression):
        return part.key
    if isinstance(part, tuple):
        return tuple([_key_of(item) for item in part])
    return part


class Number(Expression):
    """A whole number or an exact decimal."""

    __slots__ = ("value",)
    value: int | Fraction

    def __init__(self, start: int, end: int, value: int | Fraction) -> None:
        self.start, self.end = start, end
        self.value = value


class Unread(Expression):
    """A text that is no expression; of what it was meant to be nothing is known."""

    __slots__ = ("text",)
    text: str

    def __init__(self, start: int, end: int, text: str) -> None:
        self.start, self.end = start, end
        self.text = text


class Name(Expression):
    """A bare name."""

    __slots__ = ("id",)
    id: str

    def __init__(self, start: int, end: int, id: str) -> None:
        self.start, self.end = start, end
        self.id = id


class Path(Expression):
    """`x.channels`, or the path of an earlier layer."""

    __slots__ = ("parts",)
    parts: tuple[str, ...]

    def __init__(self, start: int, end: int, parts: tuple[str, ...]) -> None:
        self.start, self.end = start, end
        self.parts = parts


class Items(Expression):
    """A tuple or a list."""

    __slots__ = ("items",)
    items: tuple[Expression, ...]

    def __init__(self, start: int, end: int, items: tuple[Expression, ...]) -> None:
        self.start, self.end = start, end
        self.items = items


class Unary(Expression):
    """`-a`, `+a` or `not a`."""

    __slots__ = ("operand", "operator")
    operator: str
    operand: Expression

    def __init__(self, start: int, end: int, operator: str, operand: Expression) -> None:
        self.start, self.end = start, end
        self.operator = operator
        self.operand = operand


class Binary(Expression):
    """Arithmetic, or a repeat where the left side is a layer."""

    __slots__ = ("left", "operator", "right")
    operator: str
    left: Expression
    right: Expression

    def __init__(self, start: int, end: int, operator: str, left: Expression, right: Expression) -> None:
        self.start, self.end = start, end
        self.operator = operator
        self.left = left
        self.right = right


class Compare(Expression):
    """`a < b`, `a in b`: one comparison."""

    __slots__ = ("left", "operator", "right")
    operator: str
    left: Expression
    right: Expression

    def __init__(self, start: int, end: int, operator: str, left: Expression, right: Expression) -> None:
        self.start, self.end = start, end
        self.operator = operator
        self.left = left
        self.right = right


class Logic(Expression):
    """`a and b`, `a or b`."""

    __slots__ = ("operands", "operator")
    operator: str
    operands: tuple[Expression, ...]

    def __init__(self, start: int, end: int, operator: str, operands: tuple[Expression, ...]) -> None:
        self.start, self.end = start, end
        self.operator = operator
        self.operands = operands


class Choice(Expression):
    """`then if condition else otherwise`."""

    __slots__ = ("condition", "otherwise", "then")
    then: Expression
    condition: Expression
    otherwise: Expression

    def __init__(self, start: int, end: int, then: Expression, condition: Expression, otherwise: Expression) -> None:
        self.start, self.end = start, end
        self.then = then
        self.condition = condition
        self.otherwise = otherwise


class Index(Expression):
    """`depth[0]`."""

    __slots__ = ("index", "value")
    value: Expression
    index: Expression

    def __init__(self, start: int, end: int, value: Expression, index: Expression) -> None:
        self.start, self.end = start, end
        self.value = value
        self.index = index


class Call(Expression):
    """`conv(64, 7, stride=2)`; `named` holds (name, expression)."""

    __slots__ = ("arguments", "function", "named", "places")
    function: str
    arguments: tuple[Expression, ...]
    named: tuple[tuple[str, Expression], ...]
    places: tuple[tuple[int, int], ...]  # of the names in `named`

    def __init__(
        self,
        start: int,
        end: int,
        function: str,
        arguments: tuple[Expression, ...],
        named: tuple[tuple[str, Expression], ...],
        places: tuple[tuple[int, int], ...],
    ) -> None:
        self.start, self.end = start, end
        self.function = function
        self.arguments = arguments
        self.named = named
        self.places = places

    @property
    def key(self) -> tuple[Any, ...]:
        """Structure without places."""
        try:
            return self._key
        except AttributeError:
            self._key = ("Call", self.function, _key_of(self.arguments), _key_of(self.named))
            return self._key


class Chain(Expression):
    """`a >> b >> c`."""

    __slots__ = ("parts",)
    parts: tuple[Expression, ...]

    def __init__(self, start: int, end: int, parts: tuple[Expression, ...]) -> None:
        self.start, self.end = start, end
        self.parts = parts


class Generator(Expression):
    """`(element for variable in iterable)`."""

    __slots__ = ("element", "iterable", "variable")
    element: Expression
    variable: str
    iterable: Expression

    def __init__(self, start: int, end: int, element: Expression, variable: str, iterable: Expression) -> None:
        self.start, self.end = start, end
        self.element = element
        self.variable = variable
        self.iterable = iterable


class Listing(Expression):
    """`[element for variable in iterable]`: the list of what a generator gives."""

    __slots__ = ("generator",)
    generator: Generator

    def __init__(self, start: int, end: int, generator: Generator) -> None:
        self.start, self.end = start, end
        self.generator = generator


def as_call(expression: Name | Call) -> Call:
    """A bare name is a call without arguments."""
    if isinstance(expression, Call):
        return expression
    try:
        return expression._call
    except AttributeError:
        expression._call = Call(expression.start, expression.end, expression.id, (), (), ())
        return expression._call


def children(expression: Expression) -> list[Expression]:
    """Direct parts of an expression that are expressions."""
    if isinstance(expression, (Name, Number, Path)):  # as most are
        return []
    match expression:
        case Items(items=items):
            return list(items)
        case Unary(operand=operand):
            return [operand]
        case Binary(left=left, right=right) | Compare(left=left, right=right):
            return [left, right]
        case Logic(operands=operands):
            return list(operands)
        case Choice(then=then, condition=condition, otherwise=otherwise):
            return [then, condition, otherwise]
        case Index(value=value, index=index):
            return [value, index]
        case Call(arguments=arguments, named=named):
            return [*arguments, *(value for _, value in named)]
        case Chain(parts=parts):
            return list(parts)
        case Generator(element=element, iterable=iterable):
            return [element, iterable]
        case Listing(generator=generator):
            return [generator]
    return []


def taps_body(expression: Expression) -> bool:
    """Whether `tap(x)` is in it: what it stands for depends on where it was written."""
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Name) and part.id == "x":
            return True
        waiting += children(part)
    return False


def free_names(expression: Expression) -> tuple[str, ...]:
    """Names that an expression takes from where it stands; the functions of calls and `x` among them."""
    try:
        return expression._free
    except AttributeError:
        names: dict[str, None] = {}
        waiting: list[tuple[Expression, tuple[str, ...]]] = [(expression, ())]
        while waiting:
            part, bound = waiting.pop()
            if isinstance(part, Generator):
                waiting += [(part.element, (*bound, part.variable)), (part.iterable, bound)]
                continue
            if isinstance(part, (Name, Path, Call)):
                name = part.id if isinstance(part, Name) else part.parts[0] if isinstance(part, Path) else part.function
                if name not in bound:
                    names[name] = None
            waiting += [(child, bound) for child in children(part)]
        expression._free = tuple(names)
        return expression._free
