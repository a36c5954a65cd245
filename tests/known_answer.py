"""How often a comparison shows a difference where the answer is known: python tests/known_answer.py [ROUNDS].

Accuracies are drawn as those of runs are made: a seed is easier or harder for all methods, every run has its luck, and
what is read is a number of samples. Printed is the share of comparisons that show a difference between the method
that came first and any other (equal methods: at most 2 %), or the last one (a planted difference).
"""

from __future__ import annotations

import sys

import numpy as np

from minnet.lab import inference

SEEDS = (2, 3, 5, 10, 30)
EASY, LUCK = 0.005, 0.003  # standard deviations of seeds and of runs


def accuracies(rng: np.random.Generator, means: list[float], seeds: int, samples: int) -> np.ndarray:
    """Return accuracies of shape (seeds, methods)."""
    easy = rng.normal(0, EASY, (seeds, 1))
    chance = np.clip(np.asarray(means) + easy + rng.normal(0, LUCK, (seeds, len(means))), 0, 1)
    return rng.binomial(samples, chance) / samples


def shown(means: list[float], seeds: int, rounds: int, samples: int = 360) -> float:
    """Return the share of comparisons that show a difference, by the marks of the leaderboard."""
    rng = np.random.default_rng([seeds, len(means)])
    planted = len(set(means)) > 1
    count = 0
    for _ in range(rounds):
        results = accuracies(rng, means, seeds, samples)
        order = np.argsort(-np.median(results, axis=0), kind="stable")
        scores = {str(i): dict(enumerate(results[:, i])) for i in order}
        columns = inference.against_first(scores, inference.differences(scores, 1 / samples))
        marks = [columns[str(i)]["difference_shown"] for i in range(len(means))]
        count += marks[-1] if planted else any(marks)
    return count / rounds


def main(rounds: int) -> None:
    """Print the shares."""
    print("methods            " + "".join(f"{seeds:>4} seeds" for seeds in SEEDS))
    for name, means in {
        "2 equal": [0.95] * 2,
        "3 equal": [0.95] * 3,
        "7 equal": [0.95] * 7,
        "20 equal": [0.95] * 20,
        "1 and 5 points less": [0.95, 0.90],
        "6 and 5 points less": [0.95] * 6 + [0.90],
    }.items():
        shares = [shown(means, seeds, rounds) for seeds in SEEDS]
        print(f"{name:19}" + "".join(f"{100 * share:8.1f} %" for share in shares), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
