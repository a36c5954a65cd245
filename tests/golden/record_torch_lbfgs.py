"""Record torch.optim.LBFGS with its strong Wolfe line search, one iteration at a time, into lbfgs_torch.npz.

Its line search is not that of Nocedal and Wright in every detail, so paths are comparable where it is nearly exact:
`exact` cases tighten c2, which PyTorch holds as a default argument, to 1e-10. `default` cases keep it.
"""

from __future__ import annotations

import functools
import json
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch.optim import lbfgs

OUT = Path(__file__).with_name("lbfgs_torch.npz")


def rosenbrock(x: torch.Tensor) -> torch.Tensor:
    return ((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def quadratic(matrix: torch.Tensor):
    return lambda x: 0.5 * x @ matrix @ x


def walk(fun, start: np.ndarray, history: int, steps: int) -> np.ndarray:
    x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    opt = lbfgs.LBFGS(
        [x],
        lr=1,
        max_iter=1,
        max_eval=10_000,
        history_size=history,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure():
        opt.zero_grad()
        loss = fun(x)
        loss.backward()
        return loss

    points = [start]
    for _ in range(steps):
        opt.step(closure)
        points.append(x.detach().numpy().copy())
    return np.array(points)


def main() -> None:
    rng = np.random.default_rng(7)
    root = rng.normal(size=(6, 6))
    matrix = root @ root.T + np.eye(6)
    problems = {
        "rosenbrock": (rosenbrock, np.array([-1.2, 1.0, -0.5, 0.8])),
        "quadratic": (quadratic(torch.tensor(matrix)), rng.normal(size=6)),
    }
    arrays, cases = {"matrix": matrix}, []
    plain = lbfgs._strong_wolfe
    for search in ("default", "exact"):
        lbfgs._strong_wolfe = plain if search == "default" else functools.partial(plain, c2=1e-10, tolerance_change=0)
        for problem, (fun, start) in problems.items():
            for history in (3, 10):
                key = f"{search}-{problem}-{history}"
                steps = 60 if search == "default" else 12 if problem == "rosenbrock" else 5
                arrays[f"path/{key}"] = walk(fun, start, history, steps)
                cases.append({"key": key, "search": search, "problem": problem, "history": history})
    meta = {"torch": torch.__version__, "numpy": np.__version__, "date": str(date.today()), "cases": cases}
    np.savez_compressed(OUT, meta=np.array(json.dumps(meta)), **arrays)


if __name__ == "__main__":
    main()
