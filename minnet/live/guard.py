"""Who may read the page. A browser asks on behalf of every page that it shows, so the address alone says nothing.

Three headers tell, and no page can forge them: `Host` names whom the browser believes to reach (a page that points
its own name at this machine shows that name), `Origin` and `Sec-Fetch-Site` say whose page asks.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from email.message import Message
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Return whether an address is reached from this machine only.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def refusal(headers: Message, served: str, names: Collection[str] = ()) -> str:
    """Return why a request is refused; nothing if it is not.

    Parameters
    ----------
    headers : Message
        Of the request.
    served : str
        The address that the server listens at.
    names : collection of str
        Further names of this machine that may stand in `Host` where others are served, too.

    Examples
    --------
    >>> request = Message()
    >>> request["Host"] = "localhost:8642"
    >>> refusal(request, "127.0.0.1")
    ''
    >>> request["Origin"] = "https://example.org"
    >>> refusal(request, "127.0.0.1")
    'a page of another origin asks'
    """
    hosts = headers.get_all("Host", [])
    if len(hosts) != 1 or not _is_ours(_name(hosts[0]), served, names):
        return "this is not the name of this server"
    origin = headers.get("Origin")
    if origin is not None and origin.lower() != f"http://{hosts[0]}".lower():
        return "a page of another origin asks"
    if headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and not _is_visit(headers):
        return "a page of another site asks"
    return ""


def _is_ours(name: str, served: str, names: Collection[str]) -> bool:
    """Return whether a name in `Host` can only mean this server: nobody can point a numeric address elsewhere."""
    if is_loopback(served):
        return name in LOOPBACK or name == served
    return name in LOOPBACK or name in {served, *(each.lower() for each in names)} or _is_address(name)


def _is_visit(headers: Message) -> bool:
    """Return whether a person followed a link from another page, which then can't read what is shown."""
    return headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"


def _name(host: str) -> str:
    """Return the name in a `Host` header without its port; nothing if it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
