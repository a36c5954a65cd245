"""The loop over epochs: when to stop, as scikit-learn does, and which weights to keep."""

from __future__ import annotations

import copy
import warnings
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from minnet import machine
from minnet.errors import InputError
from minnet.estimators.fit import Fit
from minnet.optimizers.optimizer import State


class HeldOut(NamedTuple):
    """Samples, targets and weights that are held out for early stopping."""

    X: np.ndarray
    Y: np.ndarray
    weights: np.ndarray


class Best(NamedTuple):
    """The weights with the best validation score, with the memory that the method had there."""

    params: np.ndarray
    state: State


def train(model: Any, fit: Fit, epochs: int, held_out: HeldOut | None) -> None:
    """Train a model for some epochs, or until nothing gets better, and keep what came out.

    A single epoch is a `partial_fit` (or asked for so): it need not arrive anywhere.
    """
    multiplies = not fit.spec.optimizer.method.elementwise
    best: Best | None = None
    arrived, before, model.n_iter_ = False, np.inf, 0
    fit.rate = model._progress.rate
    with machine.blas_threads(model.threads) if multiplies else nullcontext():
        try:
            while model.n_iter_ < epochs and not arrived:
                _train_epoch(model, fit)
                improved = _note(model, fit, held_out)
                if held_out is not None and improved:
                    best = Best(fit.params.copy(), copy.deepcopy(fit.state))
                arrived = fit.settled(before, model.tol, model.max_fun) or _stuck(model, fit)
                before = fit.loss
        except KeyboardInterrupt:
            warnings.warn("training was interrupted: the weights are those of now", stacklevel=4)
            arrived = True
    if best is not None:
        fit.params[:], fit.state = best
    model._keep(fit)
    if not arrived and epochs > 1:
        warnings.warn(
            f"max_iter = {epochs} epochs are over, and training has not converged: give more, or a larger tol",
            ConvergenceWarning,
            stacklevel=4,
        )


def _train_epoch(model: Any, fit: Fit) -> None:
    fit.train_epoch()
    if fit.diverged or not np.isfinite(fit.loss):
        del model._progress  # nothing can go on from here
        raise InputError(
            f"training diverged at step {fit.diverged_step or fit.state.t}: scale X (StandardScaler), or lower "
            f"learning_rate_init = {fit.spec.optimizer.settings['lr']:g}"
        )


def _note(model: Any, fit: Fit, held_out: HeldOut | None) -> bool:
    """Note loss and validation score of an epoch; return whether they are the best so far."""
    model.n_iter_ += 1
    model.loss_ = fit.loss
    model.t_ += fit.n
    model.loss_curve_.append(model.loss_)
    fit.rate.epoch_ended(model.t_, model.loss_)
    if model.verbose:
        print(f"Iteration {model.n_iter_}, loss = {model.loss_:.8f}")
    progress = model._progress
    if held_out is None:
        best, worse = model.loss_ < model.best_loss_, model.loss_ > model.best_loss_ - model.tol
        model.best_loss_ = min(model.loss_, model.best_loss_)
    else:
        outputs = fit.network.predict(fit.evaluation_params, model._as(held_out.X, fit.dtype))
        score = model._score_outputs(outputs, held_out.Y, held_out.weights)
        model.validation_scores_.append(score)
        if model.verbose:
            print(f"Validation score: {score:f}")
        best, worse = score > model.best_validation_score_, score < model.best_validation_score_ + model.tol
        model.best_validation_score_ = max(score, model.best_validation_score_)
    progress.idle = progress.idle + 1 if worse else 0
    return best


def _stuck(model: Any, fit: Fit) -> bool:
    """Say whether to stop because nothing has got better for long."""
    progress = model._progress
    if progress.idle <= model.n_iter_no_change or (fit.full_batch is not None and not model.early_stopping):
        return False
    progress.idle = 0
    return fit.rate.gives_up()
