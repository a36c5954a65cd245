"""The picture holds what was found."""

from __future__ import annotations

import dataclasses

import pytest
from numpy.testing import assert_allclose

from minnet.errors import InputError
from minnet.report import landscape_figure


def test_three_views(found):
    figure = landscape_figure.landscape_figure(found, "digits")
    plane, loss, accuracy, sharpness = figure.get_axes()
    for walk, drawn in zip(found.walks, plane.lines[::2]):
        assert_allclose(drawn.get_xydata(), found.shadows[walk.label])
    others = landscape_figure.from_best(found)
    assert {other for other, _, _ in others} == {walk.label for walk in found.walks} - {found.best}
    for axes, what in ((loss, "loss"), (accuracy, "accuracy")):
        assert len(axes.lines) == 2 * len(others)
        for (_, line, turned), drawn in zip(others, axes.lines[::2]):
            values = getattr(line, f"train_{what}")
            assert_allclose(drawn.get_ydata(), values[::-1] if turned else values)
    for walk in found.walks:
        assert any(list(drawn.get_ydata()) == list(found.sharpness[walk.label]) for drawn in sharpness.lines)
    assert any(text.get_text() == "sgd bears 6.67" for text in sharpness.texts)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_files(found, tmp_path, kind):
    path = landscape_figure.write_landscape(found, "digits", tmp_path / "new" / f"picture.{kind}")
    assert path.read_bytes()[:4] == {"png": b"\x89PNG", "svg": b"<?xm", "pdf": b"%PDF"}[kind]


def test_one_method_and_a_hostile_label(found, tmp_path):
    walk = dataclasses.replace(found.walks[0], label="<b>$x_")
    alone = {name: {walk.label: getattr(found, name)["sgd"]} for name in ("shadows", "losses", "sharpness", "limits")}
    few = dataclasses.replace(found, walks=[walk], lines=[], shadow_losses={walk.label: 1.0}, **alone)
    path = landscape_figure.write_landscape(few, "a $title_", tmp_path / "picture.svg")
    assert b"<b>$x_" not in path.read_bytes()


def test_another_ending_is_refused():
    with pytest.raises(InputError, match=r"write one of \.png, \.svg, \.pdf"):
        landscape_figure.check_ending("x.gif")
