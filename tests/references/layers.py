"""Slow references of the methods that see a whole layer, written from their papers for one block.

``trajectory(p0, gradients, lrs, **hyper)`` as in `reference.py`; p0 is a matrix (rows, columns), or a vector, which
stands for biases. The blocks of a network are independent of one another: a list of arrays is a list of calls.
"""

from __future__ import annotations

import numpy as np

LAYERED = ("lars", "lamb", "muon", "shampoo", "soap", "adafactor")
OTHERS = {
    "trust": 0.3,
    "adam_ratio": 0.4,
    "refresh": 3.0,
    "decay_rate": 0.6,
    "min_scale": 2.0,
    "clip": 0.6,
}


def walk(p0, gradients, lrs, step):
    """Return the path of ``w = step(t, w, g, lr)``, t from 1."""
    w = np.array(p0, dtype=np.float64)
    path = [w.copy()]
    for t, lr in enumerate(lrs, start=1):
        g = gradients(w) if callable(gradients) else gradients[t - 1]
        w = step(t, w, np.array(g, dtype=np.float64), lr)
        path.append(w.copy())
    return np.array(path)


def norm(x):
    return np.sqrt(np.sum(x**2))


def rms(x):
    return np.sqrt(np.mean(x**2))


# ------------------------------------------------------------------------------------------- LARS and LAMB


def lars(p0, gradients, lrs, momentum, trust, weight_decay):
    """You, Gitman and Ginsburg (2017), Algorithm 1: the local rate from the norms of weights and gradient."""
    v = np.zeros_like(np.array(p0, dtype=np.float64))

    def step(t, w, g, lr):
        nonlocal v
        local = 1.0
        if norm(w) > 0 and norm(g) > 0:
            local = trust * norm(w) / (norm(g) + weight_decay * norm(w))
        v = momentum * v + lr * local * (g + weight_decay * w)
        return w - v

    return walk(p0, gradients, lrs, step)


def lars_optax(p0, gradients, lrs, momentum, trust, weight_decay):
    """optax: the local rate from the norm of gradient plus decay."""
    v = np.zeros_like(np.array(p0, dtype=np.float64))

    def step(t, w, g, lr):
        nonlocal v
        u = g + weight_decay * w
        local = trust * norm(w) / norm(u) if norm(w) > 0 and norm(u) > 0 else 1.0
        v = momentum * v + lr * local * u
        return w - v

    return walk(p0, gradients, lrs, step)


def lamb(p0, gradients, lrs, beta1, beta2, eps, weight_decay):
    """You et al. (2020), Algorithm 2, with φ the identity."""
    m, v = np.zeros(np.shape(p0)), np.zeros(np.shape(p0))

    def step(t, w, g, lr):
        nonlocal m, v
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        r = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
        u = r + weight_decay * w
        ratio = norm(w) / norm(u) if norm(w) > 0 and norm(u) > 0 else 1.0
        return w - lr * ratio * u

    return walk(p0, gradients, lrs, step)


def lamb_keras(p0, gradients, lrs, beta1, beta2, eps, weight_decay):
    """Keras: the weights shrink first, the ratio is that of what is left and of the bare step."""
    m, v = np.zeros(np.shape(p0)), np.zeros(np.shape(p0))

    def step(t, w, g, lr):
        nonlocal m, v
        w = w - w * weight_decay * lr
        m = m + (g - m) * (1 - beta1)
        v = v + (g**2 - v) * (1 - beta2)
        r = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
        ratio = norm(w) / norm(r) if norm(w) > 0 and norm(r) > 0 else 1.0
        return w - ratio * lr * r

    return walk(p0, gradients, lrs, step)


# ---------------------------------------------------------------------------------------------------- Muon


def newton_schulz(u, normalised):
    """Five steps X ← aX + b(XXᵀ)X + c(XXᵀ)²X, from `u` divided by its normalised length."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = u / normalised
    for _ in range(5):
        gram = x @ x.T
        x = a * x + b * gram @ x + c * gram @ gram @ x
    return x


def adamw(p0, gradients, lrs, beta1, beta2, eps, weight_decay):
    """Loshchilov and Hutter (2019): Adam, the weights shrink by α λ beside it."""
    m, v = np.zeros(np.shape(p0)), np.zeros(np.shape(p0))

    def step(t, w, g, lr):
        nonlocal m, v
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        return w - lr * (m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps) + weight_decay * w)

    return walk(p0, gradients, lrs, step)


def muon(p0, gradients, lrs, momentum, weight_decay, adam_ratio, beta1, beta2, eps):
    """Jordan (2024), weights as (inputs, outputs): Nesterov momentum, made orthogonal."""
    if np.ndim(p0) == 1:
        return adamw(p0, gradients, np.multiply(lrs, adam_ratio), beta1, beta2, eps, weight_decay)
    m = np.zeros(np.shape(p0))
    inputs, outputs = np.shape(p0)

    def step(t, w, g, lr):
        nonlocal m
        m = momentum * m + (1 - momentum) * g
        u = momentum * m + (1 - momentum) * g
        o = newton_schulz(u, norm(u) + 1e-7)
        return w - lr * weight_decay * w - lr * np.sqrt(max(1, outputs / inputs)) * o

    return walk(p0, gradients, lrs, step)


def muon_torch(p0, gradients, lrs, momentum, weight_decay, adam_ratio, beta1, beta2, eps):
    """PyTorch: the norm is bounded from below instead of increased."""
    if np.ndim(p0) == 1:
        return adamw(p0, gradients, np.multiply(lrs, adam_ratio), beta1, beta2, eps, weight_decay)
    m = np.zeros(np.shape(p0))
    inputs, outputs = np.shape(p0)

    def step(t, w, g, lr):
        nonlocal m
        m = m + (1 - momentum) * (g - m)
        u = g + momentum * (m - g)
        o = newton_schulz(u, max(norm(u), 1e-7))
        return w * (1 - lr * weight_decay) - lr * np.sqrt(max(1, outputs / inputs)) * o

    return walk(p0, gradients, lrs, step)


def muon_keras(p0, gradients, lrs, momentum, weight_decay, adam_ratio, beta1, beta2, eps):
    """Keras: a momentum that sums, Moonlight's scale, Adam in the ε̂ form; all weights shrink by α λ."""
    m, v = np.zeros(np.shape(p0)), np.zeros(np.shape(p0))

    def matrix(t, w, g, lr):
        nonlocal m
        w = w - w * weight_decay * lr
        m = momentum * m + g
        u = g + momentum * m
        return w - lr * newton_schulz(u, norm(u) + 1e-7) * np.sqrt(max(w.shape)) * 0.2

    def vector(t, w, g, lr):
        nonlocal m, v
        w = w - w * weight_decay * lr
        m = m + (g - m) * (1 - beta1)
        v = v + (g**2 - v) * (1 - beta2)
        alpha = lr * adam_ratio * np.sqrt(1 - beta2**t) / (1 - beta1**t)
        return w - alpha * m / (np.sqrt(v) + eps)

    return walk(p0, gradients, lrs, vector if np.ndim(p0) == 1 else matrix)


def muon_optax(p0, gradients, lrs, momentum, weight_decay, adam_ratio, beta1, beta2, eps):
    """optax: bias corrections as in Nadam, in the momentum of Muon and in Adam."""
    m, v = np.zeros(np.shape(p0)), np.zeros(np.shape(p0))

    def ahead(t, g, beta):
        """The corrected mean of the next step, with the gradient of this one."""
        return beta * m / (1 - beta ** (t + 1)) + (1 - beta) * g / (1 - beta**t)

    def matrix(t, w, g, lr):
        nonlocal m
        m = momentum * m + (1 - momentum) * g
        u = ahead(t, g, momentum)
        o = newton_schulz(u, norm(u) + 1e-8) * np.sqrt(max(1, w.shape[1] / w.shape[0]))
        return w - lr * (o + weight_decay * w)

    def vector(t, w, g, lr):
        nonlocal m, v
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        r = ahead(t, g, beta1) / (np.sqrt(v / (1 - beta2**t)) + eps)
        return w - lr * adam_ratio * (r + weight_decay * w)

    return walk(p0, gradients, lrs, vector if np.ndim(p0) == 1 else matrix)


# ---------------------------------------------------------------------------------------- Shampoo and SOAP


def inverse_fourth_root(a):
    u, s, _ = np.linalg.svd(a)
    return u @ np.diag(s**-0.25) @ u.T


def shampoo(p0, gradients, lrs, eps, refresh):
    """Gupta, Koren and Singer (2018), Algorithm 1; the roots are taken anew every `refresh` steps."""
    if np.ndim(p0) == 1:
        h = np.full(np.shape(p0), eps)

        def vector(t, w, g, lr):
            nonlocal h
            h = h + g**2
            return w - lr * g / np.sqrt(h)

        return walk(p0, gradients, lrs, vector)

    left, right = (eps * np.eye(n) for n in np.shape(p0))
    roots = None

    def matrix(t, w, g, lr):
        nonlocal left, right, roots
        left = left + g @ g.T
        right = right + g.T @ g
        if (t - 1) % refresh == 0:
            roots = inverse_fourth_root(left), inverse_fourth_root(right)
        return w - lr * roots[0] @ g @ roots[1]

    return walk(p0, gradients, lrs, matrix)


def soap(p0, gradients, lrs, beta1, beta2, eps, weight_decay, refresh):
    """Vyas et al. (2024), Algorithm 3 and the authors' code.

    The first gradient only makes the bases. Then Adam (ε̂ form) in the eigenbases of the two means; every `refresh`
    steps one power iteration and a QR decomposition improve them, the second moments in the order of eigenvalues.
    """
    shape = np.shape(p0)
    m, v = np.zeros(shape), np.zeros(shape)
    means = [np.zeros((n, n)) for n in shape] if len(shape) == 2 else []
    bases = [np.eye(n) for n in shape] if len(shape) == 2 else []

    def into(x):
        return bases[0].T @ x @ bases[1] if bases else x

    def back(x):
        return bases[0] @ x @ bases[1].T if bases else x

    def observe(g):
        for side, gram in enumerate((g @ g.T, g.T @ g) if bases else ()):
            means[side] = beta2 * means[side] + (1 - beta2) * gram

    def step(calls, w, g, lr):
        nonlocal m, v
        t = calls - 1
        if t == 0:
            observe(g)
            for side, mean in enumerate(means):
                bases[side] = np.linalg.eigh(mean)[1][:, ::-1]
            return w
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * into(g) ** 2
        alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
        w = w - alpha * back(into(m) / (np.sqrt(v) + eps))
        w = w - lr * weight_decay * w
        observe(g)
        if t % refresh == 0:
            for side, mean in enumerate(means):
                product = mean @ bases[side]
                order = np.argsort(-np.sum(bases[side] * product, axis=0), kind="stable")
                v = np.take(v, order, axis=side)
                bases[side] = np.linalg.qr(product[:, order])[0]
        return w

    return walk(p0, gradients, lrs, step)


# ------------------------------------------------------------------------------------------------ Adafactor


def adafactor(p0, gradients, lrs, decay_rate, eps, min_scale, clip):
    """Shazeer and Stern (2018), Algorithms 4 and 5; lr bounds the relative step, .01 in the paper."""
    return _adafactor(p0, gradients, lrs, decay_rate, eps, min_scale, clip, lambda t, lr: min(lr, 1 / np.sqrt(t)))


def adafactor_optax(p0, gradients, lrs, decay_rate, eps, min_scale, clip):
    """optax: lr is the relative step itself; matrices with a side below 128 are not factored."""
    whole = np.ndim(p0) == 1 or min(np.shape(p0)) < 128
    return _adafactor(p0, gradients, lrs, decay_rate, eps, min_scale, clip, lambda t, lr: lr, whole)


def _adafactor(p0, gradients, lrs, decay_rate, eps, min_scale, clip, relative, whole=None):
    whole = np.ndim(p0) == 1 if whole is None else whole
    rows, columns, v = 0.0, 0.0, 0.0

    def step(t, w, g, lr):
        nonlocal rows, columns, v
        beta = 1 - t**-decay_rate
        square = g**2 + eps
        if whole:
            v = beta * v + (1 - beta) * square
        else:
            rows = beta * rows + (1 - beta) * square.sum(axis=1)
            columns = beta * columns + (1 - beta) * square.sum(axis=0)
            v = np.outer(rows, columns) / rows.sum()
        u = g / np.sqrt(v)
        u = u / max(1, rms(u) / clip)
        return w - max(min_scale, rms(w)) * relative(t, lr) * u

    return walk(p0, gradients, lrs, step)


def adafactor_torch(p0, gradients, lrs, decay_rate, eps, min_scale, clip, weight_decay):
    """PyTorch: ε bounds the estimates from below instead of entering them; decoupled weight decay."""
    rows, columns, v = 0.0, 0.0, 0.0

    def step(t, w, g, lr):
        nonlocal rows, columns, v
        share = t**-decay_rate
        alpha = max(min_scale, rms(w)) * min(lr, 1 / np.sqrt(t))
        w = w * (1 - lr * weight_decay)
        if g.ndim == 1:
            v = v + share * (g**2 - v)
        else:
            rows = rows + share * (np.mean(g**2, axis=1) - rows)
            columns = columns + share * (np.mean(g**2, axis=0) - columns)
            v = np.outer(rows, columns) / max(rows.mean(), eps)
        u = g / np.sqrt(np.maximum(v, eps**2))
        return w - alpha * u / max(1, rms(u) / clip)

    return walk(p0, gradients, lrs, step)


METHODS = {
    "lars": lars,
    "lars/optax": lars_optax,
    "lamb": lamb,
    "lamb/keras": lamb_keras,
    "muon": muon,
    "muon/torch": muon_torch,
    "muon/keras": muon_keras,
    "muon/optax": muon_optax,
    "shampoo": shampoo,
    "soap": soap,
    "adafactor": adafactor,
    "adafactor/torch": adafactor_torch,
    "adafactor/optax": adafactor_optax,
}
