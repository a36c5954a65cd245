"""The scalar functions of networks, as device functions of the same source as on the CPU."""

from __future__ import annotations

import math
from collections.abc import Callable

from minnet.cuda.target import SIMULATED, device
from minnet.network.activations import ACTIVATIONS
from minnet.network.losses import binary_cross_entropy, cross_entropy, squared_error, weighted

if not SIMULATED:
    from numba import types
    from numba.cuda import libdevice

    try:
        from numba.cuda.extending import overload
    except ImportError:
        from numba.core.extending import overload

    @overload(math.cbrt, target="cuda")
    def _cube_root(x):
        """Cube root, which Numba lacks for CUDA too."""
        if x == types.float32:
            return lambda x: libdevice.cbrtf(x)
        return None


def activation(name: str) -> tuple[Callable, Callable]:
    """Return value and slope of an activation."""
    scalar = ACTIVATIONS[name]
    return device(scalar.value), device(scalar.slope)


def head(loss: str, output: str, by_weight: bool) -> Callable:
    """Return the head of a loss and an output activation, for one row or several; `by_weight` : see `weighted`."""
    if loss == "mse":
        function = device(squared_error(*activation(output)))
    else:
        function = device({"cross_entropy": cross_entropy, "binary_cross_entropy": binary_cross_entropy}[loss])
    return device(weighted(function)) if by_weight else function
