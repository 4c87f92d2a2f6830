"""Sequence networks as the language writes them: totals of the same models built by transformers 5.24.0 on meta.

Parameters and MACs (FlopCounterMode / 2, attention `eager`, experts `batched_mm`) are transformers'; elements cached
are those of its own cache objects; `masked` and `active` are arithmetic by hand, and what gpt-oss's model card prints.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from archcalc.engine.cost.experts import distinct_experts
from archcalc.engine.formula.closed_form import closed_form
from archcalc.engine.network import analyze
from archcalc.results.cost import NetworkCost, Totals

FOLDER = Path(__file__).parent
FAMILIES = {
    "gpt2": "gpt2",
    "t5_small": "t5",
    "t5_v1_1_base": "t5",
    "llama_7b": "llama",
    "llama3_8b": "llama",
    "llama3_405b": "llama",
    "mistral_7b": "llama",
    "mixtral_8x7b": "mixtral",
    "deepseek_v3": "deepseek",
    "deepseek_v3@expanded": "deepseek",
    "deepseek_v3@absorbed": "deepseek",
    "gpt_oss_120b": "gpt_oss",
    "gpt_oss_20b": "gpt_oss",
    "whisper_tiny": "whisper",
}


def file(name: str) -> str:
    return f"{FOLDER / FAMILIES[name]}.yaml:{name}"


def totals(name: str, step: bool = False, **set: int) -> Totals:
    return analyze(file(name), set=set, step=step).totals


@pytest.mark.parametrize(
    ("name", "params", "macs", "masked", "state"),
    [
        ("gpt2", 124_439_808, 145_824_153_600, 9_654_239_232, 18_874_368),
        ("t5_small", 60_506_624, 18_312_331_264, 49_938_432, 786_432),
        ("t5_v1_1_base", 247_577_856, 72_917_975_040, 149_815_296, 2_359_296),
        ("llama_7b", 6_738_415_616, 14_630_806_093_824, 549_487_378_432, 536_870_912),
        ("llama3_8b", 8_030_261_248, 16_469_052_096_512, 549_487_378_432, 134_217_728),
        ("mistral_7b", 7_241_732_096, 15_661_598_244_864, 549_487_378_432, 134_217_728),
        ("mixtral_8x7b", 46_702_792_704, 1_636_114_104_320, 2_130_706_432, 8_388_608),
        ("deepseek_v3", 671_026_404_352, 4_728_884_822_016, 20_308_295_680, 4_497_408),
        ("gpt_oss_120b", 116_829_156_672, 661_612_658_688, 2_397_044_736, 4_700_160),
        ("whisper_tiny", 37_760_640, 24_484_724_736, 24_969_216, 393_216),
    ],
)
def test_whole_networks(name: str, params: int, macs: int, masked: int, state: int) -> None:
    found = totals(name)
    assert (found.params, found.macs, found.masked, found.state) == (params, macs, masked, state)


@pytest.mark.parametrize(
    ("name", "past", "macs", "state", "once"),
    [
        ("gpt2", 1000, 141_982_464, 18_450_432, 0),
        ("llama3_8b", 2047, 8_041_529_344, 134_217_728, 0),
        ("mixtral_8x7b", 127, 12_782_141_440, 8_388_608, 0),
        ("deepseek_v3", 127, 166_917_505_024, 4_497_408, 0),
        ("mistral_7b", 6000, 8_184_135_680, 268_369_920, 0),
        ("gpt_oss_120b", 300, 5_194_358_784, 7_888_896, 0),
        ("whisper_tiny", 127, 33_174_912, 393_216, 4_608_000),
        ("t5_small", 127, 42_401_792, 786_432, 3_145_728),
    ],
)
def test_one_step(name: str, past: int, macs: int, state: int, once: int) -> None:
    """One new token after `past` others; what the encoders give is computed once and kept."""
    found = totals(name, step=True, past=past)
    assert (found.macs, found.state, found.state_once) == (macs, state, once)


@pytest.mark.parametrize(
    ("name", "length", "macs"), [("mistral_7b", 6000, 52_099_547_136_000), ("gpt_oss_120b", 300, 1_565_872_128_000)]
)
def test_prefill_beyond_the_window(name: str, length: int, macs: int) -> None:
    assert totals(name, length=length).macs == macs


@pytest.mark.parametrize(
    ("name", "active"),
    [
        ("mixtral_8x7b", 12_748_857_344),  # the printed 12.9 B holds the embedding too
        ("deepseek_v3", 36_625_610_752),
        ("gpt_oss_120b", 5_132_852_352),  # gpt-oss's card: 5.13 B
        ("gpt_oss_20b", 3_608_310_144),  # 3.61 B
        ("gpt2", 124_439_808 - 1023 * 768),  # tied: the output reads the whole table; of positions one row
    ],
)
def test_active_parameters(name: str, active: int) -> None:
    assert totals(name).active_params == active


@pytest.mark.parametrize(
    ("name", "elements"),
    [
        ("deepseek_v3", 35_136),
        ("deepseek_v3@absorbed", 35_136),
        ("deepseek_v3@expanded", 2_498_560),
        ("llama3_405b", 258_048),
    ],
)
def test_state_of_a_token(name: str, elements: int) -> None:
    """DeepSeek-AI 2025 (Insights into DeepSeek-V3), Table 1: 70.272 KB and 516.096 KB a token at 16 bits (recalled)."""
    one = analyze(file(name), set={"length": 1}, dtype="bf16").totals
    two = analyze(file(name), set={"length": 2}, dtype="bf16").totals
    assert two.state - one.state == elements
    assert two.state_bytes - one.state_bytes == 2 * elements


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("step", [False, True])
def test_rows_have_what_totals_have(name: str, step: bool) -> None:
    """Each quantity of the rows adds up to that of the totals, for a batch of 3 too."""
    cost: NetworkCost = analyze(file(name), batch=3, step=step)
    for quantity in (
        "params", "trainable_params", "active_params", "macs", "macs_once", "masked", "flops", "connections", "neurons",
        "activations", "state", "state_once", "state_bytes",
    ):  # fmt: skip
        assert sum(getattr(row, quantity) for row in cost.layers) == getattr(cost.totals, quantity), quantity


def test_what_is_computed_once_is_not_among_the_macs_of_a_step() -> None:
    """The encoder's 20.2 G and the keys and values made of it; a prefill of the same length has both."""
    whole, step = totals("whisper_tiny", length=1), totals("whisper_tiny", step=True)
    assert whole.macs_once == step.macs_once == 20_238_336_000
    assert whole.macs - whole.macs_once == step.macs
    assert step.activations < whole.activations
    assert step.params == whole.params


def test_a_given_length_is_that_of_the_step() -> None:
    """Four tokens at once, as speculative decoding checks them: by hand, matrices of 12*12*768**2 and the output's."""
    matrices, pairs = 12 * 12 * 768**2 + 50_257 * 768, 12 * 2 * 768
    assert totals("gpt2", step=True, past=1000).macs == matrices + pairs * 1001
    assert totals("gpt2", step=True, past=1000, length=4).macs == 4 * (matrices + pairs * 1004)


def test_batch_multiplies_state_and_masked_macs() -> None:
    one, four = analyze(file("mixtral_8x7b")).totals, analyze(file("mixtral_8x7b"), batch=4).totals
    for name in ("state", "state_bytes", "masked", "macs", "activations"):
        assert getattr(four, name) == 4 * getattr(one, name), name
    assert (four.params, four.active_params) == (one.params, one.active_params)


@pytest.mark.parametrize(
    ("name", "quantity", "form"),
    [
        ("llama3_8b", "macs", "262144*length**2 + 262144*length*past + 7504658432*length"),
        ("llama3_8b", "state", "65536*length + 65536*past"),
        (
            "deepseek_v3",
            "macs",
            "2498560*length**2 + 2498560*length*past + 36624596992*length + 1023410176*past",
        ),
        ("gpt2", "masked", "9216*length**2 - 9216*length"),
    ],
)
def test_closed_forms_in_length_and_past(name: str, quantity: str, form: str) -> None:
    """By hand: two products of width x keys for each layer, its matrices, the output; 2*kv*head elements a layer."""
    assert str(closed_form(file(name), ["length", "past"], quantity)) == form


@pytest.mark.parametrize("quantity", ["macs", "masked", "state", "state_once", "macs_once", "active_params", "params"])
@pytest.mark.parametrize("name", ["t5_small", "whisper_tiny", "gpt_oss_120b", "mistral_7b"])
def test_closed_forms_are_what_is_counted(name: str, quantity: str) -> None:
    form = closed_form(file(name), ["length", "past"], quantity)
    for length, past in [(1, 0), (1, 300), (7, 127), (130, 1)]:
        assert form(length=length, past=past) == getattr(totals(name, length=length, past=past), quantity)


@pytest.mark.parametrize(
    ("experts", "top", "tokens", "expected"),
    [(8, 2, 2, "3.5"), (8, 2, 8, "7.2"), (256, 8, 8, "57.4"), (256, 8, 32, "163.3"), (256, 8, 128, "251.6")],
)
def test_distinct_experts(experts: int, top: int, tokens: int, expected: str) -> None:
    """Of uniform independent routing; DeepSeek's simulated over many draws: 57.40, 163.37."""
    found = distinct_experts(experts, top, tokens)
    assert isinstance(found, Fraction)
    assert top <= found <= min(experts, top * tokens)
    assert f"{float(found):.1f}" == expected


def test_distinct_experts_of_few_tokens_by_hand() -> None:
    assert distinct_experts(8, 2, 1) == 2
    assert distinct_experts(4, 1, 2) == Fraction(7, 4)
    with pytest.raises(ValueError, match="5 of 4 experts"):
        distinct_experts(4, 5, 1)


def test_experts_are_expanded_once() -> None:
    cost = analyze(file("deepseek_v3"))
    assert len(cost.graph.nodes) <= 2200
    row = next(row for row in cost.layers if row.name.endswith("expert.mul.linear_1"))
    assert row.notation == "linear(2048, bias=false) x256, 8 used"
    assert row.out_shape.elements * 8 == row.activations
