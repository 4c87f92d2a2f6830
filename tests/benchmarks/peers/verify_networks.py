"""Processor's seconds in which networks are held against torch and fvcore, by the build that is on the path.

    python verify_networks.py NET ...

Prints one line of JSON. Another network goes first, so that what is imported and prepared once is not within.
"""

import json
import sys
import time
import warnings

from archcalc.engine.network import load

try:
    from archcalc.torch_bridge.verify.verify import verify_all
except ImportError:  # as it was
    from archcalc.torch_bridge.verify import verify_all  # type: ignore[attr-defined,no-redef]

warnings.simplefilter("ignore")
TOOLS = ("torch", "fvcore")
networks = [load(name) for name in sys.argv[1:]]
verify_all([load("alexnet")], TOOLS)
start = time.process_time()
found = verify_all(networks, TOOLS)
seconds = time.process_time() - start
assert not found.differences
print(json.dumps({"seconds": seconds, "checks": sum(len(each.checks) for each in found.networks)}))
