"""The same sweeps on a real cluster: two worker processes, one of which is killed in the middle of a run."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archcalc.engine.sweep.chunk import Runner, SweepMismatchError
from archcalc.engine.sweep.parts import Store, schema_of, store_beside, to_arrow
from archcalc.engine.sweep.plan import Plan, make_plan
from archcalc.engine.sweep.run import collected, compute, gathered
from archcalc.report.sweep import write_parquet
from archcalc.results.sweep import Tally
from archcalc.source import SpecError
from tests.cli.running import run, shell

distributed = pytest.importorskip("distributed")
pytest.importorskip("pyarrow")
from archcalc.engine.sweep.cluster import _chunks, collected_on_dask, compute_chunk  # noqa: E402  # after its libraries

OVER = {"resolution": "32:96:8", "width": "0.25:1:0.25", "classes": "1:100"}
LOOPED = {"n": "1:60", "shortcut": "option_a,option_b", "resolution": "32:64"}  # 120 expansions


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    made = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    )
    yield made
    made.close(timeout=60)


def workers(cluster: Any) -> list[int]:
    return [nanny.pid for nanny in cluster.workers.values()]


def parts(plan: Plan, folder: Path) -> Store:
    return store_beside(folder / "out.parquet", plan, True)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.engine.sweep.plan.MOST_STRUCTURES", 4)


def test_a_worker_is_killed_and_nothing_is_lost_or_doubled(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archcalc.engine.sweep.plan.MOST_STRUCTURES", 4 * 36)  # four structures, free axes of 36 points
    plan = make_plan("resnet20", LOOPED)
    assert plan.chunks == 30
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    here, there = parts(plan, tmp_path / "here"), parts(plan, tmp_path / "there")
    before = workers(cluster)
    assert len(before) == 2
    killed: list[int] = []

    def kill(done: int) -> None:
        if not killed:
            assert 0 < done < plan.points
            killed.append(before[0])
            os.kill(before[0], signal.SIGKILL)

    found = collected_on_dask(plan, there, kill, scheduler=cluster.scheduler_address)
    assert killed
    while before[0] in workers(cluster):  # it is gone, when its nanny has seen it; another one may take its place
        time.sleep(0.05)
    expected = collected(plan, here)
    assert found.tally == expected.tally
    assert found.tally.computed == plan.points == 120 * 33
    assert len(found) == len(expected)
    # what the killed worker was writing has another ending, and goes with the folder
    names = sorted(path.name for path in Path(there.folder).glob("*.parquet"))
    assert names == sorted(path.name for path in Path(here.folder).iterdir())
    assert len(names) == plan.chunks
    for name in names:
        assert (Path(there.folder) / name).read_bytes() == (Path(here.folder) / name).read_bytes()
    write_parquet(found, tmp_path / "there.parquet")
    write_parquet(expected, tmp_path / "here.parquet")
    assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()


def test_what_one_engine_began_another_ends(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.engine.sweep.plan.CHUNK", 500)
    options = [part for name, values in OVER.items() for part in ("--over", f"{name}={values}")]
    arguments = ["sweep", "resnet18", *options]
    path, other = tmp_path / "out.csv", tmp_path / "other.csv"
    right = Runner.run

    def stops(self: Runner, number: int) -> Any:
        if number == 3:
            raise KeyboardInterrupt
        return right(self, number)

    monkeypatch.setattr(Runner, "run", stops)
    run(*arguments, "-o", str(path), code=130)
    monkeypatch.setattr(Runner, "run", right)
    dask = ["--engine", "dask", "--scheduler", cluster.scheduler_address]
    assert "going on: 3 of 9 parts" in run(*arguments, "-o", str(path), *dask).stderr
    run(*arguments, "-o", str(other))
    assert path.read_bytes() == other.read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["other.csv", "out.csv"]


def test_without_a_file_and_with_a_choice(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.engine.sweep.plan.CHUNK", 300)
    plan = make_plan(["resnet18", "vgg11"], OVER, pareto="macs,-classes,-resolution", where=["width != 1/2"], top=50)
    found = collected_on_dask(plan, scheduler=cluster.scheduler_address)
    expected = collected(plan)
    assert found.to_frame().equals(expected.to_frame())
    assert found.tally == expected.tally
    drawn = make_plan(["resnet18", "vgg11"], OVER, sample=1000, seed=5)
    assert collected_on_dask(drawn, scheduler=cluster.scheduler_address).to_frame().equals(collected(drawn).to_frame())


def test_a_cluster_of_this_machine_alone(tmp_path: Path) -> None:
    arguments = ["sweep", "resnet18", "--over", "resolution=32:64:8", "--format", "csv"]
    found = shell(*arguments, "--engine", "dask", folder=tmp_path)
    assert found.stdout == run(*arguments).stdout
    assert run(*arguments).stderr in found.stderr  # a busy machine may have its own to say
    assert "Traceback" not in found.stderr


def test_a_worker_of_another_version_is_refused() -> None:
    plan = make_plan("resnet18", {"resolution": "32,64"})._replace(version="0.0.1")
    with pytest.raises(SpecError, match=r"planned by 0\.0\.1"):
        compute_chunk(plan, None, 0, plan.key)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("tcp://127.0.0.1:9", "connection refused"),
        ("nonsense", "is no address of a scheduler: missing port number"),
        ("", "is no address of a scheduler"),
        ("tcp://", "is no address of a scheduler"),
        ("foo://127.0.0.1:8786", "is no address of a scheduler: unknown address scheme"),
        ("tcp://127.0.0.1:x", "is no address of a scheduler"),
        ("tcp://127.0.0.1:99999", "99999 is no port"),
        ("tcp://[::1", "is no address of a scheduler"),
        ("tcp://a..b:8786", "no scheduler answers at"),
    ],
)
def test_an_address_where_nobody_answers(address: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a client of Dask, which would try for a minute."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a client was made")

    monkeypatch.setattr("distributed.Client", refuse)
    arguments = ["sweep", "resnet18", "--over", "resolution=32,64", "--engine", "dask", "--scheduler"]
    found = run(*arguments, address, code=2)
    assert found.stderr.startswith("error[no-scheduler]: ")
    assert reason in found.stderr
    assert found.stderr.count("\n") == 2
    assert "error[bad-option]" in run(*arguments[:4], "--scheduler", address, code=2).stderr


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.6\r\n"])
def test_somebody_answers_who_is_no_scheduler(greeting: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.engine.sweep.cluster.GREETING", 60.0 if greeting else 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            peer, _ = server.accept()
            peer.sendall(greeting)
            done.wait(60)
            peer.close()

        done = threading.Event()
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
            arguments = ["sweep", "resnet18", "--over", "resolution=32,64", "--engine", "dask"]
            found = run(*arguments, "--scheduler", address, code=2)
        finally:
            done.set()
            thread.join()
    assert found.stderr.startswith(f"error[no-scheduler]: no scheduler answers at `{address}`: ")


# A scheduler with a worker in one process, which is killed before the first answer is taken.
SCHEDULER = """
import asyncio
from distributed import Scheduler, Worker

async def serve():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False, dashboard_address=":0") as scheduler:
        async with Worker(scheduler.address, nthreads=1, dashboard=False, dashboard_address=":0"):
            print(scheduler.address, flush=True)
            await asyncio.sleep(3600)

asyncio.run(serve())
"""
DYING = """
import subprocess, sys
from archcalc.__main__ import main
from archcalc.engine.sweep import cluster, plan

plan.MOST_STRUCTURES = 4
served = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
address = served.stdout.readline().decode().strip()
right = cluster._answer

def answer(*arguments):
    served.kill()
    served.wait()
    return right(*arguments)

cluster._answer = answer
over = ["--over", "n=1:60", "--over", "resolution=32:64"]
sys.argv = ["archcalc", "sweep", "resnet20", *over, "--engine", "dask", "--scheduler", address, "--format", "csv"]
main()
"""


def test_a_scheduler_that_dies_is_one_diagnostic() -> None:
    """What Dask would log of it on stderr is not there."""
    made = subprocess.run([sys.executable, "-c", DYING, SCHEDULER], capture_output=True, text=True, check=False)
    assert made.returncode == 2, made.stderr
    assert made.stdout == ""
    assert made.stderr.count("error[") == 1
    assert "error[workers-lost]: " in made.stderr
    assert " - ERROR - " not in made.stderr
    assert "Traceback" not in made.stderr


def test_without_dask_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.source.extra.find_spec", lambda name: None)
    found = run("sweep", "resnet18", "--over", "resolution=32,64", "--engine", "dask", code=3)
    assert "[cluster]'" in found.stderr


def test_errors_of_chunks_travel() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(SweepMismatchError("resnet18 at resolution=32")))
    assert str(error) == "resnet18 at resolution=32"
    plan = make_plan(["resnet18"], {"resolution": "3:1000000", "width": "1/3,1", "block": "basic"}, where=["macs < 1G"])
    again: Plan = pickle.loads(pickle.dumps(plan))
    assert again.key == plan.key
    assert len(pickle.dumps(plan)) < 20_000  # a range travels as its ends


class Answering:
    """A cluster of which every answer is the same: a value, or an error."""

    def __init__(self, answer: Any, workers: int = 1) -> None:
        self.answer, self.workers = answer, workers

    def nthreads(self, callback_timeout: float) -> dict[str, int]:
        return {str(number): 1 for number in range(self.workers)}

    def submit(self, *_: Any, **__: Any) -> Answering:
        return self

    def result(self, timeout: float) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_folder_that_workers_do_not_share(tmp_path: Path) -> None:
    """The worker says that the part is written, and it is not where it should be."""
    plan = make_plan("resnet18", {"resolution": "32,64"})
    answer: Any = Answering((Tally(), None))
    with pytest.raises(SpecError, match=r"error\[not-shared\]"):
        list(_chunks(plan, parts(plan, tmp_path), answer))


def test_workers_that_are_lost_again_and_again() -> None:
    plan = make_plan("resnet18", {"resolution": "32,64"})

    class Last:
        address = "tcp://127.0.0.1:1"

    lost: Any = Answering(distributed.KilledWorker("chunk", Last(), 3))
    with pytest.raises(SpecError, match=r"error\[workers-lost\]: workers were lost again and again"):
        list(_chunks(plan, None, lost))


def test_nobody_is_waited_for_when_no_worker_is_left() -> None:
    plan = make_plan("resnet18", {"resolution": "32,64"})
    nobody: Any = Answering(TimeoutError(), workers=0)
    with pytest.raises(SpecError, match="no worker of the cluster is left"):
        list(_chunks(plan, None, nobody))


@pytest.mark.usefixtures("small_chunks")
def test_what_no_worker_answers_in_time_is_computed_here(tmp_path: Path) -> None:
    """Whatever became of a chunk on the cluster, it is not waited for without end."""
    plan = make_plan("resnet20", {"n": "1:10"})
    silent: Any = Answering(TimeoutError())
    store = parts(plan, tmp_path)
    assert gathered(plan, _chunks(plan, None, silent), None, None).to_frame().equals(collected(plan).to_frame())
    assert gathered(plan, _chunks(plan, store, silent), store, None).tally == collected(plan).tally
    assert len(list(Path(store.folder).iterdir())) == plan.chunks == 3


@pytest.mark.usefixtures("small_chunks")
def test_a_scheduler_that_dies_ends_the_sweep(tmp_path: Path) -> None:
    plan = make_plan("resnet20", {"n": "1:10"})
    store = parts(plan, tmp_path)
    compute(Runner(plan), store, 0)  # is told of before anything comes from the cluster
    local = ("--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0")
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", *local]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as scheduler:
        assert scheduler.stderr is not None
        addresses = (re.search(r"tcp://[0-9.]+:[0-9]+", line) for line in scheduler.stderr)
        address = next(found[0] for found in addresses if found)
        try:
            with pytest.raises(SpecError, match="the scheduler is lost"):
                collected_on_dask(plan, store, lambda done: scheduler.kill(), scheduler=address)
        finally:
            scheduler.kill()


def test_numbers_too_long_for_parquet(tmp_path: Path) -> None:
    over = {"classes": "1000"}
    plan = make_plan("resnet18", over)
    columns = dict(collected(plan).columns)
    columns["macs"] = np.array([10**80], dtype=object)
    with pytest.raises(SpecError, match=r"error\[too-many-digits\]"):
        to_arrow(columns, schema_of(plan.heading, frozenset({"macs"})))
