"""The race on a surface as a moving picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minnet.report.surface_figure import Scene
from minnet.report.surface_view import moments

if TYPE_CHECKING:
    from minnet.surfaces import Surface, Track

DPI = 64  # 1024 pixels across
FRAME_MS, LAST_MS = 90, 2500
COLOURS = 128


def write_gif(surface: Surface, tracks: Sequence[Track], path: Path) -> None:
    """Write the race as a GIF that repeats: each of the first steps, and ever fewer of the later ones.

    Only what moves is drawn for every frame, over one background, and all frames share the colours of the last.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    scene = Scene(surface, tracks)
    figure = scene.figure
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    clock = figure.text(0.99, 0.985, "", ha="right", va="top", fontsize=18, fontweight="bold")
    for artist in (*scene.moving, clock):
        artist.set_animated(True)
    canvas.draw()
    background = canvas.copy_from_bbox(figure.bbox)

    def frame(t: int) -> Image.Image:
        canvas.restore_region(background)
        scene.show(t)
        clock.set_text(f"step {t}")
        for artist in (*scene.moving, clock):
            artist.draw(canvas.get_renderer())
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")

    shown = moments(max(len(result.f) for track in tracks for result in track.results) - 1)
    last = frame(shown[-1]).quantize(COLOURS)
    frames = [frame(t).quantize(palette=last, dither=Image.Dither.NONE) for t in shown[:-1]]
    durations = [FRAME_MS] * len(frames) + [LAST_MS]
    first, *others = [*frames, last]
    first.save(path, save_all=True, append_images=others, duration=durations, loop=0, optimize=True)
