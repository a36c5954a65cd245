"""Plotly for the page: its bundle for charts with two axes, a third of the whole, as its authors publish it.

The file is that of the npm package plotly.js-cartesian-dist-min 4.1.1, unchanged. The bundle that comes with Plotly's
Python package also draws maps and volumes, which no chart here is: it would make every page 3.3 MB larger, and a
browser would read all of it before the first chart.
"""

from __future__ import annotations

from pathlib import Path

FILE = Path(__file__).with_name("plotly-cartesian.min.js")


def bundle() -> str:
    """Return the script.

    Examples
    --------
    >>> "plotly.js (cartesian - minified)" in bundle()[:100]
    True
    """
    return FILE.read_text(encoding="utf-8")
