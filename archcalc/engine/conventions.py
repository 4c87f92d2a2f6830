"""What is called FLOPs: conventions that archcalc ships. Each is data and says whose it is."""

from __future__ import annotations

from archcalc.results.cost import Convention

ARITHMETIC = Convention(
    "arithmetic",
    "every operation: 2 for a multiply-accumulate, 1 for each other addition, multiplication, division, comparison "
    "and transcendental function",
    {
        "macs": 2,
        "additions": 1,
        "multiplications": 1,
        "divisions": 1,
        "comparisons": 1,
        "transcendentals": 1,
    },
    "archcalc",
)
MACS = Convention(
    "macs",
    "multiply-accumulate pairs of convolutions, linear layers and matrix products; nothing else",
    {"macs": 1},
    'what papers since He et al. 2015, Table 1, call "FLOPs (multiply-adds)"',
)
CONVENTIONS: dict[str, Convention] = {convention.name: convention for convention in (ARITHMETIC, MACS)}
