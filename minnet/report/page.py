"""The page of a comparison: one file that opens anywhere, without a network."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minnet.files import write_text
from minnet.report import images, protocol, scoreboard, verdict
from minnet.report.charts.chart import label as tick
from minnet.report.facts import (
    LEADERS,
    LEVEL,
    Comparison,
    Facts,
    crowded,
    gather,
    has_validation,
    labels,
    unfinished,
    with_pending,
)
from minnet.report.formula import assignments, formula_html, symbols
from minnet.report.palette import dark, style_of
from minnet.report.plotly import bundle
from minnet.report.tables import behind
from minnet.report.text import (
    NONE,
    NOT_REACHED,
    between,
    clean,
    count,
    is_number,
    number,
    percent,
    plotly_text,
    ranks,
    seconds,
    settings,
    share,
    short,
    unbroken,
)
from minnet.report.together import overview

TEMPLATES = Path(__file__).parent / "templates"

# Shapes of the markers in legend and table, drawn around the origin, 12 units wide.
_POLYGONS = {
    "square": "M-5-5H5V5H-5Z",
    "diamond": "M0-7 7 0 0 7-7 0Z",
    "triangle-up": "M0-6 7 6H-7Z",
    "triangle-down": "M0 6 7-6H-7Z",
    "triangle-left": "M-6 0 6 7V-7Z",
    "triangle-right": "M6 0-6 7V-7Z",
    "cross": "M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z",
    "x": "M-6-3-3-6 0-3 3-6 6-3 3 0 6 3 3 6 0 3-3 6-6 3-3 0Z",
    "hourglass": "M-6-6H6L-6 6H6Z",
    "bowtie": "M-6-6V6L6-6V6Z",
    "circle": "M-6 0A6 6 0 1 1 6 0 6 6 0 1 1-6 0Z",
}
_DASHARRAYS = {"solid": "none", "dash": "9 5", "dot": "3 4", "dashdot": "9 4 3 4"}
_HEADS = (
    ("rank", True),
    ("method", False),
    ("test accuracy", True),
    ("points behind the first", True),
    ("validation accuracy", True),
    ("epochs to target", True),
    ("time to target", True),
    ("step size", True),
    ("others", False),
    ("trials diverged", True),
)


def write_page(comparison: Comparison | Mapping[str, Comparison], path: str | Path = "report.html") -> Path:
    """Write the page of a comparison, or of several.

    Parameters
    ----------
    comparison : Comparison or mapping of str to Comparison
        What `minnet.compare` returns; several by the names that tell them apart.
    path : str or Path
        File to write; its folder is made when missing.

    Returns
    -------
    Path
        Where the page lies.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    text = render_all(comparison) if isinstance(comparison, Mapping) else render(comparison)
    write_text(target, text)
    return target


def render(comparison: Comparison, plotlyjs: bool = True) -> str:
    """Return the page as text; without Plotly and the script where a server hands them out apart."""
    return render_all({"": comparison}, plotlyjs)


def render_all(comparisons: Mapping[str, Comparison], plotlyjs: bool = True) -> str:
    """Return the page of several comparisons, by the names that tell them apart."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    looks = style_of(name for comparison in comparisons.values() for name in labels(comparison))
    body = environment.get_template("body.html.jinja")
    stores = []
    for name, comparison in comparisons.items():
        given = context(comparison, looks, several=len(comparisons) > 1)
        shown = name or given["title"]
        stores.append({
            "title": short(shown, 40), "full": clean(shown), "body": Markup(body.render(given)),
            "data": given["payload"],
        })  # fmt: skip
    together: dict[str, Any] = {}
    if len(stores) > 1:
        together = overview(comparisons)
        for name, store in zip(comparisons, stores):
            store["data"]["charts"]["together"] = together["charts"][name]
    title = stores[0]["full"] if len(stores) == 1 else count(len(stores), "comparison")
    unfinished_ = any(unfinished(comparison) for comparison in comparisons.values())
    return environment.get_template("report.html.jinja").render(
        title=f"Unfinished: {title}" if unfinished_ and len(stores) == 1 else title,
        stores=stores,
        together=together,
        plotlyjs=Markup(bundle()) if plotlyjs else "",
        script=Markup((TEMPLATES / "report.js").read_text(encoding="utf-8")),
    )


def context(
    comparison: Comparison, looks: Mapping[str, tuple[str, str, str]] | None = None, several: bool = False
) -> dict[str, Any]:
    """Return everything the template shows, computed from the comparison."""
    from minnet.report.charts import all_charts, layers_of, targets_of
    from minnet.report.charts.chart import shared

    facts = gather(comparison)
    everyone = with_pending(comparison, facts)
    looks = looks or style_of(labels(comparison))
    methods = [_look(f.name, *looks[f.name], portrayed=f.name in comparison.portraits) for f in everyone]
    charts = all_charts(comparison, everyone)
    targets = [(str(i), share(target)) for i, target in enumerate(targets_of(comparison))]
    layers = [(str(layer), f"layer {layer}") for layer in layers_of(comparison)]
    start = _start(comparison, [m["name"] for m in methods if m["portrayed"]], layers)
    others = any(settings(f.hyper, without="lr") for f in facts)
    rows = [_row(f) for f in facts]
    opening = {name: chart["views"][" ".join(start[key] for key in chart["keys"] if key != "method")]
               for name, chart in charts.items()}  # fmt: skip
    portrayed = [f.name for f in everyone if f.name in comparison.portraits]
    leaders = len(crowded(everyone))
    seen = max(leaders, LEADERS)  # images are what takes most room
    return {
        "title": protocol.title(comparison.experiment),
        "several": several,
        "asked": protocol.asked(comparison),
        "unfinished": unfinished(comparison),
        "verdict": [unbroken(text) for text in verdict.sentences(comparison, facts)],
        "methods": methods,
        "heads": [{"text": t, "numeric": n} for t, n in _HEADS if others or t != "others"],
        "rows": rows,
        "others": others,
        "level": share(LEVEL),
        "alike": any(row["alike"] for row in rows),
        "scores": scoreboard.score_table(comparison, facts),
        "noise": _noise(comparison) if verdict.noisy_times(facts) else "",
        "lost": any(f.final_diverged for f in facts),
        "leaders": leaders,
        "edges": any(f.edge for f in facts),
        "labels": {name: chart["label"] for name, chart in charts.items()},
        "abouts": {name: f"{charts[name]['label']}. {view['reading']}" for name, view in opening.items()},
        "readings": {name: view["reading"] for name, view in opening.items()},
        "targets": targets,
        "layers": layers,
        "portraits": [
            {"name": clean(name), **images.of_portrait(comparison.portraits[name])} for name in portrayed[:seen]
        ],
        "unseen": len(portrayed[seen:]),
        "rules": [_rule(f, comparison) for f in facts],
        "measured": [unbroken(text) for text in protocol.measured(comparison)],
        "command": _command(comparison.provenance.get("command")),
        "provenance": protocol.facts_of({k: v for k, v in comparison.provenance.items() if k != "command"}),
        "experiment": protocol.toml(comparison.experiment),
        "payload": {
            "methods": methods, "start": start, "leaders": leaders, "columns": shared(charts), "charts": charts,
        },
    }  # fmt: skip


def _noise(comparison: Comparison) -> str:
    """Return why short times are not to be ranked."""
    jobs = comparison.provenance.get("jobs")
    side = f", measured with {int(jobs)} runs side by side," if is_number(jobs) and jobs > 1 else ""
    return f"Training times below {seconds(verdict.MEASURABLE)}{side} are mostly noise: do not rank methods by them."


def _start(comparison: Comparison, portrayed: list[str], layers: list[tuple[str, str]]) -> dict[str, Any]:
    """Return which views the page opens with."""
    validated = has_validation(comparison)
    return {
        "theme": "auto",
        "axis": "epochs",
        "split": "validation" if validated else "training",
        "splits": ["validation", "training"] if validated else ["training"],
        "band": "off",
        "loss": "log",
        "accuracy": "linear",
        "tuned": "accuracy",
        "target": "0",
        "layer": layers[0][0] if layers else "1",
        "method": portrayed[0] if portrayed else "",
    }


def _look(name: str, colour: str, marker: str, dash: str, portrayed: bool) -> dict[str, Any]:
    return {
        "name": clean(name),
        "label": plotly_text(name),
        "short": short(name, 24),
        "tick": tick(name),
        "colour": colour,
        "dark": dark(colour),
        "marker": marker,
        "dash": dash,
        "path": _POLYGONS.get(marker) or _star(marker),
        "dasharray": _DASHARRAYS.get(dash, "none"),
        "portrayed": portrayed,
    }


def _star(marker: str) -> str:
    """Return the outline of a regular polygon or star."""
    corners, inner = {"pentagon": (5, 1.0), "hexagon": (6, 1.0)}.get(marker, (5, 0.4))
    steps = corners if inner == 1 else 2 * corners
    points = []
    for i in range(steps):
        radius = 7 * (inner if i % 2 and inner < 1 else 1.0)
        angle = 2 * math.pi * i / steps
        points.append(f"{radius * math.sin(angle):.1f} {-radius * math.cos(angle):.1f}")
    return f"M{' '.join(points)}Z"


def _row(fact: Facts) -> dict[str, Any]:
    spread = len(fact.scores) > 1 and is_number(fact.test_low) and is_number(fact.test_high)
    reached = is_number(fact.epochs_to_target)
    return {
        "rank": fact.rank,
        "name": short(fact.name, 60),
        "full": clean(fact.name),
        "test": percent(fact.test),
        "spread": f"{percent(fact.test_low)[:-2]} – {percent(fact.test_high)[:-2]}" if spread else "",
        "ranks": ranks(fact.rank_low, fact.rank_high) if fact.rank_low < fact.rank_high else "",
        "behind": behind(fact.rank, fact.difference, fact.shown),
        "interval": between(fact.difference_low, fact.difference_high),
        "alike": fact.rank > 1 and not fact.shown,
        "validation": percent(fact.validation),
        "epochs": number(fact.epochs_to_target) if reached else NOT_REACHED,
        "seconds": seconds(fact.seconds_to_target) if is_number(fact.seconds_to_target) else NOT_REACHED,
        "lr": number(fact.lr),
        "edge": f"{fact.edge} tried" if fact.edge else "",
        "hyper": settings(fact.hyper, without="lr") or NONE,
        "diverged": fact.diverged,
        "trials": fact.trials,
        "final_diverged": fact.final_diverged,
        "seeds": len(fact.scores),
        "sort": {
            "test": _sortable(fact.test),
            "behind": _sortable(0.0 if fact.rank == 1 else fact.difference),
            "validation": _sortable(fact.validation),
            "epochs": _sortable(fact.epochs_to_target),
            "seconds": _sortable(fact.seconds_to_target),
            "lr": _sortable(fact.lr),
        },
    }


def _sortable(value: float) -> str:
    return repr(value) if is_number(value) else ""


def _rule(fact: Facts, comparison: Comparison) -> dict[str, Any]:
    from markupsafe import Markup

    rule: Mapping[str, Any] = comparison.rules.get(fact.name, {})
    hyper, formula = {**dict(rule.get("hyperparameters") or {}), **fact.hyper}, str(rule.get("formula") or "")
    space = rule.get("space") or {}
    title = " ".join(filter(None, [clean(rule.get("title", "")), _style(rule.get("style"))]))
    return {
        "name": clean(fact.name),
        "title": title,
        "formula": Markup(formula_html(formula)),
        "source": str(rule.get("rule_source") or "").strip(),
        "paper": clean(rule.get("paper") or ""),
        "hyper": assignments(hyper, formula),
        "default": number(fact.default_lr) if is_number(fact.default_lr) else "",
        "differs": protocol.differences(comparison.experiment, fact.name),
        "notes": clean(rule.get("notes") or ""),
        "space": protocol.space_text(space, symbols([*hyper, *space], formula)),
    }


def _style(style: object) -> str:
    return f"in the form of {'the paper' if style == 'paper' else clean(style)}" if style else ""


def _command(command: object) -> str:
    if isinstance(command, list | tuple):
        return shlex.join(map(str, command))
    return str(command or "").strip()
