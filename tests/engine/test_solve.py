"""Budgets solved: what the search finds is what counting every value finds."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from archcalc import analyze, load
from archcalc.engine.limits.budget import limit_of
from archcalc.engine.limits.scale import grid, scale
from archcalc.engine.limits.solve import finest_step, solve
from archcalc.source import SpecError
from tests.engine.sample import one_of_each_file
from tests.engine.small import network


def resnet50_macs(resolution: int) -> int:
    """ResNet-50 of torchvision, at any resolution: six terms, as the design of the engine derives them."""

    def ceil(divisor: int) -> int:
        return -(-resolution // divisor)

    return (
        9408 * ceil(2) ** 2
        + 245_760 * ceil(4) ** 2
        + 1_310_720 * ceil(8) ** 2
        + 7_471_104 * ceil(16) ** 2
        + 14_417_920 * ceil(32) ** 2
        + 2_048_000
    )


@pytest.mark.parametrize("most", [2_500_000, 10**9, 2 * 10**9, 10**11])
@pytest.mark.parametrize("step", [1, 7, 32])
def test_the_largest_resolution(most: int, step: int) -> None:
    fitting = [size for size in range(step, 1300, step) if resnet50_macs(size) <= most]
    limits = [limit_of("macs", str(most))]
    if not fitting:
        with pytest.raises(SpecError, match="no resolution keeps"):
            solve(load("resnet50@torchvision"), "resolution", limits, Fraction(step))
        return
    found = solve(load("resnet50@torchvision"), "resolution", limits, Fraction(step))
    assert found.largest.value == fitting[-1]
    assert found.largest.costs == {"macs": resnet50_macs(fitting[-1])}
    assert found.above is not None
    assert found.above.value == fitting[-1] + step
    assert found.above.costs == {"macs": resnet50_macs(fitting[-1] + step)}


def test_several_limits_hold_at_once() -> None:
    limits = [limit_of("params", "5M"), limit_of("macs", "100M")]
    both = solve(load("resnet20"), "width", limits)
    alone = [solve(load("resnet20"), "width", [limit]) for limit in limits]
    assert both.largest.value == min(each.largest.value for each in alone)
    assert [limit.quantity for limit in both.binding] == ["macs"]


@pytest.mark.parametrize(
    ("network", "variable", "expected"),
    [
        ("resnet50", "resolution", Fraction(1)),
        ("resnet50", "width", Fraction(1, 64)),  # 64 channels in the first layer
        ("resnet20", "width", Fraction(1, 16)),  # 16 of them
        ("resnet20", "n", Fraction(1)),
    ],
)
def test_steps(network: str, variable: str, expected: Fraction) -> None:
    assert finest_step(load(network), variable) == expected


def test_values_that_the_network_does_not_take_are_left_out() -> None:
    """Every resolution up to twice the answer is tried: those that fail are no answers."""
    found = solve(load("bn_inception"), "resolution", [limit_of("macs", "10G")])
    assert found.above is not None
    for size in range(int(found.largest.value), int(found.above.value) + 1):
        try:
            macs = analyze("bn_inception", set={"resolution": size}).totals.macs
        except SpecError:
            assert found.largest.value < size < found.above.value
        else:
            assert size in (found.largest.value, found.above.value)
            assert (macs <= 10**10) == (size == found.largest.value)
    assert found.left_out == found.above.value - found.largest.value - 1 > 0


def test_structural_variables_are_searched_too() -> None:
    found = solve(load("resnet20"), "n", [limit_of("params", "1M")])
    fitting = [n for n in range(1, 30) if analyze("resnet20", set={"n": n}).totals.params <= 10**6]
    assert found.largest.value == fitting[-1]


FALLING = """network: falling
input: image(3, size, size)
variables: {size: 32}
layers: conv(64 if size < 40 else 8 if size < 60 else 256, 1)
"""


def test_a_cost_that_falls_is_counted_at_every_value(tmp_path: Path) -> None:
    path = tmp_path / "falling.yaml"
    path.write_text(FALLING, encoding="utf-8")
    found = solve(load(str(path)), "size", [limit_of("macs", "200K")])
    macs = {size: 3 * size * size * (64 if size < 40 else 8 if size < 60 else 256) for size in range(1, 200)}
    assert found.largest.value == max(size for size, value in macs.items() if value <= 200_000)
    assert found.falls
    assert {quantity for _, _, quantity in found.falls} == {"macs"}


@pytest.mark.parametrize(
    ("network", "variable", "limit", "said"),
    [
        ("resnet50", "resolution", ("params", "24M"), "the smallest is 1"),
        ("resnet50", "resolution", ("params", "30M"), "params does not depend on it"),
        ("resnet50", "depth", ("params", "30M"), "is a list of 4; only a number is solved for"),
        ("resnet50", "n", ("params", "30M"), "has no value"),
        ("resnet50", "resolutoin", ("params", "30M"), "did you mean `resolution`"),
    ],
)
def test_no_answer_is_said(network: str, variable: str, limit: tuple[str, str], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        solve(load(network), variable, [limit_of(*limit)])


@pytest.mark.parametrize("name", one_of_each_file())
def test_every_network_with_a_resolution_can_be_solved(name: str) -> None:
    """A budget halfway between its cost and four times that is kept to, and the next value is over it."""
    network = load(name)
    known = ("resolution", "height", "classes", "length", "width")
    variable = next((each for each in known if each in network.spec.settable), None)
    if variable is None:
        assert name.startswith("ciresan")  # multilayer perceptrons of one size
        return
    macs = analyze(network).totals.macs
    step = Fraction(32 if variable in ("resolution", "height") else 1)
    found = solve(network, variable, [limit_of("macs", str(2 * macs))], step)
    assert found.largest.costs["macs"] <= 2 * macs
    assert found.above is None or found.above.costs["macs"] > 2 * macs


def test_rows_of_a_compound_scaling() -> None:
    """ResNet-18 by hand at phi = 1: ceil(2*1.2) blocks, 1.1 to the nearest eighth, 224*1.15 = 257.6."""
    found = scale(load("resnet18@torchvision"), [limit_of("macs", "8G")])
    assert found.rows[0].settings == {"depth": "[2, 2, 2, 2]", "width": "1", "resolution": "224"}
    assert found.rows[0].costs["macs"] == 1_814_073_344
    assert found.rows[2].phi == 1
    assert found.rows[2].settings == {"depth": "[3, 3, 3, 3]", "width": "9/8", "resolution": "258"}
    for row in found.rows:
        assert row.costs["macs"] == analyze("resnet18@torchvision", set=row.settings).totals.macs
        assert row.is_within == (row.costs["macs"] <= 8 * 10**9)
    assert [row.is_within for row in found.rows] == [True] * (len(found.rows) - 1) + [False]
    assert found.largest is not None
    assert found.rows[-2].phi <= found.largest.phi < found.rows[-1].phi
    assert found.largest.costs["macs"] <= 8 * 10**9


def test_efficientnet_b7_is_b0_at_phi_near_six() -> None:
    """Tan and Le 2019: depth 3.1 and resolution 600/224 of B7 lie near 1.2 and 1.15 to the power of 6 to 7."""
    found = scale(load("resnet18"), by=Fraction(1))
    assert [row.phi for row in found.rows] == list(range(8))
    assert found.rows[6].factors["depth"] == Fraction("2.9860")  # 1.2**6 = 2.985984
    assert found.rows[7].factors["resolution"] == Fraction("2.6600")  # 1.15**7 = 2.660020


def test_efficientnet_b1_to_b4_are_b0_scaled() -> None:
    """Depth, width and resolution of the authors' `efficientnet_params`; parameters as torchvision documents them."""
    rows = {row.phi: row for row in scale(load("efficientnet_b0"), steps={"resolution": Fraction(20)}).rows}
    expected = {
        "1/2": (7_794_184, ["11/10", "1", "240"]),
        "1": (9_109_994, ["6/5", "11/10", "260"]),
        "2": (12_233_232, ["7/5", "6/5", "300"]),
        "7/2": (19_341_616, ["19/10", "7/5", "360"]),  # theirs are 1.8, with as many layers, and 380
    }
    for phi, (params, settings) in expected.items():
        assert list(rows[Fraction(phi)].settings.values()) == settings
        assert rows[Fraction(phi)].costs["params"] == params


@pytest.mark.parametrize(
    ("network", "factor", "expected"),
    [
        ("efficientnet_b1", {"depth": Fraction(6, 5)}, "13/10"),  # from 1.1: 1.32
        ("mnasnet1_3", {"width": Fraction(11, 10)}, "7/5"),  # from 1.3: 1.43
        ("resnet18", {"width": Fraction(11, 10)}, "9/8"),  # 64 * 1.1 is not whole
    ],
)
def test_multipliers_go_to_tenths_where_channels_stay_whole(
    network: str, factor: dict[str, Fraction], expected: str
) -> None:
    found = scale(load(network), coefficients=factor, by=Fraction(1))
    assert list(found.rows[1].settings.values()) == [expected]


def test_a_grid_of_coefficients_holds_what_fits() -> None:
    values = [Fraction(10 + part, 10) for part in range(3)]
    limit = limit_of("macs", "4G")
    found = grid(load("resnet18"), [limit], values)
    expected = []
    for width in values:
        for resolution in values:
            for depth in (2, 3):  # ceil(2), ceil(2.2) and ceil(2.4)
                size = int(224 * resolution + Fraction(1, 2))
                eighths = int(width * 8 + Fraction(1, 2))
                set = {"depth": f"[{', '.join([str(depth)] * 4)}]", "width": f"{eighths}/8", "resolution": size}
                macs = analyze("resnet18", set=set).totals.macs
                expected += [macs] * (1 if depth == 2 else 2)
    costs = [row.costs["macs"] for row in found.rows]
    assert costs == sorted((macs for macs in expected if macs <= 4 * 10**9), reverse=True)


def test_what_cannot_be_scaled_is_said() -> None:
    with pytest.raises(SpecError, match="has no variable `depth`, `width` or `resolution`"):
        scale(load("ciresan-1"))
    with pytest.raises(SpecError, match="neither a number nor a list of numbers"):
        scale(load("resnet18"), coefficients={"block": Fraction(2)})
    with pytest.raises(SpecError, match="at phi 1/2: width is"):
        scale(load("enet"))  # its `width` is that of the image, and must fit the strides


def test_a_network_over_its_limits_is_not_scaled() -> None:
    limits = [limit_of("macs", "1814073343"), limit_of("params", "12M")]  # torchvision's has one MAC more
    with pytest.raises(SpecError) as found:
        scale(load("resnet18"), limits)
    (diagnostic,) = found.value.diagnostics
    assert diagnostic.code == "no-solution"
    assert diagnostic.notes == ("macs is 1,814,073,344, over 1814073343",)


def test_what_does_not_grow_is_no_scaling() -> None:
    with pytest.raises(SpecError, match="no phi up to 40 takes resnet20 over the limits of params"):
        scale(load("resnet20"), [limit_of("params", "1M")], {"resolution": Fraction(23, 20)})
    for base in ("1", "0.9"):
        with pytest.raises(SpecError, match="each base is 1 or more, and one of them is more"):
            scale(load("resnet20"), [], {"resolution": Fraction(base)})


def test_a_long_count_one_by_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "falling.yaml"
    path.write_text(FALLING.replace("40", "40000").replace("60 ", "60000 ").replace("size: 32", "size: 39000"), "utf-8")
    with pytest.raises(SpecError, match="would have to be counted one by one"):
        solve(load(str(path)), "size", [limit_of("macs", "300G")])


def test_a_grid_of_too_many_points_is_refused() -> None:
    with pytest.raises(SpecError, match="more than 1,000 combinations"):
        grid(load("resnet18"), [limit_of("macs", "4G")], [Fraction(100 + part, 100) for part in range(11)])


PAST = network("pad: conv(8, 1, padding=past)\ngap: global_avgpool", "sequence(8, n)", "variables: {n: 4, past: 0}")


@pytest.mark.parametrize(
    ("quantity", "most", "largest"),
    [
        ("macs", "2K", 13),  # 64 (4 + 2 past) up to 2,000
        ("macs", "256", 0),
        ("macs", "383", 0),
        ("macs", "384", 1),
        ("activations", "200", 10),  # 8 (4 + 2 past) of the convolution, 8 of the mean
        ("neurons", "300", 16),  # what the convolution gives, and what the mean gives
    ],
)
def test_a_variable_that_is_0_is_solved_from_0_on(quantity: str, most: str, largest: int) -> None:
    found = solve(PAST, "past", [limit_of(quantity, most)])
    assert found.largest.value == largest
    assert found.step == 1
    assert found.above is not None
    assert found.above.value == largest + 1


def test_a_limit_below_the_value_at_0_has_no_solution() -> None:
    with pytest.raises(SpecError, match="the smallest is 0"):
        solve(PAST, "past", [limit_of("macs", "255")])


@pytest.mark.parametrize("quantity", ["connections", "neurons", "peak_activations", "flops_arithmetic", "activations"])
def test_any_quantity_is_solved_for(quantity: str) -> None:
    """Held against counting: at the largest resolution it is within the limit, one above it is not."""
    name = "flops" if quantity == "flops_arithmetic" else quantity
    most = getattr(analyze("resnet18", set={"resolution": 100}).totals, name)
    found = solve(load("resnet18"), "resolution", [limit_of(quantity, str(most))])
    largest = int(found.largest.value)
    assert largest >= 100
    assert getattr(analyze("resnet18", set={"resolution": largest}).totals, name) <= most
    assert getattr(analyze("resnet18", set={"resolution": largest + 1}).totals, name) > most
