"""Averaging, parameter-free and wrapping methods, written from their papers with plain loops in float64.

A method that is evaluated at another point than it trains at returns both paths: (trained, evaluated).
"""

from __future__ import annotations

import math

import numpy as np

OTHERS = {
    "warmup_steps": 7.0,
    "lambd": 0.02,
    "power": 0.4,
    "t0": 6.0,
    "d0": 0.01,
    "r_eps": 0.05,
    "k": 3.0,
    "alpha": 0.3,
}


def _at(gradients, t, w):
    return np.array(gradients(w) if callable(gradients) else gradients[t], dtype=np.float64)


def _warm(t, steps):
    """Share of the learning rate at step t, counted from 1."""
    return min(1.0, t / steps) if steps > 0 else 1.0


# ------------------------------------------------------------------------------------------- schedule-free


def _schedule_free(p0, gradients, lrs, beta1, warmup_steps, weight_decay, direction, optax):
    z = np.array(p0, dtype=np.float64)
    x = z.copy()
    y = z.copy()
    trained, evaluated, squares, largest = [y.copy()], [x.copy()], 0.0, 0.0
    for t, lr in enumerate(lrs, start=1):
        g = _at(gradients, t - 1, y)
        rate = lr * _warm(t - 1 if optax else t, warmup_steps)
        weight = lr * _warm(t, warmup_steps)
        largest = max(largest, weight)
        z = z - rate * (direction(t, g) + weight_decay * y)
        square = largest**2 if optax else weight**2
        squares += square
        c = square / squares if squares > 0 else 0.0
        x = (1 - c) * x + c * z
        y = (1 - beta1) * z + beta1 * x
        trained.append(y.copy())
        evaluated.append(x.copy())
    return np.array(trained), np.array(evaluated)


def schedulefree_sgd(p0, gradients, lrs, beta1, warmup_steps, weight_decay, optax=False):
    """Defazio et al. (2024), equations 3 to 5, with the weights of Algorithm 1."""
    return _schedule_free(p0, gradients, lrs, beta1, warmup_steps, weight_decay, lambda t, g: g, optax)


def schedulefree_adamw(p0, gradients, lrs, beta1, beta2, eps, warmup_steps, weight_decay, optax=False):
    """Defazio et al. (2024), Algorithm 1."""
    v = np.zeros_like(p0, dtype=np.float64)

    def direction(t, g):
        nonlocal v
        v = beta2 * v + (1 - beta2) * g**2
        return g / (np.sqrt(v / (1 - beta2**t)) + eps)

    return _schedule_free(p0, gradients, lrs, beta1, warmup_steps, weight_decay, direction, optax)


# --------------------------------------------------------------------------------------------- averaged SGD


def averaged_sgd(p0, gradients, lrs):
    """Ruppert (1988): the mean of the weights after every step."""
    w = np.array(p0, dtype=np.float64)
    trained, evaluated = [w.copy()], [w.copy()]
    for t, lr in enumerate(lrs):
        w = w - lr * _at(gradients, t, w)
        trained.append(w.copy())
        evaluated.append(np.mean(trained[1:], axis=0))
    return np.array(trained), np.array(evaluated)


def averaged_sgd_torch(p0, gradients, lrs, lambd, power, t0, weight_decay):
    """Bottou's form: the rate and the share of the mean that step k leaves serve step k + 1."""
    w = np.array(p0, dtype=np.float64)
    average = w.copy()
    eta, mu = lrs[0], 1.0
    trained, evaluated = [w.copy()], [w.copy()]
    for k, lr in enumerate(lrs, start=1):
        g = _at(gradients, k - 1, w) + weight_decay * w
        w = (1 - lambd * eta) * w - eta * g
        average = w.copy() if mu == 1 else average + mu * (w - average)
        eta = lr / (1 + lambd * lr * k) ** power
        mu = 1 / max(1, k - t0)
        trained.append(w.copy())
        evaluated.append(average.copy())
    return np.array(trained), np.array(evaluated)


# ------------------------------------------------------------------------------------------ parameter-free


def _adam_correction(t, beta1, beta2):
    return math.sqrt(1 - beta2**t) / (1 - beta1**t)


def prodigy(p0, gradients, lrs, beta1, beta2, eps, d0, weight_decay, optax=False):
    """Mishchenko and Defazio (2023), Algorithm 4, with the weighted sums as the paper has them."""
    x = start = np.array(p0, dtype=np.float64)
    m, v, s = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    d, r, root = d0, 0.0, math.sqrt(beta2)
    path = [x.copy()]
    for t, lr in enumerate(lrs, start=1):
        g = _at(gradients, t - 1, x)
        rate = lr * (_adam_correction(t, beta1, beta2) if optax else 1.0)
        m = beta1 * m + (1 - beta1) * d * g
        v = beta2 * v + (1 - beta2) * d**2 * g**2
        r = root * r + (1 - root) * rate * d**2 * (g * (start - x)).sum()
        s = root * s + (1 - root) * rate * d**2 * g
        norm = np.abs(s).sum()
        following = max(d, r / norm) if norm > 0 else d
        x = x - rate * d * weight_decay * x - rate * d * m / (np.sqrt(v) + following * eps)
        d = following
        path.append(x.copy())
    return np.array(path)


def dadapt_adam(p0, gradients, lrs, beta1, beta2, eps, d0, weight_decay, optax=False):
    """Defazio and Mishchenko (2023), D-Adapt Adam."""
    x = np.array(p0, dtype=np.float64)
    m, v, s = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    d, r, root = d0, 0.0, math.sqrt(beta2)
    path = [x.copy()]
    for t, lr in enumerate(lrs, start=1):
        g = _at(gradients, t - 1, x)
        rate = d * lr * (_adam_correction(t, beta1, beta2) if optax else 1.0)
        with np.errstate(invalid="ignore"):
            inner = np.nansum(g * s / (np.sqrt(v) + eps))
        m = beta1 * m + (1 - beta1) * rate * g
        v = beta2 * v + (1 - beta2) * g**2
        x = x - rate * weight_decay * x - m / (np.sqrt(v) + eps)
        r = root * r + (1 - root) * rate * inner
        s = root * s + (1 - root) * rate * g
        norm = np.abs(s).sum()
        d = max(d, r / ((1 - root) * norm)) if norm > 0 else d
        path.append(x.copy())
    return np.array(path)


def dog(p0, gradients, lrs, r_eps, eps, weight_decay):
    """Ivgi, Hinder and Carmon (2023), equation (DoG), r_ε in proportion to 1 + ‖x₀‖ as in their experiments."""
    x = start = np.array(p0, dtype=np.float64)
    path, squares = [x.copy()], 0.0
    for t, lr in enumerate(lrs):
        g = _at(gradients, t, x) + weight_decay * x
        squares += (g**2).sum()
        distances = [np.linalg.norm(point - start) for point in path]
        reach = max(r_eps * (1 + np.linalg.norm(start)), *distances)
        x = x - lr * reach / math.sqrt(squares + eps) * g
        path.append(x.copy())
    return np.array(path)


# ------------------------------------------------------------------------------------------------ wrappers


class Heavy:
    """Momentum, one step at a time."""

    def __init__(self, shape, momentum):
        self.v, self.momentum = np.zeros(shape), momentum

    def step(self, w, g, lr):
        self.v = self.momentum * self.v + g
        return w - lr * self.v


def lookahead(p0, gradients, lrs, momentum, k, alpha):
    """Zhang et al. (2019), Algorithm 1, around momentum, written as the paper's two loops."""
    slow = np.array(p0, dtype=np.float64)
    inner, t = Heavy(slow.shape, momentum), 0
    trained, evaluated = [slow.copy()], [slow.copy()]
    while t < len(lrs):
        fast = slow.copy()
        for i in range(int(k)):
            if t == len(lrs):
                break
            fast = inner.step(fast, _at(gradients, t, fast), lrs[t])
            t += 1
            if i + 1 == int(k):
                slow = slow + alpha * (fast - slow)
                fast = slow.copy()
            trained.append(fast.copy())
            evaluated.append(slow.copy())
    return np.array(trained), np.array(evaluated)


def sam(p0, gradients, lrs, momentum, rho):
    """Foret et al. (2021), Algorithm 1, around momentum; the point after each of the two gradients of a step."""
    w = np.array(p0, dtype=np.float64)
    inner = Heavy(w.shape, momentum)
    path = [w.copy()]
    for t in range(len(lrs) // 2):
        g = _at(gradients, 2 * t, w)
        norm = math.sqrt((g**2).sum())
        climbed = w + rho * g / norm if norm > 0 else w
        path.append(climbed.copy())
        w = inner.step(w, _at(gradients, 2 * t + 1, climbed), lrs[t])
        path.append(w.copy())
    return np.array(path)


def _optax(method):
    def form(*args, **hyper):
        return method(*args, **hyper, optax=True)

    return form


METHODS = {
    "schedulefree_sgd": schedulefree_sgd,
    "schedulefree_sgd/optax": _optax(schedulefree_sgd),
    "schedulefree_adamw": schedulefree_adamw,
    "schedulefree_adamw/optax": _optax(schedulefree_adamw),
    "averaged_sgd": averaged_sgd,
    "averaged_sgd/torch": averaged_sgd_torch,
    "prodigy": prodigy,
    "prodigy/optax": _optax(prodigy),
    "dadapt_adam": dadapt_adam,
    "dadapt_adam/optax": _optax(dadapt_adam),
    "dog": dog,
    "lookahead": lookahead,
    "sam": sam,
}
