"""JAX on a GPU: the epoch of the other peer, `vmap` over runs around the compiled scan over batches."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from minnet.bench.peers.jax import ACTIVATIONS, RULES, epoch_function
from minnet.bench.task import Task


class Contestant:
    """The parameters of all runs side by side in each array."""

    def __init__(self, task: Task, variant: str) -> None:
        jax.config.update("jax_default_matmul_precision", "highest")  # float32, as the others, and not TF32
        self.X = jnp.asarray(task.inputs())
        self.y = jnp.asarray(task.split.y_train.astype(np.int32))
        self.shape = (task.runs, task.steps, task.batch)
        rule, n_slots = RULES[task.spec.optimizer.name]
        runs = [[array for layer in task.layers(run) for array in layer] for run in range(task.runs)]
        params = [jnp.asarray(np.stack(arrays)) for arrays in zip(*runs, strict=True)]
        slots = [[jnp.zeros_like(leaf) for leaf in params] for _ in range(n_slots)]
        self.carry = (params, slots, jnp.zeros(task.runs, task.dtype))
        epoch = epoch_function(ACTIVATIONS[task.spec.network.activation], rule, task.hyper)
        self.run = jax.jit(jax.vmap(epoch, in_axes=(0, 0, None, None)), donate_argnums=0)

    def facts(self) -> dict[str, float]:
        """Return how many runs there are."""
        return {"runs": self.shape[0]}

    def epoch(self, orders: np.ndarray) -> float:
        """Train every run for one epoch, and return the first one's loss."""
        batches = jnp.asarray(orders.astype(np.int32).reshape(self.shape))
        self.carry, losses = jax.block_until_ready(self.run(self.carry, batches, self.X, self.y))
        return float(losses[0])
