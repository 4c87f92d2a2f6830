"""Every feature of the language and every refusal has a case, and a case is a file: see `cases.py`."""

import re
from pathlib import Path

import pytest

from archcalc.engine.validate import validate
from archcalc.source import SpecError, read_source
from archcalc.spec.read import read_spec
from tests.spec.cases import Expected, assert_gives, assert_refused, expected, paths, place
from tests.spec.codes import codes

ROOT = Path(__file__).parents[2]
VALID = [(path, block) for path in paths("valid") for block in expected(path)]

# Codes that no spec on its own can bring about, and where they are tested instead.
ELSEWHERE = {
    "bad-condition": "tests/guards/test_conditions.py: a condition that is typed",
    "bad-unit": "tests/formula/test_forms.py: a free variable that is typed",
    "channels-last": "tests/engine/test_channels_last.py: a warning, with which a network has its costs",
    "bad-ranks": "tests/engine/test_memory.py: ranks that are typed",
    "file-too-large": "tests/source/test_files.py",
    "no-table": "tests/sweep/test_written.py: a file that no sweep has written",
    "hanging-windows": "tests/ops/test_hanging_windows.py: a closed form of a window that a variable gives",
    "hidden-name": "tests/cli/test_validate.py: a note, with which a network has its costs",
    "no-peak": "tests/machine/test_roofline.py: a device that is typed",
    "not-expressible": "tests/export/test_others.py: a format that is typed",
    "not-a-calibration": "tests/machine/test_estimate.py: a file that is no spec",
    "nothing-trained": "tests/engine/test_memory.py: layers that are typed",
    "one-device": "tests/machine/test_roofline.py: a file that is no spec",
    "same-name": "tests/importing/sources/test_commands.py: models that are typed",
    "unknown-device": "tests/machine/test_roofline.py: a device that is typed",
    "unknown-stack": "tests/machine/test_estimate.py: a stack that is typed",
    "no-definition": "tests/torch/test_reconcile_sequences.py: a library that is typed",
    "no-limit": "tests/engine/test_solve.py: a budget that is typed",
    "no-solution": "tests/engine/test_solve.py: a budget that is typed",
    "not-monotone": "tests/engine/test_solve.py: a budget that is typed",
    "not-scalable": "tests/engine/test_solve.py: a budget that is typed",
    "damaged-part": "tests/sweep/test_parts.py: parts of a sweep",
    "not-shared": "tests/sweep/test_cluster.py: a folder of a cluster",
    "not-solvable": "tests/engine/test_solve.py: a budget that is typed",
    "too-many-digits": "tests/sweep/test_cluster.py: a format that is typed",
    "too-many-points": "tests/engine/test_solve.py: a grid that is typed",
    "no-git": "tests/guards/test_diff.py: a revision that is typed",
    "no-repository": "tests/guards/test_diff.py: a revision that is typed",
    "no-scheduler": "tests/sweep/test_cluster.py: an address that is typed",
    "no-such-file": "tests/source/test_files.py",
    "no-such-revision": "tests/guards/test_diff.py: a revision that is typed",
    "not-a-file": "tests/guards/test_diff.py: a revision that is typed",
    "undecided": "tests/dims/test_requirements.py: only without anyone to collect assumptions",
    "unknown-network": "tests/cli: a name that is typed",
    "unknown-scope": "tests/engine/test_scope.py: a path that is typed",
    "unmatched-pattern": "tests/engine/test_storage.py: told when what is stored is counted",
    "worker-version": "tests/sweep/test_cluster.py: a worker of a cluster",
    "output-in-use": "tests/sweep/test_parts.py: two sweeps at once",
    "workers-lost": "tests/sweep/test_cluster.py: workers of a cluster",
    "yaml-size": "tests/source/test_located.py: a file of 200,000 values",
    "bad-header": "tests/weights/test_read.py: a file of weights",
    "missing-shards": "tests/weights/test_read.py: a file of weights",
    "several-checkpoints": "tests/weights/test_read.py: a file of weights",
    "truncated-file": "tests/weights/test_read.py: a file of weights",
    "wrong-magic": "tests/weights/test_read.py: a file of weights",
    "unread-key": "tests/spec/test_configuration.py: a configuration",
    "unknown-value": "tests/spec/test_configuration.py: a configuration",
    "unknown-model-type": "tests/spec/test_configuration.py: a configuration",
    "nothing-kept": "tests/engine/test_cache.py: a network that keeps nothing",
    "bad-config": "tests/spec/test_configuration.py: a configuration",
    "bad-graph": "tests/importing/onnx/test_files.py: a file of ONNX",
    "cannot-import": "tests/importing/onnx/test_files.py: a model of another framework",
    "not-a-source": "tests/importing/sources/test_commands.py: a file that is typed",
    "not-proven": "tests/importing/sources/test_commands.py: a model of another framework",
    "prototxt-net": "tests/importing/prototxt/test_nets.py: a file of Caffe",
    "prototxt-syntax": "tests/importing/prototxt/test_text.py: a file of Caffe",
    "unsupported-opset": "tests/importing/onnx/test_files.py: a file of ONNX",
}


@pytest.mark.parametrize(("path", "block"), VALID, ids=[f"{path.stem}-{block.head}" for path, block in VALID])
def test_a_valid_spec_gives_what_it_says(path: Path, block: Expected) -> None:
    assert_gives(path, block)


@pytest.mark.parametrize("path", paths("invalid"), ids=lambda path: path.stem)
def test_an_invalid_spec_is_refused_as_it_says(path: Path) -> None:
    assert_refused(path)


@pytest.mark.parametrize("path", [*paths("valid"), *paths("invalid")], ids=lambda path: path.stem)
def test_findings_come_once_and_in_the_order_of_their_places(path: Path) -> None:
    try:
        read_spec(read_source(path))
    except SpecError as error:
        found = [(diagnostic.span or (0, 0), diagnostic.code, diagnostic.message) for diagnostic in error.diagnostics]
        assert len(found) == len(set(found))
        assert [place for place, *_ in found] == sorted(place for place, *_ in found)


def test_every_code_has_a_case() -> None:
    found = codes()
    assert len(found) > 100
    covered = {block.head.split()[0] for path in paths("invalid") for block in expected(path)}
    missing = {code: places for code, places in found.items() if code not in covered and code not in ELSEWHERE}
    assert not missing, "add a case under tests/spec/invalid for each"
    for where in ELSEWHERE.values():
        assert (ROOT / where.partition(":")[0]).exists(), where


def test_every_case_is_of_a_code_that_there_is() -> None:
    covered = {block.head.split()[0] for path in paths("invalid") for block in expected(path)}
    assert covered <= set(codes())
    assert not covered & set(ELSEWHERE)


ALONE = [path for path in paths("invalid") if "# with:" not in path.read_bytes().decode("utf-8", "replace")]


@pytest.mark.parametrize("path", ALONE, ids=lambda path: path.stem)
def test_validate_finds_all_of_it_and_nothing_that_only_follows(path: Path) -> None:
    """Where a file does not read, `validate` expands what is left of it: some cases say what it finds then."""
    beside = re.findall(r"^# validate finds: (.*)$", path.read_bytes().decode("utf-8", "replace"), re.MULTILINE)
    found = validate([str(path)]).findings
    assert sorted(map(place, found)) == sorted([*(block.head for block in expected(path)), *beside])
