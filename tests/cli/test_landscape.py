"""`minnet landscape`: tables, sentences, picture; tuned, given and compared step sizes."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

import minnet
from minnet.cli import group, main
from minnet.landscape import Landscape

TINY = ["--hidden", "4", "--epochs", "3", "--cells", "3", "--samples", "100"]


def shown(*args):
    result = CliRunner().invoke(group, ["landscape", *map(str, args)])
    assert result.exit_code == 0, result.output
    return result.stdout


def rates(text):
    """Method -> step size in the first table."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if "step size" in line) + 1
    rows = lines[first : lines.index("", first)]
    return {row.split()[0]: float(row.split()[1]) for row in rows}


def test_given_step_sizes(tmp_path):
    text = shown(*TINY, "--lr", "sgd=0.2,momentum=0.05,adam=0.02", "--out", tmp_path / "l.png")
    assert rates(text) == {"sgd": 0.2, "momentum": 0.05, "adam": 0.02}
    assert "digits, 64-4-10 relu, cross_entropy; batch: 128; seed 1, 100 training samples" in text
    assert re.search(r"^momentum +adam +[\d.e-]+ +[\d.]+ +[\d.]+ %", text, re.MULTILINE)
    assert "The plane holds" in text
    assert "tuning" not in text
    assert (tmp_path / "l.png").read_bytes()[:4] == b"\x89PNG"


def test_what_is_not_given_is_tuned():
    text = shown(*TINY, "--optimizers", "sgd,adam", "--lr", "sgd=0.2", "--trials", "2", "--jobs", "1")
    found = rates(text)
    assert found["sgd"] == 0.2
    result = minnet.compare({}, data="digits", hidden=(4,), epochs=3, optimizers="adam", trials=2, seeds=1, jobs=1)
    assert found["adam"] == pytest.approx(result.rules["adam"]["hyperparameters"]["lr"], rel=1e-3)


def test_the_methods_of_a_finished_comparison(tmp_path):
    result = minnet.compare(
        {}, data="digits", hidden=(4,), epochs=3, optimizers="sgd,adam", trials=1, seeds=1, jobs=1, extend=0,
        out=tmp_path,
    )  # fmt: skip
    text = shown(tmp_path, "--cells", "3", "--samples", "100")
    assert rates(text) == pytest.approx(
        {label: rule["hyperparameters"]["lr"] for label, rule in result.rules.items()}, rel=1e-3
    )
    assert "64-4-10" in text
    assert set(rates(shown(tmp_path, "--optimizers", "adam", "--cells", "3", "--samples", "100"))) == {"adam"}
    wrong = CliRunner().invoke(group, ["landscape", str(tmp_path), "--hidden", "8"])
    assert wrong.exit_code == 2
    assert "drop --hidden" in wrong.stderr


def test_progress_has_as_many_parts_as_there_are(monkeypatch):
    """The bar ends full."""
    from minnet import landscape

    calls, plain = [], landscape.study

    def study(runs, split, points, cells, samples, progress) -> Landscape:
        found = plain(runs, split, points, cells, samples, lambda what: calls.append(what))
        assert len(calls) == landscape.parts(runs, points, cells)
        return found

    monkeypatch.setattr(landscape, "study", study)
    shown(*TINY, "--optimizers", "sgd,adam", "--lr", "0.05", "--points", "3")
    assert calls


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--lr", "x"], "--lr 'x' is no step size"),
        (["--lr", "sgd=0.1,0.2"], "is no step size"),
        (["--lr", "sdg=0.1"], "unknown method in --lr 'sdg': did you mean 'sgd'?"),
        (["--optimizers", "adm"], "did you mean 'adam'?"),
        (["--out", "x.gif"], "names no kind of picture"),
        (["no-such-experiment"], "no experiment 'no-such-experiment'"),
        (["--lr", "1e38", *TINY], "every method diverged"),
        (["--lr", "0.1", "--optimizers", "sgd", "--epochs", "1"], "three different points"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(capsys, args, message):
    with pytest.raises(SystemExit) as end:
        main(["landscape", *args])
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
