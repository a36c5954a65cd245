"""What is to be seen in a landscape, in computed sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minnet.report.text import said

if TYPE_CHECKING:
    from minnet.landscape import Landscape

FLAT = 0.02  # of accuracy: less lost on the way counts as connected (Frankle et al. 2020)
AT_THE_EDGE = 0.1  # a sharpness this close to the limit, as a share of it
LATE = 0.75  # of a path: what comes after is late on it


def sentences(found: Landscape) -> list[str]:
    """Return what is to be seen: on the plane, between the solutions, along the paths."""
    return [_plane(found), *_between(found), *_sharp(found)]


def _plane(found: Landscape) -> str:
    off = {walk.label: found.plane.share(walk.points) for walk in found.walks}
    label = min(off, key=lambda each: off[each])
    return (
        f"The plane holds {100 * found.share:.0f} % of the variance of all points, and of the one path that it shows "
        f"least of, {said(label)}, {100 * off[label]:.0f} %. What lies off it is drawn at its shadow: "
        f"{said(label)} ends at a loss of {found.losses[label][-1]:.3g} where the map shows "
        f"{found.shadow_losses[label]:.3g}."
    )


def _between(found: Landscape) -> list[str]:
    if not found.lines:
        return []
    connected = sum(line.accuracy_lost < FLAT for line in found.lines)
    worst = max(found.lines, key=lambda line: line.barrier)
    pair = f"{said(worst.first)} and {said(worst.second)}"
    highest = f"The highest barrier, {worst.barrier:.3g} of training loss, lies between {pair}."
    pairs = "pair of solutions" if len(found.lines) == 1 else "pairs of solutions"
    return [
        f"On the straight lines between {connected} of {len(found.lines)} {pairs} less than {100 * FLAT:g} points of "
        f"training accuracy are lost. {highest if worst.barrier > 0 else 'There is no barrier on any line.'}"
    ]


def _sharp(found: Landscape) -> list[str]:
    late = {}
    for walk in found.walks:
        values = found.sharpness[walk.label]
        late[walk.label] = float(np.median(values[int(LATE * len(values)) :]))
    low, high = (choose(late, key=lambda label: late[label]) for choose in (min, max))
    lines = []
    if low != high:
        lines.append(
            f"Late on the paths the sharpness lies between {late[low]:.3g} ({said(low)}) and {late[high]:.3g} "
            f"({said(high)})."
        )
    for label, limits in found.limits.items():
        share = late[label] / limits[-1]
        where = "at" if abs(share - 1) <= AT_THE_EDGE else "above" if share > 1 else "below"
        lines.append(
            f"At its step size {said(label)} can bear a sharpness of {limits[-1]:.3g}. Late on its path it has "
            f"{100 * share:.0f} % of that: {where} the edge of stability."
        )
    return lines
