"""Augmentation: what is done anew in every epoch to the images that a network is trained on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from minnet.errors import InputError, check_name, suggest

NAMES = ("none", "elastic")
# What a parameter may be: its smallest and its largest value.
BOUNDS = {"sigma": (0.1, 100.0), "alpha": (0.0, 10_000.0), "rotate": (0.0, 180.0), "scale": (0.0, 0.9),
          "shear": (0.0, 2.0)}  # fmt: skip


@dataclass(frozen=True)
class Elastic:
    """Random elastic distortions, and affine ones with them.

    Every pixel is moved by its own random step. Steps are drawn uniformly from [-1, 1] in both directions, smoothed
    by a Gaussian so that neighbours move alike, and multiplied by `alpha`. Each image is also turned, stretched along
    and across, and sheared, by amounts drawn uniformly up to the given ones. Its content keeps its place: nothing is
    shifted as a whole.

    Parameters
    ----------
    sigma : float
        Deviation of the Gaussian, in pixels.
    alpha : float
        Factor of the smoothed steps; 0: no elastic distortion.
    rotate : float
        Largest angle, in degrees.
    scale : float
        Largest stretching and shrinking, as a share; of height and width apart.
    shear : float
        Largest shift of a row to the side, per pixel that it lies above or below the centre.

    References
    ----------
    Simard, Steinkraus and Platt (2003), Best practices for convolutional neural networks applied to visual document
    analysis (the defaults); Cireşan et al. (2010), Deep, big, simple neural nets excel on handwritten digit
    recognition, for rotation and scaling.

    Examples
    --------
    >>> Elastic(sigma=6, alpha=36, rotate=15, scale=0.15).describe()
    'elastic: sigma = 6, alpha = 36, rotate = 15, scale = 0.15'
    """

    sigma: float = 4.0
    alpha: float = 34.0
    rotate: float = 0.0
    scale: float = 0.0
    shear: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in BOUNDS.items():
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if not number or not low <= value <= high:
                raise InputError(f"augment 'elastic': {name} must be a number from {low:g} to {high:g}, not {value!r}")

    def describe(self) -> str:
        """Return the name and what is on."""
        on = [f"{name} = {getattr(self, name):g}" for name in BOUNDS if getattr(self, name)]
        return f"elastic: {', '.join(on)}"


def parse(spec: str | Mapping[str, Any]) -> Elastic | None:
    """Return the augmentation that a text of the command line or a table of an experiment file describes.

    Parameters
    ----------
    spec : str or mapping
        ``"none"``, ``"elastic"``, ``"elastic:alpha=36,rotate=15"`` or ``{"name": "elastic", "alpha": 36}``.

    Returns
    -------
    Elastic or None
        None for "none".

    Raises
    ------
    InputError
        For an unknown name or key (the nearest is named), or a value out of range.

    Examples
    --------
    >>> parse("elastic:alpha=36,rotate=15")
    Elastic(sigma=4.0, alpha=36.0, rotate=15.0, scale=0.0, shear=0.0)
    >>> parse("elastic:alhpa=36")
    Traceback (most recent call last):
        ...
    minnet.errors.InputError: augment 'elastic': unknown parameter 'alhpa': did you mean 'alpha'? ...
    """
    if isinstance(spec, str):
        entries = _read(spec)
    elif isinstance(spec, Mapping):
        entries = dict(spec)
    else:
        raise InputError(f"augment must be a text or a table, not {spec!r}: write for example 'elastic'")
    name = entries.pop("name", "")
    check_name("augment", name, NAMES)
    allowed = [f.name for f in fields(Elastic)] if name == "elastic" else []
    for key in entries:
        if key not in allowed:
            raise InputError(f"augment {name!r}: unknown parameter {key!r}: {suggest(str(key), allowed)}")
    return Elastic(**entries) if name == "elastic" else None


def _read(text: str) -> dict[str, Any]:
    name, colon, rest = text.partition(":")
    entries: dict[str, Any] = {"name": name.strip()}
    for item in rest.split(",") if colon else []:
        key, _, value = (part.strip() for part in item.partition("="))
        try:
            entries[key] = float(value)
        except ValueError:
            raise InputError(
                f"augment {text!r}: cannot read {item.strip()!r}: write it as 'elastic:alpha=36,rotate=15'"
            ) from None
    return entries
