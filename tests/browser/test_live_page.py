"""The live page in a real browser, during a real comparison."""

from __future__ import annotations

import http.server
import json
import re
import signal
import sys
import threading
import time
from contextlib import contextmanager

import pandas as pd
import pytest
from live_process import LONGER, compared


def finished_runs(page):
    """Return how many runs the page says are finished."""
    found = re.search(r"(\d+) of 18", page.locator("#live-text").inner_text())
    return int(found[1]) if found else 0


def until(page, true, patience=60.0):
    """Wait as Playwright does, but in Python: the page forbids code that is text."""
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end
        page.wait_for_timeout(20)


def test_it_follows_a_comparison_to_its_end_and_stays_right(show, tmp_path):
    with compared(tmp_path, *LONGER) as (process, address):
        page = show(f"http://{address}/")
        until(page, lambda: finished_runs(page) >= 1)
        early = finished_runs(page)
        assert early < 18
        page.wait_for_selector("#live-now:not([hidden])")
        assert page.evaluate("document.getElementById('live-chart').data.length") >= 2
        page.wait_for_selector("#chart-sensitivity")
        page.evaluate("window.here = true")  # a page that loads anew forgets it
        page.click("#legend [data-method=sgd]")
        page.click("section[data-part=measured] summary")
        until(page, lambda: finished_runs(page) > early)
        page.wait_for_selector("#live[data-state=finished]", timeout=60_000)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        page.wait_for_timeout(300)  # nobody answers any more, and nothing is missing
    assert page.evaluate("window.here")
    assert page.evaluate("[...window.minnet.hidden]") == ["sgd"]  # what the reader did has stayed
    assert page.locator("section[data-part=measured] details[open]").count() == 1
    page.click("#legend [data-method=sgd]")
    page.click("section[data-part=measured] summary")
    assert page.locator("#live-text").inner_text().lower().startswith("finished: 18 of 18 runs; this page stays in")
    assert not page.locator("#live-now").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    board = pd.read_csv(tmp_path / "leaderboard.csv")
    rows = page.locator("#leaderboard tbody tr")
    assert rows.count() == len(board) == 3
    for place, name in enumerate(board["optimizer"]):
        assert name in rows.nth(place).inner_text()
    kept = show(tmp_path.joinpath("report.html").as_uri())
    data = "document.getElementById('minnet-data').textContent"
    assert json.loads(page.evaluate(data)) == json.loads(kept.evaluate(data))
    for each in (page, kept):
        each.wait_for_selector("body[data-drawn=all]")
    assert page.locator("main").inner_text() == kept.locator("main").inner_text()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a single process there")
def test_it_says_how_an_interrupted_comparison_is_resumed(show, tmp_path):
    with compared(tmp_path, *LONGER) as (process, address):
        page = show(f"http://{address}/")
        until(page, lambda: finished_runs(page) >= 1)
        process.send_signal(signal.SIGINT)
        page.wait_for_selector("#live[data-state=interrupted]", timeout=60_000)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert page.locator("#live-text").inner_text().endswith("the same command resumes")


def test_it_says_when_nobody_answers_any_more(show, tmp_path):
    with compared(tmp_path, *LONGER) as (process, address):
        page = show(f"http://{address}/", complain=False)
        until(page, lambda: finished_runs(page) >= 1)
        process.kill()
        page.wait_for_selector("#live[data-state=lost]", timeout=60_000)
    assert page.locator("#live-text").inner_text().startswith("No answer")


ATTACK = """async (live) => {
  const outcome = (work) => work.then(() => "reached", () => "refused");
  const script = Object.assign(document.createElement("script"), { src: live + "/plotly.js" });
  const loaded = new Promise((done, fail) => Object.assign(script, { onload: done, onerror: fail }));
  const frame = Object.assign(document.createElement("iframe"), { src: live + "/" });
  const framed = new Promise((done) => (frame.onload = done));
  document.body.append(script, frame);
  const stream = new EventSource(live + "/events");
  const opened = new Promise((done, fail) => Object.assign(stream, { onopen: done, onerror: fail }));
  const found = {
    fetched: await outcome(fetch(live + "/")),
    posted: await outcome(fetch(live + "/", { method: "POST", body: "stop" })),
    ran: await outcome(loaded),
    streamed: await outcome(opened),
  };
  await framed;
  return found;
}"""


@contextmanager
def another_server():
    """Lend the address of a page that has nothing to do with minnet."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>another page</title>")

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "evil.example"])
def test_no_other_page_can_read_or_drive_it(show, live_server, host):
    with another_server() as port:
        page = show(f"http://{host}:{port}/", complain=False)
        found = page.evaluate(ATTACK, live_server.address.rstrip("/"))
        assert found == dict.fromkeys(("fetched", "posted", "ran", "streamed"), "refused")
        assert page.frames[1].locator("#live").count() == 0
    assert live_server.feed.readers == 0


def test_a_foreign_name_for_this_machine_is_refused(show, live_server):
    page = show(f"http://evil.example:{live_server.port}/", complain=False)
    assert page.locator("body").inner_text().strip() == "refused: this is not the name of this server"
    own = show(live_server.address)
    assert own.locator("#live-text").is_visible()


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;%{y}" + "x" * 230


@pytest.mark.parametrize("size", [(1024, 768), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_hostile_names_are_text_and_nothing_flows_over(show, live_server, size, scheme):
    cells = [HOSTILE, "3", "0.001", "97.00 %", ""]
    curve = {"label": HOSTILE, "name": "a", "running": True, "rows": [[0, 2.3, 0.1], [1, None, 0.5], [2, 0.5, 0.9]]}
    news = {
        "state": "running", "text": f"tuning {HOSTILE}", "trouble": HOSTILE, "share": None,
        "running": [{"label": HOSTILE, "cells": cells[:4]}], "best": [{"label": HOSTILE, "cells": cells}] * 40,
        "curves": [curve], "validated": True,
        "looks": {HOSTILE: {"colour": "#000000", "dark": "#ffffff", "marker": "x", "dash": "dot"}},
    }  # fmt: skip
    live_server.feed.publish("progress", json.dumps(news))
    page = show(live_server.address, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page.wait_for_selector("#live-best td")
    assert page.locator("#live-best td").first.inner_text() == HOSTILE
    assert page.locator("#live-text").inner_text().endswith(HOSTILE)
    assert page.locator("#live script, #live img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.getElementById('live-chart').data[0].y") == [2.3, None, 0.5]
