"""The lab: experiment files, search spaces, trials, engines, the store, and the comparison itself."""

from __future__ import annotations

from minnet.lab.comparison import Comparison
from minnet.lab.driver import Progress, compare, load
from minnet.lab.experiment import Experiment, resolve, shipped
from minnet.lab.suite import SuiteComparison, compare_suite

__all__ = [
    "Comparison",
    "Experiment",
    "Progress",
    "SuiteComparison",
    "compare",
    "compare_suite",
    "load",
    "resolve",
    "shipped",
]
