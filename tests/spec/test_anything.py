"""Whatever a spec says, it is a result or a SpecError that can be shown, and soon."""

import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from archcalc.engine.cost.quantities import quantity
from archcalc.engine.network import Network, analyze
from archcalc.results.cost import NetworkCost
from archcalc.source import Source, SpecError, render_text, source_from_bytes
from archcalc.spec.limits import Limits
from archcalc.spec.model import Spec
from archcalc.spec.parse import parse_expression
from archcalc.spec.read import KEYS, read_spec
from archcalc.spec.words import RESERVED

SMALL = Limits(steps=20_000, layers=2_000)
SPECS = [path.read_text() for path in sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))]
AROUND = """\
network: n
input: image(3, 16, 16)
variables: {a: 4, b: 3, w: 2, c: '[1, 2, 3]', l: relu, k: conv}
tables: {table: XX}
modules:
  f(w, b=1): conv(w, b)
  g(w): w
layers:
  e0: (identity if [a, b, w, c, l, k] == 1 else conv(2, 1, connections=table)) * 0
  e1: conv(4, 1) >> maxpool(2)
  e2: """
HEAD = "network: n\ninput: image(3, 16, 16)\n"


def outcome(text: str, limits: Limits = SMALL, free: bool = False) -> list[NetworkCost] | SpecError:
    """What a spec gives: every network analysed, or the first error. Anything else is a bug."""
    source = Source("t.yaml", text)
    try:
        spec = read_spec(source)
        if free:
            for name in list(spec.settable)[:4]:
                one_free(spec, name)
        costs = [analyze(Network(spec, name), limits=limits, with_heads=True) for name in spec.names()[:8]]
        for cost in costs:
            _ = [(layer.params, layer.receptive_field, layer.notation) for layer in list(cost.layers)[:20]]
    except SpecError as error:
        assert_can_be_shown(error)
        return error
    return costs


def assert_can_be_shown(error: SpecError) -> None:
    """Raises AssertionError where a diagnostic lacks something, or points beyond its text."""
    assert error.diagnostics
    for code, message, span, source, *_ in error.diagnostics:
        assert re.fullmatch("[a-z0-9-]+", code)
        assert message
        if source is not None and span is not None:
            assert 0 <= span.start <= span.end <= len(source.text) + 1
    assert render_text(error.diagnostics)


def one_free(spec: Spec, name: str) -> None:
    for network in spec.names()[:2]:
        try:
            quantity(Network(spec, network).graph(free=[name], limits=SMALL), "macs")
        except SpecError as error:
            assert_can_be_shown(error)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    begun = time.process_time()
    yield
    assert time.process_time() - begun < seconds


# expressions made of the grammar's own pieces


def listed(text: str) -> list[str]:
    """What stands in a text, two spaces apart."""
    return [part for line in text.splitlines() for part in line.strip().split("  ") if part]


WRONG = listed("""
    0  -1  1.5  99999999999  9223372036854775807  x  x.nothing  e9  e1.1  true  none  half  input  table  f
    conv  relu  tap  share  identity  (1,2)  []  x.depth  x.length  10**9  2**64  range(10**9)
    conv(4,3)*99999  tap(e1)  len  concat()  concat(none)  e1.conv  e1.relu  tap(input)
""")
NUMBERS = listed("""
    0  1  1  2  2  3  4  8  16  0.5  1.1  a  b  w  x.channels  x.height  len(c)  c[0]  c[1]  max(1,a)
""")
CONDITIONS = listed("""
    true  false  a==b  a<3  x.channels==3  1<w  w==relu
""")
LAYERS = listed("""
    relu  identity  conv(4,3,padding=half)  conv(4,1)  f(2)  g(relu)  l  l  k(4,1)  batch_norm  dropout(0.5)
    unpool(e1.maxpool)
""")
NUMERIC = listed("""
    ({0} + {1})  -{0}  ({0} - {1})  {0} * {1}  {0} / {1}  {0} // {1}  {0} % {1}  ({0}) ** {1}  max({0}, {1})
    min({0}, {1})  c[{0}]  ceil({0})  round({0})  floor({0} / {1})  make_divisible({0}, {1})
    len(range({0}, {1}))  sum({0} for w in range({1}))
""")
LOGICAL = listed("""
    not {2}  {0} < {1}  {0} == {1}  {0} != {1}  {0} in c  {0} in ({1}, {0})  ({2} and {2})  ({2} or {2})
    {0} < {1} < 3  {3} == l  {3} == {4}
""")
LAYERED = listed("""
    {3} >> {4}  ({3} >> {4}) * {0}  ({3}) * {0}  ({3} for w in range({0}))  ({3} for i in c)  conv({0}, {1})
    conv({0}, 3, padding={1}, activation={3})  deconv({0}, 2, stride=2)  linear({0}, weights=e1)
    concat({3}, {4})  add({3}, {4})  mul({3}, {4}, identity)  mean({3} for i in range({0}))
    concat({3}, {4}, align=crop)  concat(e1, {3})  add(identity, e1.conv_1)  f({0})  f({0}, b={3})  g({3})
    l({0}, 1)  concat(tap(e1) >> {3}, identity)  share(e1)  maxpool(2) >> {3} >> unpool(e1)
    (({3}) if {2} else ({4}))  (({3}) if {2} else none)  dropout({0})  upsample({0})  flatten >> linear({0})
    global_avgpool >> {3}  f({0}) * {1}  g({3}) >> g({4})  opaque({0}, stride={1})
""")
PLAIN = {"number": NUMBERS, "condition": CONDITIONS, "layer": LAYERS, "wrong": WRONG}
FORMS = {"number": NUMERIC, "condition": LOGICAL, "layer": LAYERED}
PARTS = ("number", "number", "condition", "layer", "layer")


@st.composite
def pieces(draw: st.DrawFn, kind: str = "layer", depth: int = 3) -> str:
    """An expression of a kind; seldom one of another."""
    at = random.Random(draw(st.integers(0, 2**64)))

    def grow(kind: str, depth: int) -> str:
        if at.random() < 0.01:
            kind = at.choice(list(PLAIN))
        if depth == 0 or kind == "wrong" or at.random() < 0.3:
            return at.choice(PLAIN[kind])
        form = at.choice(FORMS[kind])
        return form.format(
            *[grow(part, depth - 1) if f"{{{place}}}" in form else "" for place, part in enumerate(PARTS)]
        )

    return grow(kind, depth)


expressions = st.sampled_from(list(FORMS)).flatmap(pieces)
TOKENS = [*NUMBERS, *CONDITIONS, *LAYERS, *WRONG]
MARKS = listed("(  )  [  ]  ,  =  >>  **  *  -  if  else  for  in  not  and  or  :  '  #  {  }  1e5  0x1  3x3  \u00e9")
noise = st.lists(st.sampled_from([*TOKENS, *MARKS]), max_size=14).map(" ".join)


@st.composite
def specs(draw: st.DrawFn) -> str:
    """A spec whose structure is right, and whose expressions are nearly so."""
    layer = pieces()

    def body(depth: int, indent: str) -> str:
        form = draw(st.sampled_from(["line", "line", "line", "mapping", "list", "merge", "merges"]))
        if form == "line" or depth > 2:
            return f" {draw(layer)}\n"
        inner = indent + "  "
        if form == "mapping":
            return "\n" + "".join(f"{inner}p{depth}{number}:{body(depth + 1, inner)}" for number in (1, 2))
        if form == "list":
            return "\n" + "".join(f"{inner}-{body(depth + 1, inner + '  ')}" for _ in (1, 2))
        merge = draw(st.sampled_from(["concat", "add", "mul", "mean", "concat(align=crop)"]))
        if form == "merge":
            parts = "".join(f"{inner}  - {draw(layer)}\n" for _ in (1, 2))
        else:
            parts = "".join(f"{inner}  {name}:{body(depth + 1, inner + '  ')}" for name in ("left", "right"))
        return f"\n{inner}{merge}:\n{parts}"

    inputs = ["image(3, 16, 16)"] * 3
    inputs += [
        "image(a, b, b)",
        "sequence(4, 9)",
        "features(8)",
        "tokens(7)",
        "volume(2, 4, 4, 4)",
    ]
    text = f"network: n\ninput: {draw(st.sampled_from(inputs))}\nvariables:\n"
    plain = st.sampled_from(["1", "2", "3", "4", "8", "b + 1", "len(c)", "c[0] * 2", "1.5"])
    text += f"  a: {draw(plain)}\n  b: {draw(st.sampled_from(['1', '2', '16']))}\n  w: 3\n  c: [1, 2, 3]\n"
    kind = draw(st.sampled_from(["relu", "conv", "f", "tanh", "conv(a, 1)", "relu >> l2"]))
    text += f"  l: {kind}\n  k: conv\n  l2: tanh\n"
    if draw(st.booleans()):
        activation = draw(st.sampled_from(["relu", "l2", "none", "prelu()"]))
        text += f"defaults:\n  conv: {{padding: half, activation: {activation}}}\n"
    if draw(st.booleans()):
        text += f"variants:\n  n@v:\n    a: {draw(pieces('number', 1))}\n  m:\n    l: {draw(pieces('layer', 1))}\n"
    text += "tables:\n  table: |\n    X.X\n    .XX\n    XXX\n"
    text += f"modules:\n  f(w, b=1):{body(0, '  ')}  g(w):{body(0, '  ')}"
    text += f"layers:\n  e1: {draw(st.sampled_from(['maxpool(2)', 'conv(4, 1) >> maxpool(1)', 'relu', 'f(3)']))}\n"
    text += f"  e2:{body(0, '  ')}  e3:{body(0, '  ')}"
    text += "  e4: (identity if [a, b, w, c, l, k, l2] == 1 else conv(3, 1, connections=table)) * 0\n"
    if draw(st.booleans()):
        text += f"heads:\n  h: tap(e1) >> {draw(layer)}\n"
    return text


@given(specs())
@example(HEAD + "layers: " + "concat(" * 49 + "relu" + ")" * 49)
def test_any_structure_of_any_expressions_ends(text: str) -> None:
    with within(5):
        outcome(text, free=True)


@given(expressions | noise)
@example("0x1for x in y")
@example("1if 1else 2")
@example("1or 2")
@example("lambda: 1")
@example("-" * 3000 + "1")
@example("not " * 900 + "true")
@example("a if b else " * 300 + "c")
@example("a" + "**a" * 1200)
@example("0." + "1" * 3900)
@example("9" * 3999)
@example("a" + ".b" * 1500)
@example("\x00")
def test_any_expression_ends(text: str) -> None:
    with within(3):
        parse_expression(text)
        outcome(AROUND + text + "\n")


@given(st.text(max_size=300) | st.binary(max_size=300))
def test_any_text_ends(text: str | bytes) -> None:
    with within(3):
        if isinstance(text, str):
            outcome(text)
            outcome(HEAD + "layers:\n  " + text)
        else:
            try:
                outcome(source_from_bytes("t.yaml", text).text)
            except SpecError as error:
                assert_can_be_shown(error)


KEY = st.sampled_from(
    [*KEYS, "a", "n@b", "f(a, b=1)", "concat", "add(align=crop)", "conv", "1", "x", "conv, linear", "concat(a", ""]
)
LEAF = st.sampled_from(
    [*TOKENS, "", "image(3, 8, 8)", '"text"', "|\n X.\n", "[1, a]", "{a: 1}", "n", "~", "null", "2014", "a >> b"]
)


def structure(depth: int) -> st.SearchStrategy[str]:
    """YAML that is no spec, but has its keys."""
    indent = "  " * depth
    if depth == 3:
        return LEAF.map(lambda leaf: f" {leaf}\n")
    inner = structure(depth + 1)
    mapping = st.lists(st.tuples(KEY, inner), max_size=4).map(
        lambda rows: "\n" + "".join(f"{indent}{key}:{value}" for key, value in rows) if rows else " {}\n"
    )
    return (
        mapping
        if depth == 0
        else st.one_of(
            LEAF.map(lambda leaf: f" {leaf}\n"),
            mapping,
            st.lists(inner, max_size=3).map(
                lambda rows: "\n" + "".join(f"{indent}-{row}" for row in rows) if rows else " []\n"
            ),
        )
    )


@given(structure(0))
def test_any_structure_ends(text: str) -> None:
    with within(3):
        outcome(text)
        outcome(HEAD + text.lstrip("\n"))


TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|>>|[^\sA-Za-z0-9_]")
HUGE = [
    "0",
    "-1",
    "2",
    "1.5",
    "999999999",
    "9223372036854775807",
    "10**9",
    "2 ** 999999999",
    "1000000",
    "(1, 2)",
    "x.channels",
]
ODD = [
    *sorted(RESERVED)[::7],
    "tap(input)",
    "net",
    "conv",
    "identity",
    "none",
    "true",
    "x",
    "unpool",
    "share",
    ">>",
    "(",
    ")",
    ",",
    ":",
    "'",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A spec of this repository with a few things changed."""
    text = draw(st.sampled_from(SPECS))
    at = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(1, 4))):
        lines = text.split("\n")
        tokens = list(TOKEN.finditer(text))
        one, other = at.choice(tokens), at.choice(tokens)
        numbers = [token for token in tokens if token[0].isdigit()]
        match draw(st.sampled_from(["swap", "number", "word", "drop", "line", "remove", "indent"])):
            case "swap":
                first, second = sorted((one, other), key=lambda token: token.start())
                text = (
                    text[: first.start()]
                    + second[0]
                    + text[first.end() : second.start()]
                    + first[0]
                    + text[second.end() :]
                )
            case "number":
                number = at.choice(numbers)
                text = text[: number.start()] + at.choice(HUGE) + text[number.end() :]
            case "word":
                text = text[: one.start()] + at.choice(ODD) + text[one.end() :]
            case "drop":
                text = text[: one.start()] + text[one.end() :]
            case "line":
                lines.insert(at.randrange(len(lines)), at.choice(lines))
                text = "\n".join(lines)
            case "remove":
                del lines[at.randrange(len(lines))]
                text = "\n".join(lines)
            case "indent":
                number_ = at.randrange(len(lines))
                lines[number_] = "  " + lines[number_] if at.random() < 0.5 else lines[number_][2:]
                text = "\n".join(lines)
    return text


@given(mutated())
def test_a_changed_spec_ends(text: str) -> None:
    with within(8):
        outcome(text)
