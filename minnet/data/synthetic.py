"""Digits drawn by code: strokes with random shape, pose, thickness and noise.

Each digit has a few ways to be written, each a list of strokes through control
points. A stroke is a Catmull-Rom spline, which is linear in its control points:
one small matrix per way of writing turns jittered control points into points
along the pen's path. These are sprinkled onto the pixel grid by their share of
the path's length, blurred, and thresholded softly: a pen line with smooth edges.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE = 28

_Stroke = tuple[tuple[float, float], ...]
_CHUNK = 2000
_SAMPLES = 80

# Points (x, y) in a box of height 1, y downwards. Equal points are one control point.
_RING: _Stroke = (
    (0.50, 0.00), (0.20, 0.17), (0.12, 0.52), (0.24, 0.86), (0.52, 1.00),
    (0.80, 0.84), (0.89, 0.48), (0.78, 0.14), (0.50, 0.00),
)  # fmt: skip
_WAYS: tuple[tuple[int, tuple[_Stroke, ...]], ...] = (
    (0, (_RING,)),
    (0, (_RING,)),
    (0, (((0.66, 0.10), (0.38, 0.02), (0.16, 0.30), (0.14, 0.66), (0.36, 0.98), (0.68, 0.90), (0.88, 0.56),
          (0.80, 0.18), (0.54, 0.02), (0.40, 0.12)),)),
    (1, (((0.50, 0.00), (0.50, 0.33), (0.50, 0.66), (0.50, 1.00)),)),
    (1, (((0.54, 0.00), (0.52, 0.33), (0.49, 0.66), (0.47, 1.00)),)),
    (1, (((0.28, 0.22), (0.42, 0.12), (0.54, 0.00)), ((0.54, 0.00), (0.53, 0.50), (0.52, 1.00)))),
    (1, (((0.30, 0.20), (0.44, 0.10), (0.54, 0.00)), ((0.54, 0.00), (0.53, 0.50), (0.52, 1.00)),
         ((0.26, 1.00), (0.52, 1.00), (0.80, 0.99)))),
    (2, (((0.16, 0.26), (0.28, 0.06), (0.54, 0.00), (0.80, 0.14), (0.80, 0.38), (0.56, 0.68), (0.14, 0.98)),
         ((0.14, 0.98), (0.50, 0.97), (0.92, 0.94)))),
    (2, (((0.18, 0.16), (0.44, 0.00), (0.76, 0.12), (0.74, 0.44), (0.48, 0.78), (0.22, 0.98), (0.10, 0.86),
          (0.26, 0.74), (0.52, 0.90), (0.72, 1.00), (0.94, 0.90)),)),
    (3, (((0.16, 0.12), (0.44, 0.00), (0.74, 0.10), (0.72, 0.34), (0.40, 0.47)),
         ((0.40, 0.47), (0.72, 0.54), (0.86, 0.76), (0.62, 0.98), (0.32, 0.99), (0.10, 0.86)))),
    (3, (((0.14, 0.03), (0.44, 0.02), (0.82, 0.02)), ((0.82, 0.02), (0.62, 0.22), (0.44, 0.42)),
         ((0.44, 0.42), (0.74, 0.48), (0.84, 0.74), (0.60, 0.98), (0.30, 0.99), (0.12, 0.88)))),
    (3, (((0.18, 0.16), (0.46, 0.00), (0.76, 0.14), (0.66, 0.40), (0.46, 0.50), (0.74, 0.60), (0.82, 0.80),
          (0.54, 1.00), (0.16, 0.90)),)),
    (4, (((0.28, 0.02), (0.20, 0.28), (0.12, 0.52)), ((0.12, 0.52), (0.48, 0.56), (0.92, 0.52)),
         ((0.76, 0.04), (0.70, 0.50), (0.64, 1.00)))),
    (4, (((0.64, 0.00), (0.38, 0.32), (0.08, 0.66)), ((0.08, 0.66), (0.50, 0.67), (0.94, 0.65)),
         ((0.64, 0.00), (0.64, 0.50), (0.63, 1.00)))),
    (4, (((0.22, 0.04), (0.16, 0.34), (0.32, 0.52), (0.60, 0.46), (0.80, 0.30)),
         ((0.80, 0.02), (0.80, 0.30), (0.74, 0.64), (0.68, 1.00)))),
    (5, (((0.84, 0.02), (0.56, 0.03), (0.28, 0.04)), ((0.28, 0.04), (0.25, 0.22), (0.22, 0.42)),
         ((0.22, 0.42), (0.52, 0.36), (0.82, 0.52), (0.84, 0.78), (0.58, 0.98), (0.28, 0.98), (0.10, 0.86)))),
    (5, (((0.92, 0.04), (0.64, 0.02), (0.40, 0.08), (0.26, 0.26), (0.32, 0.42), (0.60, 0.50), (0.74, 0.70),
          (0.60, 0.92), (0.34, 1.00), (0.10, 0.94)),)),
    (6, (((0.72, 0.02), (0.44, 0.16), (0.20, 0.46), (0.14, 0.74), (0.34, 0.98), (0.66, 0.97), (0.82, 0.76),
          (0.66, 0.56), (0.40, 0.58), (0.18, 0.78)),)),
    (6, (((0.56, 0.00), (0.34, 0.28), (0.22, 0.62), (0.30, 0.92), (0.54, 1.00), (0.76, 0.86), (0.74, 0.62),
          (0.50, 0.54), (0.26, 0.70)),)),
    (7, (((0.10, 0.06), (0.46, 0.04), (0.86, 0.03)), ((0.86, 0.03), (0.64, 0.38), (0.5, 0.7), (0.42, 1.0)))),
    (7, (((0.12, 0.20), (0.14, 0.05), (0.46, 0.05), (0.84, 0.04)),
         ((0.84, 0.04), (0.68, 0.32), (0.54, 0.66), (0.44, 1.00)))),
    (7, (((0.10, 0.06), (0.46, 0.04), (0.86, 0.03)), ((0.86, 0.03), (0.64, 0.36), (0.48, 0.68), (0.38, 1.00)),
         ((0.32, 0.52), (0.54, 0.50), (0.80, 0.48)))),
    (8, (((0.74, 0.14), (0.50, 0.00), (0.26, 0.14), (0.34, 0.36), (0.64, 0.56), (0.80, 0.78), (0.54, 1.00),
          (0.22, 0.86), (0.32, 0.60), (0.62, 0.38), (0.74, 0.14)),)),
    (8, (((0.50, 0.00), (0.26, 0.10), (0.28, 0.36), (0.50, 0.46), (0.74, 0.34), (0.74, 0.10), (0.50, 0.00)),
         ((0.50, 0.46), (0.22, 0.60), (0.18, 0.86), (0.50, 1.00), (0.82, 0.86), (0.78, 0.58), (0.50, 0.46)))),
    (9, (((0.80, 0.24), (0.62, 0.03), (0.34, 0.06), (0.20, 0.28), (0.34, 0.48), (0.60, 0.44), (0.80, 0.24)),
         ((0.80, 0.24), (0.78, 0.50), (0.70, 0.76), (0.62, 1.00)))),
    (9, (((0.78, 0.20), (0.52, 0.00), (0.24, 0.12), (0.22, 0.36), (0.46, 0.48), (0.72, 0.36), (0.78, 0.20)),
         ((0.78, 0.20), (0.82, 0.52), (0.70, 0.86), (0.46, 1.00), (0.22, 0.92)))),
    (9, (((0.76, 0.08), (0.44, 0.02), (0.20, 0.24), (0.36, 0.46), (0.64, 0.36), (0.78, 0.10), (0.74, 0.54),
          (0.64, 1.00)),)),
)  # fmt: skip


@dataclass(frozen=True)
class _Pen:
    """All ways of writing as arrays, padded to the same number of control points.

    labels (ways,), points (ways, K, 2), path (ways, SAMPLES, K): path @ points is
    the pen's path; down (ways, SAMPLES): 0 where the next step lifts the pen.
    """

    labels: NDArray[np.int64]
    points: NDArray[np.float32]
    path: NDArray[np.float32]
    down: NDArray[np.float32]


def draw_digits(n: int, seed: int, part: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw `n` digits.

    Parameters
    ----------
    n : int
    seed : int
        Same seed, same images.
    part : int
        Another stream of the same seed: 0 for training, 1 for test images.

    Returns
    -------
    X : uint8 array of shape (n, 784)
        White ink on black, as in MNIST.
    y : int64 array of shape (n,)
        Every digit equally often, in random order.

    Examples
    --------
    >>> X, y = draw_digits(20, seed=0)
    >>> X.shape, np.bincount(y).tolist()
    ((20, 784), [2, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    """
    X = np.empty((n, SIDE * SIDE), dtype=np.uint8)
    y = np.empty(n, dtype=np.int64)
    for number, start in enumerate(range(0, n, _CHUNK)):
        rng = np.random.default_rng([seed, part, number])
        chunk = slice(start, min(start + _CHUNK, n))
        y[chunk] = rng.permutation(np.arange(chunk.start, chunk.stop) % 10)
        X[chunk] = _draw(y[chunk], rng)
    return X, y


def _draw(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
    pen = _pen()
    ways = _choose_ways(labels, pen, rng)
    path = pen.path[ways] @ _jittered(pen.points[ways], rng)
    ink = _sprinkle(*_posed(path, pen.down[ways], rng))
    return _developed(ink, rng)


def _choose_ways(labels: NDArray[np.int64], pen: _Pen, rng: np.random.Generator) -> NDArray[np.int64]:
    first = np.searchsorted(pen.labels, np.arange(10))
    count = np.bincount(pen.labels)
    return first[labels] + (rng.random(len(labels)) * count[labels]).astype(np.int64)


def _jittered(points: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Move every control point a little, and bend the sheet by a slow wave."""
    n = len(points)
    points = points + _normal(rng, points.shape) * np.float32(0.046)
    phase = _uniform(rng, (n, 1, 2), 0, 2 * np.pi)
    speed = _uniform(rng, (n, 1, 2), 2.0, 5.0)
    height = _uniform(rng, (n, 1, 2), -0.1, 0.1)
    return points + height * np.sin(speed * points[:, :, ::-1] + phase)


def _posed(
    path: NDArray[np.float32], down: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn, slant, stretch and shift the path; return it in pixels, and the length of each step."""
    n = len(path)
    angle = _normal(rng, n) * np.float32(0.14)
    slant = _normal(rng, n) * np.float32(0.24) - np.float32(0.14)
    height = np.clip(19.0 + _normal(rng, n) * np.float32(1.1), 15.5, 22.0).astype(np.float32)
    width = height * np.clip(0.80 + _normal(rng, n) * np.float32(0.14), 0.42, 1.1).astype(np.float32)
    x, y = path[:, :, 0] - np.float32(0.5), path[:, :, 1] - np.float32(0.5)
    x = (x + slant[:, None] * y) * width[:, None]
    y = y * height[:, None]
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    path = np.stack([cos * x - sin * y, sin * x + cos * y], axis=2)
    step = np.diff(path, axis=1, append=path[:, -1:])
    length = np.hypot(step[:, :, 0], step[:, :, 1]) * down
    # As in MNIST the middle of the ink is near the middle of the image.
    middle = (path * length[:, :, None]).sum(axis=1) / length.sum(axis=1)[:, None]
    shift = (SIDE - 1) / 2 + _normal(rng, (n, 2)) * np.float32(0.9)
    path = path + (shift - middle)[:, None, :].astype(np.float32)
    return np.clip(path, 1.0, SIDE - 2.001).astype(np.float32), length


def _sprinkle(path: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share the weight of each point of the path among its four pixels."""
    n = len(path)
    corner = np.floor(path)
    right, low = path[:, :, 0] - corner[:, :, 0], path[:, :, 1] - corner[:, :, 1]
    cell = corner.astype(np.int64)
    at = (np.arange(n)[:, None] * SIDE + cell[:, :, 1]) * SIDE + cell[:, :, 0]
    places = np.stack([at, at + 1, at + SIDE, at + SIDE + 1])
    shares = np.stack([(1 - right) * (1 - low), right * (1 - low), (1 - right) * low, right * low]) * weight
    ink = np.bincount(places.ravel(), weights=shares.ravel(), minlength=n * SIDE * SIDE)
    return ink.astype(np.float32).reshape(n, SIDE, SIDE)


def _developed(ink: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Blur to a line, make it as thick as it should be, add noise, round to bytes."""
    n = len(ink)
    column = (n, 1, 1)
    sigma = np.float32(1.15)
    line = _blurred(_blurred(ink, sigma, 1), sigma, 2) * (sigma * np.float32(np.sqrt(2 * np.pi)))
    half = np.clip(1.15 + _normal(rng, column) * np.float32(0.34), 0.65, 2.2)  # half the thickness, pixels
    level = np.exp(-0.5 * (half / sigma) ** 2).astype(np.float32)
    # Divided by its slope there, the level line becomes an edge one to two pixels wide.
    slope = level * half.astype(np.float32) / sigma**2
    edge = _uniform(rng, column, 0.9, 1.5)
    pixels = np.clip((line - level) / (slope * edge) + np.float32(0.5), 0, 1)
    pixels *= _uniform(rng, column, 0.78, 1.0)
    pixels += _normal(rng, pixels.shape) * _uniform(rng, column, 0.0, 0.09)
    return (np.clip(pixels, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8).reshape(n, -1)


def _blurred(ink: NDArray[np.float32], sigma: np.float32, axis: int) -> NDArray[np.float32]:
    """Gaussian blur along one axis; what lies outside is empty."""
    reach = 3
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    margin = [(0, 0)] * 3
    margin[axis] = (reach, reach)
    padded = np.pad(ink, margin)
    parts = (padded[(slice(None),) * axis + (slice(k, k + SIDE),)] * kernel[k] for k in range(2 * reach + 1))
    return functools.reduce(np.add, parts)


def _uniform(rng: np.random.Generator, shape: int | tuple[int, ...], low: float, high: float) -> NDArray[np.float32]:
    return np.float32(low) + np.float32(high - low) * rng.random(shape, dtype=np.float32)


def _normal(rng: np.random.Generator, shape: int | tuple[int, ...]) -> NDArray[np.float32]:
    return rng.standard_normal(shape, dtype=np.float32)


@functools.cache
def _pen() -> _Pen:
    ways = [_compiled(strokes) for _, strokes in _WAYS]
    width = max(len(points) for points, _, _ in ways)
    points = np.stack([np.pad(points, ((0, width - len(points)), (0, 0))) for points, _, _ in ways])
    path = np.stack([np.pad(path, ((0, 0), (0, width - path.shape[1]))) for _, path, _ in ways])
    return _Pen(
        labels=np.array([label for label, _ in _WAYS]),
        points=points.astype(np.float32),
        path=path.astype(np.float32),
        down=np.stack([down for _, _, down in ways]).astype(np.float32),
    )


def _compiled(
    strokes: tuple[_Stroke, ...],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the distinct control points, the matrix to the path, and where the pen is down."""
    distinct = list(dict.fromkeys(point for stroke in strokes for point in stroke))
    points = np.array(distinct)
    dense = [_spline([distinct.index(point) for point in stroke], len(distinct)) for stroke in strokes]
    lengths = [np.r_[0, np.cumsum(np.hypot(*np.diff(rows @ points, axis=0).T))] for rows in dense]
    shares = _share([length[-1] for length in lengths])
    path, down = [], []
    for rows, length, count in zip(dense, lengths, shares, strict=True):
        even = np.linspace(0, length[-1], count)
        path.append(np.stack([np.interp(even, length, column) for column in rows.T], axis=1))
        down.append(np.r_[np.ones(count - 1), 0.0])
    return points, np.concatenate(path), np.concatenate(down)


def _share(lengths: list[float]) -> list[int]:
    """Give each stroke its share of the samples by length."""
    ends = np.rint(np.cumsum(lengths) / sum(lengths) * _SAMPLES).astype(int)
    return [int(count) for count in np.diff(np.r_[0, ends])]


def _spline(stroke: list[int], n_points: int) -> NDArray[np.float64]:
    """Return the matrix from control points to 16 points per piece of a Catmull-Rom spline."""
    closed = stroke[0] == stroke[-1]
    before = stroke[-2] if closed else stroke[0]
    after = stroke[1] if closed else stroke[-1]
    knots = [before, *stroke, after]
    t = np.linspace(0, 1, 16)[:, None]
    rows = np.zeros((len(stroke) - 1, 16, n_points))
    weights = (
        np.concatenate([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2], axis=1)
        / 2
    )
    for piece in range(len(stroke) - 1):
        for k in range(4):
            rows[piece, :, knots[piece + k]] += weights[:, k]
    return rows.reshape(-1, n_points)
