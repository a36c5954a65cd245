"""Slow, obvious float64 NumPy: what minnet's kernels are compared with. Shares no code with minnet.

Methods are written from their papers with a plain loop over the steps, networks with a plain loop over
the samples. `METHODS` maps a method's name to ``trajectory(p0, gradients, lrs, **hyper) -> (steps + 1, n)``,
where `gradients` is an array (steps, n) or a function of the parameters. `golden` reads recorded values.
"""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).resolve().parent / "golden"


def golden(name):
    """Return the arrays of a golden .npz as a dict (its "meta" parsed), or the content of a golden .json."""
    path = GOLDEN / name
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    with np.load(path) as file:
        content = {key: file[key] for key in file.files}
    return {**content, "meta": json.loads(str(content["meta"]))}


# --------------------------------------------------------------------------------- the lecture's methods


def _gradient_at(gradients, t, w):
    g = gradients(w) if callable(gradients) else gradients[t]
    return np.array(g, dtype=np.float64)


def sgd(p0, gradients, lrs):
    """Gradient descent: w <- w - a g."""
    w = np.array(p0, dtype=np.float64)
    path = [w.copy()]
    for t, a in enumerate(lrs):
        g = _gradient_at(gradients, t, w)
        w = w - a * g
        path.append(w.copy())
    return np.array(path)


def momentum(p0, gradients, lrs, momentum):
    """Polyak's momentum, learning rate outside the velocity: v <- mu v + g, w <- w - a v."""
    mu = momentum
    w = np.array(p0, dtype=np.float64)
    v = np.zeros_like(w)
    path = [w.copy()]
    for t, a in enumerate(lrs):
        g = _gradient_at(gradients, t, w)
        v = mu * v + g
        w = w - a * v
        path.append(w.copy())
    return np.array(path)


def nesterov(p0, gradients, lrs, momentum):
    """Nesterov's momentum rewritten in the look-ahead point: v <- mu v + g, w <- w - a (g + mu v)."""
    mu = momentum
    w = np.array(p0, dtype=np.float64)
    v = np.zeros_like(w)
    path = [w.copy()]
    for t, a in enumerate(lrs):
        g = _gradient_at(gradients, t, w)
        v = mu * v + g
        w = w - a * (g + mu * v)
        path.append(w.copy())
    return np.array(path)


def nesterov_lookahead(p0, gradient, lrs, momentum):
    """Nesterov's momentum as it was published: the gradient is taken ahead, at x = w - a mu v.

    Returns the points w and the look-ahead points x, each (steps + 1, n). At a constant learning rate x is
    the path of `nesterov`.
    """
    mu = momentum
    w = np.array(p0, dtype=np.float64)
    v = np.zeros_like(w)
    points, ahead = [w.copy()], [w.copy()]
    for a in lrs:
        x = w - a * mu * v
        v = mu * v + gradient(x)
        w = w - a * v
        points.append(w.copy())
        ahead.append(w - a * mu * v)
    return np.array(points), np.array(ahead)


def adagrad(p0, gradients, lrs, eps):
    """Duchi, Hazan and Singer (2011): G <- G + g^2, w <- w - a g / (delta + sqrt(G))."""
    w = np.array(p0, dtype=np.float64)
    G = np.zeros_like(w)
    path = [w.copy()]
    for t, a in enumerate(lrs):
        g = _gradient_at(gradients, t, w)
        G = G + g**2
        w = w - a * g / (np.sqrt(G) + eps)
        path.append(w.copy())
    return np.array(path)


def rmsprop(p0, gradients, lrs, rho, eps):
    """Tieleman and Hinton (2012): v <- rho v + (1 - rho) g^2, w <- w - a g / (sqrt(v) + eps)."""
    w = np.array(p0, dtype=np.float64)
    v = np.zeros_like(w)
    path = [w.copy()]
    for t, a in enumerate(lrs):
        g = _gradient_at(gradients, t, w)
        v = rho * v + (1 - rho) * g**2
        w = w - a * g / (np.sqrt(v) + eps)
        path.append(w.copy())
    return np.array(path)


def adadelta(p0, gradients, lrs, rho, eps):
    """Zeiler (2012), Algorithm 1; `lr` multiplies the step, the accumulator keeps the step without it."""
    w = np.array(p0, dtype=np.float64)
    Eg2 = np.zeros_like(w)
    Edx2 = np.zeros_like(w)
    path = [w.copy()]
    for t, a in enumerate(lrs):
        g = _gradient_at(gradients, t, w)
        Eg2 = rho * Eg2 + (1 - rho) * g**2
        dx = -np.sqrt(Edx2 + eps) / np.sqrt(Eg2 + eps) * g
        Edx2 = rho * Edx2 + (1 - rho) * dx**2
        w = w + a * dx
        path.append(w.copy())
    return np.array(path)


def adam(p0, gradients, lrs, beta1, beta2, eps):
    """Kingma and Ba (2015), Algorithm 1."""
    w = np.array(p0, dtype=np.float64)
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    path = [w.copy()]
    for t, a in enumerate(lrs, start=1):
        g = _gradient_at(gradients, t - 1, w)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        w = w - a * m_hat / (np.sqrt(v_hat) + eps)
        path.append(w.copy())
    return np.array(path)


METHODS = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adam": adam,
}


# ------------------------------------------------------------------------------- activations and outputs


def _sigmoid(a):
    return 1.0 / (1.0 + math.exp(-a)) if a >= 0 else math.exp(a) / (1.0 + math.exp(a))


def _gaussian_cdf(a):
    return 0.5 * math.erfc(-a / math.sqrt(2.0))


def _gaussian_pdf(a):
    return math.exp(-0.5 * a * a) / math.sqrt(2.0 * math.pi)


LEAKY_SLOPE = 0.01
# Each activation and its derivative at one pre-activation `a`. At a kink the derivative is the left one.
ACTIVATIONS = {
    "relu": (lambda a: max(a, 0.0), lambda a: 1.0 if a > 0 else 0.0),
    "leaky_relu": (lambda a: a if a > 0 else LEAKY_SLOPE * a, lambda a: 1.0 if a > 0 else LEAKY_SLOPE),
    "elu": (lambda a: a if a > 0 else math.expm1(a), lambda a: 1.0 if a > 0 else math.exp(a)),
    "gelu": (lambda a: a * _gaussian_cdf(a), lambda a: _gaussian_cdf(a) + a * _gaussian_pdf(a)),
    "silu": (lambda a: a * _sigmoid(a), lambda a: _sigmoid(a) * (1.0 + a * (1.0 - _sigmoid(a)))),
    "softplus": (lambda a: max(a, 0.0) + math.log1p(math.exp(-abs(a))), _sigmoid),
    "tanh": (math.tanh, lambda a: 1.0 - math.tanh(a) ** 2),
    "lecun_tanh": (
        lambda a: 1.7159 * math.tanh(2.0 * a / 3.0),
        lambda a: 1.7159 * 2.0 / 3.0 * (1.0 - math.tanh(2.0 * a / 3.0) ** 2),
    ),
    "sigmoid": (_sigmoid, lambda a: _sigmoid(a) * (1.0 - _sigmoid(a))),
    "identity": (lambda a: a, lambda a: 1.0),
}
OUTPUTS = ("softmax", "sigmoid", "identity")


def _output(kind, z):
    if kind == "softmax":
        e = np.array([math.exp(value - max(z)) for value in z])
        return e / e.sum()
    return np.array([_sigmoid(value) if kind == "sigmoid" else value for value in z])


# ---------------------------------------------------------------------------------------------- the network


def mlp_forward(x, weights, biases, activation, output, masks=None):
    """Return (pre-activations of every layer, inputs of every layer, outputs) for ONE sample `x`.

    ``weights[l]`` is (fan_in, fan_out); ``masks[l]`` multiplies the inputs of layer `l` (dropout, scaled).
    """
    f, _ = ACTIVATIONS[activation]
    pre, inputs = [], []
    a = np.array(x, dtype=np.float64)
    for layer, (W, b) in enumerate(zip(weights, biases)):
        if masks is not None:
            a = a * masks[layer]
        inputs.append(a)
        z = np.array(b, dtype=np.float64)
        for i in range(W.shape[0]):
            for j in range(W.shape[1]):
                z[j] += a[i] * W[i, j]
        pre.append(z)
        a = np.array([f(value) for value in z])
    return pre, inputs, _output(output, pre[-1])


def sample_loss(loss, output, z, y, target):
    """Return one sample's loss and its derivative by the output pre-activations `z`.

    `target` is a vector: the smoothed one-hot one for cross_entropy, 0s and 1s for binary_cross_entropy.
    """
    if loss == "cross_entropy":
        log_sum = max(z) + math.log(sum(math.exp(value - max(z)) for value in z))
        return -sum(t * (value - log_sum) for t, value in zip(target, z)), y - target
    if loss == "binary_cross_entropy":
        softplus, _ = ACTIVATIONS["softplus"]
        each = [softplus(value) - t * value for t, value in zip(target, z)]
        return sum(each), np.array([_sigmoid(value) for value in z]) - target
    difference = y - target
    _, slope = ACTIVATIONS["sigmoid" if output == "sigmoid" else "identity"]
    return 0.5 * sum(d * d for d in difference), difference * np.array([slope(value) for value in z])


def one_hot(labels, n_classes, label_smoothing=0.0):
    """Return the targets of cross_entropy, (n, n_classes): 1 - e at the class + e / n_classes."""
    targets = np.full((len(labels), n_classes), label_smoothing / n_classes)
    for row, label in enumerate(labels):
        targets[row, label] += 1.0 - label_smoothing
    return targets


def mlp_loss_and_gradients(
    X, targets, weights, biases, *, activation, loss, output, l2=0.0, decay_biases=False, masks=None
):
    """Return (loss, gradients of the weights, gradients of the biases), averaged over the batch.

    The loss is the mean over the samples of `sample_loss`, plus ``l2 / 2`` times the sum of the squared
    weights (and biases, with `decay_biases`). ``masks[l]`` is (n, fan_in of layer l).
    """
    _, slope = ACTIVATIONS[activation]
    n = len(X)
    total = 0.0
    dW = [np.zeros_like(W) for W in weights]
    db = [np.zeros_like(b) for b in biases]
    for s in range(n):
        mask = None if masks is None else [m[s] for m in masks]
        pre, inputs, y = mlp_forward(X[s], weights, biases, activation, output, mask)
        value, delta = sample_loss(loss, output, pre[-1], y, targets[s])
        total += value / n
        for layer in reversed(range(len(weights))):
            for i in range(len(inputs[layer])):
                dW[layer][i] += inputs[layer][i] * delta / n
            db[layer] += delta / n
            if layer > 0:
                back = weights[layer] @ delta
                if mask is not None:
                    back = back * mask[layer]
                delta = back * np.array([slope(a) for a in pre[layer - 1]])
    for layer in range(len(weights)):
        total += 0.5 * l2 * float((weights[layer] ** 2).sum())
        dW[layer] += l2 * weights[layer]
        if decay_biases:
            total += 0.5 * l2 * float((biases[layer] ** 2).sum())
            db[layer] += l2 * biases[layer]
    return total, dW, db


def unflatten(params, sizes):
    """Return (weights, biases) of a flat vector W0, b0, W1, b1, ..., W in C order; copies."""
    weights, biases, start = [], [], 0
    for fan_in, fan_out in pairwise(sizes):
        weights.append(np.array(params[start : start + fan_in * fan_out]).reshape(fan_in, fan_out))
        start += fan_in * fan_out
        biases.append(np.array(params[start : start + fan_out]))
        start += fan_out
    return weights, biases


def flatten(weights, biases):
    """Return the flat vector of `unflatten`."""
    return np.concatenate([part.ravel() for layer in zip(weights, biases) for part in layer])


def central_differences(fun, x, h=1e-6):
    """Return the gradient of the scalar function `fun` at the vector `x`, one component at a time."""
    x = np.array(x, dtype=np.float64)
    gradient = np.zeros_like(x)
    for i in range(x.size):
        up, down = x.copy(), x.copy()
        up.flat[i] += h
        down.flat[i] -= h
        gradient.flat[i] = (fun(up) - fun(down)) / (up.flat[i] - down.flat[i])
    return gradient
