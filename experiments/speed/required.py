"""What minnet's speed must be, measured here, as a table.

    python experiments/speed/required.py [ROW ...] [--rounds 9] [--json FILE]

Rows: one-core, two-cores, fashion, wide, small, side-by-side, methods, help, warm, cold; all of them without a name.
Every ratio comes from one race in which the contestants take turns (`minnet.bench`); its interval is that of resampled
rounds, and "not alone" marks a race during which other processes computed. Peers that are not installed leave their
rows empty. MNIST and Fashion-MNIST are looked for as always.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from minnet import machine
from minnet.bench import facts, stats
from minnet.bench.race import Lane, Outcome, alternate, race
from minnet.bench.task import Task
from minnet.errors import InputError
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

PEERS = ("jax", "torch", "torch-fused", "torch-compile", "sklearn")
SEVEN = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam")


@dataclass
class Row:
    """A line of the table: what was found and what is required, as a bound from above or from below."""

    case: str
    value: float | None
    interval: tuple[float, float] | None
    required: float
    aim: str
    unit: str = ""
    at_least: bool = False
    disturbed: bool = False

    @property
    def met(self) -> str:
        """Whether the requirement is met; empty where nothing could be measured."""
        if self.value is None:
            return ""
        return "yes" if (self.value >= self.required if self.at_least else self.value <= self.required) else "NO"

    def cells(self) -> tuple[str, ...]:
        """Return the line's cells."""
        found = "not installed" if self.value is None else f"{self.value:.2f}{self.unit}"
        interval = f"{self.interval[0]:.2f} .. {self.interval[1]:.2f}" if self.interval else ""
        sign = "≥" if self.at_least else "≤"
        met = f"{self.met} (not alone)" if self.disturbed else self.met
        return (self.case, found, interval, f"{sign} {self.required:g}{self.unit}", self.aim, met)


def task(batch: int = 128, threads: int = 1, **change: Any) -> Task:
    """Return MNIST, 784-128-10 relu, Adam, float32, with what is changed."""
    network = NetworkSpec(change.pop("hidden", (128,)), change.pop("activation", "relu"))
    spec = RunSpec(
        data=change.pop("data", "mnist"),
        network=network,
        training=TrainingSpec(batch_size=batch, validation=0.0),
        optimizer=OptimizerSpec(change.pop("optimizer", "adam")),
    )
    return Task(spec, threads, **change)


def over(outcome: Outcome, peer: str, case: str, required: float, aim: str) -> Row:
    """Return the row of minnet's time over a peer's."""
    if peer not in outcome.lanes:
        return Row(case, None, None, required, aim)
    median, low, high = outcome.ratio("minnet", peer)
    return Row(case, median, (low, high), required, aim, disturbed=disturbed(outcome.lanes.values()))


def disturbed(lanes: Iterable[Lane]) -> bool:
    """Return whether other processes computed during a race."""
    return any(lane.disturbed for lane in lanes)


def one_core(rounds: int) -> Iterator[Row]:
    """One core against JAX, PyTorch fused, scikit-learn and the dense roof."""
    required = {
        32: {"jax": 0.80, "torch-fused": 0.35, "sklearn": 0.30, "roof": 1.35},
        128: {"jax": 0.85, "torch-fused": 0.45, "sklearn": 0.45, "roof": 1.35},
        512: {"jax": 0.80, "torch-fused": 0.55, "sklearn": 0.60, "roof": 1.35},
    }
    aims = {"jax": "≤ 0.5", "torch-fused": "≤ 0.25", "sklearn": "≤ 0.25", "roof": "< 1"}
    for batch, bounds in required.items():
        outcome = race(task(batch), ["minnet", *bounds], rounds, tell)
        for peer, bound in bounds.items():
            yield over(outcome, peer, f"one core, batch {batch}: over {peer}", bound, aims[peer])


def two_cores(rounds: int) -> Iterator[Row]:
    """Two cores against JAX."""
    for batch, bound in {32: 0.80, 128: 0.75, 512: 0.80}.items():
        outcome = race(task(batch, 2), ["minnet", "jax"], rounds, tell)
        yield over(outcome, "jax", f"two cores, batch {batch}: over jax", bound, "≤ 0.5")


def fashion(rounds: int) -> Iterator[Row]:
    """Fashion-MNIST, where half of the pixels are not 0."""
    outcome = race(task(data="fashion-mnist"), ["minnet", "jax"], rounds, tell)
    yield over(outcome, "jax", "Fashion-MNIST, one core, batch 128: over jax", 0.90, "≤ 0.75")


def wide(rounds: int) -> Iterator[Row]:
    """Larger networks against whichever peer is the fastest."""
    for hidden in ((500, 300), (1000, 1000)):
        name = "-".join(map(str, (784, *hidden, 10)))
        outcome = race(task(128, 2, hidden=hidden), ["minnet", *PEERS], rounds, tell)
        fastest = min(
            (label for label in outcome.lanes if label != "minnet"),
            key=lambda label: stats.median(outcome.lanes[label].timed),
            default="",
        )
        case = f"{name}, two cores, batch 128: over the fastest peer ({fastest or 'none'})"
        yield over(outcome, fastest, case, 0.95, "≤ 0.8")


def small(rounds: int) -> Iterator[Row]:
    """Nielsen's network: 6,000 small steps."""
    nielsen = task(10, hidden=(30,), activation="sigmoid", optimizer="sgd")
    outcome = race(nielsen, ["minnet", "jax"], rounds, tell)
    yield over(outcome, "jax", "784-30-10 sigmoid, SGD, one core, batch 10: over jax", 0.7, "≤ 0.4")


def side_by_side(rounds: int) -> Iterator[Row]:
    """Two runs at once in one process against one run alone: epochs per second."""
    outcome = race(task(), ["minnet", "minnet-runs@2"], rounds, tell)
    median, low, high = outcome.ratio("minnet", "minnet-runs@2")
    case = "two runs side by side on two cores: throughput over one run alone"
    busy = disturbed(outcome.lanes.values())
    yield Row(case, 2 * median, (2 * low, 2 * high), 1.85, "1.95", at_least=True, disturbed=busy)


def methods(rounds: int) -> Iterator[Row]:
    """The seven methods of the lecture against each other."""
    lanes, _ = alternate({name: ("minnet", task(optimizer=name)) for name in SEVEN}, rounds, tell)
    medians = {label: stats.median(lane.timed) for label, lane in lanes.items()}
    slow, quick = max(medians, key=medians.__getitem__), min(medians, key=medians.__getitem__)
    median, low, high = stats.ratio(lanes[slow].timed, lanes[quick].timed)
    case = f"seven methods, one core, batch 128: slowest ({slow}) over fastest ({quick})"
    yield Row(case, median, (low, high), 1.3, "", disturbed=disturbed(lanes.values()))


def seconds(*command: str, **variables: str) -> float:
    """Time a Python process from start to end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, capture_output=True, env={**os.environ, **variables})
    return time.perf_counter() - started


def help_(rounds: int) -> Iterator[Row]:
    """What ``minnet --help`` takes beyond Python's own start."""
    pairs = [(seconds("-m", "minnet", "--help"), seconds("-c", "pass")) for _ in range(rounds + 1)][1:]
    extra = [own - bare for own, bare in pairs]
    yield Row("minnet --help beyond python -c pass", statistics.median(extra), stats.band(extra), 0.15, "", " s")


TRAIN = ("-m", "minnet", "train", "--data", "digits", "--epochs", "1")


def warm(rounds: int) -> Iterator[Row]:
    """A short training with all kernels in the cache."""
    times = [seconds(*TRAIN) for _ in range(rounds + 1)][1:]
    case = "minnet train --data digits --epochs 1, warm cache"
    yield Row(case, statistics.median(times), stats.band(times), 2.0, "≤ 1.2 s", " s")


def cold(rounds: int) -> Iterator[Row]:
    """The same with an empty cache of kernels."""
    times = []
    for _ in range(min(rounds, 3)):
        with tempfile.TemporaryDirectory() as folder:
            times.append(seconds(*TRAIN, NUMBA_CACHE_DIR=folder))
    yield Row("the same, cold cache", statistics.median(times), stats.band(times), 15.0, "≤ 8 s", " s")


ROWS: dict[str, Callable[[int], Iterator[Row]]] = {
    "one-core": one_core,
    "two-cores": two_cores,
    "fashion": fashion,
    "wide": wide,
    "small": small,
    "side-by-side": side_by_side,
    "methods": methods,
    "help": help_,
    "warm": warm,
    "cold": cold,
}
HEADER = ("case", "measured", "interval", "required", "aim", "met")


def tell(text: str) -> None:
    """Say what is going on, where it does not get into the table."""
    print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def main() -> None:
    """Measure the rows that were asked for."""
    parser = argparse.ArgumentParser(description="Measure what minnet's speed must be.")
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    hardware = machine.hardware()
    settings = {name: value for name, value in facts.environment().items() if name.startswith("OPENBLAS")}
    print(f"{hardware['processor']}, {hardware['usable_cores']} cores; {settings or 'no OPENBLAS_* variables'}\n")
    print(f"| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}")
    rows = []
    for name in options.rows or ROWS:
        for row in ROWS[name](options.rounds):
            tell("")
            print(f"| {' | '.join(row.cells())} |", flush=True)
            rows.append(row)
    if options.json:
        record = {
            "hardware": hardware,
            "versions": machine.versions() | facts.peer_versions(),
            "environment": facts.environment(),
            "rows": [asdict(row) | {"met": row.met} for row in rows],
        }
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
