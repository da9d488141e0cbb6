"""What was measured, as a table and as figures."""

from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from rich.box import SIMPLE_HEAD
from rich.table import Table

from samdyn import plot

SCALES = {"N": "runs", "steps": "steps", "d": "coordinates"}
MILLIONS = 1e5  # the rate from which they are counted in millions
SETTINGS = ("base", "N", "dtype", "d", "steps")  # of a case, in the order in which they are shown


def table(workload: str, cases: list[dict[str, Any]]) -> Table:
    """Return rates and ratios of one workload; a ratio is samdyn's rate over a contender's, with its least and most."""
    millions = max(contender["rate"] for case in cases for contender in case["contenders"]) > MILLIONS
    prefix, size = ("M", 1e6) if millions else ("", 1.0)
    title = f"{workload}: {prefix} {cases[0]['unit']} a second".replace(":  ", ": ")
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    shown.caption = "ratio: samdyn's rate, first in the list, over the contender's; median, least and most of rounds"
    shown.add_column("setting")
    shown.add_column("contender")
    for heading in (f"{prefix}/s", "ratio", "of rounds"):
        shown.add_column(heading, justify="right")
    shown.add_column("check")
    for case in cases:
        verdicts = {check["name"]: "ok" if check["passed"] else "WRONG" for check in case["checks"]}
        for i, contender in enumerate(case["contenders"]):
            spread = f"{contender['ratio_least']:.3g}–{contender['ratio_most']:.3g}" if i else ""
            shown.add_row(
                ", ".join(_shown(key, case[key]) for key in SETTINGS if key in case) if i == 0 else "",
                contender["name"],
                f"{contender['rate'] / size:.4g}",
                f"{contender['ratio']:.3g}" if i else "",
                spread,
                verdicts.get(contender["name"], ""),
            )
        for name, reason in case["missing"].items():
            shown.add_row("", name, reason)
        for name, value in case["extra"].items():
            shown.add_row("", name, f"{value:.3g}")
        shown.add_section()
    return shown


def save_scaling(cases: list[dict[str, Any]], folder: Path) -> None:
    """Draw the cost of a run-step against runs, steps and coordinates; one figure each, as PNG."""
    for series, label in SCALES.items():
        chosen = [case for case in cases if case["series"] == series]
        with plt.rc_context(plot.STYLE):
            figure, ax = plt.subplots(layout="constrained")
            for name in dict.fromkeys(c["name"] for case in chosen for c in case["contenders"]):
                found = [(case[series], c) for case in chosen for c in case["contenders"] if c["name"] == name]
                cost = [1e9 / c["rate"] for _, c in found]
                ax.plot([value for value, _ in found], cost, "o-", label=name)
            ax.set(xscale="log", yscale="log", xlabel=label, ylabel="ns per run-step")
            ax.legend()
            figure.savefig(folder / f"scaling_{series}.png")
        plt.close(figure)


def _shown(key: str, value: Any) -> str:
    return f"{key} {value:,}" if isinstance(value, int) else str(value)
