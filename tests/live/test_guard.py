"""Who may read the live page."""

from __future__ import annotations

from email.message import Message

import pytest

from minnet.live.guard import refusal


def asked(**headers):
    request = Message()
    for name, value in headers.items():
        for each in value if isinstance(value, list) else [value]:
            request[name.replace("_", "-")] = each
    return request


@pytest.mark.parametrize("host", ["127.0.0.1:8642", "localhost:8642", "LOCALHOST", "[::1]:8642", "localhost:9999"])
def test_this_machine_is_served_also_through_a_tunnel(host):
    assert refusal(asked(Host=host), "127.0.0.1") == ""
    assert refusal(asked(Host=host, Origin=f"http://{host}", Sec_Fetch_Site="same-origin"), "127.0.0.1") == ""


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8642", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.0.7:8642", "",
     "[", "127.0.0.1@evil.example", "localhost.", ["localhost", "evil.example"], []],
)  # fmt: skip
def test_another_name_for_this_machine_is_refused(host):
    assert refusal(asked(Host=host), "127.0.0.1") == "this is not the name of this server"


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "", "https://localhost:8642", "http://localhost:8643", "http://localhost",
     "http://localhost:8642.evil.example"],
)  # fmt: skip
def test_another_origin_is_refused(origin):
    assert refusal(asked(Host="localhost:8642", Origin=origin), "127.0.0.1") == "a page of another origin asks"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_another_site_may_link_here_and_nothing_else(site):
    visit = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    frame = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"}
    script = {"Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "script"}
    host = {"Host": "localhost:8642", "Sec_Fetch_Site": site}
    assert refusal(asked(**host, **visit), "127.0.0.1") == ""
    for how in (frame, script, {}):
        assert refusal(asked(**host, **how), "127.0.0.1") == "a page of another site asks"


def test_where_others_are_served_numbers_and_the_own_names_count():
    for host in ("192.168.0.7:8642", "[fe80::1]:8642", "lab-3:8642", "localhost:8642"):
        assert refusal(asked(Host=host), "0.0.0.0", {"Lab-3"}) == ""
    assert refusal(asked(Host="evil.example"), "0.0.0.0", {"lab-3"}) != ""
