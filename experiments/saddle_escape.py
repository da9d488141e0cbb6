"""When, and why, does SAM stay at a saddle that gradient descent leaves?

The script starts many runs around a saddle, prints their outcomes, and compares the measurements with theory.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby, product
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from rich.table import Table
from typer import Exit, Option

import samdyn as sd
from samdyn import analysis, checks, cli, plot, symbolic, theory
from samdyn.analysis import Boundary, CriticalPoint, Escape
from samdyn.landscapes import Box
from samdyn.methods import Ascent
from samdyn.output import OutputFolder
from samdyn.simulation.progress import progress_bar
from samdyn.simulation.starts import choose_device

RADII = (
    0.1,
    0.25,
    0.5,
    0.75,
    0.9,
    1.1,
    1.25,
    1.5,
    1.75,
    2.0,
)  # default ρ, in units of 1/|λ|, λ the escaping eigenvalue

TOGETHER = 10  # settings of one method in one ensemble; Ctrl-C saves the finished ensembles

LONGEST_PATH = 20_000  # largest count of steps of a path; a picture shows fewer

LEGEND = """\
trap, esc, div, und: trapped, escaped, diverged, undecided. Escape times are t = kη \
(Kaplan-Meier; runs that did not escape are censored). ρ>0.5: the saddle captures runs \
near it at radii above 0.5. w<0.05: it captures runs that start within 0.05 of it along \
the escape direction. The theory is for the quadratic approximation at the saddle, and \
its widths are those without momentum."""


def main(
    landscape: Annotated[str, Option(help="A name from the catalogue, or a formula like 'x**2 - y**2'.")] = "saddle",
    coordinates: Annotated[str, Option(help="The coordinates of a formula.")] = "x y",
    saddle: Annotated[str, Option(help="Which saddle: the one nearest to this point. Default: the lowest.")] = "",
    methods: Annotated[str, Option(help="Names, separated by commas.")] = "GD,USAM,SAM",
    rho: Annotated[str, Option(help="Radii ρ. Default: ten from 0.1/|λ| to 2/|λ|.")] = "",
    lr: Annotated[str, Option(help="Learning rates η. Default: 0.02/max|λ|.")] = "",
    momentum: Annotated[str, Option(help="Heavy-ball momenta γ.")] = "0",
    starts: Annotated[int, Option(help="Number of runs that start around the saddle.")] = 1000,
    distribution: Annotated[
        str, Option(help="disc: uniform in a ball; normal: Gaussian; line: along the escape direction.")
    ] = "disc",
    spread: Annotated[
        float | None, Option(help="The ball's radius, or the Gaussian's σ. Default: 1/|λ| or less.")
    ] = None,
    steps: Annotated[int, Option(help="Number of steps of every run.")] = 5000,
    seed: Annotated[int, Option(help="Seed of the starts.")] = 0,
    device: Annotated[str, Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    dtype: Annotated[str, Option(help="float64 or float32.")] = "float64",
    out: Annotated[
        Path, Option(help="Folder for figures and data; replaced only if it holds an earlier result.")
    ] = Path("results/saddle_escape"),
) -> None:
    """When, and why, does SAM stay at a saddle that gradient descent leaves?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    scene = cli.landscape(landscape, coordinates)
    point, room = choose_saddle(scene, saddle)
    length = crossing_length(point)
    radii = cli.numbers("--rho", rho) if rho else [float(f"{r * length:.3g}") for r in RADII]
    rates = cli.numbers("--lr", lr) if lr else [float(f"{0.02 / abs(point.eigenvalues).max():.3g}")]
    momenta = cli.momenta("--momentum", cli.numbers("--momentum", momentum))
    maps = [
        sd.Map(scene, method, lr=e, momentum=g)
        for e, g, method in product(rates, momenta, cli.with_radii(methods, radii))
    ]
    # By default the starts fill a region of size 1/|λ|, or less if another critical point is near.
    default = min(length, room / 4) / (4 if distribution == "normal" else 1)
    width = default if spread is None else spread
    points = analysis.starts_around(point, starts, distribution, width, seed)
    reach = float(abs(points - point.w).max())
    if reach >= room / 2:
        rule = f"puts starts at {reach:.3g} from the saddle, and there is another critical point at {room:.3g}"
        checks.reject("--spread", width, rule, f"Use a smaller one, e.g. --spread {default:.3g}")
    radius = min(2 * reach, 0.75 * room)
    largest = min(4 * max(length, *radii), 0.75 * room)  # distance up to which the edge of a trap is searched
    steps = checks.count("--steps", steps, "Use e.g. --steps 5000")
    sd.simulate(
        maps[0], points[:1], 1, device=device, dtype=dtype, progress=False
    )  # this rejects an unknown device before the work starts

    console = cli.console()
    results: list[Result] = []
    with OutputFolder(out, "saddle_escape", parameters) as folder:
        try:
            with progress_bar("saddle escape", len(maps)) as show:
                for together in pieces(maps):
                    escapes = analysis.escapes(together, point, points, radius, steps, dtype=dtype, device=device)
                    measured = analysis.capture_boundaries(together, point, largest, steps)
                    predicted = [symbolic.predicted_boundary(map_, point.eigenvalues) for map_ in together]
                    results += map(Result, together, escapes, measured, predicted)
                    show(len(results))
        except KeyboardInterrupt:
            if not results:
                raise
            folder.interrupted = True
            console.print(f"stopped after {len(results)} of {len(maps)} settings; what is finished is saved")
        folder.about["resolved"] = {
            "device": str(choose_device(device)),
            "saddle": point.w.tolist(),
            "eigenvalues": point.eigenvalues.tolist(),
            "rho": radii,
            "lr": rates,
            "momentum": momenta,
            "spread": width,
            "half-width of the box to escape from": radius,
            "farthest start tried for a trap": largest,
        }
        folder.about["finished"] = f"{len(results)} of {len(maps)} settings"
        folder.save_dataset(make_dataset(results, points, point), "runs.zarr")
        console.print(
            f"{scene.name}: L = {scene.expr}; saddle at {cli.shown(point.w)}, λ = {cli.shown(point.eigenvalues)}"
        )
        console.print(make_table(results))
        console.print(LEGEND)
        draw(results, scene, point, steps, folder)
    console.print(f"figures, data and provenance in {folder.published}/")
    if len(results) < len(maps):
        raise Exit(130)


@dataclass(frozen=True)
class Result:
    """The measurements of one setting."""

    map_: sd.Map
    escape: Escape
    measured: Boundary  # the boundary of capture
    predicted: Boundary | None

    @property
    def rho(self) -> float:
        """ρ, or 0 for a method that has none."""
        return float(self.map_.radius)

    @property
    def group(self) -> str:
        """The parameters that settings with different ρ share."""
        return f"{type(self.map_.method).__name__}, η = {self.map_.lr:g}, γ = {self.map_.momentum:g}"


def crossing_length(point: CriticalPoint) -> float:
    """Return 1/|λ|, λ the lowest eigenvalue: the radius from which USAM's perturbed point crosses the saddle."""
    return float(1 / abs(point.eigenvalues[0]))


def choose_saddle(landscape: sd.Landscape, near: str) -> tuple[CriticalPoint, float]:
    """Return the saddle nearest to a point, or the lowest, and how far the next critical point is."""
    points = analysis.critical_points(landscape)
    chosen = cli.saddle(landscape, points, near)
    room = min((float(abs(p.w - chosen.w).max()) for p in points if p is not chosen), default=np.inf)
    return chosen, room


def pieces(maps: list[sd.Map]) -> Iterator[list[sd.Map]]:
    """Yield small groups of maps of one method, which run as one ensemble. An interruption loses one group."""
    for _, of_one in groupby(maps, key=lambda map_: type(map_.method)):
        listed = list(of_one)
        yield from (listed[i : i + TOGETHER] for i in range(0, len(listed), TOGETHER))


def make_table(results: list[Result]) -> Table:
    """Return the table the experiment prints."""
    rates, momenta = {r.map_.lr for r in results}, {r.map_.momentum for r in results}
    title = ", ".join(
        [f"{len(results[0].escape.outcome)} runs a setting, shares in %"]
        + [f"η = {r:g}" for r in rates if len(rates) == 1]
        + [f"γ = {g:g}" for g in momenta if len(momenta) == 1]
    )
    keys: list[tuple[str, Callable[[Result], str]]] = [
        ("method", lambda r: type(r.map_.method).__name__),
        ("ρ", lambda r: f"{r.rho:g}" if isinstance(r.map_.method, Ascent) else ""),
        *([("η", lambda r: f"{r.map_.lr:g}")] if len(rates) > 1 else []),
        *([("γ", lambda r: f"{r.map_.momentum:g}")] if len(momenta) > 1 else []),
    ]
    columns: list[tuple[str, Callable[[Result], str]]] = [
        *keys,
        ("trap", share("trapped")),
        ("esc", share("escaped")),
        ("div", share(sd.Status.DIVERGED)),
        ("und", share(sd.Status.UNDECIDED)),
        ("median escape\ntime [95 %]", escape_time),
        ("capture\nmeasured", lambda r: str(r.measured)),
        ("capture\ntheory", lambda r: str(r.predicted or "no formula")),
    ]
    table = cli.table(title, *(name for name, _ in columns), gap=1, keys=len(keys))
    for r in results:
        table.add_row(*(cell(r) for _, cell in columns))
    return table


def share(outcome: str) -> Callable[[Result], str]:
    """Return a function that writes the share of an outcome in %."""
    return lambda result: f"{100 * result.escape.fraction(outcome):.1f}"


def escape_time(result: Result) -> str:
    """Write the median escape time with its interval, or a bound if most runs did not escape."""
    median, low, high = result.escape.survival().median()
    if np.isinf(median):
        return f"> {result.escape.end.max() * result.map_.lr:.3g}"
    return f"{median:.3g} [{low:.3g}, {high:.3g}]".replace("inf", "∞")


def make_dataset(results: list[Result], points: np.ndarray, point: CriticalPoint) -> xr.Dataset:
    """Return the data of the table and the figures."""
    coordinates = [str(s) for s in results[0].map_.landscape.symbols]
    medians = np.array([r.escape.survival().median() for r in results])
    per_setting: dict[str, Any] = {
        "method": [type(r.map_.method).__name__ for r in results],
        "rho": [r.rho for r in results],
        "lr": [r.map_.lr for r in results],
        "momentum": [r.map_.momentum for r in results],
        "boundary": [r.measured.quantity for r in results],
        "boundary_low": [r.measured.low for r in results],
        "boundary_high": [r.measured.high for r in results],
        "boundary_predicted": [r.predicted.low if r.predicted else np.nan for r in results],
        **{outcome: [r.escape.fraction(outcome) for r in results] for outcome in analysis.OUTCOMES},
        **dict(zip(("median_time", "median_time_low", "median_time_high"), medians.T, strict=True)),
    }
    return xr.Dataset(
        {
            **{name: ("setting", np.array(values)) for name, values in per_setting.items()},
            "outcome": (("setting", "run"), np.stack([r.escape.outcome for r in results])),
            "end": (("setting", "run"), np.stack([r.escape.end for r in results])),
            "w": (("setting", "run", "coord"), np.stack([r.escape.w for r in results])),
            "start": (("run", "coord"), points),
            "saddle": ("coord", point.w),
        },
        coords={"coord": coordinates},
    )


def draw(
    results: list[Result], landscape: sd.Landscape, point: CriticalPoint, steps: int, folder: OutputFolder
) -> None:
    """Draw the figures into the folder."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.group, []).append(result)
    with plt.rc_context(plot.STYLE):
        folder.save_figure(draw_trapped(groups, point), "trapped_fraction.png")
        folder.save_figure(draw_survival(groups), "escape_times.png")
        first = (results[0].map_.lr, results[0].map_.momentum)
        paths = example_paths([r for r in results if (r.map_.lr, r.map_.momentum) == first], landscape, point, steps)
        folder.save_figure(draw_cosines(paths, point), "cosine.png")
        if landscape.dim == 2:
            folder.save_figure(draw_paths(paths, landscape, point), "trajectories.png")


def draw_trapped(groups: dict[str, list[Result]], point: CriticalPoint) -> Figure:
    """Draw the trapped fraction against ρ."""
    figure, ax = plt.subplots(figsize=(6.4, 4.0))
    seen: Counter[str] = Counter()
    common = [
        part for part in ("η", "γ") if len({name.partition(f"{part} = ")[2].split(",")[0] for name in groups}) == 1
    ]
    for full, group in groups.items():
        name = ", ".join(part for part in full.split(", ") if part[0] not in common)
        style = plot.line(group[0].map_.method)
        # Groups of one method at other η or γ are paler and hollow.
        again = seen[type(group[0].map_.method).__name__]
        seen[type(group[0].map_.method).__name__] += 1
        style |= {"alpha": 0.7**again, "markerfacecolor": "white" if again else style["color"]}
        if isinstance(group[0].map_.method, Ascent):
            plot.trapped_fraction(
                [r.rho for r in group],
                [r.escape for r in group],
                ax,
                threshold=threshold_of(group[0]),
                label=name,
                **style,
            )
        else:
            ax.axhline(group[0].escape.fraction("trapped"), label=name, **{**style, "marker": ""})
    threshold = theory.usam_threshold(eigenvalues=point.eigenvalues)
    if np.isfinite(threshold):
        ax.axvline(threshold, color="0.5", lw=1, zorder=0)
        ax.annotate(r"$\rho = 1/|\lambda|$", (threshold, 0.08), xytext=(4, 0), textcoords="offset points", color="0.35")
    first = next(iter(groups.values()))[0].map_
    shared = [f"{part} = {value:g}" for part, value in (("η", first.lr), ("γ", first.momentum)) if part in common]
    ax.set_title(f"Which share of the runs does the saddle capture? {', '.join([first.landscape.name, *shared])}")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def threshold_of(result: Result) -> float | None:
    """Return the measured threshold in ρ of a method that has one."""
    finite = result.measured.quantity == "rho" and np.isfinite(result.measured.high)
    return (result.measured.low + result.measured.high) / 2 if finite else None


def draw_survival(groups: dict[str, list[Result]]) -> Figure:
    """Draw the escape-time curves, a panel per method and a shade per radius."""
    panels = {name: group for name, group in groups.items() if isinstance(group[0].map_.method, Ascent)} or groups
    figure, axes = plt.subplots(1, len(panels), figsize=(4.2 * len(panels) + 1, 3.8), sharey=True, squeeze=False)
    for ax, (name, group) in zip(axes[0], panels.items(), strict=True):
        for r, shade in zip(group, plt.colormaps["viridis"](np.linspace(0, 0.9, len(group))), strict=True):
            plot.survival(r.escape.survival(), ax, color=shade, label=f"{r.rho:g}")
        for r in results_of(groups):
            same = (r.map_.lr, r.map_.momentum) == (group[0].map_.lr, group[0].map_.momentum)
            if same and not isinstance(r.map_.method, Ascent) and panels is not groups:
                plot.survival(r.escape.survival(), ax, color="black", linestyle=":", label=type(r.map_.method).__name__)
        ax.set_title(name)
    axes[0, -1].legend(title=r"$\rho$", loc="center left", bbox_to_anchor=(1.0, 0.5))
    events = [r.escape.survival().t[1:] for r in results_of(groups)]
    first, last = min(t.min(initial=np.inf) for t in events), max(r.escape.survival().last for r in results_of(groups))
    for ax in axes[0]:
        ax.set_xlim(0.8 * min(first, last), last)  # set before the scale, since a logarithmic one has no t = 0
        ax.set_xscale("log")
    for ax in axes[0, 1:]:
        ax.set_ylabel("")
    return figure


def results_of(groups: dict[str, list[Result]]) -> list[Result]:
    """Return all results of all groups."""
    return [r for group in groups.values() for r in group]


Paths = list[tuple[sd.Map, xr.Dataset]]


def example_paths(results: list[Result], landscape: sd.Landscape, point: CriticalPoint, most: int) -> Paths:
    """Run one setting of every method from one start, out along the stable direction and a little off it.

    A run lasts ten times as long as the fastest direction needs, or until the last run has left, and at most ``most``
    steps. Shorter runs would make a late escape look like capture.
    """
    length = crossing_length(point)
    chosen: dict[type, sd.Map] = {}
    for r in results:  # this picks, for every method, the radius nearest to 1.25/|λ|
        best = chosen.setdefault(type(r.map_.method), r.map_)
        if abs(r.rho - 1.25 * length) < abs(best.radius - 1.25 * length):
            chosen[type(r.map_.method)] = r.map_
    view = view_box(landscape, point)
    # The sign of an eigenvector is arbitrary. This one puts the start to the left and the escape in front.
    stable, escaping = (-v * np.sign(v[abs(v).argmax()]) for v in (point.eigenvectors[:, -1], point.eigenvectors[:, 0]))
    start = point.w + 0.43 * (view[0][1] - view[0][0]) * (stable + escaping / 20)
    most = min(most, LONGEST_PATH)
    shown = 10 / float(abs(point.eigenvalues).max()) / next(iter(chosen.values())).lr
    # The first simulation saves nothing, which is fast, and returns the outcomes.
    ends = [sd.simulate(map_, start, most, box=view, progress=False) for map_ in chosen.values()]
    for end in ends:
        if end.status[0] in (sd.Status.LEFT, sd.Status.DIVERGED):
            shown = max(shown, 1.1 * int(end.end[0]))
    steps = min(max(round(shown), 1), most)
    paths = [sd.simulate(map_, start, steps, save_every=1, box=view, progress=False) for map_ in chosen.values()]
    return [
        (map_, path.assign(status=end.status, end=end.end))
        for map_, path, end in zip(chosen.values(), paths, ends, strict=True)
    ]


def view_box(landscape: sd.Landscape, point: CriticalPoint) -> Box:
    """Return a box around the saddle, 7/|λ| to each side or as far as the landscape's box goes."""
    length = crossing_length(point)
    wall = min(float(min(w - low, high - w)) for w, (low, high) in zip(point.w, landscape.box, strict=True))
    half = min(7 * length, wall) if wall > length else 7 * length
    return tuple((float(w) - half, float(w) + half) for w in point.w)


def draw_paths(paths: Paths, landscape: sd.Landscape, point: CriticalPoint) -> Figure:
    """Draw the paths over contours and on the surface."""
    view = view_box(landscape, point)
    figure = plt.figure(figsize=(11, 4.6))
    flat, relief = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2, projection="3d")
    plot.contours(landscape, flat, box=view)
    plot.surface(landscape, relief, box=view)
    for map_, runs in paths:
        plot.path(runs, flat, label=f"{label(map_)}: {plot.fate(runs)}", **plot.line(map_.method))
        plot.surface_path(runs, relief, **plot.line(map_.method))
    steps = paths[0][1].sizes["step"] - 1
    figure.suptitle(f"{landscape.name}: {steps} steps from one start (ring) to the end (filled)")
    figure.legend(*flat.get_legend_handles_labels(), loc="outside lower center", ncols=len(paths))
    return figure


def draw_cosines(paths: Paths, point: CriticalPoint) -> Figure:
    """Draw the cosine between the two gradients along the paths, and where SAM's are within ρ of the saddle."""
    perturbing = [(m, runs) for m, runs in paths if isinstance(m.method, Ascent)] or paths
    figure, axes = plt.subplots(len(perturbing), 1, figsize=(7, 2.2 * len(perturbing)), sharex=True, squeeze=False)
    for ax, (map_, runs) in zip(axes[:, 0], perturbing, strict=True):
        plot.cosine(analysis.cosine(map_, runs), ax, **plot.line(map_.method))
        ax.set(xlim=(0, runs.step.values[-1]))
        ax.set_title(f"{label(map_)}: {plot.fate(runs)}")
        boundary = symbolic.predicted_boundary(map_, point.eigenvalues)
        if boundary and boundary.quantity == "width":
            near = np.linalg.norm(runs.w.values[0] - point.w, axis=1) < boundary.low
            ax.fill_between(runs.step, 0, 1, where=near, transform=ax.get_xaxis_transform(), color="0.9", lw=0)
            ax.set_title(f"{label(map_)}: {plot.fate(runs)} (grey: within ρ of the saddle)")
    for ax in axes[:-1, 0]:
        ax.set_xlabel("")
    return figure


def label(map_: sd.Map) -> str:
    """Name a method and its radius."""
    name = type(map_.method).__name__
    return f"{name}, ρ = {map_.method.rho:g}" if isinstance(map_.method, Ascent) else name


if __name__ == "__main__":
    matplotlib.use("Agg")
    cli.run(main)
