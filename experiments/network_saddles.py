"""Do statements about saddles hold at exact saddles of small networks: rates, traps, times of escape?

The saddles, radii and starts are the defaults. They were fixed before anything was measured. Rates and traps are those
of one saddle each and have no random error, only rounding. Escape times are medians over --escapes random starts.
"""

from functools import partial
from typing import Annotated, Any

import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, methods, plot, statistics, symbolic
from samdyn.networks import saddle_dynamics, saddles
from samdyn.networks.saddle_dynamics import Places

RATE_STEP, RATE_STEPS = 0.05, 20  # η|λ_min| and number of steps, for rates
RATE_RATIOS = (0.0, 0.25, 0.5, 0.75, 0.95, 1.05, 1.25, 1.5, 2.0)  # ρ|λ| at which rates are measured
TRAP_TIME = 12  # t|λ_min|, for widths
TRAP_SHARES = (0.01, 0.03, 0.1, 0.3, 0.6, 0.9, 1.2)  # ρ over the distance of the minimum along the line
ESCAPE_STEP, ESCAPE_STEPS = 0.2, 200  # η|λ_min| and number of steps, for escapes
ESCAPE_FROM = 0.01  # distance of the starts from the saddle
ESCAPE_RATIOS = {"GD": (0.0,), "USAM": (0.25, 0.5, 1.0, 1.5, 3.0), "SAM": (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 3.0)}
ABOUT_RATES = """\
USAM at exact saddles of d parameters. ρ₀|λ|: where its rate along the eigenvector changes sign. error: that of \
predicted rates. λ*, x_m: docs/glossary.md."""
ABOUT_TRAPS = """
The half-width of SAM's trap along the eigenvector of λ_min over ρ, as [captured, lost]: the farthest start up to \
which all runs return, and the nearest whose run does not, from 0.25 to 4 ρ."""
ABOUT_ESCAPES = """
Median times in 1/|λ_min| until a share of the loss is lost (95 %, Kaplan-Meier). theory: GD's time over the ratio of \
derived growth rates. ρ of USAM is in 1/|λ_min|, that of SAM in the distance of the starts."""


@lab.one_thread()
def main(
    report: lab.Report,
    hidden: Annotated[lab.Count, "Hidden tanh units of the network on digits."] = 8,
    samples: Annotated[lab.Samples, "Number of digits in its loss."] = 200,
    escapes: Annotated[lab.Runs, "Runs for escape times, at every radius."] = 30,
    tolerance: Annotated[float, "Share of the saddle's loss that an escaped run has lost.", lab.inside(0, 1)] = 0.01,
    seed: Annotated[lab.Seed, "Seed of teachers and starts."] = 0,
    device: lab.Device = "auto",
) -> None:
    places = saddle_dynamics.exact_saddles(hidden, samples, seed)
    grid: dict[Any, Any] = {"saddle": [*places], "direction": ["λ_min", "λ*"], "ratio": RATE_RATIOS, "device": device}
    rates = sd.sweep(partial(measure_rates, places), grid, batch="ratio")
    grid = {"saddle": [*places], "share": TRAP_SHARES, "time": TRAP_TIME, "seed": seed, "device": device}
    traps = sd.sweep(lambda saddle, **how: saddle_dynamics.relative_widths(*places[saddle], **how), grid, batch="share")
    crossings = [[np.interp(0, -rate, RATE_RATIOS) for rate in pair] for pair in rates.rate.values]
    about = saddles.describe(places).assign(crossing=(("saddle", "direction"), crossings), x_m=traps.minimum[:, 0])
    about["error"] = abs(rates.rate / rates.predicted - 1).max(("direction", "ratio"))
    columns: dict[str, Any] = {"saddle": "{saddle}", "d": "{dim}", "‖g‖": "{gradient_norm:.0e}", "λ<0": "{negative}"}
    columns |= {"λ=0": "{zero}", "λ_min": "{lam_min:.4f}", "λ*": "{lam_nearest:.4f}", "λ_max": "{lam_max:.4f}"}
    columns |= lab.across(rates.direction, "ρ₀|{}|", "{crossing:.4f}") | {"error": "{error:.0e}", "x_m": "{x_m:.2f}"}
    report.print(ABOUT_RATES, lab.table(about, columns, "saddle"))
    columns = {"ρ/x_m": "{share:g}", **lab.across(traps.saddle, "{}", "[{captured:.3f}, {lost:.3f}]")}
    report.print(ABOUT_TRAPS, lab.table(traps, columns, "share"))

    grid = {"saddle": [*places][:: len(places) - 1], "runs": escapes, "tolerance": tolerance, "seed": seed}
    grid |= {("method", "ratio"): [(m, ratio) for m, ratios in ESCAPE_RATIOS.items() for ratio in ratios]}
    times = sd.sweep(partial(measure_escapes, places), grid | {"device": device})
    medians = statistics.censored_median(times.t, times.escaped == 1, "run")
    times = times.assign(count=times.escaped.sum("run"), **lab.estimate("time", *medians))
    times["theory"] = times.time[:, 0] * times.growth[:, 0] / times.growth.clip(min=0)
    columns = {"saddle": "{saddle}", "method": "{method}", "ρ": "{ratio:g}", "median": lab.interval("time", ".1f")}
    columns |= {"escaped": "{count:.0f}", "theory": "{theory:.1f}"}
    report.print(ABOUT_ESCAPES, lab.table(times, columns, ("saddle", "method_ratio"), left=2, once=1))
    report.datasets(rates=rates, traps=traps, escapes=times)
    report.figure(draw(rates.isel(direction=0), traps, times), "saddles")
    low, high = float(traps.captured[:, 0].min()), float(traps.lost[:, 0].max())
    text = f"At {len(places)} exact saddles USAM's rates are as predicted to {float(about.error.max()):.0e}; where ρ is"
    report.print(f"{text} small SAM's trap is {low:.3f} to {high:.3f} ρ wide.")


def measure_rates(places: Places, saddle: str, direction: str, ratio: np.ndarray, device: str) -> dict[str, Any]:
    """Measure USAM's growth rates in units of |λ| along the eigenvector of λ_min, or of the negative λ nearest 0."""
    network, point = places[saddle]
    number = 0 if direction == "λ_min" else len(saddles.ways_out(point)[0]) - 1
    lam = point.eigenvalues[number]
    map_ = sd.Map(network, sd.USAM(torch.as_tensor(ratio / abs(lam))), lr=-RATE_STEP / point.eigenvalues[0])
    rate = saddle_dynamics.rates_along(map_, point, number, steps=RATE_STEPS, device=device)
    return {"rate": rate / abs(lam), "predicted": symbolic.predicted_growth(map_, torch.as_tensor([lam])) / abs(lam)}


def measure_escapes(places: Places, saddle: str, method: str, ratio: float, runs: int, **how: Any) -> xr.Dataset:
    """Measure the times at which runs from near a saddle have lost a share of its loss."""
    network, point = places[saddle]
    lam = -point.eigenvalues[0]
    (used,) = lab.with_radii([methods.named(method)], [ratio * (ESCAPE_FROM if method == "SAM" else 1 / lam)])
    map_ = sd.Map(network, used, lr=ESCAPE_STEP / lam)
    growth = symbolic.predicted_growth(map_, torch.as_tensor(saddles.ways_out(point)[0]))
    times = saddle_dynamics.relative_times(map_, point, runs, ESCAPE_FROM, ESCAPE_STEPS, **how)
    return times.assign(growth=np.nan if growth is None else float(growth))


def draw(rates: xr.Dataset, traps: xr.Dataset, times: xr.Dataset) -> Figure:
    """Draw USAM's rates, the widths of SAM's traps, and the escape times of either."""
    figure, ((ax, beside), below) = plt.subplots(2, 2, figsize=(10, 8))
    looks = [{**style, "linestyle": "none", "mfc": "none", "ms": 13 - 3 * i} for i, style in enumerate(plot.CYCLE[:4])]
    plot.clipped(rates, "rate", ax, x="ratio", hue="saddle", limits=(-2.0, 2.0), styles=looks)
    ax.plot(rates.ratio, rates.predicted[0], color="#666666", lw=1)
    ax.set(title="USAM leaves as on a quadratic (line: derived)", xlabel=r"$\rho|\lambda_{\min}|$")
    ax.set_ylabel(r"growth rate$\,/\,|\lambda_{\min}|$")
    widths = xr.Dataset({"width": (traps.captured + traps.lost) / 2 * (traps.captured > 0)})
    plot.clipped(widths, "width", beside, x="share", hue="saddle", limits=(0.25, 2.0))
    beside.set(title="The width of SAM's trap (arrows: wider, or narrower)", ylabel=r"half-width$\,/\,\rho$")
    beside.set_xlabel(r"$\rho$ / distance of the minimum")
    plot.log_axis(beside, "x")
    gd = times.time.isel(method_ratio=0).reset_coords(drop=True)
    times = (times[["time", "time_low", "time_high"]] / gd).assign_coords(limit=ESCAPE_STEP * ESCAPE_STEPS / gd)
    for panel, method in zip(below, ("USAM", "SAM"), strict=True):
        one = times.isel(method_ratio=(times.method == method).values).swap_dims(method_ratio="ratio")
        plot.clipped(one, "time", panel, x="ratio", hue="saddle", limits=(0.0, one.limit), styles=plot.CYCLE[:4:3])
        panel.set(title=f"Escape of {method} (arrows: most runs had not escaped)", ylabel="median escape time / GD's")
        panel.set_xlabel(r"$\rho$ in the units of the table")
        plot.log_axis(panel, "xy")
    figure.legend(*beside.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


if __name__ == "__main__":
    lab.run(main)
