"""A race as rows of a table."""

from __future__ import annotations

from minnet.bench.race import WARM_UP, Outcome
from minnet.bench.stats import band, median

HEADER = ("peer", "s/epoch", "10-90 %", "{first} / peer", "95 %", "cores", "loss", "first epoch")


def title(outcome: Outcome) -> str:
    """Return what was raced, in one line."""
    task = outcome.task
    spec, cores = task.spec, task.threads
    widths = "-".join(map(str, task.layout.widths))
    return (
        f"{task.split.name} ({len(task.split.y_train):,} samples), {widths} {spec.network.activation}, "
        f"{spec.optimizer.name}, {task.dtype}, batch {task.batch}, {cores} core{'s' if cores > 1 else ''}"
        f"{f', {task.runs} side by side on a GPU' if task.device != 'cpu' else ''}"
    )


def rows(outcome: Outcome) -> list[tuple[str, ...]]:
    """Return the header and a row per contestant, the fastest first."""
    first = next(iter(outcome.lanes), "")
    found = [tuple(cell.format(first=first) for cell in HEADER)]
    for label, lane in sorted(outcome.lanes.items(), key=lambda item: median(item[1].timed)):
        ratio = outcome.ratio(first, label)
        low_s, high_s = band(lane.timed)
        found.append(
            (
                label,
                f"{median(lane.timed):.3g}",
                f"{low_s:.3g} .. {high_s:.3g}",
                "" if label == first else f"{ratio.median:.2f}",
                "" if label == first else f"{ratio.low:.2f} .. {ratio.high:.2f}",
                f"{lane.busy_cores:.1f}",
                "-" if lane.loss[-1] is None else f"{lane.loss[-1]:.4f}",
                f"{lane.prepare_s + lane.seconds[0]:.1f} s",
            )
        )
    return found


def notes(outcome: Outcome) -> list[str]:
    """Return what the table does not say: the roof's rates, who was left out."""
    lines = []
    for lane in outcome.lanes.values():
        if "gflops" in lane.facts:
            facts = lane.facts
            lines.append(
                f"{lane.label}: products {facts['products_s']:.3g} s at {facts['gflops']:.0f} GFLOP/s, "
                f"the update's bytes {facts['update_s']:.3g} s at {facts['gbytes_per_s']:.0f} GB/s"
            )
    lines += [f"{label}: left out, {reason}" for label, reason in outcome.skipped.items()]
    disturbed = [lane.label for lane in outcome.lanes.values() if lane.disturbed]
    if disturbed:
        lines.append(f"not alone: other processes computed beside {', '.join(disturbed)}")
    if disturbed and all(lane.threads == 1 for lane in outcome.lanes.values()):
        first, *others = outcome.lanes
        ratios = (f"{label} {outcome.cpu_ratio(first, label).median:.2f}" for label in others)
        lines.append(f"  by processor time instead, {first} / peer: {', '.join(ratios)}")
    return lines


EXPLANATION = f"""\
s/epoch: median of the rounds, with a fresh order of the samples, without evaluation and the first {WARM_UP} epochs;
x / peer: median ratio paired by round, with its bootstrap interval; cores: processor seconds per second; loss: mean
over the last epoch; first epoch: start, compilation and first epoch together, which the rest leaves out;
roof: only a step's dense products and the bytes of its update."""
