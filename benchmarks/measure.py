"""Latencies of one worker or of several at once, each in a process of its own."""

import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WARM_UP = 30
MakeWorker = Callable[[int], Callable[[], None]]


@dataclass(frozen=True, slots=True)
class Figure:
    """Milliseconds per unit of work, and units per second over all clients."""

    p50: float
    p95: float
    per_second: float


def _client(make: MakeWorker, seed: int, count: int, start: Any, results: Any) -> None:
    try:
        work = make(seed)
        for _ in range(WARM_UP):
            work()
        start.wait(120)
        begun, times = time.perf_counter(), []
        for _ in range(count):
            before = time.perf_counter()
            work()
            times.append((time.perf_counter() - before) * 1000)
        results.put((times, time.perf_counter() - begun, ""))
    except Exception as error:
        start.abort()
        results.put(([], 0.0, f"{type(error).__name__}: {error}"))


def run(make: MakeWorker, *, clients: int, count: int, seed: int) -> Figure:
    """Measure ``count`` units by each of ``clients`` processes that start together.

    make: called in the new process with a seed of its own; returns the function to measure.

    Raises:
        RuntimeError: a client failed; with its message.
    """
    fork = multiprocessing.get_context("fork")
    start, results = fork.Barrier(clients), fork.Queue()
    processes = [
        fork.Process(target=_client, args=(make, seed * 100 + number, count, start, results))
        for number in range(clients)
    ]
    for process in processes:
        process.start()
    answers = [results.get() for _ in processes]
    for process in processes:
        process.join()
    failures = [message for _, _, message in answers if message and "BrokenBarrier" not in message]
    if failures or any(message for *_, message in answers):
        raise RuntimeError(failures[0] if failures else "a client failed")
    times = sorted(moment for some, _, _ in answers for moment in some)
    return Figure(
        p50=statistics.median(times),
        p95=times[min(len(times) - 1, int(len(times) * 0.95))],
        per_second=len(times) / max(seconds for _, seconds, _ in answers),
    )


def median(figures: list[Figure]) -> Figure:
    """Return the medians of repeated measurements."""
    return Figure(
        *(statistics.median(getattr(figure, name) for figure in figures) for name in Figure.__slots__)
    )
