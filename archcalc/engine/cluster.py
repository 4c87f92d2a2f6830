"""Sweeps past one process: chunks on the workers of a Dask cluster, one future for each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from archcalc import __version__
from archcalc.engine.chunk import Runner
from archcalc.engine.parts import Store
from archcalc.engine.plan import Plan
from archcalc.engine.sweep import Kept, Progress, compute, gathered
from archcalc.results.sweep import Columns, Sweep, Tally
from archcalc.source import Diagnostic, SpecError
from archcalc.source.extra import require

if TYPE_CHECKING:
    from distributed import Client, Future

EXTRA = "cluster"
AHEAD = 4  # chunks that wait for each thread of the cluster
PATIENCE = "30s"  # to reach a scheduler
_runners: dict[str, Runner] = {}  # of this worker: that of the last plan, with what it has expanded


def collected_on_dask(
    plan: Plan,
    store: Store | None = None,
    progress: Progress | None = None,
    most: int | None = None,
    scheduler: str | None = None,
) -> Sweep:
    """Compute a plan on a cluster, or on one made of this machine's processes while it lasts.

    With a store, workers write the parts, so that they need the folder; a worker that is lost loses only the chunks
    that it had not written, and those are computed elsewhere.

    Raises:
        MissingExtraError: Dask is not installed.
        SpecError: the cluster cannot be reached, has another version of archcalc, loses workers again and again, or
            does not share the folder.
    """
    require("dask", "distributed", "pyarrow", extra=EXTRA)
    with client_of(scheduler) as client:
        return gathered(plan, _chunks(plan, store, client), store, progress, most)


def compute_chunk(plan: Plan, store: Store | None, number: int, key: str) -> tuple[Tally, Columns | None]:
    """What a worker does.

    Raises:
        SpecError: the worker has another version of archcalc.
    """
    if plan.version != __version__:
        message = f"the worker has archcalc {__version__}, and the sweep was planned by {plan.version}"
        raise SpecError([Diagnostic("worker-version", message, help="install one version everywhere")])
    runner = _runners.get(key)
    if runner is None:
        _runners.clear()
        runner = _runners[key] = Runner(plan)
    tally, rows = compute(runner, store, number)
    return tally, None if rows is None else rows.columns()


@contextmanager
def client_of(scheduler: str | None) -> Iterator[Client]:
    """A client of a scheduler, or of a cluster of as many processes as this machine has cores.

    Raises:
        SpecError: nobody answers.
    """
    from distributed import Client, LocalCluster

    if scheduler is None:
        with (
            LocalCluster(threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield client
        return
    try:
        client = Client(scheduler, set_as_default=False, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        message = f"no scheduler answers at `{scheduler}`: {error}"
        raise SpecError([Diagnostic("no-scheduler", message, help="--scheduler tcp://HOST:8786")]) from None
    with client:
        yield client


def _answer(future: Future[tuple[Tally, Columns | None]], client: Client) -> tuple[Tally, Columns | None]:
    """What a worker computed, however long that takes; not waited for when nobody is left to compute it.

    Raises:
        SpecError: workers are lost.
    """
    from distributed import KilledWorker

    help = "look at the memory and the logs of the workers"
    while True:
        try:
            found: tuple[Tally, Columns | None] = future.result(timeout=PATIENCE)
        except TimeoutError:
            if client.nthreads():
                continue
            message = f"no worker of the cluster is left, nor was one within {PATIENCE}"
            raise SpecError([Diagnostic("workers-lost", message, help=help)]) from None
        except KilledWorker as error:
            message = f"workers were lost again and again while they computed a chunk: {error}"
            raise SpecError([Diagnostic("workers-lost", message, help=help)]) from None
        return found


def _chunks(plan: Plan, store: Store | None, client: Client) -> Iterator[tuple[Tally, Kept | None]]:
    """Results in the order of the chunks; a few wait on the cluster for each of its threads."""
    key = plan.key
    waiting: deque[tuple[int, Future[tuple[Tally, Columns | None]] | None]] = deque()
    numbers = iter(range(plan.chunks))
    try:
        while True:
            most = AHEAD * max(1, sum(client.nthreads().values()))
            while len(waiting) < most and (number := next(numbers, None)) is not None:
                is_there = store is not None and store.has(number)
                name = f"archcalc-{key[:20]}-{number}"
                waiting.append(
                    (number, None if is_there else client.submit(compute_chunk, plan, store, number, key, key=name))
                )
            if not waiting:
                return
            number, future = waiting.popleft()
            if future is None:
                assert store is not None
                yield store.tally(number), None
                continue
            tally, columns = _answer(future, client)
            if store is not None and not store.has(number):
                message = f"a worker has written a part that is not in {store.folder}"
                raise SpecError([Diagnostic("not-shared", message, help="-o in a folder that all workers share")])
            yield tally, None if columns is None else Kept(plan.axes, columns)
    finally:
        client.cancel([future for _, future in waiting if future is not None])
