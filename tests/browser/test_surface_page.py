"""The animation of a race on a surface, driven in a real browser without a network."""

from __future__ import annotations

from minnet import surfaces
from minnet.report.surface_figure import write_surface

SHOWN = "MOVING.map(({trace}) => document.getElementById('race').data[trace].x)"


def test_play_step_and_scrub(show, tmp_path):
    surface = surfaces.ravine(10)
    tracks = surfaces.race(surface, ["sgd", "momentum"], steps=60, trials=3)
    page = show(write_surface(surface, tracks, tmp_path / "race.html").as_uri(), offline=True)
    page.wait_for_selector("#race .main-svg")
    paths = [track.result.evaluation[:, 0].tolist() for track in tracks]

    def at(t):
        """Whether paths, heads and losses are those of step t."""
        expected = [part for path in paths for part in (path[: t + 1], path[t : t + 1], list(range(t + 1)))]
        page.wait_for_function(
            "([code, want]) => JSON.stringify(eval(code)) === JSON.stringify(want)", arg=[SHOWN, expected]
        )
        return page.inner_text("#now") == f"step {t} of 60"

    assert at(60)
    page.locator("#step").fill("20")
    assert at(20)
    page.click("#forth")
    assert at(21)
    page.keyboard.press("ArrowLeft")
    page.click("#back")
    assert at(19)
    isolines = page.locator(".scatterlayer path.js-line").count()
    page.click("#play")
    page.wait_for_function("document.getElementById('play').textContent === 'Play'")
    assert at(60)
    assert page.locator(".scatterlayer path.js-line").count() == isolines
    page.click("#play")
    page.click("#play")
    assert page.inner_text("#play") == "Play"
