"""The network: one flat parameter vector, forward and backward by hand, losses, activations, initialisations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minnet.network.activations import ACTIVATIONS
from minnet.network.init import SCHEMES
from minnet.network.layout import Layout
from minnet.network.losses import LOSSES
from minnet.network.spec import NetworkSpec

if TYPE_CHECKING:
    from minnet.network.network import Network

__all__ = ["ACTIVATIONS", "LOSSES", "SCHEMES", "Layout", "Network", "NetworkSpec"]


def __getattr__(name: str) -> Any:
    # The one name that needs Numba is loaded when it is used: listing activations needs none.
    if name == "Network":
        from minnet.network.network import Network

        return Network
    raise AttributeError(f"module 'minnet.network' has no attribute {name!r}")
