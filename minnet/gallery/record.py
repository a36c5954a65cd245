"""One run of an experiment, measured, and where it is kept: in the folder of the run, or with the gallery."""

from __future__ import annotations

import datetime
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from minnet import machine, resources
from minnet.errors import InputError
from minnet.gallery.experiment import Claims, Experiment, Results
from minnet.lab import provenance

FACTS = ("processor", "usable_cores")
HEAVIEST = 150_000  # bytes of a picture in the gallery
COLOURS = 128


@dataclass(frozen=True)
class Record:
    """What is kept of a run.

    Attributes
    ----------
    name : str
    results : dict
    claims : list of (str, bool)
    provenance : dict
        command, date, seconds, cpu_seconds (of this process and those it waited for), resumed (the folder was not
        empty, and the times may be those of the rest), versions, hardware, commit.
    """

    name: str
    results: Results
    claims: Claims
    provenance: dict[str, Any]

    def write(self, path: Path) -> None:
        """Write it as JSON, one line per field."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in asdict(self).items()]
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8", newline="\n")


def read(path: Path) -> Record:
    """Return what `Record.write` wrote."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        claims = [(text, holds) for text, holds in content["claims"]]
        return Record(content["name"], content["results"], claims, content["provenance"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"cannot read the results {path}: run the experiment again ({error!r})") from error


def measured(experiment: Experiment, folder: Path, **options: Any) -> Record:
    """Run an experiment and return its results, its claims checked on them, and what it took.

    Results go through JSON first: what is checked now is what can be checked again later.
    """
    resumed = folder.is_dir() and any(folder.iterdir())
    start, cpu = time.perf_counter(), _cpu()
    results = _plain(experiment.card.name, experiment.run(folder, **options))
    facts = {
        "command": provenance.command(),
        "date": datetime.date.today().isoformat(),
        "seconds": round(time.perf_counter() - start, 1),
        # Runs that were kept by an earlier start count as well, where the results say what they took.
        "cpu_seconds": round(max(_cpu() - cpu, float(results.get("cpu_seconds", 0))), 1),
        "resumed": resumed,
        "versions": machine.versions(),
        "hardware": {name: machine.hardware()[name] for name in FACTS},
        "commit": provenance.commit(),
    }
    return Record(experiment.card.name, results, experiment.claims(results), facts)


def checkout() -> Path:
    """Return the folder of the gallery in a checkout.

    Raises
    ------
    InputError
        Where minnet is installed without one.
    """
    folder = resources.folder("experiments")
    if folder.parent == resources.PACKAGE:
        raise InputError("the gallery is kept in a checkout of minnet, and this one is installed: leave out --gallery")
    return folder


def result_path(name: str) -> Path:
    """Return where the gallery keeps an experiment's results."""
    return checkout() / "results" / f"{name}.json"


def picture_path(name: str) -> Path:
    """Return where the gallery keeps an experiment's picture."""
    return checkout() / "pictures" / f"{name}.png"


def save_small(picture: Path, target: Path) -> None:
    """Save a picture with few colours."""
    from PIL import Image

    with Image.open(picture) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)


def keep(record: Record, picture: Path) -> None:
    """Put a run into the gallery: results, and the picture with fewer colours, so that it is small.

    Raises
    ------
    InputError
        If the picture is still too heavy.
    """
    target = picture_path(record.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    save_small(picture, target)
    if target.stat().st_size > HEAVIEST:
        raise InputError(
            f"the picture {target.name} has {target.stat().st_size} bytes, more than {HEAVIEST}: draw it smaller"
        )
    record.write(result_path(record.name))


def _cpu() -> float:
    return sum(os.times()[:4])


def _plain(name: str, results: Results) -> Results:
    try:
        return json.loads(json.dumps(results, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(f"run() of {name} must return what JSON can hold, finite numbers included: {error}") from error
