"""A method around another: what `lookahead` and `sam` share.

A wrapped method is a method like any other, named after both: "lookahead(adam)". It has all that its base has, and
besides hyperparameters, slots and coefficients of its own; the compiled update is that of the base. What a wrapper
does around it depends on one coefficient per step, `PULL` or `RADIUS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from minnet.errors import InputError
from minnet.optimizers.base import Coefficients, Method

# Lookahead: share by which the slow weights follow after this step. SAM: how far to climb before it.
PULL, RADIUS = "pull", "radius"


def around(
    base: Method,
    outer: Method,
    own: Coefficients,
    column: str,
    wrap: Callable[[Method], Method],
    slots: Mapping[str, float | str] | None = None,
) -> Method:
    """Return the method `outer` around `base`.

    Parameters
    ----------
    base : Method
    outer : Method
        Name, title, formula, paper, purpose, notes and evaluation of the wrapper; its `defaults` and its
        `space` are those of its own hyperparameters.
    own : callable
        ``own(t, **hyper)`` returns the value of `column` for every step.
    column : str
        `PULL` or `RADIUS`.
    wrap : callable
        ``wrap(base)``: what calls this.
    slots : mapping
        The wrapper's slots, after those of the base, and where they start.

    Raises
    ------
    InputError
        If the wrapper is around `base` already, or `base` does not step by one gradient.
    """
    if base.full_batch:
        raise InputError(f"{base.name} searches along a line by itself: {outer.name} cannot wrap it")
    if column in base.columns:
        raise InputError(f"{outer.name}({base.name}): {outer.name} can wrap a method once")
    # A hyperparameter that the base has under the same name gets the wrapper's name in front.
    names = {key: f"{outer.name}_{key}" if key in base.defaults else key for key in outer.defaults}

    def coefficients(t, lr, **hyper):
        mine = {key: hyper.pop(name) for key, name in names.items()}
        return {**base.coefficients(t, lr, **hyper), column: own(t, **mine)}

    slots = slots or {}
    return replace(
        base,
        name=f"{outer.name}({base.name})",
        title=f"{outer.title} around {base.title}",
        formula=outer.formula + "\n" + base.formula,
        paper=f"{outer.paper}; {base.paper}",
        purpose=outer.purpose,
        notes=outer.notes,
        defaults={**base.defaults, **{names[key]: value for key, value in outer.defaults.items()}},
        space={**base.space, **{names[key]: value for key, value in outer.space.items()}},
        rule=None,
        update=None,
        base=base,
        wrap=wrap,
        slots=(*base.slots, *slots),
        initial={**base.initial, **slots},
        columns=(*base.columns, column),
        coefficients=coefficients,
        evaluation=outer.evaluation or base.evaluation,
        slide=None,
    )
