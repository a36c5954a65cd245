"""Slow references of the elementwise methods after the lecture, second half: from the papers, weight by weight.

Each is ``f(p0, gradients, lrs, **hyper) -> (steps + 1, n)`` in float64; `gradients` is an array (steps, n) or a
function of the parameters. Where a paper speaks of vectors, the loop here is over the weights, with plain floats.
"""

from __future__ import annotations

import math

import numpy as np

# Far from every default.
OTHERS = {
    "beta3": 0.8,
    "eps_root": 0.05,
    "alpha": 2.5,
    "warmup": 25.0,
    "nu": 0.35,
    "nu1": 0.45,
    "nu2": 0.65,
    "eta_minus": 0.7,
    "eta_plus": 1.5,
    "min_step": 0.02,
    "max_step": 0.45,
}


def each_weight(start, step):
    """Return a trajectory that holds one memory per weight: ``memory = start(w)``, ``w = step(t, w, g, a, memory)``."""

    def trajectory(p0, gradients, lrs, **hyper):
        points = [np.array(p0, dtype=np.float64)]
        memories = [start(w) for w in points[0].tolist()]
        for t, lr in enumerate(np.asarray(lrs, dtype=np.float64).tolist(), 1):
            g = gradients(points[-1]) if callable(gradients) else gradients[t - 1]
            g = np.asarray(g, dtype=np.float64).tolist()
            moved = [step(t, w, g[i], lr, memories[i], **hyper) for i, w in enumerate(points[-1].tolist())]
            points.append(np.array(moved))
        return np.array(points)

    return trajectory


def sign(x):
    if x > 0:
        return 1.0
    if x < 0:
        return -1.0
    return 0.0


def mean(old, new, beta):
    """An exponential moving average that keeps `beta`."""
    return beta * old + (1.0 - beta) * new


# ------------------------------------------------------------- Zhuang et al. (2020), AdaBelief, Algorithm 2


def adabelief_step(t, w, g, lr, k, beta1, beta2, eps, eps_root=None):
    k["m"] = mean(k["m"], g, beta1)
    k["s"] = mean(k["s"], (g - k["m"]) ** 2, beta2) + (eps if eps_root is None else eps_root)
    m_hat = k["m"] / (1 - beta1**t)
    s_hat = k["s"] / (1 - beta2**t)
    return w - lr * m_hat / (math.sqrt(s_hat) + eps)


# ------------------------------------------------------------- Zaheer et al. (2018), Yogi, Algorithm 2


def yogi_moments(g, k, beta1, beta2):
    k["m"] = mean(k["m"], g, beta1)
    k["v"] = k["v"] - (1 - beta2) * sign(k["v"] - g**2) * g**2


def yogi_step(t, w, g, lr, k, beta1, beta2, eps):
    yogi_moments(g, k, beta1, beta2)
    return w - lr * k["m"] / (math.sqrt(k["v"]) + eps)


def yogi_optax_step(t, w, g, lr, k, beta1, beta2, eps):
    yogi_moments(g, k, beta1, beta2)
    return w - lr * (k["m"] / (1 - beta1**t)) / (math.sqrt(k["v"] / (1 - beta2**t)) + eps)


# ------------------------------------------------------------- Chen et al. (2023), Lion, Algorithm 2


def lion_step(t, w, g, lr, k, beta1, beta2, weight_decay):
    update = sign(mean(k["m"], g, beta1))
    k["m"] = mean(k["m"], g, beta2)
    return w - lr * (update + weight_decay * w)


# ------------------------------------------------------------- Bernstein et al. (2018), Signum, Algorithm 2


def signum_step(t, w, g, lr, k, momentum):
    k["m"] = mean(k["m"], g, momentum)
    return w - lr * sign(k["m"])


# ------------------------------------------------------------- Xie et al. (2022), Adan, Algorithm 1
# In the paper's betas (0.02, 0.08, 0.01), with means that start at 0 and are corrected for it.


def adan_moments(t, g, k, b1, b2, b3, ahead):
    change = 0.0 if t == 1 else g - k["before"]
    k["m"] = (1 - b1) * k["m"] + b1 * g
    k["v"] = (1 - b2) * k["v"] + b2 * change
    k["n"] = (1 - b3) * k["n"] + b3 * (g + ahead * change) ** 2
    k["before"] = g
    return k["m"] / (1 - (1 - b1) ** t), k["v"] / (1 - (1 - b2) ** t), k["n"] / (1 - (1 - b3) ** t)


def adan_step(t, w, g, lr, k, beta1, beta2, beta3, eps, weight_decay):
    b1, b2, b3 = 1 - beta1, 1 - beta2, 1 - beta3
    m, v, n = adan_moments(t, g, k, b1, b2, b3, ahead=1 - b2)
    return (w - lr / (math.sqrt(n) + eps) * (m + (1 - b2) * v)) / (1 + weight_decay * lr)


def adan_optax_step(t, w, g, lr, k, beta1, beta2, beta3, eps, eps_root, weight_decay):
    b1, b2, b3 = 1 - beta1, 1 - beta2, 1 - beta3
    m, v, n = adan_moments(t, g, k, b1, b2, b3, ahead=b2)
    return w - lr * ((m + b2 * v) / (math.sqrt(n + eps_root) + eps) + weight_decay * w)


# ------------------------------------------------------------- Taniguchi et al. (2024), ADOPT, with clipping


def adopt_step(t, w, g, lr, k, beta1, beta2, eps):
    if t == 1:
        k["v"] = g**2
        return w
    bound = (t - 1) ** 0.25
    measured = g / max(math.sqrt(k["v"]), eps)
    k["m"] = mean(k["m"], min(max(measured, -bound), bound), beta1)
    k["v"] = mean(k["v"], g**2, beta2)
    return w - lr * k["m"]


# ------------------------------------------------------------- Pagliardini et al. (2024), AdEMAMix, Algorithm 1


def ademamix_step(t, w, g, lr, k, beta1, beta2, beta3, alpha, warmup, eps, weight_decay):
    a, b3 = alpha, beta3
    if warmup:
        a = min(t * alpha / warmup, alpha)
        part = t / warmup
        both = math.log(beta1) * math.log(beta3)
        if part < 1:
            b3 = min(math.exp(both / ((1 - part) * math.log(beta3) + part * math.log(beta1))), beta3)
    k["m1"] = mean(k["m1"], g, beta1)
    k["m2"] = mean(k["m2"], g, b3)
    k["nu"] = mean(k["nu"], g**2, beta2)
    fast, square = k["m1"] / (1 - beta1**t), k["nu"] / (1 - beta2**t)
    return w - lr * ((fast + a * k["m2"]) / (math.sqrt(square) + eps) + weight_decay * w)


# ------------------------------------------------------------- Ma and Yarats (2019), QHM and QHAdam


def qhm_step(t, w, g, lr, k, momentum, nu):
    k["g"] = mean(k["g"], g, momentum)
    return w - lr * ((1 - nu) * g + nu * k["g"])


def qhadam_step(t, w, g, lr, k, beta1, beta2, nu1, nu2, eps):
    k["g"] = mean(k["g"], g, beta1)
    k["s"] = mean(k["s"], g**2, beta2)
    g_hat, s_hat = k["g"] / (1 - beta1**t), k["s"] / (1 - beta2**t)
    return w - lr * ((1 - nu1) * g + nu1 * g_hat) / (math.sqrt((1 - nu2) * g**2 + nu2 * s_hat) + eps)


# ------------------------------------------------------------- Lucas et al. (2018), AggMo, Algorithm 1
# There the velocity points downhill.


def aggmo_step(t, w, g, lr, k, beta1, beta2, beta3):
    k["v"] = [beta * v - g for beta, v in zip((beta1, beta2, beta3), k["v"], strict=True)]
    return w + lr / len(k["v"]) * sum(k["v"])


# ------------------------------------------------------------- Defazio and Jelassi (2021), MADGRAD, Algorithm 1


def madgrad_step(t, w, g, lr, k, momentum, eps):
    c, weight = 1 - momentum, lr * math.sqrt(t)
    k["s"] += weight * g
    k["nu"] += weight * g**2
    z = k["x0"] - k["s"] / (math.cbrt(k["nu"]) + eps)
    return (1 - c) * w + c * z


def madgrad_optax_step(t, w, g, lr, k, momentum, eps):
    return madgrad_step(t, w, g, lr + eps, k, momentum, eps)


# ------------------------------------------------------------- Riedmiller and Braun (1993), Rprop
# A schedule scales the step sizes found so far; the first is the learning rate.


def rprop_sizes(lr, k):
    if k["size"] is None:
        k["size"] = lr
    else:
        k["size"] *= lr / k["lr"]
        k["step"] *= lr / k["lr"]
    k["lr"] = lr


def rprop_step(t, w, g, lr, k, eta_minus, eta_plus, min_step, max_step):
    rprop_sizes(lr, k)
    turn = sign(g) * sign(k["g"])
    if turn < 0:
        k["size"], k["step"], k["g"] = max(k["size"] * eta_minus, min_step), -k["step"], 0.0
        return w + k["step"]
    if turn > 0:
        k["size"] = min(k["size"] * eta_plus, max_step)
    k["step"], k["g"] = -sign(g) * k["size"], g
    return w + k["step"]


def rprop_torch_step(t, w, g, lr, k, eta_minus, eta_plus, min_step, max_step):
    rprop_sizes(lr, k)
    turn = sign(g) * sign(k["g"])
    k["size"] *= {1.0: eta_plus, -1.0: eta_minus, 0.0: 1.0}[turn]
    k["size"] = min(max(k["size"], min_step), max_step)
    k["g"] = 0.0 if turn < 0 else g
    return w - sign(k["g"]) * k["size"]


def rprop_optax_step(t, w, g, lr, k, eta_minus, eta_plus, min_step, max_step):
    rprop_sizes(lr, k)
    asked = k["step"]
    turn = sign(g) * sign(asked)
    if turn:
        k["size"] = min(max(k["size"] * (eta_plus if turn > 0 else eta_minus), min_step), max_step)
    if turn < 0:
        k["step"] = 0.0
        return w
    k["step"] = sign(g) * k["size"]
    return w - asked


# ------------------------------------------------------------- Graves (2013), equations 38 to 41


def rmsprop_graves_step(t, w, g, lr, k, rho, momentum, eps):
    k["n"] = mean(k["n"], g**2, rho)
    k["g"] = mean(k["g"], g, rho)
    k["delta"] = momentum * k["delta"] - lr * g / math.sqrt(k["n"] - k["g"] ** 2 + eps)
    return w + k["delta"]


def rmsprop_graves_torch_step(t, w, g, lr, k, rho, momentum, eps):
    k["n"] = mean(k["n"], g**2, rho)
    k["g"] = mean(k["g"], g, rho)
    k["delta"] = momentum * k["delta"] + g / (math.sqrt(k["n"] - k["g"] ** 2) + eps)
    return w - lr * k["delta"]


def zeros(*names):
    return lambda w: dict.fromkeys(names, 0.0)


def tiny_moments(w):
    return {"m": 1e-6, "v": 1e-6}


def no_size(w):
    return {"size": None, "lr": None, "step": 0.0, "g": 0.0}


METHODS = {
    "adabelief": each_weight(zeros("m", "s"), adabelief_step),
    "yogi": each_weight(tiny_moments, yogi_step),
    "yogi/optax": each_weight(tiny_moments, yogi_optax_step),
    "lion": each_weight(zeros("m"), lion_step),
    "signum": each_weight(zeros("m"), signum_step),
    "adan": each_weight(zeros("m", "v", "n", "before"), adan_step),
    "adan/optax": each_weight(zeros("m", "v", "n", "before"), adan_optax_step),
    "adopt": each_weight(zeros("m", "v"), adopt_step),
    "ademamix": each_weight(zeros("m1", "m2", "nu"), ademamix_step),
    "qhm": each_weight(zeros("g"), qhm_step),
    "qhadam": each_weight(zeros("g", "s"), qhadam_step),
    "aggmo": each_weight(lambda w: {"v": [0.0, 0.0, 0.0]}, aggmo_step),
    "madgrad": each_weight(lambda w: {"s": 0.0, "nu": 0.0, "x0": w}, madgrad_step),
    "madgrad/optax": each_weight(lambda w: {"s": 0.0, "nu": 0.0, "x0": w}, madgrad_optax_step),
    "rprop": each_weight(no_size, rprop_step),
    "rprop/torch": each_weight(no_size, rprop_torch_step),
    "rprop/optax": each_weight(no_size, rprop_optax_step),
    "rmsprop_graves": each_weight(zeros("n", "g", "delta"), rmsprop_graves_step),
    "rmsprop_graves/torch": each_weight(zeros("n", "g", "delta"), rmsprop_graves_torch_step),
}
