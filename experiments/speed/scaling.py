"""How the time of training grows with batch, width, depth, samples, runs side by side and cores, beside the roof.

    python experiments/speed/scaling.py [--rounds 5] [--samples 12800] [--out experiments/speed] [PANEL ...]

Each point is a race of minnet and the roof (`minnet.bench`), as microseconds per training sample, on MNIST with
784-128-10, Adam, batch 128, one core, but for what the panel varies. The roof's two parts are drawn as well: where
minnet runs along the products it is bound by arithmetic, where it runs along the bytes of the update by memory, and
where it leaves both by what every step costs besides.

Writes scaling.json and scaling.png. ``--draw`` only draws again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from minnet import machine
from minnet.bench import facts, stats
from minnet.bench.race import race
from minnet.bench.task import Task
from minnet.errors import InputError
from minnet.gallery.record import save_small
from minnet.report.palette import LECTURE, OTHER_COLOURS
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

# panel: (what varies, values)
PANELS: dict[str, tuple[str, tuple[int, ...]]] = {
    "batch": ("samples per step", (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)),
    "width": ("units of the hidden layer", (8, 16, 32, 64, 128, 256, 512, 1024, 2048)),
    "depth": ("hidden layers of 128 units", (1, 2, 3, 4, 6, 8)),
    "samples": ("training samples", (256, 1024, 4096, 16384, 60000)),
    "runs": ("runs side by side, a core each", ()),
    "cores": ("cores of one run", ()),
}
DATA = "mnist"


def task(panel: str, value: int, samples: int) -> Task:
    """Return the training of one point."""
    hidden: tuple[int, ...] = (128,)
    batch, threads = 128, 1
    match panel:
        case "batch":
            batch = value
        case "width":
            hidden = (value,)
        case "depth":
            hidden = (128,) * value
        case "samples":
            samples = value
        case "runs" | "cores":
            threads = value
    spec = RunSpec(
        data=DATA,
        network=NetworkSpec(hidden),
        training=TrainingSpec(batch_size=batch, validation=0.0),
        optimizer=OptimizerSpec("adam"),
    )
    return Task(spec, threads, samples)


def point(panel: str, value: int, samples: int, rounds: int) -> dict[str, Any]:
    """Measure one point, in microseconds per sample and run."""
    chosen = task(panel, value, samples)
    own = "minnet-runs" if panel == "runs" else "minnet"
    outcome = race(chosen, [own, "roof"], rounds)
    if outcome.skipped:
        sys.exit(f"{panel} = {value}: {outcome.skipped}")
    count = len(chosen.split.y_train) * (value if panel == "runs" else 1)
    roof = outcome.lanes["roof"].facts
    micro = 1e6 / count
    # The roof is that of one training; so many runs need so many times as much.
    roofs = value if panel == "runs" else 1
    return {
        "value": value,
        "minnet": [second * micro for second in outcome.lanes[own].timed],
        "roof": [second * micro * roofs for second in outcome.lanes["roof"].timed],
        "products": roof["products_s"] * micro * roofs,
        "update": roof["update_s"] * micro * roofs,
        "over_roof": [part / roofs for part in outcome.ratio(own, "roof")],
        "steps": chosen.steps,
        "disturbed": any(lane.disturbed for lane in outcome.lanes.values()),
    }


def measure(panels: Iterable[str], samples: int, rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Measure all points of the panels, and print them."""
    cores = tuple(range(1, machine.usable_cores() + 1))
    found = {}
    for panel in panels:
        found[panel] = []
        for value in PANELS[panel][1] or cores:
            found[panel].append(point(panel, value, samples, rounds))
            print(line(panel, found[panel][-1]), flush=True)
    return found


def line(panel: str, point: dict[str, Any]) -> str:
    """Return a point in words."""
    own, roof = stats.median(point["minnet"]), stats.median(point["roof"])
    return (
        f"{panel} {point['value']}: {own:.3f} µs per sample, roof {roof:.3f} "
        f"(products {point['products']:.3f}, update {point['update']:.3f}), ratio {point['over_roof'][0]:.2f}"
        f"{', not alone' if point['disturbed'] else ''}"
    )


def draw(record: dict[str, Any], path: Path) -> None:
    """Draw a panel for everything that varies."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

    panels = record["panels"]
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5 * columns, 1.6 + 3.4 * rows), layout="constrained")
    hardware, settings = record["hardware"], record["environment"]
    blas = ", ".join(f"{name}={value}" for name, value in settings.items() if name.startswith("OPENBLAS"))
    figure.suptitle(
        f"Time per training sample: {DATA}, 784-128-10 relu, Adam, float32, batch 128, one core, but for what varies\n"
        f"{hardware['processor']}{', ' + blas if blas else ''}",
        fontsize=14,
    )
    looks = (
        ("minnet", LECTURE["adam"].colour, "-", "o", 2.4),
        ("roof", LECTURE["sgd"].colour, "-", "s", 1.6),
        ("products", LECTURE["momentum"].colour, "--", "", 1.4),
        ("update", OTHER_COLOURS[2], ":", "", 1.8),
    )
    names = {"roof": "roof: products + bytes of the update", "products": "its products", "update": "its bytes"}
    for axes, (panel, points) in zip(figure.subplots(rows, columns, squeeze=False).ravel(), panels.items()):
        x = [each["value"] for each in points]
        for key, colour, line, marker, width in looks:
            y = [each[key] if isinstance(each[key], float) else stats.median(each[key]) for each in points]
            axes.plot(x, y, line, marker=marker, color=colour, linewidth=width, markersize=5, label=names.get(key, key))
            if key in ("minnet", "roof"):
                low, high = zip(*(stats.band(each[key]) for each in points))
                axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.set_yscale("log")
        axes.set_xscale("log" if max(x) > 8 else "linear")
        axes.xaxis.set_major_locator(FixedLocator(x))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.tick_params(axis="x", labelrotation=35 if max(x) > 500 else 0, labelsize=10)
        axes.set_xlabel(PANELS[panel][0], fontsize=12)
        axes.set_ylabel("µs per sample", fontsize=11)
        axes.grid(True, color="0.9", which="both")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=12)
    figure.savefig(path, dpi=110)
    save_small(path, path)


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description="Measure how the time of training grows.")
    parser.add_argument("panels", nargs="*", metavar="PANEL", help=f"{', '.join(PANELS)}; the others stay as they were")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=12800)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--draw", action="store_true", help="only draw what was measured before")
    options = parser.parse_args()
    unknown = set(options.panels) - set(PANELS)
    if unknown:
        parser.error(f"no panel {', '.join(sorted(unknown))}: there are {', '.join(PANELS)}")
    data, picture = options.out / "scaling.json", options.out / "scaling.png"
    if options.draw:
        record = json.loads(data.read_text(encoding="utf-8"))
    else:
        found = measure(options.panels or PANELS, options.samples, options.rounds)
        before = json.loads(data.read_text(encoding="utf-8"))["panels"] if data.is_file() else {}
        record = {
            "hardware": machine.hardware(),
            "versions": machine.versions(),
            "environment": facts.environment(),
            "panels": {panel: points for panel in PANELS if (points := found.get(panel, before.get(panel)))},
        }
        options.out.mkdir(parents=True, exist_ok=True)
        data.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    draw(record, picture)
    print(f"saved {data} and {picture}")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
