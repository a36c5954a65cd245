"""One flat vector holds all parameters: weights, then biases, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WEIGHTS, BIAS, OUTPUT = 0, 1, 2  # roles of blocks


@dataclass(frozen=True)
class Layout:
    """Where each layer's weights and biases lie in the flat vector.

    Parameters
    ----------
    widths : tuple of int
        Units per layer, inputs first.

    Examples
    --------
    >>> layout = Layout((784, 128, 10))
    >>> layout.size
    101770
    >>> [W.shape for W, b in layout.layers(np.zeros(layout.size))]
    [(784, 128), (128, 10)]
    """

    widths: tuple[int, ...]

    @property
    def n_layers(self) -> int:
        """Number of layers with parameters."""
        return len(self.widths) - 1

    @property
    def size(self) -> int:
        """Number of parameters."""
        return int(self.starts[-1])

    @property
    def starts(self) -> np.ndarray:
        """Where each layer begins in the flat vector, and where the last one ends: int64 of shape (n_layers + 1,)."""
        sizes = [(fan_in + 1) * fan_out for fan_in, fan_out in zip(self.widths[:-1], self.widths[1:])]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    @property
    def blocks(self) -> np.ndarray:
        """First weight, rows, columns and role of every block: int64 of shape (2 * n_layers, 4).

        The weights of a layer are a block of role `WEIGHTS`, its biases one of role `BIAS`; the weights of the output
        layer have role `OUTPUT`.
        """
        rows = []
        for layer, (fan_in, fan_out) in enumerate(zip(self.widths[:-1], self.widths[1:])):
            start = int(self.starts[layer])
            role = OUTPUT if layer == self.n_layers - 1 else WEIGHTS
            rows += [[start, fan_in, fan_out, role], [start + fan_in * fan_out, 1, fan_out, BIAS]]
        return np.array(rows, dtype=np.int64)

    def layers(self, vector: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return views of a flat vector: for each layer the weights (fan_in, fan_out) and the biases (fan_out,)."""
        views = []
        for start, fan_in, fan_out in zip(self.starts, self.widths[:-1], self.widths[1:]):
            middle = start + fan_in * fan_out
            views.append((vector[start:middle].reshape(fan_in, fan_out), vector[middle : middle + fan_out]))
        return views
