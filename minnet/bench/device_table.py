"""A race on a GPU as rows of a table: contestants may train different numbers of runs."""

from __future__ import annotations

import itertools

from minnet.bench.race import Lane, Outcome
from minnet.bench.stats import band, median
from minnet.bench.task import Task

HEADER = ("peer", "runs", "s/epoch", "10-90 %", "ms/run", "{first} / peer, per run", "GFLOP/s", "of peak", "loss",
          "first epoch")  # fmt: skip


def flops(task: Task) -> float:
    """Return the floating-point operations of one run's products in an epoch.

    Examples
    --------
    >>> from minnet.training import RunSpec, TrainingSpec
    >>> flops(Task(RunSpec(training=TrainingSpec(batch_size=100))))  # 1,400 digits through 64-128-10
    56627200.0
    """
    widths = task.layout.widths
    weights = [fan_in * fan_out for fan_in, fan_out in itertools.pairwise(widths)]
    return 2.0 * len(task.split.y_train) * (3 * sum(weights) - weights[0])


def rows(outcome: Outcome) -> list[tuple[str, ...]]:
    """Return the header and a row per contestant, the fastest per run first."""
    first = next(iter(outcome.lanes), "")
    found = [tuple(cell.format(first=first) for cell in HEADER)]
    peak = max((lane.facts.get("peak_gflops", 0.0) for lane in outcome.lanes.values()), default=0.0)
    for label, lane in sorted(outcome.lanes.items(), key=lambda item: per_run(item[1])):
        low_s, high_s = band(lane.timed)
        rate = flops(outcome.task) / per_run(lane) / 1e9
        on_device = "runs" in lane.facts
        found.append(
            (
                label,
                f"{runs(lane)}",
                f"{median(lane.timed):.3g}",
                f"{low_s:.3g} .. {high_s:.3g}",
                f"{1000 * per_run(lane):.3g}",
                "" if label == first else f"{per_run(outcome.lanes[first]) / per_run(lane):.3g}",
                f"{rate:,.0f}",
                f"{100 * rate / peak:.1f} %" if on_device and peak else "-",
                "-" if lane.loss[-1] is None else f"{lane.loss[-1]:.4f}",
                f"{lane.prepare_s + lane.seconds[0]:.1f} s",
            )
        )
    return found


def runs(lane: Lane) -> int:
    """Return how many runs a contestant trains."""
    return int(lane.facts.get("runs", 1))


def per_run(lane: Lane) -> float:
    """Return the median seconds of an epoch, divided by the runs."""
    return median(lane.timed) / runs(lane)


EXPLANATION = """\
s/epoch: median of the rounds, of all runs together, with fresh orders of the samples; ms/run: the same for each run;
GFLOP/s: those of the dense products alone; of peak: of the multiprocessors' float32 units at the GPU's top clock;
loss: of the first run; minnet: one run on one core of the processor, beside them."""
