"""`minnet surface`: table, picture, steps against the condition number."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from click.testing import CliRunner

from minnet import optimizers, surfaces
from minnet.cli import group, main
from minnet.report import surface_figure, surface_view

QUICK = ["--steps", "60", "--trials", "3"]


def shown(*args):
    result = CliRunner().invoke(group, ["surface", *map(str, args)])
    assert result.exit_code == 0, result.output
    return result.stdout


def rows(text):
    """First word of a line -> its other words."""
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line}


def test_the_lectures_third_slide_in_one_command(tmp_path):
    text = shown("--out", tmp_path / "race.png")
    table = rows(text)
    assert set(optimizers.names("lecture")) <= set(table)
    assert "κ = 100" in text
    assert int(table["momentum"][2]) < int(table["sgd"][2]) / 2
    assert (tmp_path / "race.png").read_bytes()[:4] == b"\x89PNG"


def test_the_table_says_what_the_race_found():
    table = rows(shown("rosenbrock", "--optimizers", "momentum,adam", *QUICK))
    for track in surfaces.race(surfaces.create("rosenbrock"), ["momentum", "adam"], 60, 3):
        lr, near, exact, final = table[track.label][:4]
        assert float(lr.rstrip("*")) == track.lr
        assert lr.endswith("*") == track.edge
        assert [near, exact] == ["not" if n is None else str(n) for n in (track.near, track.exact)]
        assert float(final) == pytest.approx(track.final, rel=1e-3)


def test_a_given_step_size_is_not_tuned():
    text = shown("--condition", "10", "--lr", "0.5", "--optimizers", "sgd,adagrad", "--steps", "2000")
    assert "as given" in text
    assert rows(text)["sgd"][:4] == ["0.5", "not", "not", "-"]
    assert re.search(r"sgd .* diverged at step \d+", text)
    assert rows(text)["adagrad"][0] == "0.5"


def test_a_start_of_ones_own():
    assert "from (1, 2), f = 100" in shown("rosenbrock", "--start", "1,2", "--optimizers", "sgd", *QUICK)


def test_steps_against_the_condition_number():
    text = shown("--condition", "100,1,10", "--optimizers", "sgd,momentum", "--trials", "5")
    lines = text.splitlines()
    assert re.findall(r"κ = (\d+)", lines[2]) == ["1", "10", "100"]
    theory = next(line for line in lines if line.startswith("sgd, in theory")).split()[3:]
    assert theory == ["1", "35", "346", "κ^1.00"]
    assert any(line.startswith("momentum, in theory") for line in lines)


def test_several_starts():
    lines = shown(
        "himmelblau", "--starts", "3", "--seed", "1", "--optimizers", "sgd,momentum", "--steps", "150", "--trials", "4"
    )
    assert "from 3 points, f = " in lines
    surface = surfaces.create("himmelblau")
    tracks = surfaces.race(surface, ["sgd", "momentum"], 150, 4, start=surfaces.random_starts(surface, 3, 1))
    table = rows(lines)
    for track in tracks:
        assert table[track.label][1:3] == ["not" if n is None else str(n) for n in (track.near, track.exact)]
        assert table[track.label][4:7] == [str(track.arrived), "of", "3"]
    two = rows(
        shown("beale", "--start", "1,1", "--start=-0.2,0.5", "--optimizers", "sgd", "--lr", "10", "--steps", "60")
    )
    assert two["sgd"][-3:] == ["diverged", "from", "2"]


def test_an_expression_and_a_function_of_ones_own(tmp_path):
    text = shown("x**2 + 3*sin(y)**2", "--box=-2,2,-1,1", "--optimizers", "sgd,momentum", *QUICK)
    assert "An expression:  f = x^2 + 3*sin(y)^2" in text
    assert "from (-1.4, 0.6)" in text
    assert "down to the lowest value found in the box" in text
    path = tmp_path / "mine.py"
    path.write_text("def f(x, y):\n    return x * x + 4 * y * y\n", encoding="utf-8")
    assert rows(shown(f"{path}:f", "--lr", "0.1", "--optimizers", "sgd", *QUICK))["sgd"][1] != "not"


def test_noise_of_the_seed():
    lines = [
        shown("noisy_quadratic", "--noise", "0.5", "--seed", seed, "--optimizers", "sgd", *QUICK) for seed in "001"
    ]
    assert lines[0] == lines[1] != lines[2]


def test_a_moving_picture(tmp_path):
    from PIL import Image

    path = tmp_path / "race.gif"
    shown("ravine", "--optimizers", "sgd,adam", "--out", path, "--steps", "40", "--trials", "3")
    with Image.open(path) as picture:
        assert picture.n_frames == len(surface_view.moments(40)) == 41
        assert picture.info["loop"] == 0
        frames = []
        for k in (0, 20, 40):
            picture.seek(k)
            frames.append(np.asarray(picture.convert("RGB"), dtype=int))
    assert frames[0].shape[1] == 1024
    different = [(np.abs(one - other) > 40).any(axis=-1).mean() for one, other in itertools.pairwise(frames)]
    assert all(0.0005 < share < 0.2 for share in different)


@pytest.mark.parametrize("kind", ["svg", "html"])
def test_other_pictures(tmp_path, kind):
    path = tmp_path / "sub" / f"race.{kind}"
    shown("saddle", "--optimizers", "sgd,adam", "--out", path, *QUICK)
    text = path.read_text(encoding="utf-8")
    assert "A saddle" in text
    if kind == "html":
        assert not re.search(r"<(script|link)[^>]*(src|href)=", text)
        assert re.search(r'"name": ?"adam"', text)


@pytest.mark.parametrize("name", surfaces.names())
def test_the_figure_holds_every_path(name):
    surface = surfaces.create(name)
    tracks = surfaces.race(surface, ["sgd", "momentum", "adam"], steps=30, trials=3)
    figure = surface_figure.surface_figure(surface, tracks)
    *maps, chart = [axes for axes in figure.get_axes() if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in maps] == ["sgd", "momentum", "adam"]
    for axes, track in zip(maps, tracks):
        paths = [line.get_xydata() for line in axes.lines]
        assert any(path.shape == (31, 2) and (path == track.result.evaluation).all() for path in paths)
        assert axes.get_xlim() == surface.box[:2]
    for line, track in zip(chart.lines, tracks):
        assert line.get_ydata()[0] == 1
        above = track.result.f_evaluation[5] - surface.lowest
        assert line.get_ydata()[5] == pytest.approx(above / (surface.value(*surface.start) - surface.lowest))


def test_methods_that_diverge_and_labels_that_are_hostile_are_drawn(tmp_path):
    import dataclasses

    surface = surfaces.ravine(100)
    tracks = surfaces.race(surface, ["sgd", "momentum"], steps=400, lr=1.0)
    assert all(track.result.diverged for track in tracks)
    tracks[0] = dataclasses.replace(tracks[0], label="<script>alert(1)</script>$x_")
    for kind in ("png", "svg", "gif", "html"):
        path = surface_figure.write_surface(surface, tracks, tmp_path / f"race.{kind}")
        assert b"<script>alert(1)" not in path.read_bytes()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["rosenbrok"], "unknown surface 'rosenbrok': did you mean 'rosenbrock'"),
        (["--optimizers", "sgd,adm"], "did you mean 'adam'"),
        (["--out", "race.mp4"], "names no kind of picture: write one of .png, .svg, .gif, .html"),
        (["--noise", "1"], "ravine has no option 'noise'"),
        (["noisy_quadratic", "--noise", "-1"], "noise = -1.0 must be"),
        (["x**2 + z"], "unknown name 'z'"),
        (["x^2"], "write ** for a power"),
        (["x**2", "--condition", "3"], "'x**2' has no option 'condition'"),
        (["log(x)"], "not finite at the start [-2.1, 1.8"),
        (["nowhere.py:f"], "no file nowhere.py"),
        (["--start", "1,2", "--starts", "3"], "--start and --starts exclude one another"),
        (["--box", "1,2,3"], "--box needs 4 numbers, as -3,3,-2,2, not 3"),
        (["--box", "1,1,0,1"], "is empty"),
        (["--start", "nan,1"], "--start 'nan,1' is not a list of numbers"),
        (["--condition", "0.5"], "condition = 0.5 must be"),
        (["--condition", "a,b"], "--condition 'a,b' is not a list of numbers"),
        (["beale", "--condition", "5"], "beale has no option 'condition'"),
        (["beale", "--condition", "5,6"], "beale has no condition number"),
        (["--condition", "5,6", "--out", "x.png"], "need one condition number"),
        (["--condition", "5,6", "--box", "0,1,0,1"], "need one condition number"),
        (["--start", "1"], "--start needs 2 numbers"),
        (["--lr", "x"], "--lr 'x' is neither"),
        (["--lr", "1:0.1"], "--lr '1:0.1' is neither"),
        (["--trials", "0"], "--trials"),
        (["--start", "1e200,1e200"], "not finite at the start"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(capsys, args, message):
    with pytest.raises(SystemExit) as end:
        main(["surface", *args])
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
