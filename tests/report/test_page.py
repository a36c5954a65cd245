import json
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

from minnet.report.charts import all_charts
from minnet.report.facts import gather
from minnet.report.figures import write_figures
from minnet.report.formula import formula_html
from minnet.report.page import write_page
from minnet.report.palette import DARK, LECTURE, dark, style_of
from minnet.report.tables import leaderboard_text

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
        if where[1].get("id") == "payload":
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
    assert path.stat().st_size < 6_000_000


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
    drawn = [
        trace["y"]
        for trace in parsed.payload["charts"]["loss"]["data"]
        if trace["meta"] == {"method": place, "role": "line", "views": ["epochs validation linear"]}
    ]
    np.testing.assert_allclose(drawn[0], expected, rtol=1e-5)


def test_every_chart_has_its_reading_and_label(page):
    parsed, _ = page
    charts = [attributes for tag, attributes in parsed.tags if attributes.get("role") == "img"]
    assert len(charts) == 4
    assert all(len(each["aria-label"]) > 40 for each in charts)
    for chart in parsed.payload["charts"].values():
        assert all(view["reading"].endswith(".") for view in chart["views"].values())
    assert set(parsed.payload["charts"]["loss"]["views"]) == {
        f"{axis} {split} {scale}"
        for axis in ("epochs", "seconds")
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
    assert "img" not in [tag for tag, _ in parsed.tags]
    assert "<script>alert('x')</script>" in parsed.text
    assert "\x1b" not in path.read_text(encoding="utf-8")
    for chart in parsed.payload["charts"].values():
        for trace in chart["data"]:
            assert "<script" not in json.dumps(trace)
            assert "%{x}$" not in json.dumps(trace)


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
    assert len(write_figures(comparison, tmp_path / "figures")) == 8
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
    assert {f.stem for f in files} == {"curves_loss", "curves_accuracy", "lr_sensitivity", "leaderboard"}
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
        assert len(list((tmp_path / str(i)).glob("*.svg"))) == 4
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
    many = style_of([f"m{i}" for i in range(30)])
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


def test_formula():
    html = formula_html("m̂ = m / (1 − β₁ᵗ)\nw ← w − α sign(m) / √(v + ε)")
    assert "<var>m̂</var>" in html
    assert "<var>β</var>₁ᵗ" in html
    assert "<var>sign" not in html
    assert '√<span class="root"><var>v</var> + <var>ε</var></span>' in html
    assert Page(html).open == []


def test_importing_the_package_imports_no_plotting():
    code = "import sys, minnet.report; print({'plotly', 'matplotlib', 'pandas', 'scipy', 'rich'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
