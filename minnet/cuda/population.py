"""A population: runs of one shape, trained side by side on a GPU, one epoch of all of them per launch."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minnet.cuda import devices, epoch, memory
from minnet.cuda.evaluation import PARTS, evaluation_kernel
from minnet.cuda.member import Member, check
from minnet.cuda.plan import Plan
from minnet.cuda.shape import Kind, Shape
from minnet.cuda.table import OWN
from minnet.cuda.target import SIMULATED, cuda, launching
from minnet.cuda.tiling import SIMULATED as SIMULATED_BLOCK
from minnet.cuda.tiling import Block, choose
from minnet.data import Split
from minnet.errors import InputError
from minnet.network.network import Network, explained, variance
from minnet.training.result import RunResult
from minnet.training.run import EVALUATED
from minnet.training.spec import RunSpec

LONGEST = 2**32 - 2  # numbers of an array: the kernels count them with 32 bits


class Data(NamedTuple):
    """Samples and targets on the device, flat, and which of them to evaluate; of an autoencoder, their variance."""

    X: Any
    Y: Any
    chosen: Any
    size: int
    variance: float


def shape_of(specs: Sequence[RunSpec], split: Split, block: Block | None = None) -> Shape:
    """Return the shape that runs have in common.

    Raises
    ------
    InputError
        If they have none in common, or a GPU cannot train them.
    """
    check(specs)
    networks = [spec.network.resolved() for spec in specs]
    batches = {min(spec.training.batch_size, len(split.X_train)) for spec in specs}
    alike = {(n.hidden, n.activation, n.loss, n.output, n.task) for n in networks}
    if len(alike) > 1 or len(batches) > 1:
        raise InputError("the runs of a population have one network, one loss and one batch size: train them apart")
    network, batch = networks[0], batches.pop()
    widths = network.widths(split.n_features, split.n_classes)
    shape = Shape(
        widths, batch, network.activation, network.loss, network.output, network.task,
        split.weights is not None, any(n.dropout > 0 for n in networks), any(n.input_dropout > 0 for n in networks),
        block or (SIMULATED_BLOCK if SIMULATED else choose(widths, batch)),
    )  # fmt: skip
    most = max(shape.work, *(X.size for X in (split.X_train, split.X_val, split.X_test)))
    if most > LONGEST:
        raise InputError(f"device 'cuda' counts to {LONGEST:,}, and the data or the network have {most:,} numbers")
    return shape


class Population:
    """Runs in progress on a GPU.

    Parameters
    ----------
    specs : sequence of RunSpec
        Of one network, loss and batch size; method, hyperparameters, schedule, regularisers and seed are each run's
        own.
    split : Split
    block : Block, optional
        Threads and tiles; chosen by the shape if not given.
    member : callable
        Makes a `Member` of a run, the number of samples, and whether there are any to validate on.

    Raises
    ------
    InputError
        If there is no GPU, or it cannot train one of these runs.
    """

    def __init__(
        self,
        specs: Sequence[RunSpec],
        split: Split,
        block: Block | None = None,
        member: Callable[[RunSpec, int, bool], Member] = Member,
    ) -> None:
        started = time.perf_counter()
        self.device = devices.require()
        self.split, self.shape = split, shape_of(specs, split, block)
        self.n = len(split.X_train)
        self.members = [member(spec, self.n, len(split.X_val) > 0) for spec in specs]
        self.kinds, self._epoch_kernel, self._evaluation_kernel = kernels(
            self.shape, tuple(dict.fromkeys(each.kind for each in self.members))
        )
        self.width = OWN + max(kind.coefficients for kind in self.kinds) + 2  # those of wrappers follow the method's
        self.blocks = min(len(specs), self.device.multiprocessors * self.shape.block.resident)
        self.networks = [
            Network(spec.network, split.n_features, split.n_classes, "float32", split.scale, split.weights is not None)
            for spec in specs
        ]
        self.plan = Plan(self.members, self.n, self.width)
        with launching():
            self._fill()
            self._compile()
        self.compile_s = time.perf_counter() - started

    def _fill(self) -> None:
        """Bring data, initial weights and settings to the device."""
        runs, layout = len(self.members), self.shape.layout
        self.state = cuda.device_array((runs, max(kind.rows for kind in self.kinds), layout.size), np.float32)
        self.work = cuda.device_array((max(1, self.blocks), self.shape.work), np.float32)
        for run in range(runs):
            self.state[run].copy_to_device(self._initial(run))
        self.whole, self.real = (cuda.to_device(each) for each in self._told())
        self.where = cuda.to_device(np.array([member.evaluated for member in self.members], np.int64))
        self.train_data = self._data(self.split.X_train, self.split.y_train, self._evaluated(), self.split.weights)
        self.val_data = self._data(self.split.X_val, self.split.y_val)
        self.orders = cuda.device_array((len(self.plan.seeds), self.n), np.int32)
        self.norms = np.zeros((runs, 3, layout.n_layers))

    def _initial(self, run: int) -> np.ndarray:
        """Return weights and slots before the first step."""
        params = self._initial_params(self.members[run].spec)
        slots = self.members[run].optimizer.start(params, self.shape.layout.blocks).slots
        rows = np.zeros((self.state.shape[1], params.size), np.float32)
        rows[0], rows[1 : 1 + len(slots)] = params, slots
        return rows

    def _initial_params(self, spec: RunSpec) -> np.ndarray:
        network = spec.network.resolved()
        return _initial_params(self.shape.widths, network.init, network.bias_init, spec.seed)

    def _told(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what every run is told, in whole numbers and in floats."""
        whole, real = np.zeros((len(self.members), 6), np.int64), np.zeros((len(self.members), 7), np.float32)
        for run, member in enumerate(self.members):
            network, training = member.spec.network, member.spec.training
            whole[run, [epoch.KIND, epoch.ORDER, epoch.SEED]] = (
                self.kinds.index(member.kind), self.plan.seeds.index(member.spec.seed), member.spec.seed,
            )  # fmt: skip
            whole[run, [epoch.INPUT_THRESHOLD, epoch.THRESHOLD, epoch.SLOW]] = (
                _threshold(network.input_dropout), _threshold(network.dropout), member.evaluated,
            )  # fmt: skip
            real[run, [epoch.INPUT_KEPT, epoch.KEPT]] = 1 / (1 - network.input_dropout), 1 / (1 - network.dropout)
            smoothing = network.label_smoothing if self.split.y_train.ndim == 1 else 0.0  # of labels only
            real[run, [epoch.CERTAIN, epoch.SPREAD]] = 1 - smoothing, smoothing / self.shape.widths[-1]
            real[run, [epoch.CLIP_VALUE, epoch.CLIP_NORM, epoch.MAX_NORM]] = (
                training.clip_value, training.clip_norm, training.max_norm,
            )  # fmt: skip
        return whole, real

    def _evaluated(self) -> np.ndarray:
        """Return the training samples on which losses are measured: the same as on the CPU."""
        if self.n <= EVALUATED:
            return np.arange(self.n)
        rng = np.random.default_rng(self.members[0].spec.training.split_seed)
        return np.sort(rng.choice(self.n, EVALUATED, replace=False))

    def _data(
        self, X: np.ndarray, y: np.ndarray, chosen: np.ndarray | None = None, weights: np.ndarray | None = None
    ) -> Data:
        chosen = np.arange(len(X)) if chosen is None else chosen
        Y = self.networks[0].targets_of(X, y, weights=weights)
        known = Y[chosen, : self.shape.widths[-1]] if self.shape.task == "autoencoder" else Y[:0]
        arrays = (X.reshape(-1), Y.reshape(-1), chosen.astype(np.int32))
        there = [_sent(array) if array.size else None for array in arrays]
        return Data(there[0], there[1], there[2], len(chosen), variance(known))

    def _compile(self) -> None:
        """Launch both kernels with no run left to take: what is launched first is compiled first."""
        runs = len(self.members)
        self._launch_epoch([0], np.zeros((runs, 1, 2, self.width), np.float32), 0, self._blank(), taken=1)
        sums = [cuda.to_device(np.zeros((runs, PARTS))) for _ in range(2)]
        self._launch_evaluation(self.train_data, [0], sums, taken=PARTS)

    def _blank(self) -> list[Any]:
        """Return what an epoch fills: steps done and mean loss of each run, and norms."""
        runs = len(self.members)
        return [cuda.to_device(array) for array in (np.zeros(runs, np.int64), np.zeros(runs), self.norms)]

    def _launch_epoch(
        self, active: Sequence[int], table: np.ndarray, before: int, filled: list[Any], taken: int = 0
    ) -> None:
        self._epoch_kernel[self.blocks, self.shape.block.threads](
            self.train_data.X, self.train_data.Y, self.orders, cuda.to_device(table), self.whole, self.real,
            self.state, self.work, cuda.to_device(np.array(active, np.int64)),
            cuda.to_device(np.full(1, taken, np.int64)), before, np.float32(self.split.scale), *filled,
        )  # fmt: skip

    def _launch_evaluation(self, data: Data, active: Sequence[int], sums: list[Any], taken: int = 0) -> None:
        self._evaluation_kernel[self.blocks, self.shape.block.threads](
            data.X, data.Y, data.chosen, self.where, self.state, self.work,
            cuda.to_device(np.array(active, np.int64)), cuda.to_device(np.full(1, taken, np.int64)),
            np.float32(self.split.scale), *sums,
        )  # fmt: skip

    def train_epoch(self, active: Sequence[int]) -> None:
        """Train some runs for one epoch, each until its loss is no longer finite."""
        started, members = time.perf_counter(), [self.members[run] for run in active]
        following, filled = members[0].epoch + 1, self._blank()
        orders, table = self.plan.of_epoch(following, active)
        with launching():
            self.orders.copy_to_device(orders)
            self._launch_epoch(active, table, members[0].t, filled)
            self.plan.prepare(following + 1, active)  # while the device computes
            steps, losses, self.norms = (array.copy_to_host() for array in filled)
        seconds = (time.perf_counter() - started) / len(active)
        for run, member in zip(active, members):
            member.trained(int(steps[run]), float(losses[run]), seconds)

    def evaluate(self, data: Data, active: Sequence[int]) -> np.ndarray:
        """Return mean loss and accuracy of some runs: array of shape (len(active), 2); see `Network.evaluate`."""
        if not data.size:
            return np.full((len(active), 2), math.nan)
        with launching():
            sums = [cuda.to_device(np.zeros((len(self.members), PARTS))) for _ in range(2)]
            self._launch_evaluation(data, active, sums)
            loss, verdict = (array.copy_to_host()[list(active)].sum(axis=1) for array in sums)
        if self.shape.task == "autoencoder":
            accuracy = np.array([explained(missed, data.variance) for missed in verdict.tolist()])
        else:
            accuracy = verdict / data.size
        # Outputs that are no numbers have no largest one.
        return np.column_stack([loss / data.size, np.where(np.isfinite(loss), accuracy, math.nan)])

    def measure(self, active: Sequence[int]) -> list[dict[str, Any]]:
        """Evaluate some runs; return the rows that were added to their histories."""
        started = time.perf_counter()
        train, validation = (self.evaluate(data, active).tolist() for data in (self.train_data, self.val_data))
        seconds = (time.perf_counter() - started) / len(active)
        return [
            self.members[run].measured(train[k], validation[k], self.norms[run], seconds)
            for k, run in enumerate(active)
        ]

    def params(self, run: int) -> np.ndarray:
        """Return the parameters at which a run is evaluated."""
        return self.state[run].copy_to_host()[self.members[run].evaluated]

    def results(self, runs: Iterable[int], test: bool) -> list[RunResult]:
        """Return what came out of some runs; read the test set if asked to."""
        runs = list(runs)
        tested: list[Any] = [(None, None)] * len(runs)
        if test:
            tested = self.evaluate(self._data(self.split.X_test, self.split.y_test), runs).tolist()
        return [self._result(run, *scores) for run, scores in zip(runs, tested)]

    def _result(self, run: int, test_loss: float | None, test_accuracy: float | None) -> RunResult:
        member = self.members[run]
        return RunResult(
            spec=member.spec,
            history=member.history,
            diverged_step=member.diverged_step,
            compile_s=self.compile_s / len(self.members),
            train_s=member.train_s,
            eval_s=member.eval_s,
            train_size=self.n,
            steps=member.t,
            params=self.params(run),
            network=self.networks[run],
            test_loss=test_loss,
            test_accuracy=test_accuracy,
        )


def capacity(specs: Sequence[RunSpec], split: Split) -> int:
    """Return how many runs like these fit into the free memory of the GPU.

    Raises
    ------
    InputError
        If there is no GPU, or it cannot train one of these runs.
    """
    device, shape = devices.require(), shape_of(specs, split)
    kinds = [Member(spec, len(split.X_train), False).kind for spec in specs]
    width = OWN + max(kind.coefficients for kind in kinds) + 2
    blocks = min(len(specs), device.multiprocessors * shape.block.resident)
    needed = memory.need(shape, split, max(kind.rows for kind in kinds), width, blocks)
    return needed.most(free_memory(device))


def free_memory(device: devices.Device) -> int:
    """Return the bytes that are free on the GPU."""
    if device is devices.SIMULATOR:
        return device.memory
    context = cuda.current_context()
    context.deallocations.clear()  # Numba frees what is no longer used only now and then
    return int(context.get_memory_info().free)


_compiled: dict[Shape, tuple[tuple[Kind, ...], Any, Any]] = {}


def kernels(shape: Shape, kinds: tuple[Kind, ...]) -> tuple[tuple[Kind, ...], Any, Any]:
    """Return kernels for a shape and at least some methods, and which methods they know.

    A kernel that is there already is taken, or compiled anew for its methods and the others.
    """
    known, _, evaluation = _compiled.get(shape, ((), None, None))
    if evaluation is None or not set(kinds) <= set(known):
        known = (*known, *(kind for kind in kinds if kind not in known))
        _compiled[shape] = known, epoch.epoch_kernel(shape, known), evaluation or evaluation_kernel(shape)
    return _compiled[shape]


def _sent(array: np.ndarray) -> Any:
    """Bring an array to the device, which takes no read-only ones."""
    return cuda.to_device(array if array.flags.writeable else array.copy())


@functools.lru_cache(maxsize=64)
def _initial_params(widths: tuple[int, ...], init: str, bias_init: str, seed: int) -> np.ndarray:
    from minnet.network.init import initial_params
    from minnet.network.layout import Layout

    return initial_params(Layout(widths), init, bias_init, np.random.default_rng([seed, 0]), "float32")


def _threshold(rate: float) -> int:
    """Return the number below which 32 random bits leave out a unit."""
    return int(rate * 4294967296.0)
