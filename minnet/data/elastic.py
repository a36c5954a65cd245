"""Elastic distortions, compiled: all training images of an epoch at once.

What is drawn for an image depends on the seed, the epoch and its place in the training set, and on nothing else: any
number of threads gives the same bits.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import types

from minnet import jit
from minnet.data.augment import Elastic
from minnet.errors import InputError
from minnet.squares import key_of, random_bits

REACH = 4.0  # deviations at which the Gaussian is cut off
STRIDE = 4  # rows that are summed at a time
DRAWN = 4  # random numbers per image before those of its pixels


class Distorted:
    """The training images of every epoch, in one buffer.

    Parameters
    ----------
    X : array of shape (n, n_features), uint8 or float32
    image_shape : (height, width) or None
    elastic : Elastic
    seed : int
    threads : int

    Raises
    ------
    InputError
        If the rows of `X` are no images.

    Examples
    --------
    >>> import minnet
    >>> digits = minnet.load_dataset("digits")
    >>> images = Distorted(digits.X_train, digits.image_shape, Elastic(sigma=2, alpha=4), seed=0)
    >>> one, two = images.epoch(1).copy(), images.epoch(2).copy()
    >>> one.dtype, one.shape == digits.X_train.shape, (one == two).all()
    (dtype('uint8'), True, np.False_)
    """

    def __init__(
        self, X: np.ndarray, image_shape: tuple[int, int] | None, elastic: Elastic, seed: int, threads: int = 1
    ) -> None:
        if image_shape is None:
            raise InputError(
                "augment 'elastic' moves the pixels of images, and these data have no height and width: "
                "set augment = 'none'"
            )
        self.X, self.shape, self.seed = X, image_shape, seed
        self.amounts = np.array([elastic.alpha, math.radians(elastic.rotate), elastic.scale, elastic.shear], np.float32)
        self.along, self.across = (smoothing(side, elastic.sigma) for side in image_shape)
        self.kernel = kernel(str(X.dtype))
        self.rounding = np.float32(0.5 if X.dtype == np.uint8 else 0)
        self.images = np.empty(X.shape, X.dtype)
        borders = [len(X) * part // threads for part in range(threads + 1)]
        self.parts = list(itertools.pairwise(borders))

    def epoch(self, number: int) -> np.ndarray:
        """Return the images of an epoch; they stay until the next call."""

        def work(part: tuple[int, int]) -> None:
            self.kernel(
                self.X, self.images, *part, *self.shape, self.along, self.across, self.amounts, self.rounding,
                self.seed, number,
            )  # fmt: skip

        if len(self.parts) == 1:
            work(self.parts[0])
        else:
            with ThreadPoolExecutor(len(self.parts), thread_name_prefix="minnet-distort") as pool:
                list(pool.map(work, self.parts))
        return self.images


def smoothing(side: int, sigma: float) -> np.ndarray:
    """Return the matrix that smooths a line of pixels by a Gaussian, with zeros beyond its ends.

    Rows and columns of zeros follow, up to a multiple of `STRIDE`.

    Examples
    --------
    >>> smoothing(3, 0.5).round(2)
    array([[0.79, 0.11, 0.  , 0.  ],
           [0.11, 0.79, 0.11, 0.  ],
           [0.  , 0.11, 0.79, 0.  ],
           [0.  , 0.  , 0.  , 0.  ]], dtype=float32)
    """
    reach = int(REACH * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    distance = np.abs(np.subtract.outer(np.arange(side), np.arange(side)))
    inside = np.where(distance <= reach, weights[np.minimum(distance, reach)], 0.0)
    total = weights[0] + 2 * weights[1:].sum()
    return np.pad(inside / total, (0, -side % STRIDE)).astype(np.float32)


@jit.once
def kernel(x_dtype: str) -> Callable:
    """Compile `distort` for a type of pixels, or load it from the cache."""
    pixel, real, whole = getattr(types, x_dtype), types.float32, types.int64
    images = types.Array(pixel, 2, "C", readonly=True)
    matrix = real[:, ::1]
    return jit.compile(
        distort,
        types.void(images, pixel[:, ::1], whole, whole, whole, whole, matrix, matrix, real[::1], real, whole, whole),
    )


def distort(X, out, first, end, height, width, along, across, amounts, rounding, seed, epoch):
    """Fill rows `first` to `end` of `out` with distortions of those of `X`.

    `along`, `across` : smooth columns, rows of pixels; `amounts` : alpha, radians, scale, shear; `rounding` : 0.5 where
    pixels are whole numbers, else 0.
    """
    steps = np.zeros(
        (along.shape[0], 2 * across.shape[0]), np.float32
    )  # to the side on the left, up or down on the right
    half = np.zeros_like(steps)
    for i in range(first, end):
        key = key_of(seed, epoch, i)
        if amounts[0] > 0:
            draw_steps(steps, half, height, width, along, across, amounts[0], key)
        resample(X[i], out[i], height, width, steps, affine(amounts, key), rounding)


@jit.inner
def uniform(counter, key):
    """Return a random number in [-1, 1)."""
    return np.float32(random_bits(np.uint64(counter), key)) * np.float32(2.0**-31) - np.float32(1)


@jit.inner
def draw_steps(steps, half, height, width, along, across, alpha, key):
    """Fill `steps` with random numbers, smoothed along and across the image, times alpha."""
    pitch, counter = across.shape[0], DRAWN
    for r in range(height):
        for start in range(0, 2 * pitch, pitch):
            row = steps[r, start : start + width]
            for c in range(width):
                row[c] = alpha * uniform(counter + c, key)
            counter += width
    for r in range(half.shape[0]):
        combine(along[r], steps, half[r])
    for r in range(half.shape[0]):
        for start in range(0, 2 * pitch, pitch):
            combine(half[r, start : start + pitch], across, steps[r, start : start + pitch])


@jit.inner
def combine(factors, rows, total):
    """Fill `total` with the sum of the rows, each times its factor: several at a time, as sums stay in registers."""
    for c in range(total.size):
        total[c] = 0
    for k in range(0, factors.size, STRIDE):
        a, b, c, d = factors[k], factors[k + 1], factors[k + 2], factors[k + 3]
        row_a, row_b, row_c, row_d = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
        for j in range(total.size):
            total[j] += (a * row_a[j] + b * row_b[j]) + (c * row_c[j] + d * row_d[j])


@jit.inner
def affine(amounts, key):
    """Return the matrix that takes a pixel, seen from the centre, to where it comes from: xx, xy, yx, yy."""
    angle = amounts[1] * uniform(0, key)
    one = np.float32(1)
    wide, high = one + amounts[2] * uniform(1, key), one + amounts[2] * uniform(2, key)
    shear = amounts[3] * uniform(3, key)
    cosine, sine = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    return wide * cosine, wide * shear * cosine - high * sine, wide * sine, wide * shear * sine + high * cosine


@jit.inner
def resample(image, out, height, width, steps, matrix, rounding):
    """Fill `out` with what lies where each pixel comes from, between four pixels; beyond the image lies 0."""
    xx, xy, yx, yy = matrix
    pitch = steps.shape[1] // 2
    middle_r, middle_c = np.float32(0.5) * np.float32(height - 1), np.float32(0.5) * np.float32(width - 1)
    for r in range(height):
        y = np.float32(r) - middle_r
        for c in range(width):
            x = np.float32(c) - middle_c
            x_from = middle_c + xx * x + xy * y + steps[r, c]
            y_from = middle_r + yx * x + yy * y + steps[r, pitch + c]
            value = between(image, height, width, y_from, x_from)
            out[r * width + c] = out.dtype.type(value + rounding)


@jit.inner
def between(image, height, width, y, x):
    """Return the value at a place between four pixels, weighted by how near they are."""
    top, left = math.floor(y), math.floor(x)
    down, right = y - np.float32(top), x - np.float32(left)
    value = np.float32(0)
    for r in range(top, top + 2):
        for c in range(left, left + 2):
            if 0 <= r < height and 0 <= c < width:
                share_r = down if r > top else np.float32(1) - down
                share_c = right if c > left else np.float32(1) - right
                value += share_r * share_c * np.float32(image[r * width + c])
    return value
