"""References: the lecture's methods as Keras, optax and scikit-learn write them, and Adam's nearest kin.

See `reference` for the form of a trajectory. Shares no code with minnet.
"""

from __future__ import annotations

import math

import numpy as np

# What a method does not take from its author's paper but from a library says so in its docstring.
OTHERS = {"momentum_decay": 0.3}


def walk(p0, gradients, lrs, step, *memory):
    """Collect the points of ``step(t, a, w, g, *memory) -> (w, *memory)``, t from 1."""
    w = np.array(p0, dtype=np.float64)
    state = [np.full(w.shape, float(start)) for start in memory]
    path = [w.copy()]
    for t, a in enumerate(lrs, start=1):
        g = np.array(gradients(w) if callable(gradients) else gradients[t - 1], dtype=np.float64)
        w, *state = step(t, float(a), w, g, *state)
        path.append(w.copy())
    return np.array(path)


# ------------------------------------------------------------------ the lecture's methods in other libraries


def momentum_inside(p0, gradients, lrs, momentum):
    """Sutskever et al. (2013), as in Keras and scikit-learn: v <- mu v - a g, w <- w + v."""

    def step(t, a, w, g, v):
        v = momentum * v - a * g
        return w + v, v

    return walk(p0, gradients, lrs, step, 0)


def nesterov_inside(p0, gradients, lrs, momentum):
    """Keras and scikit-learn: v <- mu v - a g, w <- w + mu v - a g."""

    def step(t, a, w, g, v):
        v = momentum * v - a * g
        return w + (momentum * v - a * g), v

    return walk(p0, gradients, lrs, step, 0)


def adagrad_inside(p0, gradients, lrs, eps):
    """Keras and optax: G starts at 0.1, eps inside the root."""

    def step(t, a, w, g, G):
        G = G + g**2
        return w - a * g / np.sqrt(G + eps), G

    return walk(p0, gradients, lrs, step, 0.1)


def rmsprop_inside(p0, gradients, lrs, rho, eps):
    """Keras and optax: eps inside the root."""

    def step(t, a, w, g, v):
        v = rho * v + (1 - rho) * g**2
        return w - a * g / np.sqrt(v + eps), v

    return walk(p0, gradients, lrs, step, 0)


def adam_hat(p0, gradients, lrs, beta1, beta2, eps):
    """Kingma and Ba (2015), end of section 2: a_t = a sqrt(1 - beta2^t) / (1 - beta1^t), eps beside sqrt(v)."""

    def step(t, a, w, g, m, v):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        a_t = a * math.sqrt(1 - beta2**t) / (1 - beta1**t)
        return w - a_t * m / (np.sqrt(v) + eps), m, v

    return walk(p0, gradients, lrs, step, 0, 0)


# ---------------------------------------------------------------------------------------- Adam's nearest kin


def adamw(p0, gradients, lrs, beta1, beta2, eps, weight_decay):
    """Loshchilov and Hutter (2019), Algorithm 2, with alpha = 1 and the schedule eta_t = lr."""

    def step(t, a, w, g, m, v):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        return w - a * (m_hat / (np.sqrt(v_hat) + eps) + weight_decay * w), m, v

    return walk(p0, gradients, lrs, step, 0, 0)


def adamw_hat(p0, gradients, lrs, beta1, beta2, eps, weight_decay):
    """Keras: first w <- w (1 - a lambda), then the step of `adam_hat`."""

    def step(t, a, w, g, m, v):
        w = w * (1 - a * weight_decay)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        a_t = a * math.sqrt(1 - beta2**t) / (1 - beta1**t)
        return w - a_t * m / (np.sqrt(v) + eps), m, v

    return walk(p0, gradients, lrs, step, 0, 0)


def amsgrad(p0, gradients, lrs, beta1, beta2, eps):
    """Reddi, Kale and Kumar (2018), Algorithm 2, without projection: no bias is corrected. The eps is ours."""

    def step(t, a, w, g, m, v, v_hat):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        v_hat = np.where(v > v_hat, v, v_hat)
        return w - a * m / (np.sqrt(v_hat) + eps), m, v, v_hat

    return walk(p0, gradients, lrs, step, 0, 0, 0)


def amsgrad_torch(p0, gradients, lrs, beta1, beta2, eps):
    """PyTorch: the largest raw v, then both corrections of Adam's Algorithm 1."""

    def step(t, a, w, g, m, v, largest):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        largest = np.where(v > largest, v, largest)
        root = np.sqrt(largest / (1 - beta2**t))
        return w - a * (m / (1 - beta1**t)) / (root + eps), m, v, largest

    return walk(p0, gradients, lrs, step, 0, 0, 0)


def amsgrad_keras(p0, gradients, lrs, beta1, beta2, eps):
    """Keras: the largest raw v, both corrections in the step size, eps beside the uncorrected root."""

    def step(t, a, w, g, m, v, largest):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        largest = np.where(v > largest, v, largest)
        a_t = a * math.sqrt(1 - beta2**t) / (1 - beta1**t)
        return w - a_t * m / (np.sqrt(largest) + eps), m, v, largest

    return walk(p0, gradients, lrs, step, 0, 0, 0)


def amsgrad_optax(p0, gradients, lrs, beta1, beta2, eps):
    """optax: the largest corrected v."""

    def step(t, a, w, g, m, v, largest):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        v_hat = v / (1 - beta2**t)
        largest = np.where(v_hat > largest, v_hat, largest)
        return w - a * (m / (1 - beta1**t)) / (np.sqrt(largest) + eps), m, v, largest

    return walk(p0, gradients, lrs, step, 0, 0, 0)


def adamax(p0, gradients, lrs, beta1, beta2, eps):
    """Kingma and Ba (2015), Algorithm 2; eps is added to |g|, as in PyTorch and optax."""

    def step(t, a, w, g, m, u):
        m = beta1 * m + (1 - beta1) * g
        old, new = beta2 * u, np.abs(g) + eps
        u = np.where(new > old, new, old)
        return w - a / (1 - beta1**t) * m / u, m, u

    return walk(p0, gradients, lrs, step, 0, 0)


def adamax_keras(p0, gradients, lrs, beta1, beta2, eps):
    """Keras: eps is added to u, which does not keep it."""

    def step(t, a, w, g, m, u):
        m = beta1 * m + (1 - beta1) * g
        old, new = beta2 * u, np.abs(g)
        u = np.where(new > old, new, old)
        return w - a / (1 - beta1**t) * m / (u + eps), m, u

    return walk(p0, gradients, lrs, step, 0, 0)


def nadam(p0, gradients, lrs, beta1, beta2, eps, momentum_decay):
    """Dozat (2015), Algorithm 8: the schedule mu_t moves the look-ahead, the mean itself decays by beta1."""

    def mu(t):
        return beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))

    def step(t, a, w, g, m, n):
        product = math.prod(mu(i) for i in range(1, t + 1))
        g_hat = g / (1 - product)
        m = beta1 * m + (1 - beta1) * g
        m_hat = m / (1 - product * mu(t + 1))
        n = beta2 * n + (1 - beta2) * g**2
        n_hat = n / (1 - beta2**t)
        m_bar = (1 - mu(t)) * g_hat + mu(t + 1) * m_hat
        return w - a * m_bar / (np.sqrt(n_hat) + eps), m, n

    return walk(p0, gradients, lrs, step, 0, 0)


def nadam_constant(p0, gradients, lrs, beta1, beta2, eps, momentum_decay):
    """optax: mu is beta1 throughout. For its own (huge) momentum_decay only; any other is `nadam`'s."""
    if momentum_decay < 1e6:
        return nadam(p0, gradients, lrs, beta1, beta2, eps, momentum_decay)

    def step(t, a, w, g, m, n):
        m = beta1 * m + (1 - beta1) * g
        n = beta2 * n + (1 - beta2) * g**2
        m_bar = (1 - beta1) * g / (1 - beta1**t) + beta1 * m / (1 - beta1 ** (t + 1))
        return w - a * m_bar / (np.sqrt(n / (1 - beta2**t)) + eps), m, n

    return walk(p0, gradients, lrs, step, 0, 0)


def _rectified(p0, gradients, lrs, beta1, beta2, trusted, root):
    """Liu et al. (2020), Algorithm 2; ``trusted(rho)`` says whether to rectify, ``root(v, t)`` is 1 / l_t."""
    rho_inf = 2 / (1 - beta2) - 1

    def step(t, a, w, g, m, v):
        v = beta2 * v + (1 - beta2) * g**2
        m = beta1 * m + (1 - beta1) * g
        m_hat = m / (1 - beta1**t)
        rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
        if not trusted(rho):
            return w - a * m_hat, m, v
        r = math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
        return w - a * r * m_hat / root(v, t), m, v

    return walk(p0, gradients, lrs, step, 0, 0)


def radam(p0, gradients, lrs, beta1, beta2, eps):
    """The paper's rectification from rho > 4; eps beside sqrt(v), as in the authors' code."""

    def root(v, t):
        return (np.sqrt(v) + eps) / math.sqrt(1 - beta2**t)

    return _rectified(p0, gradients, lrs, beta1, beta2, lambda rho: rho > 4, root)


def radam_torch(p0, gradients, lrs, beta1, beta2, eps):
    """PyTorch: from rho > 5."""

    def root(v, t):
        return (np.sqrt(v) + eps) / math.sqrt(1 - beta2**t)

    return _rectified(p0, gradients, lrs, beta1, beta2, lambda rho: rho > 5, root)


def radam_optax(p0, gradients, lrs, beta1, beta2, eps):
    """optax: from rho = 5 on; eps beside the root of the corrected v."""

    def root(v, t):
        return np.sqrt(v / (1 - beta2**t)) + eps

    return _rectified(p0, gradients, lrs, beta1, beta2, lambda rho: rho >= 5, root)


METHODS = {
    "momentum/keras": momentum_inside,
    "momentum/sklearn": momentum_inside,
    "nesterov/keras": nesterov_inside,
    "nesterov/sklearn": nesterov_inside,
    "adagrad/keras": adagrad_inside,
    "adagrad/optax": adagrad_inside,
    "rmsprop/keras": rmsprop_inside,
    "rmsprop/optax": rmsprop_inside,
    "adam/keras": adam_hat,
    "adam/sklearn": adam_hat,
    "adamw": adamw,
    "adamw/keras": adamw_hat,
    "amsgrad": amsgrad,
    "amsgrad/torch": amsgrad_torch,
    "amsgrad/keras": amsgrad_keras,
    "amsgrad/optax": amsgrad_optax,
    "adamax": adamax,
    "adamax/keras": adamax_keras,
    "nadam": nadam,
    "nadam/optax": nadam_constant,
    "radam": radam,
    "radam/torch": radam_torch,
    "radam/optax": radam_optax,
}
