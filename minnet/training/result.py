"""What comes out of a run, and the files it is kept in."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minnet import machine
from minnet.network.network import Network
from minnet.training.spec import RunSpec


@dataclass(frozen=True)
class RunResult:
    """The result of one run.

    Attributes
    ----------
    spec : RunSpec
    history : list of dict
        One row per epoch; row 0 is before training. ``train_loss`` and ``train_accuracy`` are measured after the
        epoch (on at most 10,000 training samples, the same for every run), without dropout, smoothing or penalty;
        ``running_loss`` is the mean over the epoch's steps of the loss that was minimised. ``train_s`` and
        ``eval_s`` count seconds from the start of the run. Norms are those of the epoch's last step, per layer.
    diverged_step : int or None
        The step (from 1) whose loss was the first that is not finite.
    compile_s, train_s, eval_s : float
        Seconds.
    train_size, steps : int
        Training samples; steps done.
    params : array of shape (layout.size,)
        Where the method wants to be evaluated.
    network : Network
    test_loss, test_accuracy : float or None
        None if the test set was not read.
    """

    spec: RunSpec
    history: list[dict[str, Any]]
    diverged_step: int | None
    compile_s: float
    train_s: float
    eval_s: float
    train_size: int
    steps: int
    params: np.ndarray
    network: Network
    test_loss: float | None = None
    test_accuracy: float | None = None

    @property
    def diverged(self) -> bool:
        """Whether the loss stopped being finite."""
        return self.diverged_step is not None

    def summary(self) -> dict[str, Any]:
        """Return everything but history and parameters, as JSON holds it."""
        last = self.history[-1]
        return finite(
            {
                "spec": self.spec.to_dict(),
                "network": {
                    "widths": list(self.network.layout.widths),
                    "parameters": self.network.layout.size,
                },
                "optimizer": self.spec.optimizer.settings,
                "train_size": self.train_size,
                "epochs": last["epoch"],
                "steps": self.steps,
                "diverged": self.diverged,
                "diverged_step": self.diverged_step,
                "train_loss": last["train_loss"],
                "train_accuracy": last["train_accuracy"],
                "val_loss": last["val_loss"],
                "val_accuracy": last["val_accuracy"],
                "test_loss": self.test_loss,
                "test_accuracy": self.test_accuracy,
                "compile_s": self.compile_s,
                "train_s": self.train_s,
                "eval_s": self.eval_s,
                "versions": machine.versions(),
                "hardware": machine.hardware(),
            }
        )

    def save(self, directory: str | Path) -> Path:
        """Write ``history.jsonl``, ``result.json`` and ``model.safetensors``; return the directory."""
        from safetensors.numpy import save

        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(finite(row), allow_nan=False) for row in self.history]
        (folder / "history.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        text = json.dumps(self.summary(), indent=2, allow_nan=False)
        (folder / "result.json").write_text(text + "\n", encoding="utf-8")
        tensors = {}
        for i, (W, b) in enumerate(self.network.layout.layers(self.params)):
            tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"] = W, b
        # One key: the library writes several in an order that changes from run to run.
        metadata = {"minnet": json.dumps({"layout": "x @ weight + bias", "spec": self.spec.to_dict()})}
        (folder / "model.safetensors").write_bytes(save(tensors, metadata=metadata))
        return folder


def finite(value: Any) -> Any:
    """Return `value` with every number that JSON can't hold (NaN, infinities) as None.

    Examples
    --------
    >>> finite({"loss": float("nan"), "norms": [1.0, float("inf")]})
    {'loss': None, 'norms': [1.0, None]}
    """
    if isinstance(value, dict):
        return {key: finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
