"""What became of the formulas and beliefs on SAM when they were measured?

Left: the number of claims in each group of `samdyn verify --quick`, by verdict. A claim holds if every measurement
agrees with its prediction within the tolerance and rejects a wrong formula; to leading order, if the error vanishes
with a parameter at the order that the claim has. Right: for the claims that fail, measured over predicted where they
differ most. A hollow marker: the ratio is negative, the prediction has the wrong sign.

Source: ours; `samdyn list` shows the claims, and docs/claims.md how they are judged. Their papers are named there.

Ours: most formulas hold, some only to leading order or in a range. Those that fail are of four kinds:
Theorem 2 of [K23], its corollary and Theorem 3, whose model is that of no method; formulas outside the range that their
papers assume, as those of [C23] at large ρ; sufficient conditions read as exact ones; and beliefs that no paper proves,
among them that momentum is a larger step, and that Theorem 1 holds for normalised SAM.
"""

from collections import Counter
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab
from samdyn.claims.catalogue import located, room_title

BUDGET, LIMIT = 0.1, 600.0  # of samdyn verify --quick; seconds, so that no verdict depends on the speed of the machine
COLORS = {"holds": "#0072B2", "holds to leading order": "#56B4E9", "holds in a range": "#F0E442", "fails": "#D55E00"}
COLORS["undecided"] = "#999999"
DARK = ("holds", "fails")  # the bars with white numbers


def draw() -> Figure:
    """Return the figure."""
    groups = {claim: room_title(path) for claim, path in located()}
    report = sd.verify(groups, budget=BUDGET, limit=LIMIT)
    counts = Counter((groups[claim], judgement.verdict.kind) for claim, judgement in report.pairs)
    total = Counter(judgement.verdict.kind for judgement in report)
    print(f"{len(report)} claims: " + ", ".join(f"{kind} {number}" for kind, number in total.most_common()))

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), width_ratios=(1, 1.05))
    names = list(dict.fromkeys(groups.values()))[::-1]
    start = np.zeros(len(names))
    small: list[Any] = [{"fontsize": "small", "color": color} for color in ("black", "white")]
    for kind, color in COLORS.items():
        number = np.array([counts[name, kind] for name in names])
        if number.any():
            bars = left.barh(names, number, left=start, color=color, label=f"{kind} ({total[kind]})")
            left.bar_label(bars, [str(n) if n else "" for n in number], label_type="center", **small[kind in DARK])
        start += number
    left.set(xlabel="number of claims", title=f"{len(report)} claims by group")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(COLORS))

    failing = sorted((abs(j.verdict.number), j.verdict.number < 0, j.id) for j in report if j.verdict.kind == "fails")
    for place, (ratio, is_negative, name) in enumerate(failing):
        right.plot([1, ratio], [place, place], color="0.75", lw=1, zorder=0)
        right.plot(ratio, place, "o", color=COLORS["fails"], mfc="white" if is_negative else COLORS["fails"])
        print(f"{name}: measured is {-ratio if is_negative else ratio:.3g} × predicted")
    right.axvline(1, color="black", lw=1)
    right.set_yticks(range(len(failing)), [name for _, _, name in failing])
    right.set(
        xscale="log", xlabel="measured / predicted (hollow: negative)", title="The claims that fail, and by how much"
    )
    right.xaxis.set_major_formatter("{x:g}")
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)
