"""JAX: the whole epoch in one compiled scan over batches, with donated parameters and state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from minnet.bench.task import Task

ACTIVATIONS: dict[str, Callable] = {
    "identity": lambda z: z,
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "sigmoid": jax.nn.sigmoid,
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
    "tanh": jnp.tanh,
}


class Contestant:
    """A multilayer perceptron as a list of arrays, and its epoch as one function."""

    def __init__(self, task: Task, variant: str) -> None:
        jax.config.update("jax_enable_x64", task.dtype == "float64")
        self.X = jnp.asarray(task.inputs())
        self.y = jnp.asarray(task.split.y_train.astype(np.int32))
        self.shape = (task.steps, task.batch)
        rule, n_slots = RULES[task.spec.optimizer.name]
        params = [jnp.asarray(array) for layer in task.layers() for array in layer]
        slots = [[jnp.zeros_like(leaf) for leaf in params] for _ in range(n_slots)]
        self.carry = (params, slots, jnp.zeros((), task.dtype))
        epoch = epoch_function(ACTIVATIONS[task.spec.network.activation], rule, task.hyper)
        self.run = jax.jit(epoch, donate_argnums=0)

    def epoch(self, order: np.ndarray) -> float:
        """Train for one epoch."""
        batches = jnp.asarray(order.astype(np.int32).reshape(self.shape))
        self.carry, loss = jax.block_until_ready(self.run(self.carry, batches, self.X, self.y))
        return float(loss)


def epoch_function(activate: Callable, rule: Callable, hyper: dict[str, float]) -> Callable:
    """Return the epoch: (carry, batches, X, y) -> (carry, mean loss)."""

    def loss(params: list, X: Any, y: Any) -> Any:
        layers = list(zip(params[::2], params[1::2]))
        for W, b in layers[:-1]:
            X = activate(X @ W + b)
        W, b = layers[-1]
        log_p = jax.nn.log_softmax(X @ W + b)
        return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()

    def epoch(carry: Any, batches: Any, X: Any, y: Any) -> Any:
        def step(carry: Any, rows: Any) -> Any:
            params, slots, t = carry
            value, grads = jax.value_and_grad(loss)(params, take(X, rows), take(y, rows))
            moved = [rule(t + 1, *leaves, **hyper) for leaves in zip(params, grads, *slots)]
            params, *slots = ([leaf[k] for leaf in moved] for k in range(1 + len(slots)))
            return (params, slots, t + 1), value

        carry, losses = jax.lax.scan(step, carry, batches)
        return carry, losses.mean()

    return epoch


def take(array: Any, rows: Any) -> Any:
    """Return rows of an array; an order of samples holds no index that is out of bounds."""
    return array.at[rows].get(mode="promise_in_bounds")


def sgd(t: Any, w: Any, g: Any, lr: float) -> tuple:
    """Gradient descent."""
    return (w - lr * g,)


def momentum(t: Any, w: Any, g: Any, v: Any, lr: float, momentum: float) -> tuple:
    """Momentum."""
    v = momentum * v + g
    return w - lr * v, v


def nesterov(t: Any, w: Any, g: Any, v: Any, lr: float, momentum: float) -> tuple:
    """Nesterov momentum."""
    v = momentum * v + g
    return w - lr * (g + momentum * v), v


def adagrad(t: Any, w: Any, g: Any, G: Any, lr: float, eps: float) -> tuple:
    """Adagrad."""
    G = G + g * g
    return w - lr * g / (jnp.sqrt(G) + eps), G


def rmsprop(t: Any, w: Any, g: Any, v: Any, lr: float, rho: float, eps: float) -> tuple:
    """RMSProp."""
    v = rho * v + (1 - rho) * g * g
    return w - lr * g / (jnp.sqrt(v) + eps), v


def adadelta(t: Any, w: Any, g: Any, v: Any, u: Any, lr: float, rho: float, eps: float) -> tuple:
    """Adadelta."""
    v = rho * v + (1 - rho) * g * g
    step = jnp.sqrt(u + eps) / jnp.sqrt(v + eps) * g
    return w - lr * step, v, rho * u + (1 - rho) * step * step


def adam(t: Any, w: Any, g: Any, m: Any, v: Any, lr: float, beta1: float, beta2: float, eps: float) -> tuple:
    """Adam."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - lr * m_hat / (jnp.sqrt(v_hat) + eps), m, v


# name: (rule, arrays that it remembers)
RULES: dict[str, tuple[Callable, int]] = {
    "sgd": (sgd, 0),
    "momentum": (momentum, 1),
    "nesterov": (nesterov, 1),
    "adagrad": (adagrad, 1),
    "rmsprop": (rmsprop, 1),
    "adadelta": (adadelta, 2),
    "adam": (adam, 2),
}
