"""The report in a real browser: what is drawn, compared with the CSV files, and what a reader can do with it."""

from __future__ import annotations

import itertools
import json
import math
import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

METHODS = ["sgd", "momentum", "adam"]
CHARTS = ["accuracy", "budget", "confusion", "gradients", "loss", "profile", "ratios", "schedule", "scores",
          "sensitivity", "steps", "target", "times"]  # fmt: skip
OF_ONE = {"confusion"}  # charts that show one method at a time
A4_WITHIN_MARGINS = 703  # pixels
SIX_DIGITS = {"rtol": 1e-5, "atol": 1e-12}


@pytest.fixture
def report(show, store):
    """Open the report; all charts are drawn."""

    def open_(folder=store, **settings):
        page = show((folder / "report.html").as_uri(), **settings)
        page.wait_for_selector("body[data-drawn=all]")
        return page

    return open_


def press(page, selector):
    """Press a button, and wait until every chart is drawn anew."""
    page.click(selector)
    page.wait_for_selector("body[data-drawn=all]")


def switch(page, name, value):
    press(page, f"[data-toggle={name}] button[data-value='{value}']")


def drawn(page, chart):
    """Return what Plotly has drawn in a chart: a list of traces by method."""
    traces = page.evaluate(
        """(id) => document.getElementById(`chart-${id}`).data.map(
             ({ name, x, y, z, mode, type, customdata, text }) => ({ name, x, y, z, mode, type, customdata, text }))""",
        chart,
    )
    found = {}
    for trace in traces:
        if trace.get("name"):
            found.setdefault(trace["name"], []).append(trace)
    return found


def layout(page, chart, path):
    return page.evaluate(
        "([id, path]) => path.split('.').reduce((at, key) => at?.[key], document.getElementById(`chart-${id}`).layout)",
        [chart, path],
    )


def lines(page, chart):
    """Return x and y of the one line of every method."""
    return {
        name: next((t["x"], t["y"]) for t in traces if "lines" in (t["mode"] or ""))
        for name, traces in drawn(page, chart).items()
    }


def tables(folder, *names):
    return [pd.read_csv(folder / f"{name}.csv") for name in names]


def medians(curves, name, column):
    """Return the median of a column at every epoch of a method's final runs."""
    mine = curves[(curves["optimizer"] == name) & (curves["kind"] == "final")]
    return mine.groupby("epoch")[column].median()


def test_nothing_is_loaded_and_every_chart_is_there(show, store):
    asked = []
    page = show("about:blank")
    page.on("request", lambda request: asked.append(request.url))
    page.goto((store / "report.html").as_uri())
    page.wait_for_selector("body[data-drawn=all]")
    assert [url for url in asked if not url.startswith("data:")] == [(store / "report.html").as_uri()]
    assert sorted(page.evaluate("Object.keys(window.minnet.data.charts)")) == CHARTS
    for chart in CHARTS:
        box = page.locator(f"#chart-{chart}")
        assert box.locator("svg.main-svg").count() >= 1, chart
        marks = box.locator(".scatterlayer path, .barlayer path, .heatmaplayer image, .hm path")
        assert marks.count() >= 1, chart
        assert page.locator(f"#reading-{chart}").inner_text().strip().endswith((".", "”")), chart
        assert box.get_attribute("role") == "group", chart
        assert page.locator(f"#reading-{chart}").inner_text() in box.get_attribute("aria-label"), chart


def test_charts_can_be_used_by_keys_and_send_nothing(report):
    page = report()
    names = "[...document.querySelectorAll('.chart .modebar-btn')].map((each) => each.dataset.title)"
    assert set(page.evaluate(names)) == {"Download plot", "Zoom in", "Zoom out", "Reset axes"}
    assert page.locator("[role=img] button").count() == 0  # nobody who hears the page would find them
    before = layout(page, "loss", "xaxis.range")
    page.focus("[data-toggle=loss] button:last-child")
    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.title") == "Zoom in"
    page.keyboard.press("Enter")
    page.wait_for_function("(end) => document.getElementById('chart-loss').layout.xaxis.range[1] < end", arg=before[1])


def test_loss_and_accuracy_are_those_of_the_curves(report, store):
    (curves,) = tables(store, "curves")
    page = report()
    splits = {"validation": "val", "training": "train"}
    axes = {"epochs": "epoch", "steps": "steps", "seconds": "train_s"}
    for axis, split, chart in itertools.product(axes, splits, ("loss", "accuracy")):
        switch(page, "axis", axis)
        switch(page, "split", split)
        found = lines(page, chart)
        assert sorted(found) == sorted(METHODS)
        factor = 1000 if "milli" in layout(page, chart, "xaxis.title.text") else 1
        for name, (x, y) in found.items():
            np.testing.assert_allclose(y, medians(curves, name, f"{splits[split]}_{chart}"), **SIX_DIGITS)
            np.testing.assert_allclose(x, medians(curves, name, axes[axis]) * factor, **SIX_DIGITS)


def test_bands_are_the_quantiles_over_the_seeds(report, store):
    (curves,) = tables(store, "curves")
    page = report()
    assert all(len(traces) == 1 for traces in drawn(page, "accuracy").values())
    switch(page, "band", "on")
    for name, (band, line) in drawn(page, "accuracy").items():
        final = curves[(curves["optimizer"] == name) & (curves["kind"] == "final")].groupby("epoch")["val_accuracy"]
        low, high = final.quantile(0.1), final.quantile(0.9)
        np.testing.assert_allclose(line["customdata"], np.column_stack([low, high]), **SIX_DIGITS)
        np.testing.assert_allclose(band["y"], [*low, *high[::-1]], **SIX_DIGITS)


def test_quantiles_of_effective_steps_are_always_drawn(report):
    page = report()
    assert layout(page, "steps", "yaxis.type") == "log"
    for method, traces in drawn(page, "steps").items():
        assert [trace["mode"] for trace in traces] == ["lines", "lines+markers"], method
    assert all(len(traces) == 1 for traces in drawn(page, "loss").values())


def test_scales_are_what_the_switches_say(report, store):
    (curves,) = tables(store, "curves")
    page = report()
    for scale in ("linear", "log"):
        switch(page, "loss", scale)
        assert layout(page, "loss", "yaxis.type") == scale
        low, high = page.evaluate("document.getElementById('chart-loss')._fullLayout.yaxis.range")
        ends = [10**low, 10**high] if scale == "log" else [low, high]
        for name, (_, y) in lines(page, "loss").items():
            np.testing.assert_allclose(y, medians(curves, name, "val_loss"), **SIX_DIGITS)
            assert ends[0] <= min(y)
    switch(page, "accuracy", "log")
    assert layout(page, "accuracy", "yaxis.type") == "log"
    for name, (_, y) in lines(page, "accuracy").items():
        np.testing.assert_allclose(y, 1 - medians(curves, name, "val_accuracy"), **SIX_DIGITS)
    switch(page, "accuracy", "linear")
    assert layout(page, "accuracy", "yaxis.type") == "linear"


def test_final_accuracies_budget_and_times_are_those_of_the_tables(report, store):
    trials, budget, board = tables(store, "trials", "budget", "leaderboard")
    page = report()
    final = trials[trials["kind"] == "final"]
    for name, (dots, bar) in drawn(page, "scores").items():
        mine = final[final["optimizer"] == name].set_index("seed")["test_accuracy"]
        np.testing.assert_allclose(dots["x"], mine[dots["customdata"]], **SIX_DIGITS)
        median = board.set_index("optimizer").loc[name, "test_accuracy_median"]
        np.testing.assert_allclose(bar["x"], [median], **SIX_DIGITS)
    for name, (x, y) in lines(page, "budget").items():
        mine = budget[budget["optimizer"] == name]
        assert x == mine["trials"].tolist()
        np.testing.assert_allclose(y, mine["val_accuracy_mean"], **SIX_DIGITS)
    for name, bars in drawn(page, "times").items():
        mine = final[final["optimizer"] == name]
        means = [mine[column].mean() for column in ("train_s", "eval_s", "compile_s")]
        np.testing.assert_allclose([bar["x"][0] for bar in bars], means, **SIX_DIGITS)


def test_sensitivity_is_that_of_the_trials(report, store):
    (trials,) = tables(store, "trials")
    page = report()
    tuned = trials[(trials["kind"] != "final") & ~trials["diverged"]]
    for measure, column in (("accuracy", "val_accuracy"), ("loss", "val_loss")):
        switch(page, "tuned", measure)
        for name, (line, ring, *strip) in drawn(page, "sensitivity").items():
            mine = tuned[tuned["optimizer"] == name].sort_values("lr")
            known = [(x, y) for x, y in zip(line["x"], line["y"]) if y is not None]
            np.testing.assert_allclose(sorted(known), sorted(zip(mine["lr"], mine[column])), **SIX_DIGITS)
            chosen = mine[mine["selected"]]
            np.testing.assert_allclose([ring["x"], ring["y"]], [chosen["lr"], chosen[column]], **SIX_DIGITS)
            np.testing.assert_allclose(strip[1]["x"], chosen["lr"], **SIX_DIGITS)


def test_time_to_target_is_that_of_the_curves_and_the_table(report, store):
    curves, targets = tables(store, "curves", "targets")
    page = report()
    target = targets["target"][0]
    hits = curves[(curves["kind"] == "final") & (curves["val_accuracy"] >= target)]
    first = hits.groupby(["optimizer", "seed"])["epoch"].min()
    assert len(first) > 0
    shown = drawn(page, "target")
    assert sorted(shown) == sorted(first.index.get_level_values(0).unique())
    for name, (dots, *bar) in shown.items():
        assert dict(zip(dots["customdata"], dots["x"])) == first[name].to_dict()
        median = targets.set_index("optimizer").loc[name, "epochs"]
        assert [each["x"] for each in bar] == ([[median]] if math.isfinite(median) else [])


def test_norms_and_schedule_are_those_of_the_layers_and_curves(report, store):
    layers, curves = tables(store, "layers", "curves")
    page = report()
    layers["ratio"] = layers["update_norm"] / layers["weight_norm"]
    for layer, (chart, column) in itertools.product((1, 2), (("gradients", "grad_norm"), ("ratios", "ratio"))):
        switch(page, "layer", layer)
        for name, (x, y) in lines(page, chart).items():
            mine = layers[(layers["optimizer"] == name) & (layers["layer"] == layer)].groupby("epoch")[column].median()
            assert x == mine.index.tolist()
            np.testing.assert_allclose(y, mine, **SIX_DIGITS)
    for name, (_, y) in lines(page, "schedule").items():
        np.testing.assert_allclose(y, medians(curves, name, "lr"), **SIX_DIGITS)


def test_the_confusion_matrix_counts_every_test_sample(report, store):
    trials, _ = tables(store, "trials", "curves")
    page = report()
    with closing(sqlite3.connect(store / "runs.sqlite")) as db:
        facts = json.loads(db.execute("SELECT facts FROM sessions").fetchone()[0])
    for name in METHODS:
        page.select_option("#method", name)
        page.wait_for_selector("body[data-drawn=all]")
        ((found,),) = drawn(page, "confusion").values()
        counts = np.array(found["text"])
        assert counts.sum() == facts["data"]["test"]
        run = trials[(trials["kind"] == "final") & (trials["optimizer"] == name) & (trials["seed"] == 1)]
        np.testing.assert_allclose(np.trace(counts) / counts.sum(), run["test_accuracy"].iloc[0], **SIX_DIGITS)
        assert page.locator(f"[data-portrait={name}] img").first.is_visible()


def test_the_leaderboard_is_that_of_the_table_and_sorts(report, store):
    (board,) = tables(store, "leaderboard")
    page = report()
    names = page.locator("#leaderboard tbody th .name")
    assert names.all_inner_texts() == board["optimizer"].tolist()
    for place, row in enumerate(board.itertuples()):
        text = page.locator("#leaderboard tbody tr").nth(place).inner_text()
        assert f"{100 * row.test_accuracy_median:.2f}" in text
        assert f"{100 * row.val_accuracy_median:.2f}" in text
    heading = "#leaderboard th:has-text('validation accuracy')"
    for order, ascending in (("ascending", True), ("descending", False)):
        page.click(f"{heading} button")
        assert page.locator(heading).get_attribute("aria-sort") == order
        wanted = board.sort_values("val_accuracy_median", ascending=ascending, kind="stable")["val_accuracy_median"]
        shown = board.set_index("optimizer").loc[names.all_inner_texts(), "val_accuracy_median"]
        assert shown.tolist() == wanted.tolist()


def test_the_legend_hides_a_method_in_every_chart(report):
    page = report()
    button = "#legend [data-method=momentum]"
    assert page.locator(button).get_attribute("aria-pressed") == "true"
    before = {chart: drawn(page, chart) for chart in CHARTS}
    press(page, button)
    assert page.locator(button).get_attribute("aria-pressed") == "false"
    for chart in CHARTS:
        now = drawn(page, chart)
        assert "momentum" not in now, chart
        assert chart in OF_ONE or sorted(now) == sorted({*before[chart]} - {"momentum"}), chart
    page.focus(button)
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-drawn=all]")
    assert {chart: drawn(page, chart) for chart in CHARTS if chart not in OF_ONE} == {
        chart: traces for chart, traces in before.items() if chart not in OF_ONE
    }
    press(page, "#legend [data-show='0']")
    assert not any(drawn(page, chart) for chart in CHARTS)


def test_a_chart_has_its_values_as_a_table(report, store):
    (budget,) = tables(store, "budget")
    page = report()
    page.click("details[data-table=budget] summary")
    page.wait_for_selector("details[data-table=budget] tr")
    cells = page.locator("details[data-table=budget] tr").all_inner_texts()
    assert len(cells) == 1 + len(budget)
    assert any(cell.startswith("adam") for cell in cells)


def luminance(page, colour):
    return page.evaluate(
        """(colour) => {
          const paint = document.createElement("canvas").getContext("2d");
          paint.fillStyle = colour;
          paint.fillRect(0, 0, 1, 1);
          return paint.getImageData(0, 0, 1, 1).data.slice(0, 3).reduce((sum, part) => sum + part / 765, 0);
        }""",
        colour,
    )


def grounds(page):
    """Return how bright the page, its text and the ground of its charts are."""
    body = "getComputedStyle(document.body)"
    return (
        luminance(page, page.evaluate(f"{body}.backgroundColor")),
        luminance(page, page.evaluate(f"{body}.color")),
        *(luminance(page, layout(page, chart, "paper_bgcolor")) for chart in CHARTS),
    )


@pytest.mark.parametrize("how", ["browser", "switch"])
def test_dark_mode(report, how):
    page = report(color_scheme="dark" if how == "browser" else "light")
    if how == "switch":
        switch(page, "theme", "dark")
    ground, ink, *charts = grounds(page)
    assert ground < 0.2 < 0.8 < ink
    assert max(charts) < 0.2
    switch(page, "theme", "light")
    ground, ink, *charts = grounds(page)
    assert ink < 0.2 < 0.8 < ground
    assert min(charts) > 0.8


def test_print_is_light_complete_and_fits_the_paper(report):
    page = report(color_scheme="dark")
    page.evaluate("""() => addEventListener("beforeprint", () => (window.printed = {
        grounds: [...document.querySelectorAll(".chart")].map((box) => box.layout.paper_bgcolor),
        widths: [...document.querySelectorAll(".chart")].map((box) => box.layout.width),
        closed: document.querySelectorAll("details:not([open]):not(.values)").length,
    }))""")
    pdf = page.pdf(format="A4", print_background=True)
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 100_000
    printed = page.evaluate("window.printed")
    assert {luminance(page, colour) for colour in printed["grounds"]} == {1.0}
    assert max(printed["widths"]) <= A4_WITHIN_MARGINS
    assert printed["closed"] == 0
    page.set_viewport_size({"width": A4_WITHIN_MARGINS, "height": 1000})
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.scrollWidth") <= A4_WITHIN_MARGINS  # or all of it is shrunk, or cut
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgba(0, 0, 0, 0)" or luminance(page, ground) > 0.95
    assert luminance(page, page.evaluate("getComputedStyle(document.body).color")) < 0.2
    page.emulate_media(media="screen")
    page.wait_for_selector("body[data-drawn=all]")
    assert layout(page, "loss", "width") is None


@pytest.mark.parametrize(("size", "scheme"), [((1024, 768), "light"), ((390, 844), "dark"), ((1920, 1080), "light")])
def test_nothing_flows_over_the_screen(report, size, scheme):
    width, height = size
    page = report(viewport={"width": width, "height": height}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for chart in CHARTS:
        box = page.locator(f"#chart-{chart} svg.main-svg").first.bounding_box()
        assert 0 <= box["x"] < box["x"] + box["width"] <= width, chart
        assert box["width"] >= 250, chart


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)><b>\"'&amp;%{y} $\\frac{1}{2}$ " + "x" * 180


@pytest.fixture(scope="session")
def hostile_store(tmp_path_factory):
    """The folder of a comparison whose names are meant to do harm."""
    import minnet

    folder = tmp_path_factory.mktemp("hostile")
    optimizers = [
        {"name": "sgd", "label": HOSTILE},
        {"name": "adam", "label": "__proto__"},
        {"name": "sgd", "label": "#3"},
    ]
    experiment = {"name": "hostile", "title": HOSTILE, "question": HOSTILE, "optimizer": optimizers}
    minnet.compare(experiment | {"network": {"hidden": [8]}}, epochs=2, trials=2, seeds=2, target=0.5, out=folder)
    return folder


@pytest.mark.parametrize("size", [(1024, 768), (390, 844)])
def test_hostile_names_are_shown_as_text(report, hostile_store, size):
    page = report(hostile_store, viewport={"width": size[0], "height": size[1]})
    label = " ".join(HOSTILE.split())
    assert page.title().startswith(label[:60])
    assert page.locator("h1").inner_text() == label
    button = page.locator("#legend [data-method]").filter(has_text="alert(1)")
    assert button.get_attribute("data-method") == label
    assert page.locator("img[src=x], img[onerror]").count() == 0
    assert (
        page.evaluate("[...document.scripts].filter((script) => script.textContent.includes('alert(1)')).length") == 1
    )
    assert "</script><script>al" in page.locator("#chart-scores").inner_text()
    assert "</script><script>alert(1)</script><img" in page.locator("#leaderboard").inner_text()
    button.click()
    page.wait_for_selector("body[data-drawn=all]")
    assert page.evaluate("[...window.minnet.hidden]") == [label]
    assert len(drawn(page, "loss")) == 2
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
