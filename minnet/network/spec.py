"""What a network is, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from numbers import Integral

from minnet.errors import InputError, check_name
from minnet.network.activations import ACTIVATIONS
from minnet.network.init import BIASES, SCHEMES, parse
from minnet.network.losses import resolve_output

MOST_UNITS = 10_000_000
TASKS = {
    "classification": "outputs are the classes",
    "autoencoder": "outputs are the inputs again; accuracy is then the share of their variance explained",
}


@dataclass(frozen=True)
class NetworkSpec:
    """A multilayer perceptron and its loss.

    Parameters
    ----------
    hidden : tuple of int
        Units of each hidden layer; empty for (multinomial) logistic regression. One number and text such as
        "128,64" or "none" are taken as well.
    activation : str
        Of the hidden units.
    output : str
        Activation of the output units; "auto" is the one that belongs to the loss.
    loss : {"cross_entropy", "binary_cross_entropy", "mse"}
        Summed over the output units, averaged over the samples of a batch.
    label_smoothing : float
        Share of every target that is spread evenly over all classes, in training only.
    init, bias_init : str
        Initial weights and biases; "auto" takes what suits the activation (biases: zeros).
    dropout, input_dropout : float
        Probability that a hidden unit, an input is left out of a training step.
    task : {"classification", "autoencoder"}
        What the outputs are compared with: the classes, or the inputs themselves.

    Raises
    ------
    InputError
        For an unknown name or a number out of range.

    Examples
    --------
    >>> NetworkSpec(hidden=(30,), activation="sigmoid", loss="mse").resolved().output
    'sigmoid'
    >>> NetworkSpec(hidden=(30,), loss="mse", task="autoencoder").widths(784, 10)
    (784, 30, 784)
    """

    hidden: tuple[int, ...] = (128,)
    activation: str = "relu"
    output: str = "auto"
    loss: str = "cross_entropy"
    label_smoothing: float = 0.0
    init: str = "auto"
    bias_init: str = "auto"
    dropout: float = 0.0
    input_dropout: float = 0.0
    task: str = "classification"

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", _layer_sizes(self.hidden))
        check_name("activation", self.activation, ACTIVATIONS)
        resolve_output(self.loss, self.output)
        if self.init != "auto":
            parse("init", self.init, ["auto", *SCHEMES])
        parse("bias init", self.bias_init, ["auto", *BIASES])
        for name in ("label_smoothing", "dropout", "input_dropout"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
                raise InputError(f"{name} = {value!r} is outside [0, 1)")
        if self.label_smoothing > 0 and self.loss == "mse":
            raise InputError("label_smoothing goes with a cross-entropy loss, not with 'mse'")
        check_name("task", self.task, TASKS)
        if self.task == "autoencoder" and (self.loss == "cross_entropy" or self.label_smoothing > 0):
            what = "loss 'cross_entropy'" if self.loss == "cross_entropy" else "label_smoothing"
            raise InputError(f"an autoencoder has no classes for {what}: set loss = 'binary_cross_entropy' or 'mse'")

    def widths(self, n_features: int, n_classes: int) -> tuple[int, ...]:
        """Return the units per layer, inputs first."""
        return (n_features, *self.hidden, n_features if self.task == "autoencoder" else n_classes)

    def resolved(self) -> NetworkSpec:
        """Return the spec with every "auto" replaced by what it stands for."""
        init = ACTIVATIONS[self.activation].init if self.init == "auto" else self.init
        biases = self.bias_init
        if biases == "auto":
            biases = "torch" if init == "torch" else "zeros"
        return replace(self, output=resolve_output(self.loss, self.output), init=init, bias_init=biases)


def _layer_sizes(hidden: object) -> tuple[int, ...]:
    """Return the sizes of the hidden layers from numbers or text.

    Examples
    --------
    >>> _layer_sizes("128,64"), _layer_sizes(30), _layer_sizes("none")
    ((128, 64), (30,), ())
    """
    if isinstance(hidden, str):
        parts = [part.strip() for part in hidden.split(",")] if hidden.strip() not in ("", "none") else []
        sizes: list[object] = [int(part) if part.isdecimal() else part for part in parts]
    elif isinstance(hidden, Iterable):
        sizes = list(hidden)
    else:
        sizes = [hidden]
    for units in sizes:
        if isinstance(units, bool) or not isinstance(units, Integral) or not 1 <= int(units) <= MOST_UNITS:
            raise InputError(f"hidden: {units!r} is no layer size; give whole numbers from 1, such as 128,64, or none")
    return tuple(int(units) for units in sizes)  # type: ignore[call-overload]
