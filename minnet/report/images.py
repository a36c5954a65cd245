"""Images of a portrait, as data that a page holds in itself: first-layer weights and the worst mistakes."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from minnet.report.text import clean, percent

COLUMNS = 8  # units in a row
SHADES = 16  # of either sign: as many as an eye tells apart, and the file stays small
NEGATIVE, ZERO, POSITIVE = (0, 100, 168), (255, 255, 255), (189, 58, 0)  # two hues that everyone tells apart


def first_layer(portrait: Mapping[str, Any]) -> np.ndarray:
    """Return the weights of first-layer units as one sheet of small images, float64 in −1 .. 1; NaN between them."""
    height, width = portrait["shape"]
    units = [(_bytes(each).astype(np.float64) - 128) / 127 for each in portrait["units"]]
    rows = -(-len(units) // COLUMNS)
    sheet = np.full((rows * (height + 1) - 1, COLUMNS * (width + 1) - 1), np.nan)
    for place, unit in enumerate(units):
        top, left = place // COLUMNS * (height + 1), place % COLUMNS * (width + 1)
        sheet[top : top + height, left : left + width] = unit.reshape(height, width)
    return sheet


def mistake(portrait: Mapping[str, Any], place: int) -> np.ndarray:
    """Return a wrongly classified image, uint8, 0 being empty."""
    return _bytes(portrait["mistakes"][place]["image"]).reshape(portrait["shape"])


def of_portrait(portrait: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a portrait: data URIs of its images, and words."""
    if not portrait.get("units"):
        return {"units": "", "limit": "", "mistakes": []}
    classes = [clean(name) for name in portrait["classes"]]
    sheet = np.round(first_layer(portrait) * SHADES)
    colours = [_mixed(shade / SHADES) for shade in range(-SHADES, SHADES + 1)]
    places = np.where(np.isnan(sheet), len(colours), sheet + SHADES).astype(np.uint8)
    mistakes = [
        {
            "image": _uri(255 - mistake(portrait, place)),
            "true": classes[each["true"]],
            "predicted": classes[each["predicted"]],
            "index": each["index"],
            "probability": percent(each["probability"]),
        }
        for place, each in enumerate(portrait["mistakes"])
    ]
    return {
        "units": _uri(places, [*colours, ZERO]),
        "count": len(portrait["units"]),
        "limit": f"{portrait['limit']:.2g}",
        "mistakes": mistakes,
    }


def _mixed(share: float) -> tuple[int, ...]:
    """Return the colour of a weight between −1 and 1."""
    end = NEGATIVE if share < 0 else POSITIVE
    return tuple(round(zero + abs(share) * (colour - zero)) for zero, colour in zip(ZERO, end))


def _uri(pixels: np.ndarray, colours: list[tuple[int, ...]] | None = None) -> str:
    """Return an image as a data URI, its numbers being places in a list of colours, or grey."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.uint8))
    if colours:
        image = Image.frombytes("P", image.size, image.tobytes())
        image.putpalette([part for colour in colours for part in colour])
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=np.uint8)
