"""The loss around the paths of training: the plane of the paths, lines between solutions, sharpness."""

from __future__ import annotations

from minnet.landscape.ground import Ground
from minnet.landscape.lines import Line, line
from minnet.landscape.plane import LossMap, Plane, loss_map, principal_plane
from minnet.landscape.sharpness import largest_eigenvalue, stability_limit
from minnet.landscape.study import Landscape, parts, study
from minnet.landscape.walks import Walk, kept_epochs, walk

__all__ = [
    "Ground",
    "Landscape",
    "Line",
    "LossMap",
    "Plane",
    "Walk",
    "kept_epochs",
    "largest_eigenvalue",
    "line",
    "loss_map",
    "parts",
    "principal_plane",
    "stability_limit",
    "study",
    "walk",
]
