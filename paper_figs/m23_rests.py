"""Where SAM with n ascent steps rests on the saddle x² − y².

Each panel has the distances |y| of many runs from the ridge y = 0 over time, from random starts near it. One ascent
step ends at the saddle. With n steps of radius ρ/n a run ends beside it, at one of the dashed distances: those at
which its ascent ends on the ridge. So more ascent steps do not free a run; they hold it somewhere else. If SAM
follows the mean of the gradients at the n ascent points, a run may end at the saddle for every n, and is held from a
narrower region.

Source: ours, on the method of [M23]. The dashed distances are `samdyn.theory.rest_distances`: (n − 1 − 2j)ρ/n for the
gradient at the last ascent point. The mean gradient is our reading of the "simple modification" that [M23] suggests,
whose definition we could not find.

Ours: the paper's abstract does not speak of saddles. Runs that stay end at the predicted distances, up to a bounce of
the order of ηρ, except for a few that start almost exactly between two of them. There the field repels, but the bounce
along x, which a finite step makes, can hold a run. These runs become rarer as η falls.
"""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, plot, theory

RHO, LR, STEPS, RUNS = 0.5, 0.0005, 16_000, 40
SHOWN = 4  # time up to which runs are drawn; those that stay do so to the end, t = 8
NEAR = 0.02  # distance in units of ρ up to which an end is at a predicted rest
COUNTS = (1, 2, 3, 4, 5)  # n
FORMS = {False: "gradient at the last\nascent point", True: "mean gradient of\nthe ascent points"}
HELD, LEFT, REST = plot.CYCLE[1]["color"], "0.75", plot.CYCLE[2]["color"]


def draw() -> Figure:
    """Draw the distances of runs from the ridge over time, for n = 1, …, 5, plain and averaged."""
    random, shape = np.random.default_rng(0), (len(FORMS), len(COUNTS))
    # Starts at both sides of the ridge within 1.3ρ, near the saddle along x.
    starts = RHO * random.uniform((-0.3, -1.3), (0.3, 1.3), (RUNS, 2))
    figure, axes = plt.subplots(*shape, figsize=(9.6, 5), sharex=True, sharey=True)
    for row, (average, form) in zip(axes, FORMS.items(), strict=True):
        for ax, n in zip(row, COUNTS, strict=True):
            map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(RHO, ascent_steps=n, average=average), lr=LR)
            runs = sd.simulate(map_, starts, STEPS, save_every=60, progress=False)
            distance = abs(runs.w.values[..., 1]) / RHO
            held = distance[:, -1] < 1
            ax.plot(runs.time, distance[~held].T, color=LEFT, lw=0.7)
            ax.plot(runs.time, distance[held].T, color=HELD, lw=0.7)
            rests = theory.rest_distances(rho=RHO, ascent_steps=n, average=average) / RHO
            for rest in rests:
                ax.axhline(rest, color=REST, ls="--", lw=1.6, zorder=3)
            off = abs(distance[held, -1, None] - rests).min(1)
            name, texts = FORMS[average].replace("\n", " "), ", ".join(f"{rest:.3g}" for rest in rests)
            print(f"n = {n}, {name}: {held.sum()} of {RUNS} runs stay, {(off < NEAR).sum()} of them at {texts}")
            ax.set_title(f"$n = {n}$" if not average else "")
        row[0].set_ylabel(f"{form}\n\ndistance $|y|/\\rho$")
    axes[0, 0].set(ylim=(-0.04, 1.3), xlim=(0, SHOWN))
    for ax in axes[-1]:
        ax.set_xlabel(r"time $t = k\eta$")
    figure.suptitle(rf"SAM with $n > 1$ ascent steps rests beside the saddle $x^2 - y^2$ ($\rho = {RHO:g}$)")
    for style, label in ((HELD, "runs that stay"), (LEFT, "runs that leave")):
        axes[0, 0].plot([], [], color=style, label=label)
    axes[0, 0].plot([], [], color=REST, ls="--", label="predicted rest")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)
