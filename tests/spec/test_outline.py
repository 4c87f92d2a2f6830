"""Files that come with archcalc, read in outline: what waits is what reading the whole file gives."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc.source import Source, SpecError, read_source
from archcalc.spec import model
from archcalc.spec.library import specs_folder
from archcalc.spec.outline import IN_PARTS, outline_of
from archcalc.spec.read import read_spec

FAMILIES = sorted(path.stem for path in specs_folder().glob("*.yaml"))
SOME = ["resnet", "autoformer", "darts", "vgg", "inception_resnet", "hat"]  # braces, blocks, comments, lists in them


def said(part: Any) -> Any:
    """A part of a spec with all that is written in it, and where."""
    if isinstance(part, model.Placed):
        return part.base, part.expression.start, part.expression.end, part.expression.key
    if isinstance(part, (tuple, list)):
        return [said(item) for item in part]
    if isinstance(part, (model.Line, model.Entries, model.Bodies, model.Merge)):
        return type(part).__name__, [said(getattr(part, name, None)) for name in type(part).__slots__]
    return getattr(part, "key", part)


def check(family: str) -> None:
    source = read_source(specs_folder() / f"{family}.yaml")
    outline, whole = read_spec(source, is_known_good=True), read_spec(source)
    assert {*outline_of(source).sections} == {name for name in IN_PARTS if getattr(whole, name)}
    assert [*outline.settable.items()] == [*whole.settable.items()]
    for name in IN_PARTS:
        ours, theirs = getattr(outline, name), getattr(whole, name)
        assert [(key, of.name, of.span) for key, of in ours.items()] == [
            (key, of.name, of.span) for key, of in theirs.items()
        ]
    for name, variant in whole.variants.items():
        assert said([*outline.variants[name].settings().items()]) == said([*variant.settings().items()])
    for name, module in whole.modules.items():
        assert said(outline.modules[name].parts()) == said(module.parts())
    assert said([outline.layers, outline.heads, outline.outputs]) == said([whole.layers, whole.heads, whole.outputs])
    assert (outline.notes, outline.tasks, outline.names()) == (whole.notes, whole.tasks, whole.names())


@pytest.mark.parametrize("family", SOME)
def test_what_waits_is_what_the_whole_file_says(family: str) -> None:
    check(family)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_what_waits_is_what_the_whole_file_says_in_every_file(family: str) -> None:
    check(family)


TOY = """\
network: toy
input: image(3, 8, 8)
modules:
  right(n): conv(n, 1)
  wrong(n): conv(n, 1
layers: right(4)
"""


def test_what_is_wrong_in_a_part_is_told_when_it_is_read_with_all_that_is_wrong() -> None:
    spec = read_spec(Source("toy.yaml", TOY), is_known_good=True)
    assert spec.modules["right"].parameters[0].name == "n"
    body = spec.modules["wrong"].body
    assert isinstance(body, model.Line)
    with pytest.raises(SpecError) as caught:
        str(body.placed.expression)
    (found,) = caught.value.diagnostics
    assert found.message.endswith("is never closed")
    assert found.line == 5


def test_what_yaml_cannot_read_in_a_part_is_told_as_of_the_whole_file() -> None:
    text = TOY.replace("conv(n, 1\n", "{a: [1\n")
    spec = read_spec(Source("toy.yaml", text), is_known_good=True)
    with pytest.raises(SpecError) as outline:
        spec.modules["wrong"].parts()
    with pytest.raises(SpecError) as whole:
        read_spec(Source("toy.yaml", text))
    assert str(outline.value) == str(whole.value)
