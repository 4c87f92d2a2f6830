#!/usr/bin/env bash
# SCALE-Sim rounds the number of windows up where frameworks round it down: a 3x3 convolution with stride 2 over 224 rows,
# which gives 111 rows in torch, has 112 in its topology reader. A layer whose name holds DP is taken apart into channels.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps scalesim==3.0.0
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import importlib.util
import sys
from importlib.metadata import distribution
from pathlib import Path

print(f"scalesim {distribution('scalesim').version}")
# The module alone: the package imports its simulator.
path = distribution("scalesim").locate_file("scalesim/topology_utils.py")
spec = importlib.util.spec_from_file_location("topology_utils", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"


def macs(row):
    file = Path(sys.argv[1]) / "net.csv"
    file.write_text(HEADER + row + "\n")
    read = module.topologies()
    read.load_arrays(str(file))
    return read.get_num_layers(), read.get_all_mac_ops()


for rows, read in ((224, 112), (223, 111)):
    layers, found = macs(f"conv1, {rows}, {rows}, 3, 3, 3, 32, 2,")
    print(f"{rows} rows, 3x3, stride 2: {found:,} MACs, of {read}x{read} windows; torch has 111x111")
    assert (layers, found) == (1, read * read * 27 * 32)
layers, found = macs("mlpDPN, 8, 8, 3, 3, 4, 16, 1,")
print(f"a convolution of 4 channels called mlpDPN: {layers} layers, {found:,} MACs")
assert (layers, found) == (4, 4 * 36 * 9 * 16)
PYTHON
