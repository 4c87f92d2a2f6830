"""Sweeps past one process: chunks on the workers of a Dask cluster, one future for each."""

from __future__ import annotations

import logging
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from archcalc import __version__
from archcalc.engine.sweep.chunk import Runner
from archcalc.engine.sweep.parts import Store
from archcalc.engine.sweep.plan import Plan
from archcalc.engine.sweep.run import Kept, Progress, compute, gathered
from archcalc.results.sweep import Columns, Sweep, Tally
from archcalc.source import Diagnostic, SpecError
from archcalc.source.extra import require

if TYPE_CHECKING:
    from distributed import Client, Future

EXTRA = "cluster"
AHEAD = 4  # chunks that wait for each thread of the cluster
ADDRESS = "--scheduler tcp://HOST:8786"
LOGGING = ("distributed", "tornado", "asyncio")  # what tells of lost connections on stderr, each in its own way
GREETING = 10.0  # seconds until a scheduler has said who it is
LONGEST_GREETING = 1 << 20  # bytes
PATIENCE = 30.0  # seconds, with a scheduler or a worker that does not answer
Answer: TypeAlias = "tuple[Tally, Columns | None]"
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


def compute_chunk(plan: Plan, store: Store | None, number: int, key: str) -> Answer:
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

    with _silence():
        if scheduler is None:
            # any port: of the usual one being taken Dask would warn
            cluster = LocalCluster(
                threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL
            )
            try:
                with Client(cluster, set_as_default=False) as client:
                    yield client
            finally:
                with suppress(TimeoutError):  # what is left of it ends with this process
                    cluster.close(timeout=PATIENCE)
            return
        _check_address(scheduler)
        try:
            client = Client(scheduler, set_as_default=False, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            _unreachable(scheduler, str(error))
        with client:
            yield client


@contextmanager
def _silence() -> Iterator[None]:
    """What Dask logs of a connection that is lost is said in one diagnostic, not line by line."""
    known = logging.root.manager.loggerDict.items()
    logs = [log for name, log in known if isinstance(log, logging.Logger) and name.partition(".")[0] in LOGGING]
    before = [log.disabled for log in logs]
    for log in logs:
        log.disabled = True
    try:
        yield
    finally:
        for log, is_disabled in zip(logs, before, strict=True):
            log.disabled = is_disabled


def _check_address(scheduler: str) -> None:
    """Refuse at once what is no address, and where no scheduler answers; Dask would try for a minute.

    Raises:
        SpecError: it is no address, or nobody is there.
    """
    from distributed.comm.addressing import get_address_host_port, parse_address

    try:
        host, port = get_address_host_port(scheduler)
        scheme, _ = parse_address(scheduler)
        reason = "" if 0 < port < 1 << 16 else f"{port} is no port"
    except (ValueError, TypeError) as error:
        reason = str(error)
    if reason:
        message = f"`{scheduler}` is no address of a scheduler: {reason}"
        raise SpecError([Diagnostic("no-scheduler", message, help=ADDRESS)]) from None
    if scheme in ("tcp", "tls", "ws", "wss"):
        try:
            with socket.create_connection((host, port), timeout=GREETING) as peer:
                size = peer.recv(8) if scheme == "tcp" else b""
        except (OSError, UnicodeError) as error:
            _unreachable(scheduler, str(getattr(error, "strerror", None) or error))
        # One of Dask begins with how long its greeting is; for one that says nothing a client of Dask waits for ever.
        if scheme == "tcp" and not 0 < int.from_bytes(size, "little") < LONGEST_GREETING:
            _unreachable(scheduler, "what answers there is no scheduler of Dask")


def _unreachable(scheduler: str, reason: str) -> NoReturn:
    message = f"no scheduler answers at `{scheduler}`: {reason[:1].lower()}{reason[1:]}"
    raise SpecError([Diagnostic("no-scheduler", message, help=ADDRESS)]) from None


def _chunks(plan: Plan, store: Store | None, client: Client) -> Iterator[tuple[Tally, Kept | None]]:
    """Results in the order of the chunks; a few wait on the cluster for each of its threads."""
    key = plan.key
    waiting: deque[tuple[int, Future[Answer] | Tally]] = deque()
    numbers = iter(range(plan.chunks))
    while True:
        most = AHEAD * max(1, _threads(client))
        while len(waiting) < most and (number := next(numbers, None)) is not None:
            there = None if store is None else store.found(number)
            # not pure: nobody else's answer, whose part is in another folder
            waiting.append((number, there or client.submit(compute_chunk, plan, store, number, key, pure=False)))
        if not waiting:
            return
        number, future = waiting.popleft()
        if isinstance(future, Tally):
            yield future, None
            continue
        tally, columns = _answer(future, client, partial(compute_chunk, plan, store, number, key))
        if store is not None and store.found(number) is None:
            message = f"a worker has written a part that is not in {store.folder}"
            raise SpecError([Diagnostic("not-shared", message, help="-o in a folder that all workers share")])
        yield tally, None if columns is None else Kept(plan.axes, columns)


def _answer(future: Future[Answer], client: Client, compute_here: Callable[[], Answer]) -> Answer:
    """What a worker computed; what none has within the patience is computed here, so that nothing is waited for long.

    Raises:
        SpecError: workers are lost, or the scheduler.
    """
    from distributed import CancelledError, KilledWorker

    try:
        return future.result(timeout=PATIENCE)
    except TimeoutError:
        if not _threads(client):
            _refuse(f"no worker of the cluster is left, nor was one within {PATIENCE:g} s")
        return compute_here()
    except KilledWorker as error:
        _refuse(f"workers were lost again and again while they computed a chunk: {error}")
    except CancelledError as error:
        _refuse(f"the scheduler is lost: {error}")


def _threads(client: Client) -> int:
    """How many threads the workers have.

    Raises:
        SpecError: the scheduler does not say.
    """
    try:
        return sum(client.nthreads(callback_timeout=PATIENCE).values())
    except OSError as error:
        _refuse(f"the scheduler is lost: {error}")


def _refuse(message: str) -> NoReturn:
    help = "look at the memory and the logs of the workers"
    raise SpecError([Diagnostic("workers-lost", message, help=help)]) from None
