"""The leaderboard as a LaTeX table, for the package booktabs."""

from __future__ import annotations

from minnet.report.facts import LEVEL, Comparison, Facts, gather, pairs
from minnet.report.protocol import title
from minnet.report.text import clean, count, is_number, number, percent, points, ranks, share

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}", "-": "{-}",
    "–": "--", "≈": r"$\approx$", "∞": r"$\infty$", "−": "$-$",
}  # fmt: skip


def escaped(text: object) -> str:
    r"""Return a text that LaTeX sets as it stands; letters beyond Latin-1 need an engine that knows Unicode.

    Examples
    --------
    >>> print(escaped(r"mine_2 & 50 % \input{x}"))
    mine\_2 \& 50 \% \textbackslash{}input\{x\}
    """
    return "".join(_SPECIAL.get(c, c) for c in clean(text))


def table(comparison: Comparison) -> str:
    """Return the leaderboard as a table with its caption; it needs ``\\usepackage{booktabs,textcomp}``."""
    facts = gather(comparison)
    head = ("Rank", "Method", "Step size", r"Test accuracy (\%)", "Behind (points)", "Epochs to target", "Diverged")
    lines = [
        "% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}",
        r"\begin{table}",
        r"  \centering",
        f"  \\caption{{{_caption(comparison, facts)}}}",
        r"  \begin{tabular}{rlrrrrr}",
        r"    \toprule",
        f"    {' & '.join(head)} \\\\",
        r"    \midrule",
        *(f"    {' & '.join(_cells(fact))} \\\\" for fact in facts),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _cells(fact: Facts) -> list[str]:
    spread = f" [{100 * fact.test_low:.2f}, {100 * fact.test_high:.2f}]" if len(fact.scores) > 1 else ""
    behind = ""
    if fact.rank > 1 and is_number(fact.difference):
        alike = "" if fact.shown else r"$\approx$ "
        interval = ""
        if is_number(fact.difference_low):
            interval = f" [{escaped(points(fact.difference_low))}, {escaped(points(fact.difference_high))}]"
        behind = f"{alike}{escaped(points(fact.difference))}{interval}"
    return [
        escaped(ranks(fact.rank_low, fact.rank_high)),
        escaped(fact.name),
        escaped(number(fact.lr)),
        f"{100 * fact.test:.2f}{spread}" if is_number(fact.test) else "--",
        behind,
        escaped(number(fact.epochs_to_target)) if is_number(fact.epochs_to_target) else "--",
        f"{fact.diverged} of {fact.trials}",
    ]


def _caption(comparison: Comparison, facts: list[Facts]) -> str:
    seeds = max((len(f.scores) for f in facts), default=0)
    text = (
        f"{title(comparison.experiment)}: median test accuracy over {count(seeds, 'seed')} with 10 % and 90 % quantiles"
    )
    if len(facts) > 1:
        corrected = f", corrected for {pairs(facts)} comparisons" if pairs(facts) > 1 else ""
        text += (
            f"; mean paired difference from the first with its {share(LEVEL)} interval{corrected}, ≈ where none is"
            " shown; ranks are those that remain possible"
        )
    target = comparison.experiment.get("target")
    if is_number(target):
        text += f"; the target is {share(float(target))} validation accuracy"
    winner = f". The best median is {percent(facts[0].test)}" if facts and is_number(facts[0].test) else ""
    return escaped(f"{text}{winner}.")
