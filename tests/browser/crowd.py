"""How large the page of a crowd is, and how soon it can be used: ``python tests/browser/crowd.py DIR``.

Forty methods, thirty trials, a hundred epochs and five seeds go through the driver into a store in DIR, as those of a
real comparison do; only the training is left out, its numbers are made up. A store that is there is used again.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import statistics
import sys
from pathlib import Path
from unittest import mock

import numpy as np

import minnet
from minnet.lab.trials import COLUMNS, NORMS

METHODS, TRIALS, EPOCHS, SEEDS = 40, 30, 100, 5
IMAGE = (28, 28)
TIMES = 5


def run_trial(trial, split=None, on_epoch=None, should_stop=None):
    """Return the record of a run that was not trained."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(trial.id.encode()).digest()[:8], "big"))
    final, hyper = trial.kind == "final", dict(trial.run.optimizer.hyper)
    layers, best, speed = len(trial.run.network.hidden) + 1, rng.uniform(0.93, 0.985), rng.uniform(0.02, 2)
    history = []
    for epoch in range(EPOCHS + 1):
        accuracy = best - (best - 0.1) * np.exp(-speed * epoch) + rng.normal(0, 0.002)
        loss = 3 * (1 - accuracy) + abs(rng.normal(0, 0.01))
        row = (epoch, 391 * epoch, hyper["lr"], 0.7 * loss, accuracy, loss, accuracy, 0.25 * epoch, 0.02 * epoch)
        norms = {name: rng.lognormal(size=layers).tolist() if epoch else None for name in NORMS}
        history.append({**dict(zip(COLUMNS, row, strict=True)), "running_loss": loss, **norms})
    last = history[-1]
    return {
        "id": trial.id, "kind": trial.kind, "method": trial.run.optimizer.name, "style": trial.run.optimizer.style,
        "seed": trial.run.seed, "lr": hyper["lr"], "hyperparameters": hyper, "spec": trial.content(),
        "val_accuracy": last["val_accuracy"], "val_loss": last["val_loss"],
        "test_accuracy": last["val_accuracy"] if final else None, "test_loss": last["val_loss"] if final else None,
        "diverged": False, "diverged_step": None, "steps": last["steps"], "train_s": last["train_s"],
        "eval_s": last["eval_s"], "compile_s": 0.1, "train_size": 50_000, "history": history,
        "portrait": portrait(rng) if final and trial.run.seed == 1 else None,
    }  # fmt: skip


def portrait(rng):
    def image():
        return base64.b64encode(rng.integers(0, 256, IMAGE[0] * IMAGE[1], dtype=np.uint8).tobytes()).decode()

    steps = [[e, 391 * e, 0.25 * e, *np.sort(rng.lognormal(-5, 2, 3)).tolist()] for e in range(1, EPOCHS + 1)]
    mistake = {"true": 1, "predicted": 7, "probability": 0.02}
    return {
        "classes": [*"0123456789"], "confusion": rng.integers(0, 1000, (10, 10)).tolist(), "steps": steps,
        "shape": [*IMAGE], "units": [image() for _ in range(16)], "limit": 0.25,
        "mistakes": [{**mistake, "index": i, "image": image()} for i in range(10)],
    }  # fmt: skip


def fill(folder):
    with mock.patch("minnet.lab.engine.local.run_trial", run_trial):
        minnet.compare(
            data="digits", optimizers=minnet.optimizers.names()[:METHODS], trials=TRIALS, epochs=EPOCHS, seeds=SEEDS,
            hidden=(128, 64), out=folder, jobs=1,
        )  # fmt: skip


def opened(page, address):
    """Return the seconds after which the page can be read and sorted, shows its first chart, and all charts."""
    page.goto(address, wait_until="commit")
    page.wait_for_selector("body[data-drawn=all]", timeout=60_000)
    return page.evaluate("""() => [
      performance.getEntriesByType("navigation")[0].domInteractive,
      performance.getEntriesByName("first chart")[0].startTime,
      performance.getEntriesByName("all charts")[0].startTime,
    ].map((time) => time / 1000)""")


MARKS = """new MutationObserver(() => {
  const mark = (name, there) => there && !performance.getEntriesByName(name).length && performance.mark(name);
  mark("first chart", document.querySelector(".chart .main-svg"));
  mark("all charts", document.body?.dataset.drawn === "all");
}).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-drawn"] });"""


def main(folder):
    from playwright.sync_api import sync_playwright

    fill(folder)
    report = folder / "report.html"
    print(f"{report}: {report.stat().st_size / 1e6:.2f} MB")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": 1024, "height": 768})
        page.add_init_script(MARKS)
        times = [opened(page, report.resolve().as_uri()) for _ in range(TIMES)]
        browser.close()
    for what, each in zip(("read and sorted", "first chart", "all charts"), zip(*times), strict=True):
        print(f"{what}: median {statistics.median(each):.2f} s of {TIMES}, best {min(each):.2f} s")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
