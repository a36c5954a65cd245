import html
import json
import subprocess
import sys
import threading
import tomllib
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

from minnet import optimizers
from minnet.report import protocol
from minnet.report.charts import all_charts
from minnet.report.facts import LEADERS, crowded, gather, rings
from minnet.report.figures import write_figures
from minnet.report.formula import assignments, formula_html, symbols
from minnet.report.page import write_page
from minnet.report.palette import DARK, LECTURE, LOOKS, dark, style_of
from minnet.report.tables import leaderboard_text
from minnet.report.text import between, number, percent, points, ranks

HOSTILE = "<script>alert('x')</script>\"&amp;%{x}$\\frac{1}{0}$\x1b[31m\n" + "a" * 240
LINKS = {"href", "src", "srcset", "data", "action", "poster", "formaction"}
VOID = {"meta", "link", "br", "img", "input", "hr", "col", "line", "path"}


class Page(HTMLParser):
    """Collects elements, texts and scripts, and checks that tags are balanced."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.texts, self.payload = [], [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop()[0] == tag

    def handle_data(self, data):
        where = self.open[-1] if self.open else ("", {})
        if where[1].get("id") == "minnet-data":
            self.payload = json.loads(data)
        elif where[0] not in {"script", "style"}:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def read(comparison, tmp_path):
    path = write_page(comparison, tmp_path / "deep" / "report.html")
    return Page(path.read_text(encoding="utf-8")), path


@pytest.fixture(scope="module")
def page(race, tmp_path_factory):
    return read(race, tmp_path_factory.mktemp("page"))


def test_page_is_whole_and_small(page):
    parsed, path = page
    assert parsed.open == []
    assert path.stat().st_size < 2_000_000


def test_the_page_of_a_crowd_stays_small(make, tmp_path):
    """Forty methods, thirty trials, a hundred epochs, images of MNIST's size; half of what is to be borne."""
    crowd = make(names=[f"method {i}" for i in range(40)], trials=30, seeds=5, epochs=100, shape=(28, 28))
    parsed, path = read(crowd, tmp_path)
    assert path.stat().st_size < 3_000_000
    assert parsed.text.count("method 39") > 3
    assert len(crowd.curves) == 40 * 35 * 101


def test_page_loads_nothing(page):
    for tag, attributes in page[0].tags:
        for name in LINKS & set(attributes):
            assert not str(attributes[name]).startswith(("http:", "https:", "//")), (tag, attributes)
        assert tag not in {"iframe", "object", "embed", "base", "link"}


def test_page_holds_the_data(page, race):
    parsed, _ = page
    for row in race.leaderboard.itertuples():
        assert row.optimizer in parsed.text
        assert f"{100 * row.test_accuracy_median:.2f} %" in parsed.text
    assert "not reached" in parsed.text
    assert race.provenance["command"] in parsed.text
    assert "0.68.1" in parsed.text
    assert "def adam(w, g, m, v, lr, beta1):" in parsed.text
    final = race.curves[(race.curves["kind"] == "final") & (race.curves["optimizer"] == "adam")]
    expected = final.groupby("epoch")["val_loss"].median().to_numpy()
    place = [m["name"] for m in parsed.payload["methods"]].index("adam")
    (line,) = (trace for trace in parsed.payload["charts"]["loss"]["data"] if trace["m"] == place)
    np.testing.assert_allclose(values(parsed.payload, line["y"]["validation"]), expected, rtol=1e-5)
    assert values(parsed.payload, line["x"]["steps"]) == [100 * epoch for epoch in range(7)]


def values(payload, value):
    """Return a list of numbers that may stand among the columns."""
    return payload["columns"][int(value[1:])] if isinstance(value, str) else value


def test_methods_that_are_not_shown_to_differ_are_marked(make, tmp_path):
    apart, _ = read(make(gap=0.02, names=("adam", "sgd", "momentum")), tmp_path)
    assert "no difference shown" not in apart.text
    assert "1 – 3" not in apart.text
    comparison = make(gap=0.004)
    board = comparison.leaderboard.iloc[1:]
    alike = read(comparison, tmp_path)[0].text
    assert 0 < (~board["difference_shown"]).sum() < len(board)
    assert alike.count("no difference shown") == (~board["difference_shown"]).sum()
    for row in board.itertuples():
        assert ("" if row.difference_shown else "≈ ") + points(row.difference) in alike
        assert between(row.difference_low, row.difference_high) in alike
        assert ranks(row.rank_low, row.rank_high) in alike


def test_the_scores_are_those_of_the_tables(page, race):
    text = page[0].text
    for row in race.targets.itertuples():
        if np.isfinite(row.epochs):
            assert f"{number(row.epochs)} epochs {row.steps:.0f} steps" in text
    for row in race.budget[race.budget["trials"].isin([1, 2, 4, 8])].itertuples():
        assert percent(row.val_accuracy_mean) in text
    assert "validation with 8 trials" in text
    assert "validation with 3 trials" not in text


def test_every_chart_has_its_reading_and_label(page):
    parsed, _ = page
    charts = [attributes for tag, attributes in parsed.tags if attributes.get("class") == "chart"]
    assert len(charts) == len(parsed.payload["charts"]) == 13
    assert all(len(each["aria-label"]) > 40 for each in charts)
    for name, chart in parsed.payload["charts"].items():
        assert chart["data"], name
        assert all(view["reading"].endswith(".") for view in chart["views"].values())
        assert {trace["view"] for trace in chart["data"] if "view" in trace} <= set(chart["views"])
        for key in chart["keys"]:
            assert key in parsed.payload["start"]
    assert set(parsed.payload["charts"]["sensitivity"]["views"]) == {"accuracy", "error", "loss"}
    assert set(parsed.payload["charts"]["loss"]["views"]) == {
        f"{axis} {split} {scale}"
        for axis in ("epochs", "steps", "seconds")
        for split in ("validation", "training")
        for scale in ("linear", "log")
    }


def test_hostile_labels_stay_text(make, tmp_path):
    comparison = make(labels={"adam": HOSTILE, "sgd": "_x <img src=x onerror=alert(1)>"}, seeds=2, epochs=3)
    comparison.experiment["name"] = "</script><script>alert(2)</script>"
    comparison.rules[HOSTILE]["rule_source"] = "x = '</script><script>alert(3)</script>'"
    comparison.rules[HOSTILE]["formula"] = "w ← <img src=x> (√( √"
    parsed, path = read(comparison, tmp_path)
    assert parsed.open == []
    assert [tag for tag, _ in parsed.tags].count("script") == 3
    assert all(attrs["src"].startswith("data:image/png;base64,") for tag, attrs in parsed.tags if tag == "img")
    assert not any(name.startswith("on") for _, attrs in parsed.tags for name in attrs)
    assert "<script>alert('x')</script>" in parsed.text
    assert "\x1b" not in path.read_text(encoding="utf-8")
    for chart in parsed.payload["charts"].values():
        for trace in chart["data"]:
            assert "<" not in json.dumps(trace["m"])
    for method in parsed.payload["methods"]:
        assert "<" not in method["label"] + method["tick"]
        assert "%{" not in method["label"] + method["tick"]


CASES = {
    "diverged": {"diverged": True},
    "one seed": {"seeds": 1},
    "one method": {"names": ("adam",)},
    "no target": {"target": 0.9999},
    "no validation": {"validation": 0.0},
    "nothing tuned": {"trials": 1},
}


@pytest.mark.parametrize("case", CASES)
def test_edge_cases_make_a_page_figures_and_a_table(make, case, tmp_path):
    comparison = make(**{"epochs": 3, "seeds": 2, **CASES[case]})
    parsed, _ = read(comparison, tmp_path)
    assert parsed.open == []
    assert "nan" not in parsed.text.lower().split()
    assert len(write_figures(comparison, tmp_path / "figures")) == 10
    assert "adam" in leaderboard_text(comparison, plain=True)
    if case == "no validation":
        assert parsed.payload["start"]["splits"] == ["training"]


def test_curves_that_hold_nan(make, tmp_path):
    comparison = make(epochs=4, seeds=3)
    curves = comparison.curves
    curves.loc[(curves["optimizer"] == "adam") & (curves["epoch"] == 2), "val_loss"] = np.nan
    curves.loc[(curves["optimizer"] == "sgd") & (curves["epoch"] > 1), ["val_loss", "train_loss"]] = np.inf
    charts = all_charts(comparison, gather(comparison))
    json.dumps(charts, allow_nan=False)
    assert read(comparison, tmp_path)[0].open == []
    write_figures(comparison, tmp_path / "figures")


def test_figures_are_images(race, tmp_path):
    files = write_figures(race, tmp_path)
    assert {f.stem for f in files} == {"curves_loss", "curves_accuracy", "lr_sensitivity", "leaderboard", "overview"}
    for file in files:
        if file.suffix == ".png":
            assert file.read_bytes().startswith(b"\x89PNG")
        else:
            root = ET.fromstring(file.read_text(encoding="utf-8"))
            assert root.tag.endswith("svg")
            assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 10


def test_figures_of_hostile_labels_in_threads(make, tmp_path):
    comparison = make(labels={"adam": HOSTILE, "sgd": "_私🦁"}, seeds=2, epochs=3, trials=3)
    threads = [threading.Thread(target=write_figures, args=(comparison, tmp_path / str(i))) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(2):
        assert len(list((tmp_path / str(i)).glob("*.svg"))) == 5
        ET.fromstring((tmp_path / str(i) / "leaderboard.svg").read_text(encoding="utf-8"))


def test_leaderboard_text(make, race, monkeypatch):
    lines = leaderboard_text(race, plain=True).splitlines()
    assert len(lines) == 8
    assert lines[1].split()[:3] == ["1", "adam", f"{100 * race.leaderboard['test_accuracy_median'][0]:.2f}"]
    assert "\x1b" not in "".join(lines)
    narrow = leaderboard_text(race, width=60, plain=True).splitlines()
    assert max(map(len, narrow)) <= 60
    assert "test" in narrow[0]
    assert "\x1b[" in leaderboard_text(race, width=100)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "38;2" not in leaderboard_text(race, width=100)
    hostile = leaderboard_text(make(labels={"adam": HOSTILE}, epochs=2), plain=True)
    assert "\x1b" not in hostile
    assert len(hostile.splitlines()) == 8


def test_looks_are_stable_and_distinct():
    looks = style_of([*LECTURE, "lion", "muon", "my method"])
    assert {name: looks[name] for name in LECTURE} == LECTURE
    assert len({look[0] for look in looks.values()}) == len(looks)
    assert len({look[1] for look in looks.values()}) == len(looks)
    assert style_of(["muon", "lion", "my method", *LECTURE]) == looks
    everyone = style_of(optimizers.names())
    assert len({look[:2] for look in everyone.values()}) == len(everyone)
    assert {name: style_of(["mine", name])[name] for name in everyone} == everyone  # whoever else is there
    assert set(LOOKS) <= set(everyone)
    many = style_of([f"m{i}" for i in range(30)])
    assert len({look[:2] for look in many.values()}) == 30
    assert len(many) == 30
    assert all(look[0] in DARK for look in [*looks.values(), *many.values()])


@pytest.mark.parametrize("ground", ["#ffffff", "#14171c"])
def test_colours_can_be_seen_on_their_ground(ground):
    def luminance(colour):
        parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    for colour in DARK:
        pair = sorted([luminance(colour if ground == "#ffffff" else dark(colour)), luminance(ground)])
        assert (pair[1] + 0.05) / (pair[0] + 0.05) > 2.6, colour


def test_a_crowd_shares_no_look_and_starts_with_the_leaders(make, tmp_path):
    names = [f"m{i}" for i in range(33)]
    looks = style_of([*LECTURE, *names])
    assert len({(colour, marker) for colour, marker, _ in looks.values()}) == 40
    comparison = make(epochs=2, seeds=2, trials=3)
    facts = gather(comparison)
    assert crowded(facts) == facts
    assert len(crowded(facts * 6)) == LEADERS
    parsed, _ = read(comparison, tmp_path)
    assert parsed.payload["leaders"] == 7


def test_the_rise_shows_first_and_the_end_by_switches(page):
    parsed, _ = page
    start, chart = parsed.payload["start"], parsed.payload["charts"]["accuracy"]
    assert (start["band"], start["accuracy"]) == ("off", "linear")
    whole, zoom = (chart["views"][f"epochs validation {scale}"]["y"]["range"] for scale in ("linear", "zoom"))
    assert whole[0] < 0.1 < 0.5 < zoom[0] < zoom[1]
    assert {view.split()[-1] for view in chart["views"]} == {"linear", "zoom", "log"}


def test_no_error_can_be_drawn_on_a_log_axis(make):
    comparison = make(epochs=3, seeds=3)
    comparison.curves.loc[comparison.curves["epoch"] == 3, "val_accuracy"] = 1.0
    chart = all_charts(comparison, gather(comparison))["accuracy"]
    view = chart["views"]["epochs validation log"]
    assert 0 < view["floor"] < 0.05
    assert view["y"]["range"][0] < np.log10(view["floor"])
    assert "floor" not in chart["views"]["epochs validation linear"]
    assert any(a["text"] == "0 errors" for a in view["notes"])


def test_the_strip_marks_default_and_selected_step_sizes(race):
    facts = gather(race)
    chart = all_charts(race, facts)["sensitivity"]
    marks = {(t["m"], t["role"]): t["x"] for t in chart["data"]}
    place = [f.name for f in facts].index("adam")
    assert marks[place, "default"] == [0.001]
    assert marks[place, "selected"] == pytest.approx([facts[place].lr], rel=1e-5)
    assert (
        len(marks[[f.name for f in facts].index("sgd"), "lost"]) == facts[[f.name for f in facts].index("sgd")].diverged
    )


def test_equal_choices_get_rings_around_one_another(make):
    facts = gather(make(gap=0.0, names=("momentum", "nesterov", "adam")))
    counted = {fact.name: rings(facts[:place], fact) for place, fact in enumerate(facts)}
    assert counted["adam"] == 0
    assert sorted([counted["momentum"], counted["nesterov"]]) == [0, 1]


def test_short_times_are_milliseconds_and_said_to_be_noise(make, tmp_path):
    comparison = make(epochs=3, seeds=2)
    comparison.curves["train_s"] /= 100
    comparison.leaderboard["seconds_to_target"] = 0.00329
    parsed, _ = read(comparison, tmp_path)
    assert "3.3 ms" in parsed.text
    assert "measured with 2 runs side by side, are mostly noise" in parsed.text
    axis = parsed.payload["charts"]["loss"]["views"]["seconds validation log"]["x"]["title"]["text"]
    assert axis == "milliseconds of training"


def test_short_times_are_not_mentioned_where_there_are_none(page):
    assert "are mostly noise: do not rank" not in page[0].text


def test_cards_use_the_symbols_of_the_formula(page):
    text = page[0].text
    assert "β₁ = 0.9, ε = 1e-8" in text
    assert "α from 1e-5 to 0.1 (log)" in text
    for name in optimizers.names("lecture"):
        method = optimizers.get(name)
        assert "=" not in "".join(k for k in symbols(method.defaults, method.formula).values())
        assert len(symbols(method.defaults, method.formula)) == len(method.defaults)
    assert assignments({"weight_decay": 0.1, "trust": 0.01}, optimizers.get("lars").formula) == "β = 0.1, η = 0.01"
    assert assignments({"beta2": 0.9999}, "β₂ᵗ") == "β₂ = 0.9999"


def test_the_whole_experiment_is_toml(race, tmp_path):
    path = write_page(race, tmp_path / "report.html")
    text = html.unescape(path.read_text(encoding="utf-8").split("as TOML</summary><pre><code>")[1].split("</code>")[0])
    assert tomllib.loads(text) == race.experiment
    assert tomllib.loads(protocol.toml({"a": None, "b": {"c": np.float64(1.5), "d": (1, None)}})) == {
        "b": {"c": 1.5, "d": [1]}
    }


def test_an_unfinished_page_says_so_first(make, tmp_path):
    comparison = make(epochs=2, seeds=2)
    comparison.provenance |= {"runs_planned": 12, "runs_finished": 9}
    path = write_page(comparison, tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    assert "<title>Unfinished: Race" in text
    assert text.index("Unfinished: 9 of 12 runs") < text.index('id="verdict"')
    comparison.leaderboard = comparison.leaderboard.head(0)
    comparison.trials = comparison.trials[comparison.trials["kind"] == "tune"]
    assert read(comparison, tmp_path)[0].open == []
    assert write_figures(comparison, tmp_path / "figures")
    assert "Unfinished" not in read(make(epochs=2, seeds=2), tmp_path)[0].text


def test_a_method_whose_final_runs_all_diverged_counts_as_0(make, tmp_path):
    comparison = make(epochs=2, seeds=2)
    lost = (comparison.trials["optimizer"] == "adam") & (comparison.trials["kind"] == "final")
    comparison.trials.loc[lost, ["diverged", "test_accuracy"]] = [True, np.nan]
    board = comparison.leaderboard
    columns = ["test_accuracy_median", "test_accuracy_low", "test_accuracy_high", "val_accuracy_median"]
    board.loc[board["optimizer"] == "adam", columns] = 0.0
    parsed, _ = read(comparison, tmp_path)
    assert "0.00 %" in parsed.text
    assert "and 2 of 2 final" in parsed.text
    view = parsed.payload["charts"]["scores"]["views"][""]
    assert [note["text"] for note in view["rows"]] == ["◀ 2 of 2 diverged: 0 %"]
    assert view["x"]["range"][0] > 0.5
    write_figures(comparison, tmp_path / "figures")
    assert "0.00 %" in leaderboard_text(comparison, plain=True)


def test_wrapped_and_own_methods_keep_their_names(make, tmp_path):
    comparison = make(labels={"adam": "lookahead(adam)", "sgd": "mine.py:my_method"}, epochs=2, seeds=2)
    comparison.rules["lookahead(adam)"]["name"] = "lookahead(adam)"
    comparison.rules["mine.py:my_method"]["name"] = "mine.py:my_method"
    parsed, _ = read(comparison, tmp_path)
    assert "lookahead(adam)" in parsed.text
    assert "mine.py:my_method" in parsed.text
    assert {f.name: f.default_lr for f in gather(comparison)}["lookahead(adam)"] == 0.001


def test_formula():
    shown = formula_html("m̂ = m / (1 − β₁ᵗ)\nw ← w − α sign(m) / √(v + ε)")
    assert "<var>m̂</var>" in shown
    assert "<var>β</var>₁ᵗ" in shown
    assert "<var>sign" not in shown
    assert '√<span class="root"><var>v</var> + <var>ε</var></span>' in shown
    assert Page(shown).open == []


def test_importing_the_package_imports_no_plotting():
    code = "import sys, minnet.report; print({'plotly', 'matplotlib', 'pandas', 'scipy', 'rich'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
