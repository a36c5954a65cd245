"""What scikit-learn's parameters mean to minnet."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from minnet import optimizers, schedules
from minnet.errors import InputError, check_name
from minnet.estimators.rates import Adaptive, Constant, InverseScaling, Scheduled
from minnet.optimizers import Method, Optimizer
from minnet.schedules import Schedule
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

ACTIVATIONS = {"logistic": "sigmoid"}  # scikit-learn's names that differ
LEARNING_RATES = ("constant", "invscaling", "adaptive")
ADAM = {"beta1": "beta_1", "beta2": "beta_2", "eps": "epsilon"}
LARGEST_AUTO_BATCH = 200


def run_spec(model: Any, head: tuple[str, str], n: int, dtype: str, seed: int) -> RunSpec:
    """Return the run that an estimator's parameters describe, for a loss and its output units and `n` training samples.

    Raises
    ------
    InputError
        For a parameter out of range or an unknown name.
    """
    check(model)
    return RunSpec(
        data="the data given to fit",
        network=NetworkSpec(
            hidden=model.hidden_layer_sizes,
            activation=ACTIVATIONS.get(model.activation, model.activation),
            loss=head[0],
            output=head[1],
            init=model.init,
            dropout=plain(model.dropout),
        ),
        training=TrainingSpec(
            epochs=plain(model.max_iter),
            batch_size=batch_size(model.batch_size, n),
            validation=0.0,
            l2=plain(model.alpha),
            dtype=dtype,
        ),
        optimizer=optimizer_spec(model),
        seed=seed,
    )


def optimizer_spec(model: Any) -> OptimizerSpec:
    """Return the method that `solver` means, with its hyperparameters."""
    solver, own = model.solver, dict(model.solver_params or {})
    if isinstance(solver, Optimizer):
        _alone(model)
        lr = solver.lr.lr if isinstance(solver.lr, Schedule) else solver.lr
        if callable(lr):
            raise InputError("the lr of a solver must be a number or a schedule: see minnet.schedules.create")
        return OptimizerSpec(_name(solver.method), solver.style, {"lr": lr, **solver.hyper})
    name, hyper = _method(model, solver)
    hyper |= own
    if model.learning_rate_init is not None:
        if "lr" in own:
            raise InputError("give the step size once: learning_rate_init, or 'lr' in solver_params")
        hyper["lr"] = model.learning_rate_init
    styles = optimizers.get(name).style_names
    style = model.style
    if style == "auto":
        style = "sklearn" if "sklearn" in styles else "paper"
    return OptimizerSpec(name, style, {key: plain(value) for key, value in hyper.items()})


def _method(model: Any, solver: Any) -> tuple[str, dict[str, Any]]:
    """Return the name of a method, and the hyperparameters that have a parameter of their own."""
    if isinstance(solver, Method):
        return _name(solver), {}
    if not isinstance(solver, str):
        raise InputError(
            f"solver must be a name, a minnet.optimizers object or a rule, not {type(solver).__name__}: such as 'adam'"
        )
    if solver == "adam":
        return solver, {key: getattr(model, name) for key, name in ADAM.items()}
    if solver == "sgd":
        if not model.momentum:
            return solver, {}
        return "nesterov" if model.nesterovs_momentum else "momentum", {"momentum": model.momentum}
    return solver, {}


def _name(method: Method) -> str:
    """Return the name under which a method is found: a user's own gets one."""
    return optimizers.name_of(method) if method.digest else method.name


def _alone(model: Any) -> None:
    """Raise an `InputError` if parameters contradict a solver that brings its own."""
    changed = [
        name for name, nothing in (("learning_rate_init", None), ("solver_params", None), ("learning_rate", "constant"))
        if getattr(model, name) != nothing
    ]  # fmt: skip
    if changed:
        raise InputError(f"a solver that is an object brings its own step size and settings: leave out {changed[0]}")


def rate(model: Any, lr: float, first_step: int, steps_per_epoch: int) -> Constant:
    """Return the learning rate that `learning_rate`, or a solver with a schedule, asks for."""
    if isinstance(model.solver, Optimizer):
        wanted: Any = model.solver.lr if isinstance(model.solver.lr, Schedule) else "constant"
    else:
        wanted = model.learning_rate
    if wanted == "constant":
        return Constant(lr)
    if wanted == "invscaling":
        return InverseScaling(lr, model.power_t)
    if wanted == "adaptive":
        return Adaptive(lr)
    if isinstance(wanted, str) and wanted.partition(":")[0] not in schedules.names():
        check_name("learning_rate", wanted, [*LEARNING_RATES, *schedules.names()[1:]])
    schedule = schedules.parse(wanted, lr=lr)
    return Scheduled(schedule.bind(model.max_iter * steps_per_epoch, steps_per_epoch), first_step)


def batch_size(wanted: Any, n: int) -> int:
    """Return the number of samples per step.

    Examples
    --------
    >>> batch_size("auto", 1000), batch_size("auto", 30), batch_size(64, 30)
    (200, 30, 30)
    """
    if wanted == "auto":
        return min(LARGEST_AUTO_BATCH, n)
    if not is_whole(wanted, 1):
        raise InputError(f"batch_size = {wanted!r} must be 'auto' or a whole number from 1")
    return min(int(wanted), n)


def seed_of(random_state: Any) -> int:
    """Return the seed that a `random_state` stands for: a whole number is one itself.

    Examples
    --------
    >>> seed_of(3)
    3
    """
    if is_whole(random_state, 0):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def is_whole(value: Any, least: int) -> bool:
    """Say whether a value is a whole number that is large enough."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def plain(value: Any) -> Any:
    """Return a number of NumPy's as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def check(model: Any) -> None:
    """Raise an `InputError` for a parameter that no spec looks at."""
    for name in ("max_iter", "n_iter_no_change", "max_fun"):
        value = getattr(model, name)
        if not is_whole(value, 1) and not (name != "max_iter" and value == np.inf):
            raise InputError(f"{name} = {value!r} must be a whole number from 1")
    for name in ("alpha", "tol", "power_t"):
        value = getattr(model, name)
        if not isinstance(value, Real) or not 0 <= float(value) < np.inf:
            raise InputError(f"{name} = {value!r} must be a number from 0")
    share = model.validation_fraction
    if not isinstance(share, Real) or not 0 < float(share) < 1:
        raise InputError(f"validation_fraction = {share!r} is outside (0, 1)")
    if model.solver_params is not None and not isinstance(model.solver_params, Mapping):
        raise InputError(f"solver_params must be a dictionary such as {{'rho': 0.9}}, not {model.solver_params!r}")
    check_name("device", model.device, ["cpu", "cuda"])
    check_name("dtype", model.dtype, ["auto", "float32", "float64"])
    if not is_whole(model.threads, 1):
        raise InputError(f"threads = {model.threads!r} must be a whole number from 1")
