"""Data sets: what is here, what is missing, where it comes from.

`load_dataset` gives a `Dataset`; `Dataset.split` sets a validation part of the
training data aside. `info`, `status`, `fetch` and `verify` serve `minnet data`.
"""

from __future__ import annotations

from minnet.data.cards import Card, CardFile, info, names
from minnet.data.dataset import Dataset, Split
from minnet.data.download import fetch
from minnet.data.places import Status, search_folders, status, verify
from minnet.data.sources import load_dataset

__all__ = [
    "Card",
    "CardFile",
    "Dataset",
    "Split",
    "Status",
    "fetch",
    "info",
    "load_dataset",
    "names",
    "search_folders",
    "status",
    "verify",
]
