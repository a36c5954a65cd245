"""The gallery's page, experiments/README.md: written from what the experiments say and from the stored results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from minnet.gallery import record
from minnet.gallery.card import PARTS, Card, cards
from minnet.gallery.experiment import Experiment
from minnet.gallery.record import Record
from minnet.gallery.text import verdict

NOTE = "<!-- Written by: python -m minnet experiment --gallery. Do not edit. -->"


def render() -> str:
    """Return the page.

    Words of a part stand in its ``intro.md``; those of speed, with the table that its scripts print, in
    ``results/speed.md``. Everything else comes from the experiments and their stored results.
    """
    folder = record.checkout()
    stored = {name: record.read(path) for name, path in _stored(folder).items()}
    blocks = [NOTE, (folder / "intro.md").read_text(encoding="utf-8").strip()]
    known = cards()
    for part, heading in PARTS.items():
        shown = [card for card in known.values() if card.part == part]
        body = [*_part(folder / part, shown, stored), *_verbatim(folder / "results" / f"{part}.md")]
        if body:
            blocks += [f"# {heading}", *body]
    return "\n\n".join(block for block in blocks if block) + "\n"


def write() -> Path:
    """Write the page and return its path; claims are checked on the stored results as the experiments now make them."""
    from minnet.gallery import load

    for name, path in _stored(record.checkout()).items():
        kept = record.read(path)
        replace(kept, claims=load(name).claims(kept.results)).write(path)
    path = record.checkout() / "README.md"
    path.write_text(render(), encoding="utf-8", newline="\n")
    return path


def missing() -> list[str]:
    """Return the names of the experiments without stored results."""
    stored = _stored(record.checkout())
    return [card.name for card in cards().values() if not card.suite and card.name not in stored]


def duration(seconds: float) -> str:
    """Return how long an experiment takes, roughly.

    Examples
    --------
    >>> duration(0.4), duration(12.3), duration(229)
    ('1 s', '12 s', '4 min')
    """
    return f"{max(1, round(seconds))} s" if seconds < 100 else f"{round(seconds / 60)} min"


def _stored(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted((folder / "results").glob("*.json"))}


def _part(folder: Path, shown: list[Card], stored: Mapping[str, Record]) -> Iterator[str]:
    from minnet.gallery import load

    yield from _verbatim(folder / "intro.md")
    done = [card for card in shown if card.name in stored]
    if done:
        yield "\n".join(f"- [{card.title}](#{card.name})" for card in done)
    for card in done:
        yield from _entry(load(card.name), stored[card.name])
    rest = [card for card in shown if card.name not in stored]
    if rest:
        yield "Without a stored result:"
        yield "\n".join(f"- `minnet {_command(card)} {card.name}`: {card.title}" for card in rest)


def _entry(experiment: Experiment, kept: Record) -> Iterator[str]:
    card, facts = experiment.card, kept.provenance
    needs = "".join(f"; needs `minnet data fetch {name}`" for name in card.data)
    yield f"## {card.name}"
    yield f"**{card.title}.** {card.question}"
    yield f"![{card.title}](pictures/{card.name}.png)"
    if card.see:
        yield card.see
    yield "\n".join(f"- **{verdict(holds)}**: {text}" for text, holds in experiment.claims(kept.results))
    yield experiment.table(kept.results)
    takes = f"takes {duration(facts['cpu_seconds'])} of processor time"
    if facts.get("resumed") and "cpu_seconds" not in kept.results:  # which adds up over the starts
        takes = "was resumed when this was made, so that its time is not known"
    yield (
        f"`minnet experiment {card.name}` {takes}{needs}. "
        f"This is from {facts['date']}: minnet {facts['versions']['minnet']}, Numba {facts['versions']['numba']}, "
        f"{facts['hardware']['processor']}."
    )


def _command(card: Card) -> str:
    return "compare" if card.suite else "experiment"


def _verbatim(path: Path) -> list[str]:
    return [path.read_text(encoding="utf-8").strip()] if path.is_file() else []
