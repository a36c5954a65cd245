"""What a kernel is compiled for: the network, the batch, the methods, and where things lie in a block's memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minnet.cuda.tiling import Block
from minnet.network.layout import Layout


@dataclass(frozen=True)
class Shape:
    """Everything that the runs of one launch have in common.

    widths : units per layer, inputs first; batch : samples per step
    task : what the outputs are compared with; weighted : whether samples have weights
    drops, drops_inputs : whether any of the runs has dropout
    block : threads and tiles
    """

    widths: tuple[int, ...]
    batch: int
    activation: str
    loss: str
    output: str
    task: str
    weighted: bool
    drops: bool
    drops_inputs: bool
    block: Block

    @property
    def layout(self) -> Layout:
        """Where the parameters lie."""
        return Layout(self.widths)

    @property
    def last(self) -> int:
        """Number of the output layer; the first layer of parameters has number 1, as the units it leads to."""
        return len(self.widths) - 1

    @property
    def units(self) -> int:
        """Numbers per kind of buffer: one for each sample and unit above the inputs."""
        return self.batch * sum(self.widths[1:])

    def z(self, layer: int) -> int:
        """Return where begins what the units of a layer receive."""
        return self.batch * sum(self.widths[1:layer])

    def a(self, layer: int) -> int:
        """Return where begins what they send."""
        return self.units + self.z(layer)

    def delta(self, layer: int) -> int:
        """Return where begins the derivative of the loss to z."""
        return 2 * self.units + self.z(layer)

    def h(self, layer: int) -> int:
        """Return where begins what they send after dropout."""
        return 3 * self.units + self.z(layer) if self.drops else self.a(layer)

    @property
    def n_targets(self) -> int:
        """Numbers that a sample is compared with: one for each output unit, and its weight."""
        return self.widths[-1] + self.weighted

    @property
    def targets(self) -> int:
        """Where the targets of the batch begin."""
        return (4 if self.drops else 3) * self.units

    @property
    def grads(self) -> int:
        """Where a gradient lies that must be seen as a whole before the weights move."""
        return self.targets + self.batch * self.n_targets

    @property
    def kept(self) -> int:
        """Where a copy of the weights lies while it is needed."""
        return self.grads + self.layout.size

    @property
    def work(self) -> int:
        """Floats of global memory that a block works in."""
        return self.kept + self.layout.size


@dataclass(frozen=True)
class Kind:
    """A method as the kernel knows it.

    slots : numbers that the rule remembers per weight; coefficients : numbers that it is given at every step;
    slow : whether slow weights follow it (Lookahead): they are one slot more.
    """

    rule: Callable
    slots: int
    coefficients: int
    slow: bool

    @property
    def rows(self) -> int:
        """Numbers per weight: itself, and all that is remembered about it."""
        return 1 + self.slots + self.slow
