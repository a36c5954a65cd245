"""The worker: one contestant in a process of its own, which computes only when it is asked to.

It speaks JSON, one line each way: first the contestant's name and the task, then the number of an epoch at a time. Its
cores and the threads of its libraries are set before any of them is loaded.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import IO, Any

# Where libraries look for their number of threads when they are loaded.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS")


def environment(threads: int, device: str = "cpu") -> dict[str, str]:
    """Return the variables of a worker: those of this process, with the threads and the device of every library set.

    Examples
    --------
    >>> environment(2)["OMP_NUM_THREADS"]
    '2'
    """
    settings = {**os.environ, **dict.fromkeys(THREADS, str(threads)), "JAX_PLATFORMS": device}
    if threads == 1:
        settings["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    return settings


def pin(threads: int) -> None:
    """Keep this process on `threads` of its cores where the system can (the last ones: the first serves interrupts)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Prepare the contestant of the first line, then train an epoch for every further line."""

    def answer(values: dict[str, Any]) -> None:
        print(json.dumps(values), file=answers, flush=True)

    first = json.loads(requests.readline())
    pin(first["task"]["threads"])
    started = time.perf_counter()

    from minnet.bench import peers
    from minnet.bench.task import Task

    task = Task.from_dict(first["task"])
    contestant = peers.create(first["peer"], task)
    facts: dict[str, float] = getattr(contestant, "facts", dict)()
    answer({"prepare_s": time.perf_counter() - started, "samples": len(task.split.y_train), "facts": facts})
    idle_since = time.process_time()
    for line in requests:
        epoch = json.loads(line)["epoch"]
        order = task.order(epoch) if task.device == "cpu" else task.orders(epoch)
        cpu, started = time.process_time(), time.perf_counter()
        loss = contestant.epoch(order)
        seconds, busy = time.perf_counter() - started, time.process_time()
        answer({"seconds": seconds, "cpu_s": busy - cpu, "idle_cpu_s": cpu - idle_since, "loss": loss})
        idle_since = time.process_time()


def main() -> None:
    """Serve standard input and output; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
