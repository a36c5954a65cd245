"""How many runs fit into the memory of a GPU, worked out before anything is allocated."""

from __future__ import annotations

from dataclasses import dataclass

from minnet.cuda.shape import Shape
from minnet.data import Split
from minnet.errors import InputError

SHARE = 0.9  # of the free memory: the compiler and the driver need some as well


@dataclass(frozen=True)
class Need:
    """Bytes that a population needs: for its data and blocks, and for each run."""

    fixed: int
    run: int

    def most(self, free: int) -> int:
        """Return how many runs fit.

        Raises
        ------
        InputError
            If not even one does.

        Examples
        --------
        >>> Need(fixed=600, run=100).most(free=1000)
        3
        """
        runs = int(SHARE * free - self.fixed) // self.run
        if runs < 1:
            total = (self.fixed + self.run) / 1e9
            raise InputError(
                f"device 'cuda': one run needs {total:.2g} GB, of which {SHARE * free / 1e9:.2g} GB are free there; "
                "use a smaller network or --device cpu"
            )
        return runs


def need(shape: Shape, split: Split, rows: int, width: int, blocks: int) -> Need:
    """Return what runs of a shape need.

    Parameters
    ----------
    shape : Shape
    split : Split
    rows : int
        Numbers per weight: itself and its slots.
    width : int
        Of a row of the table.
    blocks : int
        Thread blocks at a time.
    """
    n = len(split.X_train)
    steps = -(-n // shape.batch)
    samples = sum(X.nbytes + 4 * len(X) * (1 + shape.n_targets) for X in (split.X_train, split.X_val, split.X_test))
    run = 4 * rows * shape.layout.size + 8 * steps * width + 4 * n + 1024
    return Need(samples + 4 * shape.work * blocks, run)
