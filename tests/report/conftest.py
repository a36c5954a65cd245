"""A synthetic comparison with the attributes of the real one: seven methods, bowls of step sizes, seeds."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from minnet.lab import inference
from minnet.lab.comparison import build

LECTURE = {
    # best lr, best accuracy, speed, highest lr that does not diverge
    "sgd": (0.5, 0.945, 0.7, 2.0),
    "momentum": (0.1, 0.968, 1.3, 0.5),
    "nesterov": (0.1, 0.969, 1.4, 0.3),
    "adagrad": (0.05, 0.962, 1.2, np.inf),
    "rmsprop": (0.002, 0.966, 1.8, 0.3),
    "adadelta": (1.0, 0.955, 0.9, np.inf),
    "adam": (0.003, 0.978, 1.7, np.inf),
}
SOURCE = "def adam(w, g, m, v, lr, beta1):\n    m = beta1 * m + one_minus_beta1 * g\n    return w - m < w, m\n"
FORMULA = "m ← β₁ m + (1 − β₁) g\nv ← β₂ v + (1 − β₂) g²\nm̂ = m / (1 − β₁ᵗ)\nw ← w − α m̂ / (√v̂ + ε) + √(v + ε)"


def make_comparison(
    names=tuple(LECTURE),
    trials=8,
    seeds=4,
    epochs=6,
    gap=None,
    target=0.95,
    diverged=False,
    validation=0.1,
    labels=None,
    seed=0,
    shape=(4, 5),
):
    """Return a comparison; `gap` sets the accuracies of the methods that far apart; `labels` renames them."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 0.003, seeds)
    records, plan, portraits = {}, [], {}

    def add(label, kind, trial, seed, lr, path, bad, selected=False, test=None):
        name = f"{label}-{kind}-{trial}-{seed}"
        plan.append(
            {"optimizer": label, "kind": kind, "trial": trial, "seed": seed, "selected": selected, "run_id": name}
        )
        records[name] = record(name, kind, seed, lr, path, bad, test)

    for name in names:
        best_lr, best, speed, limit = LECTURE.get(name) or another(name)
        if gap is not None:
            best = 0.96 - gap * list(names).index(name)
        label = (labels or {}).get(name, name)
        tried = np.geomspace(best_lr / 200, best_lr * 60, trials) if trials > 1 else np.array([best_lr])
        tried = tried * np.exp(rng.normal(0, 0.05, trials))
        quality = np.array([best - 0.01 * np.log10(lr / best_lr) ** 2 * 4 for lr in tried])
        bad = np.full(trials, True) if diverged else tried > limit
        quality[bad] = np.nan
        chosen = 0 if bad.all() else int(np.nanargmax(quality))
        for trial, lr in enumerate(tried):
            path = history(rng, epochs, lr, quality[trial], speed, bad[trial], validation)
            add(label, "tune", trial, 0, lr, path, bad[trial], selected=trial == chosen)
        for s in range(seeds):
            score = quality[chosen] + shared[s] + rng.normal(0, 0.0008)
            path = history(rng, epochs, tried[chosen], score, speed, bad[chosen], validation)
            test = None if bad[chosen] else score - 0.002
            add(label, "final", chosen, s, tried[chosen], path, bad[chosen], test=test)
            if s == 0 and not bad[chosen]:
                portraits[f"{label}-final-{chosen}-0"] = portrait(epochs, shape)
    return build(
        experiment={
            "name": "race",
            "data": "digits",
            "seeds": seeds,
            "trials": trials,
            "target": target,
            "network": {"hidden": [128], "activation": "relu", "init": "he_normal", "dropout": 0.0},
            "training": {
                "epochs": epochs,
                "batch_size": 128,
                "validation": validation,
                "schedule": "constant",
            },
            "optimizer": [
                {
                    "name": name,
                    "label": (labels or {}).get(name, name),
                    "lr": {"low": 1e-4, "high": 1.0, "scale": "log"},
                }
                for name in names
            ],
        },
        provenance={
            "versions": {"minnet": "0.1.0", "numba": "0.68.1", "numpy": "2.4.6", "python": "3.11.9"},
            "hardware": {"cpu": "Example CPU", "cores": 2, "memory_gb": 8},
            "jobs": 2,
            "threads": 1,
            "started": "2025-01-01T12:00:00",
            "finished": "2025-01-01T12:01:10",
            "command": "minnet compare --data digits --optimizers lecture --trials 8 --seeds 4",
        },
        rules={
            (labels or {}).get(name, name): {
                "name": name,
                "style": "paper",
                "title": name.title(),
                "formula": FORMULA,
                "rule_source": SOURCE,
                "paper": "Kingma and Ba (2015), Adam, arXiv:1412.6980, Algorithm 1",
                "hyperparameters": {"lr": 0.001, "beta1": 0.9, "eps": 1e-8},
                "space": {"lr": {"low": 1e-5, "high": 1e-1, "scale": "log"}},
            }
            for name in names
        },
        plan=plan,
        records=records,
        portraits=portraits,
    )


def history(rng, epochs, lr, best, speed, bad, validation):
    """Return the rows of one run: an exponential approach to `best`, or a blow-up."""
    rows = []
    for epoch in range(epochs + 1):
        share = 1 - np.exp(-speed * epoch)
        accuracy = 0.1 + (best - 0.1) * share + rng.normal(0, 0.001) if not bad else 0.1
        loss = 2.3 * (1 - share) + 3 * (1 - best) * share + abs(rng.normal(0, 0.01)) if not bad else 2.3 + 5.0**epoch
        broken = bad and epoch >= 2
        rows.append(
            {
                "epoch": epoch,
                "steps": epoch * 100,
                "lr": lr,
                "train_loss": None if broken else loss * 0.8,
                "train_accuracy": None if broken else min(accuracy + 0.01, 1.0),
                "val_loss": None if broken or not validation else loss,
                "val_accuracy": None if broken or not validation else accuracy,
                "train_s": epoch * 0.11 * (1 + 0.1 * speed) * rng.uniform(0.97, 1.03),
                "eval_s": epoch * 0.02,
                "grad_norms": [1 / (epoch + best), 0.5] if epoch and not broken else None,
                "update_norms": [0.1 * speed / epoch, 0.01] if epoch and not broken else None,
                "weight_norms": [8.0 + epoch, 4.0] if epoch and not broken else None,
            }
        )
        if broken:
            break
    return rows


def another(name):
    """Return a method that the lecture does not know."""
    place = sum(name.encode())
    return 0.01 * (1 + place % 5), 0.95 + 0.001 * (place % 29), 0.3 + 0.1 * (place % 7), np.inf


def portrait(epochs, shape):
    """Return the portrait of a run that knows three classes of images of this shape."""
    rng = np.random.default_rng(7)

    def image():
        return base64.b64encode(rng.integers(0, 256, shape[0] * shape[1], dtype=np.uint8).tobytes()).decode()

    counts = (np.diag([30, 28, 31]) + np.array([[0, 1, 0], [5, 0, 0], [0, 0, 0]])).tolist()
    return {
        "classes": ["zero", "one", "two"],
        "confusion": counts,
        "steps": [[e, 100 * e, 0.1 * e, 0.01, 0.1 * e, 10.0] for e in range(1, epochs + 1)],
        "shape": [*shape],
        "units": [image() for _ in range(10)],
        "limit": 0.25,
        "mistakes": [{"index": 7, "true": 1, "predicted": 0, "probability": 0.02, "image": image()}] * 10,
    }


def record(name, kind, seed, lr, path, bad, test):
    """Return the record of one run, as the store holds it."""
    end = path[-1]
    return {
        "id": name,
        "kind": kind,
        "seed": seed,
        "hyperparameters": {"lr": float(lr), "beta1": 0.9},
        "lr": float(lr),
        "val_accuracy": end["val_accuracy"],
        "val_loss": end["val_loss"],
        "test_accuracy": test,
        "test_loss": None,
        "diverged": bool(bad),
        "diverged_step": 150 if bad else None,
        "steps": end["steps"],
        "train_s": end["train_s"],
        "eval_s": end["eval_s"],
        "compile_s": 0.5,
        "history": path,
    }


def judge(comparison):
    """Return the comparison with the differences that its trials show, in the order of its ranks."""
    board = comparison.leaderboard.sort_values("rank", ignore_index=True)
    final = comparison.trials[comparison.trials["kind"] == "final"]
    scores = {
        name: dict(zip(mine["seed"], mine["test_accuracy"].fillna(0.0), strict=True))
        for name in board["optimizer"]
        for mine in [final[final["optimizer"] == name]]
    }
    columns = inference.against_first(scores, inference.differences(scores))
    for column in columns[board["optimizer"][0]]:
        board[column] = [columns[name][column] for name in board["optimizer"]]
    comparison.leaderboard = board
    return comparison


@pytest.fixture
def make():
    """The factory of synthetic comparisons."""
    return make_comparison


@pytest.fixture(scope="session")
def race():
    """The full race: seven methods, eight trials, four seeds, six epochs, some trials diverged."""
    return make_comparison()


@pytest.fixture
def judged():
    """Return a comparison with the differences that its trials show, when a test has changed them."""
    return judge
