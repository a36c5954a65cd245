"""Record golden values from PyTorch. Run by hand: ``python tests/golden/record_torch.py``.

Everything is float64 and stored without loss. Hyperparameters carry minnet's names: lr, momentum, rho
(RMSprop's alpha, Adadelta's rho), beta1, beta2, eps. PyTorch's forms were chosen to be the papers':

- momentum: the learning rate is outside the velocity (v = mu v + g, w -= lr v), no dampening;
- nesterov: the look-ahead rewrite, w -= lr (g + mu v);
- adagrad and rmsprop: eps outside the root; adagrad starts at G = 0; rmsprop is not centred, no momentum;
- adadelta: eps inside both roots, the accumulator stores the step without lr;
- adam: eps added to the root of the corrected second moment (Algorithm 1 of the paper);
- softplus: without PyTorch's switch to the identity above 20, which costs nine digits there.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.optim import lr_scheduler

HERE = Path(__file__).resolve().parent
STEPS, SIZE = 40, 12

OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "momentum": torch.optim.SGD,
    "nesterov": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adadelta": torch.optim.Adadelta,
    "adam": torch.optim.Adam,
}
# lr and hyperparameters: PyTorch's defaults (with momentum 0.9), and another set (RMSprop: Hinton's rho).
DEFAULTS = {
    "sgd": (1e-3, {}),
    "momentum": (1e-3, {"momentum": 0.9}),
    "nesterov": (1e-3, {"momentum": 0.9}),
    "adagrad": (1e-2, {"eps": 1e-10}),
    "rmsprop": (1e-2, {"rho": 0.99, "eps": 1e-8}),
    "adadelta": (1.0, {"rho": 0.9, "eps": 1e-6}),
    "adam": (1e-3, {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
}
OTHERS = {
    "sgd": (0.037, {}),
    "momentum": (0.013, {"momentum": 0.73}),
    "nesterov": (0.013, {"momentum": 0.73}),
    "adagrad": (0.21, {"eps": 1e-3}),
    "rmsprop": (1e-3, {"rho": 0.9, "eps": 1e-4}),
    "adadelta": (0.4, {"rho": 0.95, "eps": 1e-3}),
    "adam": (0.02, {"beta1": 0.8, "beta2": 0.97, "eps": 1e-3}),
}
QUADRATIC_LR = {
    "sgd": 1e-3,
    "momentum": 5e-4,
    "nesterov": 5e-4,
    "adagrad": 0.1,
    "rmsprop": 0.01,
    "adadelta": 1.0,
    "adam": 0.05,
}

ACTIVATIONS = {
    "relu": F.relu,
    "leaky_relu": lambda a: F.leaky_relu(a, 0.01),
    "elu": F.elu,
    "gelu": lambda a: F.gelu(a, approximate="none"),
    "silu": F.silu,
    "softplus": lambda a: F.softplus(a, threshold=1e4),
    "tanh": torch.tanh,
    "lecun_tanh": lambda a: 1.7159 * torch.tanh(2.0 * a / 3.0),
    "sigmoid": torch.sigmoid,
    "identity": lambda a: a,
}
LOSSES = ("cross_entropy", "cross_entropy_smoothed", "binary_cross_entropy", "mse_identity", "mse_sigmoid")
SIZES = (7, 5, 4, 3)
BATCH = 6


def provenance() -> dict:
    """Return the versions and the date that every file carries."""
    return {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "date": datetime.now(UTC).date().isoformat(),
    }


def given_gradients(rng: np.random.Generator) -> np.ndarray:
    """Return (STEPS, SIZE) gradients: changing signs, sizes 1e-6 to 1e3, exact zeros, one column all zero."""
    size = 10.0 ** rng.uniform(-6.0, 3.0, (STEPS, SIZE))
    size[:, :4] = 10.0 ** (np.array([-6.0, -3.0, 0.0, 3.0]) + rng.uniform(-0.3, 0.3, (STEPS, 4)))
    grads = size * rng.choice([-1.0, 1.0], (STEPS, SIZE))
    grads[rng.random((STEPS, SIZE)) < 0.1] = 0.0
    grads[:3, 4] = 0.0
    grads[:, 5] = 0.0
    grads[:, 6] = 0.5
    return grads


def ill_conditioned(rng: np.random.Generator) -> np.ndarray:
    """Return a symmetric (SIZE, SIZE) matrix with eigenvalues from 0.1 to 1000."""
    basis, _ = np.linalg.qr(rng.standard_normal((SIZE, SIZE)))
    matrix = (basis * np.geomspace(0.1, 1e3, SIZE)) @ basis.T
    return (matrix + matrix.T) / 2


def make_optimizer(method: str, p: torch.Tensor, lr: float, hyper: dict) -> torch.optim.Optimizer:
    """Return the PyTorch optimizer, its fused and foreach forms off."""
    renamed = dict(hyper)
    if method == "rmsprop":
        renamed["alpha"] = renamed.pop("rho")
    if method == "adam":
        renamed["betas"] = (renamed.pop("beta1"), renamed.pop("beta2"))
    if method == "nesterov":
        renamed["nesterov"] = True
    return OPTIMIZERS[method]([p], lr=lr, foreach=False, **renamed)


def trajectory(method: str, hyper: dict, lrs: np.ndarray, p0: np.ndarray, gradient) -> np.ndarray:
    """Return the parameters before the first and after every step, (STEPS + 1, SIZE)."""
    p = torch.tensor(p0, requires_grad=True)
    optimizer = make_optimizer(method, p, float(lrs[0]), hyper)
    path = [p0.copy()]
    for t, lr in enumerate(lrs):
        optimizer.param_groups[0]["lr"] = float(lr)
        p.grad = torch.as_tensor(gradient(t, p.detach())).clone()
        optimizer.step()
        path.append(p.detach().numpy().copy())
    return np.array(path)


def record_optimizers() -> None:
    """Write `optimizers_torch.npz`.

    meta : JSON text: versions; cases, a list of {key, method, problem, hyper}; key is "METHOD/CASE" with CASE
        defaults, others (both on the given gradients), halving (others, lr halved every 10 steps), quadratic
    p0 (12,)
    grads (40, 12): for problem "given"
    matrix (12, 12): for "quadratic", where the gradient at p is matrix @ p
    lrs/KEY (40,); params/KEY (41, 12), row 0 being p0
    """
    rng = np.random.default_rng(20260702)
    p0, grads, matrix = rng.standard_normal(SIZE), given_gradients(rng), ill_conditioned(rng)
    arrays: dict[str, np.ndarray] = {"p0": p0, "grads": grads, "matrix": matrix}
    tensor = torch.tensor(matrix)
    cases = []
    for method in OPTIMIZERS:
        default_lr, default_hyper = DEFAULTS[method]
        other_lr, other_hyper = OTHERS[method]
        constant = np.ones(STEPS)
        rows = {
            "defaults": ("given", default_hyper, default_lr * constant),
            "others": ("given", other_hyper, other_lr * constant),
            "halving": ("given", other_hyper, other_lr * 0.5 ** (np.arange(STEPS) // 10)),
            "quadratic": ("quadratic", default_hyper, QUADRATIC_LR[method] * constant),
        }
        for case, (problem, hyper, lrs) in rows.items():
            key = f"{method}/{case}"
            gradient = (lambda t, p: grads[t]) if problem == "given" else (lambda t, p: tensor @ p)
            cases.append({"key": key, "method": method, "problem": problem, "hyper": hyper})
            arrays[f"lrs/{key}"] = lrs
            arrays[f"params/{key}"] = trajectory(method, hyper, lrs, p0, gradient)
    meta = json.dumps({**provenance(), "cases": cases})
    np.savez_compressed(HERE / "optimizers_torch.npz", meta=np.array(meta), **arrays)


def network_loss(name: str, logits: torch.Tensor, targets: dict) -> tuple[torch.Tensor, torch.Tensor]:
    """Return outputs and loss: a sum over the output units, a mean over the batch."""
    if name == "cross_entropy":
        return logits.softmax(1), F.cross_entropy(logits, targets["y_class"])
    if name == "cross_entropy_smoothed":
        return logits.softmax(1), F.cross_entropy(logits, targets["y_class"], label_smoothing=0.1)
    if name == "binary_cross_entropy":
        each = F.binary_cross_entropy_with_logits(logits, targets["y_binary"], reduction="none")
        return logits.sigmoid(), each.sum(1).mean()
    outputs, wanted = (logits, targets["y_real"]) if name == "mse_identity" else (logits.sigmoid(), targets["y_unit"])
    return outputs, 0.5 * ((outputs - wanted) ** 2).sum(1).mean()


def forward(x: torch.Tensor, layers: list, activation) -> torch.Tensor:
    """Return the pre-activations of the output layer; W is (fan_in, fan_out)."""
    for weight, bias in layers[:-1]:
        x = activation(x @ weight + bias)
    return x @ layers[-1][0] + layers[-1][1]


def flat(layers: list, gradient: bool = False) -> np.ndarray:
    """Return W0, b0, W1, b1, ... raveled in C order, or their gradients."""
    parts = [t.grad if gradient else t.detach() for layer in layers for t in layer]
    return np.concatenate([part.numpy().ravel() for part in parts])


def make_layers(params: np.ndarray) -> list:
    """Return the layers of a flat vector as leaves of autograd."""
    layers, start = [], 0
    for fan_in, fan_out in pairwise(SIZES):
        split, stop = start + fan_in * fan_out, start + (fan_in + 1) * fan_out
        weight = torch.tensor(params[start:split].reshape(fan_in, fan_out), requires_grad=True)
        layers.append((weight, torch.tensor(params[split:stop], requires_grad=True)))
        start = stop
    return layers


def record_network() -> None:
    """Write `network_torch.npz`, about a 7-5-4-3 network with the same weights and inputs throughout.

    meta : JSON text: versions, sizes, activations (10 names), losses (5 names), slopes and constants, train
    x (6, 7); params (79,): W0 (7, 5), b0, W1 (5, 4), b1, W2 (4, 3), b2 raveled in C order, x @ W + b
    y_class (6,) int64; y_binary (6, 3) of 0 and 1; y_real, y_unit (6, 3): targets of the two mse losses
    logits (10, 6, 3): output pre-activations per activation
    outputs (10, 5, 6, 3): softmax, softmax, sigmoid, identity, sigmoid of them, per loss
    losses (10, 5); grads (10, 5, 79), laid out as params
    activation_x (n,); activation_y, activation_dy (10, n): each activation and its derivative
    train_params (21, 79), train_losses (20,): Adam on tanh with cross-entropy, loss before each step
    """
    rng = np.random.default_rng(20260703)
    size = sum((i + 1) * o for i, o in pairwise(SIZES))
    params, x = 0.7 * rng.standard_normal(size), rng.standard_normal((BATCH, SIZES[0]))
    targets = {
        "y_class": np.array([0, 1, 2, 2, 1, 0]),
        "y_binary": rng.integers(0, 2, (BATCH, SIZES[-1])).astype(np.float64),
        "y_real": rng.standard_normal((BATCH, SIZES[-1])),
        "y_unit": rng.uniform(0.0, 1.0, (BATCH, SIZES[-1])),
    }
    tensors = {name: torch.tensor(value) for name, value in targets.items()}
    inputs = torch.tensor(x)

    logits, outputs, losses, grads = [], [], [], []
    for activation in ACTIVATIONS.values():
        for name in LOSSES:
            layers = make_layers(params)
            pre = forward(inputs, layers, activation)
            out, loss = network_loss(name, pre, tensors)
            loss.backward()
            outputs.append(out.detach().numpy())
            losses.append(loss.item())
            grads.append(flat(layers, gradient=True))
        logits.append(pre.detach().numpy())

    far = np.array([-700.0, -40.0, -21.0, -12.0, 12.0, 21.0, 40.0, 700.0])
    points = np.sort(np.concatenate([far, np.linspace(-6.0, 6.0, 49), [-1e-9, 1e-9]]))
    values, slopes = [], []
    for activation in ACTIVATIONS.values():
        a = torch.tensor(points, requires_grad=True)
        y = activation(a)
        y.sum().backward()
        values.append(y.detach().numpy())
        slopes.append(a.grad.numpy())

    train = {"activation": "tanh", "loss": "cross_entropy", "method": "adam", "lr": 0.02, "steps": 20}
    hyper = DEFAULTS["adam"][1]
    layers = make_layers(params)
    optimizer = torch.optim.Adam(
        [t for layer in layers for t in layer], lr=train["lr"], eps=hyper["eps"], foreach=False
    )
    path, path_losses = [flat(layers)], []
    for _ in range(train["steps"]):
        optimizer.zero_grad()
        _, loss = network_loss("cross_entropy", forward(inputs, layers, torch.tanh), tensors)
        loss.backward()
        optimizer.step()
        path.append(flat(layers))
        path_losses.append(loss.item())

    meta = {
        **provenance(),
        "sizes": SIZES,
        "activations": list(ACTIVATIONS),
        "losses": LOSSES,
        "label_smoothing": 0.1,
        "leaky_slope": 0.01,
        "train": {**train, "hyper": hyper},
    }
    np.savez_compressed(
        HERE / "network_torch.npz",
        meta=np.array(json.dumps(meta)),
        x=x,
        params=params,
        **targets,
        logits=np.array(logits),
        outputs=np.array(outputs).reshape(len(ACTIVATIONS), len(LOSSES), BATCH, SIZES[-1]),
        losses=np.array(losses).reshape(len(ACTIVATIONS), len(LOSSES)),
        grads=np.array(grads).reshape(len(ACTIVATIONS), len(LOSSES), size),
        activation_x=points,
        activation_y=np.array(values),
        activation_dy=np.array(slopes),
        train_params=np.array(path),
        train_losses=np.array(path_losses),
    )


def record_init() -> None:
    """Write `init_torch.json`, about the default initialisation of `nn.Linear`.

    layers : list of {fan_in, fan_out, bound, weight, bias}

    bound is 1/sqrt(fan_in); weight and bias are {min, max, mean, std} (std without Bessel's correction).
    """
    torch.manual_seed(7)
    rows = []
    for fan_in, fan_out in ((784, 1000), (100, 4000), (16, 20000)):
        layer = torch.nn.Linear(fan_in, fan_out)
        row = {"fan_in": fan_in, "fan_out": fan_out, "bound": fan_in**-0.5}
        for name in ("weight", "bias"):
            value = getattr(layer, name).detach().numpy().astype(np.float64)
            row[name] = {s: float(getattr(value, s)()) for s in ("min", "max", "mean", "std")}
        rows.append(row)
    write_json("init_torch.json", {"layers": rows})


def learning_rates(make, lr: float, steps: int, values=None) -> list[float]:
    """Return the learning rate of every step (epoch, for a plateau) under a PyTorch scheduler."""
    p = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=lr, foreach=False)
    scheduler = make(optimizer)
    rates = []
    for t in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step(*([] if values is None else [values[t]]))
    return rates


def record_schedules() -> None:
    """Write `schedules_torch.json`: cases, a list of {torch, schedule, total_steps, values, lrs}.

    `schedule` is what ``minnet.schedules.parse`` reads, `total_steps` what it is bound to. Where `values` is
    not None they are observed one after each epoch and `lrs` holds one learning rate per epoch, otherwise per
    step.
    """
    rng = np.random.default_rng(11)
    losses = np.concatenate([1.0 / np.arange(1, 9), 0.125 + 0.05 * rng.random(14), 0.1 + 0.03 * rng.random(12)])
    losses = [*losses.tolist(), float("inf"), 0.05, 0.06, 0.06, 0.06, 0.06, 0.06, 0.06]
    s = lr_scheduler
    cases = [
        ("ExponentialLR", {"name": "exponential", "lr": 0.1, "k": -float(np.log(0.97))}, 40, 50, None,
         lambda o: s.ExponentialLR(o, 0.97)),
        ("StepLR", {"name": "step", "lr": 0.1, "drop": 0.3, "every": 7}, 40, 50, None,
         lambda o: s.StepLR(o, 7, 0.3)),
        ("CosineAnnealingLR", {"name": "cosine", "lr": 0.1, "end": 0.05}, 40, 41, None,
         lambda o: s.CosineAnnealingLR(o, 40, eta_min=0.005)),
        ("CosineAnnealingWarmRestarts",
         {"name": "cosine", "lr": 0.1, "period": 5, "multiplier": 2, "end": 0.01}, 80, 80, None,
         lambda o: s.CosineAnnealingWarmRestarts(o, 5, 2, eta_min=0.001)),
        ("CosineAnnealingWarmRestarts", {"name": "cosine", "lr": 0.1, "period": 7}, 40, 40, None,
         lambda o: s.CosineAnnealingWarmRestarts(o, 7)),
        ("OneCycleLR", {"name": "one_cycle", "lr": 0.1}, 50, 50, None,
         lambda o: s.OneCycleLR(o, 0.1, total_steps=50, cycle_momentum=False)),
        ("OneCycleLR", {"name": "one_cycle", "lr": 0.5, "rise": 0.45, "div": 10, "final_div": 100},
         37, 37, None,
         lambda o: s.OneCycleLR(o, 0.5, total_steps=37, pct_start=0.45, div_factor=10, final_div_factor=100,
                                cycle_momentum=False)),
        ("LinearLR", {"name": "linear", "lr": 0.1, "end": 0.2}, 30, 40, None,
         lambda o: s.LinearLR(o, 1.0, 0.2, total_iters=30)),
        ("PolynomialLR", {"name": "polynomial", "lr": 0.1, "power": 1.7}, 30, 40, None,
         lambda o: s.PolynomialLR(o, total_iters=30, power=1.7)),
        ("ReduceLROnPlateau", {"name": "plateau", "lr": 0.1, "factor": 0.4, "patience": 2, "threshold": 0.01,
                               "min": 0.02}, None, len(losses), losses,
         lambda o: s.ReduceLROnPlateau(o, factor=0.4, patience=2, threshold=0.01, min_lr=0.002, eps=0.0)),
    ]  # fmt: skip
    rows = [
        {
            "torch": torch_name,
            "schedule": schedule,
            "total_steps": total,
            "values": values,
            "lrs": learning_rates(make, schedule["lr"], steps, values),
        }
        for torch_name, schedule, total, steps, values, make in cases
    ]
    write_json("schedules_torch.json", {"cases": rows})


def write_json(name: str, content: dict) -> None:
    """Write `content` with the versions; floats keep every digit."""
    text = json.dumps({**provenance(), **content}, indent=None)
    (HERE / name).write_text(text.replace('}, {"', '},\n{"') + "\n", encoding="utf-8")


def main() -> None:
    """Record every file."""
    record_optimizers()
    record_network()
    record_init()
    record_schedules()
    for path in sorted(HERE.glob("*_torch.*")):
        print(f"{path.name}  {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
