"""What claims are compared with: figures of papers and hand counts, never of archcalc itself."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from archcalc.claims.expression import parse_formula
from archcalc.claims.value import FUNCTIONS, Evaluator, ValueProblemError, question
from archcalc.results.claim import Settings
from archcalc.spec.library import specs_folder
from tests.claims.test_read import ledger

EVALUATOR = Evaluator(specs_folder())


def test_an_answer_is_kept_as_json_holds_it(tmp_path: Path) -> None:
    """Whole numbers, fractions, lists, yes and no, and why there is none: the same after it was kept."""
    texts = ["2 ** 60", "3 / 7", "[1, 1 / 2, [2]]", "1 < 2", 'macs("vgg61")', 'receptive_field("vgg16", "pool5")']
    entries = "".join(
        f"  a{at}:\n    printed: '1'\n    where: 1\n    verdict: rounds\n    value: '{text}'\n"
        for at, text in enumerate(texts)
    )
    claims = ledger(tmp_path, entries).claims
    known = json.loads(json.dumps({question(claim): EVALUATOR.answer(claim) for claim in claims}))
    kept = Evaluator(tmp_path / "nowhere", known)
    expected = [2**60, Fraction(3, 7), (1, Fraction(1, 2), (2,)), True, None, (212, 212)]
    for claim, value in zip(claims, expected, strict=True):
        assert kept.answer(claim) == EVALUATOR.answer(claim) == known[question(claim)]
        if value is None:
            assert known[question(claim)]["problem"] == "no network is called `vgg61`"
        else:
            assert (kept.value(claim), type(kept.value(claim))) == (value, type(value))


def value(text: str, folder: Path) -> Any:
    """What an expression gives, read as an entry of a ledger is."""
    found = ledger(folder, f"  a:\n    printed: '1'\n    where: 1\n    verdict: rounds\n    value: {text}\n")
    assert not found.findings
    return EVALUATOR.value(found.claims[0])


# Sources: Krizhevsky et al. 2012 and its deploy file (AlexNet), Szegedy et al. 2014 Table 1 (GoogLeNet),
# LeCun et al. 1998 II.B (LeNet-5), torchvision (ResNet-50), the rest by hand.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('params("alexnet")', 60_965_224),
        ("params('alexnet') / params('googlenet')", Fraction(60_965_224, 6_998_552)),
        ('weights("googlenet", "inception_3a")', 163_328),
        ('macs("googlenet", "inception_3a")', 128_049_152),
        ('flops("googlenet", "inception_3a", convention="two_per_mac")', 2 * 128_049_152),
        ('flops("googlenet", "inception_3a", convention="macs", batch=2)', 2 * 128_049_152),
        ('output_shape("googlenet", "inception_3a")', (256, 28, 28)),
        ('input_shape("googlenet", "inception_3a")', (192, 28, 28)),
        ('input_shape("googlenet")', (3, 224, 224)),
        ('channels("googlenet", "inception_3b")', 480),
        ('output_shape("lenet5", "C1")[1:]', (28, 28)),
        ('output_shape("lenet5", "C1")[0]', 6),
        ('output_shape("lenet5", "C1")[-1]', 28),
        ('output_shape("lenet5", "C1")[:1]', (6,)),
        ('connections("lenet5")', 340_908),
        ('receptive_field("vgg16", "pool5")', (212, 212)),
        ('jump("vgg16", "pool5")', (32, 32)),
        ('depth("googlenet")', 22),
        ('depth_with_pooling("googlenet")', 27),
        ('argument("alexnet", "conv2", "groups")', 2),
        ('argument("googlenet", "dropout", "p")', Fraction(2, 5)),
        ('count("squeezenet1_0", "fire*")', 8),
        ('count("googlenet", "inception_*")', 9),
        ('count("googlenet", "aux*", with_heads=true)', 2),
        ('macs("resnet50@torchvision", resolution=256) - 2048000', 83_410_944 * 64),
        ('macs("resnet50@torchvision", input=[3, 256, 256]) - 2048000', 83_410_944 * 64),
        ('size_bytes("lenet5", bits=8)', 60_000),
        ('size_bytes("lenet5", dtype="fp16")', 120_000),
        ("2 + 3 * 4 - 1", 13),
        ("7 / 2", Fraction(7, 2)),
        ("7 // 2 + 7 % 2", 4),
        ("-2 ** 2", -4),
        ("2 ** -2", Fraction(1, 4)),
        ("0.1 + 0.2", Fraction(3, 10)),
        ("1_000_000 * 3", 3_000_000),
        ("[1, 2 * 3, 1 / 2]", (1, 6, Fraction(1, 2))),
        ("sum([1, 2, 3]) + prod(2, 3) + len([7, 8]) + min(5, 4) + max([1])", 6 + 6 + 2 + 4 + 1),
        ("sum([]) + prod([])", 1),
        ("1 < 2 <= 2 < 3", True),
        ("1 < 2 > 2", False),
        ("[1, 2] == [1, 2]", True),
        ("1 / 3 != 0.333", True),
        ('max(params("lenet5"), 1) >= 60000 ', True),
    ],
)
def test_expressions_are_exact(text: str, expected: Any, tmp_path: Path) -> None:
    found = value(f"'{text}'" if text.startswith("[") else text, tmp_path)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ('params("alexnett")', "no network is called `alexnett`", "did you mean `alexnet`"),
        ('params("alexnet", "conv9")', "alexnet has no layers under `conv9`", "did you mean `conv"),
        ('params("alexnet", resolutoin=3)', "alexnet has no variable `resolutoin`", "did you mean `resolution`?"),
        ('params("alexnet", batch=0)', "batch is a whole number of 1 or more, not 0", ""),
        ('params("alexnet", batch=true)', "batch is a whole number of 1 or more, not true", ""),
        ('flops("alexnet")', "flops are of a convention", "two_per_mac"),
        ('argument("alexnet", "conv2", "gruops")', "`conv2` has no argument `gruops`", "did you mean `groups`?"),
        ('argument("resnet50", "conv2", "p")', "`conv2` is no layer of resnet50", "archcalc show resnet50 --scope"),
        ('argument("alexnet", "conv2", "padding_mode")', "`conv2` has no argument", ""),
        ('count("alexnet", "fire*")', "no path of alexnet fits `fire*`", "archcalc show alexnet"),
        ("1 / 0", "the expression divides by 0", ""),
        ("1 // (2 - 2)", "the expression divides by 0", ""),
        ("0 ** -1", "0 has no negative power", ""),
        ("2 ** 65", "a power is a whole number to 64, not 65", ""),
        ("2 ** 0.5", "a power is a whole number to 64, not 1/2", ""),
        ("2 * output_shape('lenet5')", "`[10]` is no number to calculate with", "[0]"),
        ("2 * (1 < 2)", "`true` is no number to calculate with", ""),
        ("output_shape('lenet5')[1]", "a list of 1 has no item 1", "[0]"),
        ("output_shape('lenet5')[1 / 2]", "1/2 is not a whole number", ""),
        ("(2)[0]", "`2` is no list to take an item of", ""),
        ("min([])", "min of nothing", ""),
    ],
)
def test_what_cannot_be_computed_says_why(text: str, message: str, help: str, tmp_path: Path) -> None:
    with pytest.raises(ValueProblemError) as caught:
        value(text, tmp_path)
    assert message in str(caught.value)
    assert help in caught.value.help


def test_an_unknown_cost_is_no_figure(tmp_path: Path) -> None:
    folder = tmp_path / "claims"
    folder.mkdir()
    (tmp_path / "mine.yaml").write_text(
        "network: mine\ninput: image(3, 8, 8)\nlayers:\n  a: conv(4, 1)\n  b: opaque(4)\n", encoding="utf-8"
    )
    evaluator = Evaluator(tmp_path)
    text = "  a:\n    printed: '1'\n    where: 1\n    verdict: rounds\n    network: mine.yaml\n    quantity: {}\n"
    (claim,) = ledger(folder, text.format("macs")).claims
    with pytest.raises(ValueProblemError, match="lower bound"):
        evaluator.value(claim)
    (claim,) = ledger(folder, text.format("weights")).claims
    assert evaluator.value(claim) == 12


def test_a_network_is_expanded_once(tmp_path: Path) -> None:
    evaluator = Evaluator(specs_folder())
    entry = "    printed: '1'\n    where: 1\n    verdict: rounds\n    network: googlenet\n    quantity: {}\n"
    text = "".join(f"  {name}:\n{entry.format(name)}" for name in ("params", "macs", "depth"))
    for claim in ledger(tmp_path, text).claims:
        evaluator.value(claim)
    assert len(evaluator._graphs) == len(evaluator._costs) == 1


def test_what_was_expanded_for_other_settings_is_not_taken() -> None:
    evaluator = Evaluator(specs_folder())
    settings = [Settings(), Settings(input=(3, 256, 256)), Settings(set=(("resolution", 256),)), Settings(batch=2)]
    found = [evaluator.quantity("macs", "resnet50@torchvision", "", each) for each in settings]
    # 83,410,944 n^2 + 2,048,000 at 32 n pixels
    small, large = (83_410_944 * n**2 + 2_048_000 for n in (7, 8))
    assert found == [small, large, large, 2 * small]


def test_a_setting_may_take_away_what_is_stored_apart(tmp_path: Path) -> None:
    text = "network: s\ninput: features(4)\nvariables: {l: linear(2)}\nlayers:\n  a:\n    b: l\n"
    (tmp_path / "s.yaml").write_text(f"{text}storage:\n  s:\n    a.b: {{bits: 8}}\n", encoding="utf-8")
    settings = [Settings(), Settings(set=(("l", "relu"),))]
    found = [Evaluator(tmp_path).quantity("size_bytes", "s.yaml", "", each) for each in settings]
    assert found == [4 * 2 + 2, 0]


def test_networks_of_an_expression_are_known() -> None:
    formula = parse_formula('max(macs("b"), macs("a", "x")) / macs("b")', FUNCTIONS)
    assert formula.networks == ("b", "a")
