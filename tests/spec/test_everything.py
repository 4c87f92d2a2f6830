"""`validate` tells all that is wrong with a file: what goes on after an error, and what only follows from one."""

from __future__ import annotations

from pathlib import Path

from archcalc.engine.validate import validate
from archcalc.source import Diagnostic
from archcalc.spec.limits import DEFAULT_LIMITS, Limits


def found(tmp_path: Path, text: str, limits: Limits = DEFAULT_LIMITS) -> list[Diagnostic]:
    path = tmp_path / "n.yaml"
    path.write_text(text)
    return sorted(validate([str(path)], limits).findings, key=lambda finding: finding.span or (0, 0))


def test_shape_errors_of_all_layers_modules_heads_and_variants(tmp_path: Path) -> None:
    """Channels by hand: what a layer gives is known after an error, where its own arguments say it."""
    findings = found(
        tmp_path,
        """network: n
input: image(8, 16, 16)
variables: {w: 8}
variants:
  n@nine: {w: 9}
modules:
  bad(k): conv(16, 3, groups=k) >> maxpool(2)
layers:
  a: conv(w, 3, groups=5)
  b: conv(16, 3)
  c: conv(8, 3, groups=7)
  d: bad(3)
  f:
    concat:
      p: maxpool(100)
      q: conv(8, 3, groups=3)
      r: identity
  g: add(conv(8, 1), conv(9, 1))
  h: flatten >> conv(8, 3)
heads:
  aux: tap(a) >> conv(22, 3, groups=11)
""",
    )
    assert [(finding.line, finding.message) for finding in findings] == [
        (7, "conv: 8 input channels do not divide into 3 groups"),
        (9, "conv: 8 input channels do not divide into 5 groups"),
        (11, "conv: 16 input channels do not divide into 7 groups"),
        (16, "conv: 16 input channels do not divide into 3 groups"),
        (18, "add needs branches of one shape; branch 1 gives 8x?x?, branch 2 gives 9x?x?"),
        (19, "conv slides over spatial axes; its input is features ?"),
        (21, "conv: 8 input channels do not divide into 11 groups"),
        (21, "conv: 9 input channels do not divide into 11 groups"),
    ]


def test_what_only_follows_is_not_told(tmp_path: Path) -> None:
    """After a window that is too large nothing is known of extents: no window after it is refused."""
    text = """network: n
input: image(8, 16, 16)
modules:
  block(n): conv(n, x.channels, padding=half) >> maxpool(x.height // 2)
layers:
  a: conv(8, 99)
  b: conv(8, 9) >> maxpool(5)
  c: block(8)
  d: add(identity, b)
  e: share(b)
  f: (conv(4, 3) if x.height > 3 else relu)
  g: linear(9) * 2
"""
    (finding,) = found(tmp_path, text)
    assert (finding.code, finding.line) == ("window-larger-than-input", 6)


def test_misspelt_arguments_and_shapes_are_told_together(tmp_path: Path) -> None:
    text = """network: n
input: image(8, 16, 16)
layers:
  a: conv(8, 3, groups=3)
  b: conv(8, 3, strid=2)
  c: cnov(8, 3)
  d: add(conv(8, 1, groups=5), identity)
"""
    codes = [(finding.code, finding.line) for finding in found(tmp_path, text)]
    assert codes == [
        ("indivisible-groups", 4),
        ("unknown-argument", 5),
        ("unknown-operator", 6),
    ]


def test_a_mapping_whose_parts_do_not_read_one_another(tmp_path: Path) -> None:
    text = """network: n
input: image(8, 16, 16)
layers:
  first: conv(8, 1)
  pyramid:
    average: global_avgpool >> flatten
    most: global_maxpool >> flatten
    both: conv(8, 16) >> flatten
"""
    (finding,) = found(tmp_path, text)
    assert (finding.code, finding.line) == ("chain-as-merge", 5)
    assert finding.help is not None
    assert finding.help.startswith("concat, add, mul or mean: below `pyramid` gives all of them 8x16x16")
    assert "slides over spatial axes" in finding.note_texts()[0]


def test_a_chain_that_is_wrong_is_no_merge(tmp_path: Path) -> None:
    """`b` does not fit what `a` gives, but the two would not merge either: 14x14 and 8x8."""
    text = """network: n
input: image(8, 16, 16)
layers:
  first: conv(8, 1)
  body:
    a: conv(8, 3, stride=2)
    b: conv(8, 9)
"""
    (finding,) = found(tmp_path, text)
    assert (finding.code, finding.line) == ("window-larger-than-input", 7)


def test_a_limit_ends_it(tmp_path: Path) -> None:
    text = """network: n
input: image(8, 16, 16)
layers:
  a: conv(8, 99)
  b: relu * 2000
"""
    codes = [finding.code for finding in found(tmp_path, text, Limits(layers=100))]
    assert codes == ["window-larger-than-input", "too-many-layers"]


def told(tmp_path: Path, text: str) -> list[tuple[int | None, str]]:
    return [(finding.line, finding.code) for finding in found(tmp_path, text) if finding.severity == "error"]


def test_what_cannot_be_read_hides_nothing_of_the_rest(tmp_path: Path) -> None:
    """A text that is no expression, unknown names and bad arguments, beside shapes; of each that is wrong its line."""
    text = """network: n
inputs: image(8, 16, 16)
varables: {w: nothing, u: 9}
modules:
  broken(a, b=): conv(a, b) >> missing
  twice(k): conv(k, 3) >> conv(k, 3, groups=5)
layers:
  a: conv(8, 3, groups=3)
  b: conv(8, 3, strid=2)
  c: conv(u, 3, groups=4)
  d: conv(1.5, 3)
  e: twice(8)
  f: broken(4)
  g: conv(8 3)
  h: conv(w, 3) >> conv(7, 3, padding=hlaf)
  conv: {channels: 8, kernel: 3}
  i: tap(e) >> add(conv(8, 1), conv(9, 1))
  j: "relu"
"""
    assert told(tmp_path, text) == [
        (2, "unknown-key"),
        (3, "unknown-key"),
        (3, "unknown-name"),
        (5, "bad-module"),
        (5, "unknown-name"),
        (6, "indivisible-groups"),
        (8, "indivisible-groups"),
        (9, "unknown-argument"),
        (10, "indivisible-groups"),
        (11, "bad-argument"),
        (14, "syntax"),
        (15, "unknown-name"),
        (16, "operator-key"),
        (17, "shape-mismatch"),
        (18, "expression-style"),
    ]


def test_what_is_no_yaml_hides_nothing_before_it(tmp_path: Path) -> None:
    """Names that stand after it may have their meaning there; `nowhere` stands nowhere."""
    text = """network: n
input: image(8, 16, 16)
layers:
  a: conv(8, 3, groups=3)
  b: conv(nowhere, 3)
  c: after(4) >> conv(later, 3)
  d: tap(a) >> conv(8, 3, groups=5)
  e: add:
       - conv(8, 3)
variables: {later: 3}
modules:
  after(k): conv(k, 3, groups=7)
"""
    findings = found(tmp_path, text)
    assert [(finding.line, finding.code) for finding in findings] == [
        (4, "indivisible-groups"),
        (5, "unknown-name"),
        (7, "indivisible-groups"),
        (8, "yaml-syntax"),
    ]
    assert "what stands after it is not read" in findings[-1].notes


def test_brackets_that_never_close_are_not_read(tmp_path: Path) -> None:
    text = """network: n
input: image(8, 16, 16)
colour: blue
variables: {w: 3,
layers:
  a: conv(w, 3, groups=3)
"""
    assert told(tmp_path, text) == [(3, "unknown-key"), (6, "yaml-syntax")]


def test_variables_that_depend_on_themselves_and_conditions_stop_nothing(tmp_path: Path) -> None:
    text = """network: n
input: image(8, 16, 16)
variables: {a: b, b: a, c: 5}
requires: {an even c: c % 2 == 0}
layers:
  one: conv(c, 3, groups=3)
  two: conv(a, 3) >> conv(9, 3, groups=3)
  three: tap(input) >> maxpool(99)
"""
    assert told(tmp_path, text) == [
        (3, "circular-variable"),
        (4, "requirement"),
        (6, "indivisible-groups"),
        (8, "window-larger-than-input"),
    ]


def test_a_name_of_two_things_is_neither(tmp_path: Path) -> None:
    text = """network: n
input: image(8, 16, 16)
variables: {w: 8}
modules:
  w: conv(3, 1)
  m(a): conv(a, 3, groups=3)
  m(a, b): conv(a, b)
layers:
  a: conv(w, 3)
  b: m(3)
  c: tap(input) >> conv(8, 3, groups=3)
"""
    assert told(tmp_path, text) == [(5, "duplicate-name"), (7, "duplicate-module"), (11, "indivisible-groups")]


def test_of_repeats_of_what_is_not_known_the_rest_says_the_same(tmp_path: Path) -> None:
    """8 + 3 * 4 channels, and 100 * 8 more; a block that keeps its channels is expanded once."""
    text = """network: n
input: image(8, 16, 16)
modules:
  grow(k): concat(identity, conv(k, 3, padding=half))
  keep: add(identity, conv(x.channels, 3, padding=half))
layers:
  a: conv(8, 99)
  b: grow(4) * 3
  c: conv(8, 3, groups=3)
  d: keep * 90000
  e: grow(8) * 100
  f: conv(10, 3, groups=10)
"""
    assert [finding.message for finding in found(tmp_path, text)][1:] == [
        "conv: 20 input channels do not divide into 3 groups",
        "conv: 808 input channels do not divide into 10 groups",
    ]


def test_variables_that_nothing_reads_are_told_beside_what_cannot_be_read(tmp_path: Path) -> None:
    """`b` may be read by what is no expression, `c` by what is no operator's default, `d` by a module of no name."""
    text = """network: n
input: image(8, 16, 16)
variables:
  alone: 3
  b: 4
  c: 5
  d: 6
defaults:
  cnov:
    channels: c
modules:
  m(k, j=): conv(d, 3)
layers:
  a: conv(b 3)
"""
    assert told(tmp_path, text) == [
        (4, "unused-variable"),
        (9, "unknown-operator"),
        (12, "bad-module"),
        (14, "syntax"),
    ]
    without = text.replace("input: image(8, 16, 16)\n", "")
    assert (3, "unused-variable") not in told(tmp_path, without)


def test_what_reads_a_wrong_variable_input_or_layer_says_nothing(tmp_path: Path) -> None:
    text = """network: n
input: image(width, minn(16, 8), 16)
variables: {size: 'minn(7, 8)', width: 8, kind: wide}
modules:
  wide(k): conv(k, 3)
layers:
  a: conv(size, 3)
  b:
    c: cnov(8, 3)
  d: conv(8, 3, kernel=size) >> linear(3, weights=b.conv)
  e: kinds(8)
"""
    assert told(tmp_path, text) == [
        (2, "unknown-operator"),
        (3, "unknown-operator"),
        (9, "unknown-operator"),
        (10, "repeated-argument"),
        (11, "unknown-operator"),
    ]
