"""The page as text, as a LaTeX table, and several comparisons on one page."""

from __future__ import annotations

import re
import subprocess

import numpy as np
import pytest

from minnet.errors import InputError
from minnet.report.figures import write_figures
from minnet.report.latex import escaped, table
from minnet.report.page import write_page
from minnet.report.palette import LECTURE
from minnet.report.plain import BLOCKS, curves, text
from minnet.report.together import overview

HOSTILE = r"\input{/etc/passwd} $x_1^2$ & 50% #~\n{}`'\"<script>" + "a" * 300


def test_the_text_fits_the_terminal_and_is_plain_in_a_pipe(race):
    for width in (60, 100):
        lines = text(race, width).splitlines()
        assert max(map(len, lines)) <= width
        assert "\x1b" not in "".join(lines)
    assert "\x1b[38;2;" in text(race, 100, plain=False)
    assert text(race, 100).count("adam") >= 4


def test_the_blocks_say_where_the_curve_is(race):
    drawn = {
        line.split()[0]: line.split()[1]
        for line in curves(race, "loss", 80).splitlines()
        if set(line) & set(BLOCKS[1:])
    }
    del drawn["validation"]
    assert set(drawn) == set(race.leaderboard["optimizer"])
    assert all(line[0] in BLOCKS[-2:] for line in drawn.values())
    final = race.curves[(race.curves["kind"] == "final") & (race.curves["epoch"] == 6)]
    ends = final.groupby("optimizer")["val_loss"].median()
    assert drawn[ends.idxmin()][-1] <= drawn[ends.idxmax()][-1]
    assert len({len(line) for line in drawn.values()}) == 1


def test_a_diverged_comparison_is_text_too(make):
    shown = text(make(diverged=True, epochs=3, seeds=2), 80)
    assert "Every run diverged" in shown
    assert "nan" not in shown


def test_every_letter_that_latex_reads_is_escaped(make):
    told = table(make(labels={"adam": HOSTILE}, epochs=2, seeds=2))
    assert r"\input" not in told
    body = told.split(r"\midrule")[1].split(r"\bottomrule")[0]
    assert all(len(re.findall(r"(?<!\\)&", row)) == 6 for row in body.strip().splitlines())
    assert r"\$x\_1\textasciicircum{}2\$" in told
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", told):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert escaped("50 %\n&") == r"50 \% \&"


def test_the_table_has_the_values_of_the_leaderboard(race):
    told = table(race)
    for row in race.leaderboard.itertuples():
        assert f"{100 * row.test_accuracy_median:.2f} [{100 * row.test_accuracy_low:.2f}" in told
    assert told.count(r"$\approx$ ") == (~race.leaderboard["difference_shown"][1:]).sum() + 1  # and once in the caption
    assert r"\toprule" in told


def test_several_comparisons_on_one_page(make, race, tmp_path):
    other = make(names=("adam", "sgd"), epochs=3, seeds=2)
    text_ = write_page({"first": race, "<script>second": other}, tmp_path / "both.html").read_text(encoding="utf-8")
    assert text_.count("<template data-store=") == 2
    assert "<script>second" not in text_
    assert "&lt;script&gt;second" in text_
    assert "Of the 2 methods that ran in all 2 comparisons adam has the best mean rank among them (1)" in text_
    assert "In 6 races to the target" in text_ or "more that nobody ended" in text_


def test_ranks_over_all_are_those_among_the_methods_of_all(make):
    many, two = make(gap=0.01, epochs=2), make(names=("adam", "sgd"), epochs=2)
    assert many.leaderboard["optimizer"].tolist() == [*LECTURE]  # momentum to adadelta lie between sgd and adam
    assert two.leaderboard["optimizer"].tolist() == ["adam", "sgd"]
    told = overview({"many": many, "two": two})
    assert told["sentence"].startswith("Of the 2 methods that ran in all 2 comparisons sgd and adam have the best mean")
    assert told["sentence"].endswith("rank among them (1.5); first of them in so many comparisons: sgd 1, adam 1.")
    assert [row["rank"] for row in told["rows"]] == ["1.5", "1.5", *["–"] * 5]


def test_figures_for_papers_hold_text_and_all_charts(make, tmp_path):
    comparison = make(names=("adam", "sgd"), epochs=3, seeds=2, trials=3)
    files = {path.name: path for path in write_figures(comparison, tmp_path, ("svg", "pdf"), "two", everything=True)}
    for name in ("time_to_target", "performance_profile", "effective_step", "gradient_norm_layer2", "confusion_adam",
                 "first_layer_sgd", "mistakes_adam", "time_split"):  # fmt: skip
        assert f"{name}.svg" in files
        assert files[f"{name}.pdf"].read_bytes().startswith(b"%PDF")
    drawn = files["time_to_target.svg"].read_text(encoding="utf-8")
    assert re.search(r"<text[^>]*>adam</text>", drawn)
    assert float(re.search(r'width="([\d.]+)pt"', drawn)[1]) == pytest.approx(7.16 * 72)


def test_settings_of_matplotlib_stay_as_they_were(make, tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    write_figures(make(names=("adam",), epochs=2, seeds=1, trials=1), tmp_path, ("svg",))
    assert dict(matplotlib.rcParams) == before


def command(*arguments):
    from click.testing import CliRunner

    from minnet.cli.report import command as report

    return CliRunner().invoke(report, [*map(str, arguments)])


def test_options_that_make_no_sense_are_said_so(tmp_path):
    for arguments, why in (
        ((tmp_path, "--figures", "gif"), "--figures gif: a figure can be png, svg or pdf"),
        ((tmp_path, "--figures", ","), "--figures says no format"),
        ((tmp_path, tmp_path / "b", "--tex", "t.tex"), "--tex is for one folder, not 2"),
        ((tmp_path, tmp_path / "b", "--recover"), "--recover is for one folder"),
    ):
        result = command(*arguments)
        assert isinstance(result.exception, InputError)
        assert why in str(result.exception)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    from minnet.lab import compare

    folder = tmp_path_factory.mktemp("store") / "digits"
    compare(optimizers="sgd,adam", trials=1, seeds=2, epochs=2, hidden=(8,), jobs=1, out=folder)
    return folder


def test_from_store_to_text_table_and_joint_page(store, tmp_path):
    shown = command(store, "--plain")
    assert shown.exit_code == 0, shown.exception
    assert "validation accuracy, median over the seeds" in shown.output
    (store / "report.html").unlink()
    assert command(store, "--plain").exit_code == 0
    assert not (store / "report.html").exists()
    written = command(store, "--tex", tmp_path / "t.tex", "--out", tmp_path / "deep" / "page.html")
    assert written.exit_code == 0, written.exception
    assert r"\midrule" in (tmp_path / "t.tex").read_text(encoding="utf-8")
    assert (tmp_path / "deep" / "page.html").is_file()
    both = command(store, store, "--out", tmp_path)
    assert both.exit_code == 0, both.exception
    assert (tmp_path / "report.html").is_file()


def test_the_portrait_is_that_of_the_run(store):
    from minnet import load_dataset
    from minnet.lab import load

    result = load(store)
    labels = load_dataset("digits").y_test
    for name, portrait in result.portraits.items():
        counts = np.array(portrait["confusion"])
        final = result.trials[(result.trials["kind"] == "final") & (result.trials["seed"] == 1)].set_index("optimizer")
        assert np.trace(counts) / counts.sum() == pytest.approx(final.loc[name, "test_accuracy"])
        np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(labels))
        assert all(labels[each["index"]] == each["true"] != each["predicted"] for each in portrait["mistakes"])
    sgd = np.array(result.portraits["sgd"]["steps"])
    np.testing.assert_allclose(
        sgd[:, 3:], result.rules["sgd"]["hyperparameters"]["lr"], rtol=0.02
    )  # one for all weights
    adam = result.portraits["adam"]["steps"][-1]
    assert adam[5] > 5 * adam[3]


def test_the_script_is_one_that_node_can_read():
    import shutil

    from minnet.report.page import TEMPLATES

    if shutil.which("node") is None:
        pytest.skip("no node here")
    subprocess.run(["node", "--check", str(TEMPLATES / "report.js")], check=True)
