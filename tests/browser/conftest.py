"""A real browser for the page: Chromium or Chrome of this machine, driven by Playwright; nothing is downloaded."""

from __future__ import annotations

import contextlib
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
REBOUND = "--host-resolver-rules=MAP evil.example 127.0.0.1"  # a name that somebody points at this machine
PATIENCE_MS = 60_000
PROJECTOR = {"width": 1024, "height": 768}


def pytest_collection_modifyitems(items):
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    """The browser, or the reason why there is none."""
    api = pytest.importorskip("playwright.sync_api", reason='no Playwright: pip install -e ".[dev]"')
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[REBOUND])
        yield browser
        browser.close()


@pytest.fixture
def show(chromium):
    """Open an address in a window of its own; in the end, nothing may have gone wrong in any of them."""
    complaints = []

    def open_(address, complain=True, **settings):
        context = held.enter_context(chromium.new_context(**{"viewport": PROJECTOR, **settings}))
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        if complain:
            page.on("console", lambda said: said.type in ("error", "warning") and complaints.append(said.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
            page.on(
                "requestfailed", lambda request: lost(request) and complaints.append(f"failed: {request.url[:100]}")
            )
        page.goto(str(address))
        return page

    with contextlib.ExitStack() as held:
        yield open_
        assert complaints == []


def lost(request):
    """Say whether a request failed that the page did not end itself, as it ends the news after the last."""
    return request.failure != "net::ERR_ABORTED"


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """The folder of a small real comparison."""
    import minnet

    folder = tmp_path_factory.mktemp("race")
    minnet.compare(optimizers="sgd,momentum,adam", hidden=(16,), epochs=6, trials=4, seeds=3, target=0.9, out=folder)
    return folder


@pytest.fixture
def live_server():
    """A live page that nothing follows yet."""
    from minnet.cli.live_view import server

    with server("127.0.0.1", 0) as served:
        yield served
