"""``minnet new-method``: a file to begin a method of one's own with."""

from __future__ import annotations

import keyword
from pathlib import Path

import click

from minnet.errors import InputError

TEMPLATE = '''\
"""A method of my own.

Try it:

    minnet show {file}:{name}
    minnet train --optimizer {file}:{name}
    minnet compare --optimizers sgd,adam,{file}:{name}
"""

import math

# A method is one function: it gets one weight and returns where that weight goes.
#
#   w        the weight
#   g        its gradient, averaged over the batch
#   m, v     slots: what the method remembers about this weight, 0 at the start. Name as many as you need (up to
#            four), or none. They are the parameters without a default, and are returned after w, in the same order.
#   t        the number of the step: 1, 2, 3, ... Leave it out if you do not need it.
#   lr ...   hyperparameters, with their defaults. lr, the step size, must be one of them.
#
# All of these are single numbers: no w[0], no lists, no numpy arrays. Use + - * / **, math.sqrt, abs, min, max,
# if ... else, and functions and numbers that are written above.


def {name}(w, g, m, v, t, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam. Change it!"""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (math.sqrt(v_hat) + eps)
    return w, m, v


# To say where `minnet compare` looks for hyperparameters, write above the function (and import minnet):
#
#   @minnet.rule(space={{"lr": (1e-4, 1.0), "beta1": (0.5, 0.99)}})
#
# Without it, lr is tuned between a hundredth and a hundred times its default.
'''


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", default="my_method", show_default=True, help="Of the function in it.")
def command(file: Path, name: str) -> None:
    """Write FILE, a working method with an explanation of every line, to make your own from.

    An existing file is not touched.
    """
    if file.suffix != ".py":
        raise InputError(f"{file} is no Python file: write for example minnet new-method mine.py")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise InputError(f"--name {name!r} cannot name a function: use letters, digits and _, as in my_method")
    try:
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.write(TEMPLATE.format(file=file.as_posix(), name=name))
    except FileExistsError:
        raise InputError(f"{file} exists already and is left as it is: choose another name") from None
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}") from None
    click.echo(f"{file} holds a working method, {name}. Change it, and try:\n")
    for line in TEMPLATE.split("Try it:\n\n")[1].split('"""')[0].format(file=file, name=name).splitlines():
        click.echo(line.removeprefix("  "))
