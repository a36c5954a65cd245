"""One run: a spec and its data become a history."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from minnet import jit, machine, schedules
from minnet.data import Split, augment
from minnet.data.elastic import Distorted
from minnet.network.network import Network
from minnet.network.propagation import Penalty, aligned_zeros, make_work
from minnet.network.terms import mostly_zero
from minnet.optimizers import Optimizer
from minnet.optimizers.wrapping import PULL, RADIUS
from minnet.schedules import Schedule
from minnet.training.epoch import Around, Limits, epoch_kernel
from minnet.training.full_batch import FullBatch, compile_kernels
from minnet.training.result import RunResult
from minnet.training.spec import RunSpec
from minnet.training.team import Team, by_features

# The training loss of an epoch is measured after it, at its end point, on this many training samples (or on all):
# the same ones for every method and seed.
EVALUATED = 10_000


def train(
    spec: RunSpec,
    split: Split,
    on_epoch: Callable[[dict[str, Any]], object] | None = None,
    test: bool = False,
    should_stop: Callable[[], bool] | None = None,
    threads: int | None = None,
    observe: Callable[[Run], object] | None = None,
) -> RunResult:
    """Train one network with one method.

    Same spec, same data, same number of threads: same bits, on one machine.

    Parameters
    ----------
    spec : RunSpec
    split : Split
        From `Dataset.split`.
    on_epoch : callable, optional
        Called with every row of the history as soon as it is there.
    test : bool
        Whether to read the test set, once, at the end.
    should_stop : callable, optional
        Asked after every epoch; if it says True the run ends there.
    threads : int, optional
        Cores to use, and threads of the BLAS library for methods that multiply matrices. Without it, one core, and
        the library's own setting stays: whoever trains several networks side by side sets it once for all
        (`minnet.machine.blas_threads`).
    observe : callable, optional
        Called with the run itself after every epoch. It may look, and must change nothing.

    Returns
    -------
    RunResult
        A loss that is not finite ends the run as diverged; it is no error.

    Examples
    --------
    >>> import minnet
    >>> from minnet.training import RunSpec, TrainingSpec
    >>> split = minnet.load_dataset("digits").split()
    >>> result = minnet.train(RunSpec(training=TrainingSpec(epochs=2)), split, threads=1)
    >>> [row["epoch"] for row in result.history]
    [0, 1, 2]
    >>> result.history[2]["train_loss"] < result.history[0]["train_loss"]
    True
    """
    multiplies = not spec.optimizer.method.elementwise
    with machine.blas_threads(threads) if threads and multiplies else nullcontext():
        run = Run(spec, split, threads or 1)
        report, look = on_epoch or (lambda row: None), observe or (lambda run: None)
        report(run.measure())
        while run.epoch < spec.training.epochs and not run.diverged:
            run.train_epoch()
            report(run.measure())
            look(run)
            if should_stop and should_stop():
                break
        return run.result(test)


class Run:
    """A run in progress: its arrays, its compiled functions, and its history so far."""

    def __init__(self, spec: RunSpec, split: Split, threads: int = 1) -> None:
        self.spec, self.split = spec, split
        self.X_train = split.X_train  # of this epoch
        training = spec.training
        self.dtype = training.dtype
        weighted = split.weights is not None
        self.network = Network(spec.network, split.n_features, split.n_classes, self.dtype, split.scale, weighted)
        self.n = len(split.X_train)
        self.batch = min(training.batch_size, self.n)
        whole = spec.optimizer.method.full_batch
        self.steps_per_epoch = 1 if whole else -(-self.n // self.batch)
        self.optimizer = self._optimizer()
        self.team = self._team(threads)
        started = time.perf_counter()
        self.distorted = self._distorted(threads)
        self._compile()
        self.compile_s = time.perf_counter() - started

        self.params = aligned_zeros(self.network.layout.size, self.dtype)
        self.params[:] = self.network.init(spec.seed)
        self.grads = aligned_zeros(self.params.size, self.dtype)
        self.state = self.optimizer.start(self.params, self.network.layout.blocks)
        self.norms = np.zeros((3, self.network.layout.n_layers))
        smoothing = spec.network.label_smoothing
        self.Y_train = self.network.targets_of(split.X_train, split.y_train, smoothing, split.weights)

        self.full_batch = FullBatch(spec, self.optimizer, self.network, split.X_train, self.Y_train) if whole else None

        self.epoch = 0
        self.history: list[dict[str, Any]] = []
        self.running_loss: float | None = None
        self.train_s = self.eval_s = 0.0
        self.diverged_step: int | None = None

    @property
    def diverged(self) -> bool:
        """Whether the loss has stopped being finite."""
        return self.diverged_step is not None

    def _optimizer(self) -> Optimizer:
        """Return the method with its schedule."""
        chosen = self.spec.optimizer
        hyper = dict(chosen.settings)
        self.schedule = self.bind_schedule(hyper.pop("lr"))
        return Optimizer(chosen.method, chosen.style, hyper, self.schedule)

    def bind_schedule(self, lr: float) -> Schedule:
        """Return the schedule, bound to the length of this run."""
        schedule = schedules.parse(self.spec.training.schedule, lr=lr)
        return schedule.bind(max(1, self.spec.training.epochs * self.steps_per_epoch), self.steps_per_epoch)

    def _distorted(self, threads: int) -> Distorted | None:
        """Return the augmented training images, if any are asked for."""
        elastic = augment.parse(self.spec.training.augment)
        X, shape = self.split.X_train, self.split.image_shape
        return Distorted(X, shape, elastic, self.spec.seed, threads) if elastic else None

    def _compile(self) -> None:
        """Compile or load every kernel that the run will call."""
        if self.optimizer.method.full_batch:
            compile_kernels(str(self.split.X_train.dtype), self.dtype)
        else:
            self.update = self.optimizer.update(self.dtype)
            self.kernel = epoch_kernel(str(self.split.X_train.dtype), self.dtype)
        self.network.compile(str(self.split.X_train.dtype))

    def _team(self, threads: int) -> Team:
        """Return the workers that share each step."""
        spec, layout = self.spec.network, self.network.layout
        workers = 1 if jit.INTERPRETED else threads  # interpreted threads would wait for each other for ever
        dropout = spec.dropout + spec.input_dropout > 0
        skip = mostly_zero(self.split.X_train)
        work = make_work(layout.widths, self.batch, self.dtype, dropout, skip, self.network.weighted)
        split = not spec.input_dropout and by_features(workers, self.batch, layout.widths[0])
        return Team(workers, layout, work, self.batch, self.dtype, split)

    def train_epoch(self) -> None:
        """Train for one epoch, or until the loss is no longer finite."""
        started = time.perf_counter()
        self.epoch += 1
        if self.full_batch is not None:
            self._iterate(self.full_batch)
            self.train_s += time.perf_counter() - started
            return
        if self.distorted is not None:
            self.X_train = self.distorted.epoch(self.epoch)
        steps_done, self.running_loss = self.steps(self.order())
        self.train_s += time.perf_counter() - started
        if steps_done < self.steps_per_epoch:
            self.diverged_step = self.state.t + 1

    def order(self) -> np.ndarray:
        """Return the samples in their order of this epoch."""
        return np.random.default_rng([self.spec.seed, 1, self.epoch]).permutation(self.n)

    def steps(self, order: np.ndarray) -> tuple[int, float]:
        """Train on the samples `order`, in batches; return the number of steps done and their mean loss."""
        training = self.spec.training
        steps = np.arange(self.state.t, self.state.t - (-order.size // self.batch))
        table = self.optimizer.table(steps, training.decay_biases)
        radius, pull = self.optimizer.of_steps(table, RADIUS), self.optimizer.of_steps(table, PULL)
        steps_done, running_loss = self.team.epoch(
            self.kernel, self.X_train, self.Y_train, self.network.scale, order, self.batch,
            self.params, self.grads, self.state.slots, self.state.memory, self.state.blocks,
            self.network.widths, self.network.starts, table.astype(self.dtype),
            self.optimizer.learning_rates(steps).copy(), self.state.t, self._penalty, self._limits,
            Around(radius, pull), self._whole, self.norms, *self.network.functions, self.update,
        )  # fmt: skip
        self.state.t += steps_done
        return steps_done, float(running_loss)

    def _iterate(self, method: FullBatch) -> None:
        """Take one step of a full-batch method."""
        before = self.params.copy()
        self.running_loss = method.iterate(self.params, float(self.schedule(self.state.t)))
        if not math.isfinite(self.running_loss):
            self.diverged_step = self.state.t + 1
            return
        self.state.t += 1
        starts = self.network.starts[:-1]
        for row, vector in zip(self.norms, (method.gradient, self.params - before, self.params)):
            row[:] = np.sqrt(np.add.reduceat(vector.astype(np.float64) ** 2, starts))

    @property
    def _whole(self) -> bool:
        """Whether something must see the whole gradient before it moves a weight."""
        limits = self._limits
        return not self.optimizer.method.elementwise or bool(limits.max_norm or limits.clip_norm or limits.clip_value)

    @property
    def _penalty(self) -> Penalty:
        training, network = self.spec.training, self.spec.network
        return Penalty(
            float(training.l2), training.decay_biases, float(network.input_dropout), float(network.dropout),
            self.spec.seed,
        )  # fmt: skip

    @property
    def _limits(self) -> Limits:
        training = self.spec.training
        return Limits(
            float(training.weight_decay), training.decay_biases, float(training.max_norm),
            float(training.clip_value), float(training.clip_norm),
        )  # fmt: skip

    def measure(self) -> dict[str, Any]:
        """Evaluate where the method wants to be evaluated, and add a row to the history."""
        started = time.perf_counter()
        params = self.evaluation_params
        X, Y = self._train_part
        train_loss, train_accuracy = self.network.evaluate(params, X, Y)
        val_loss, val_accuracy = self.network.evaluate(params, self.split.X_val, self._Y_val)
        self.eval_s += time.perf_counter() - started
        if not math.isfinite(train_loss) and not self.diverged:
            self.diverged_step = self.state.t
        if self.epoch > 0:
            self.schedule.observe(val_loss if len(self.split.X_val) else train_loss)
        trained = self.epoch > 0 and not self.diverged
        norms = self.norms.tolist() if trained else [None] * 3
        row = {
            "epoch": self.epoch,
            "steps": self.state.t,
            "lr": float(self.schedule(max(self.state.t - 1, 0))),
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
            "train_s": self.train_s,
            "eval_s": self.eval_s,
            "running_loss": self.running_loss,
            "grad_norms": norms[0],
            "update_norms": norms[1],
            "weight_norms": norms[2],
        }
        self.history.append(row)
        return row

    @property
    def evaluation_params(self) -> np.ndarray:
        """The parameters at which to evaluate."""
        params = self.optimizer.evaluation_params(self.params, self.state)
        assert isinstance(params, np.ndarray)
        return params

    @functools.cached_property
    def _train_part(self) -> tuple[np.ndarray, np.ndarray]:
        X, y = self.split.X_train, self.split.y_train
        if self.n > EVALUATED:
            rng = np.random.default_rng(self.spec.training.split_seed)
            chosen = np.sort(rng.choice(self.n, EVALUATED, replace=False))
            X, y = X[chosen], y[chosen]
        return X, self.network.targets_of(X, y)

    @functools.cached_property
    def _Y_val(self) -> np.ndarray:
        return self.network.targets_of(self.split.X_val, self.split.y_val)

    def result(self, test: bool) -> RunResult:
        """Return what came out; read the test set if asked to."""
        test_loss = test_accuracy = None
        if test:
            started = time.perf_counter()
            X_test = self.split.X_test
            Y_test = self.network.targets_of(X_test, self.split.y_test)
            test_loss, test_accuracy = self.network.evaluate(self.evaluation_params, X_test, Y_test)
            self.eval_s += time.perf_counter() - started
        return RunResult(
            spec=self.spec,
            history=self.history,
            diverged_step=self.diverged_step,
            compile_s=self.compile_s,
            train_s=self.train_s,
            eval_s=self.eval_s,
            train_size=self.n,
            steps=self.state.t,
            params=self.evaluation_params,
            network=self.network,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
        )
