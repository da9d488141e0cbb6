"""Do the diffusions of the literature follow SAM's iterates as closely as their authors claim?

The script computes |E φ(wₖ) − E φ(X(kη))| for five functions φ without sampling error: over η with the radius ρ ∝ √η,
over η at one radius, and over ρ. It fits orders of weak convergence of the SDEs of [C23] ("taylor"), of that with the
moments of a step, and of SGD's.
"""

from functools import cache
from typing import Annotated, Any

import numpy as np
import xarray as xr

import samdyn as sd
from samdyn import analysis, checks, lab, plot, statistics

# The gradient of no sample vanishes in the box, so that directions are smooth. Runs from START stay in the box.
LOSS = "p*a**2/2 + q*b**2/2 + r*a*b + a**3/12 - s*a + t*b"
DATA = {"p": [1, 2, 0.5], "q": [0.6, 1.5, 2], "r": [0.3, -0.4, 0.2], "s": [-1, -0.5, -1.5], "t": [1, 0.4, 1.2]}
BOX = ((-0.9, 1.6), (-1.0, 1.3))
LANDSCAPE = sd.SampleLandscape(LOSS, "a b", DATA, box=BOX, name="curved")
START, TIME = (1.2, 0.9), 0.5
FUNCTIONS: dict[str, Any] = {
    "a": lambda w: w[0],
    "b²": lambda w: w[1] ** 2,
    "ab": lambda w: w[0] * w[1],
    "exp(a/2)": lambda w: np.exp(w[0] / 2),
    "sin(b)": lambda w: np.sin(w[1]),
}
HALVINGS = 4  # count of times that η or ρ is halved
SMALLEST = slice(-3, None)  # the values of η or ρ to which orders are fitted
SMALL = 2.0**-3  # first radius of the fit of orders in ρ, in units of the largest
# "SGD's" is the diffusion without ρ.
MODELS = {"taylor": plot.CYCLE[1], "moments": plot.CYCLE[0], "SGD's": {**plot.CYCLE[2], "linestyle": ":"}}
VARIED = ["η, ρ ∝ √η", "η, one ρ", "ρ, one η"]
DIVIDES_TIME = lab.where(lambda lr: abs(TIME / lr - max(1, round(TIME / lr))) <= 1e-9, f"does not divide {TIME:g}")


def main(
    report: lab.Report,
    methods: lab.Methods = (sd.USAM, sd.DNSAM, sd.SAM),
    lr: Annotated[lab.LearningRate, "The largest learning rate η; it is halved four times.", DIVIDES_TIME] = 0.02,
    rho: Annotated[lab.Positive, "The radius ρ at that learning rate."] = 0.07,
    batch_size: Annotated[lab.BatchSize, "Batch size B, drawn with replacement from three samples."] = 1,
) -> None:
    for method in methods:
        if not issubclass(method, sd.methods.Ascent):
            checks.reject("--methods", method.__name__, "has no radius, and no diffusion but SGD's", "Use USAM or SAM")
        sd.Diffusion(LANDSCAPE, method(rho), sd.noise.FiniteSum(batch_size), lr, model="taylor")  # it must have one
    axes = {"algorithm": [m.__name__ for m in methods], "varied": VARIED, "halved": 2.0 ** -np.arange(HALVINGS + 1)}
    data = sd.sweep(weak_errors, {**axes, "lr": lr, "rho": rho, "batch_size": batch_size})
    order = statistics.exponent(data.error.isel(halved=SMALLEST), "halved")[0]
    data = data.assign(least=order.min("function"), most=order.max("function"))
    columns: dict[str, Any] = {"iterates of": "{algorithm}", "diffusion": "{model}"}
    columns |= lab.across(data.varied, "in {}", "{least:.2f} to {most:.2f}")
    title = "Order of weak convergence, from least to most of five functions"
    report.print(lab.table(data, columns, ("algorithm", "model"), title=title, keys=2, left=2, once=1))
    report.data(data, "errors")

    size = (data.error**2).mean("function") ** 0.5
    shown = xr.Dataset({"error": size, "order": statistics.exponent(size.isel(halved=SMALLEST), "halved")[0]})
    look: dict[str, Any] = {"title": "{algorithm}: {varied}", "size": (3.1, 2.5), "one_scale": False}
    figure, panels = plot.panels(shown, row="varied", column="algorithm", **look)
    for ax, one in panels:
        plot.orders(one.error, one.order, ax, x="halved", hue="model", styles=MODELS)
    figure.suptitle('Weak errors of diffusions, with fitted orders\n(over ρ: against the diffusion "moments")')
    figure.supxlabel("η or ρ over its largest value")
    figure.supylabel(r"$|E\,\varphi(w_k) - E\,\varphi(X)|$, r.m.s. over the functions $\varphi$")
    report.figure(figure, "weak_order")


def weak_errors(algorithm: str, varied: str, halved: float, lr: float, rho: float, batch_size: int) -> xr.Dataset:
    """Return the errors of three diffusions, of every function, with η and ρ at a fraction of their largest values.

    Over ρ they are errors against the diffusion of the moments of a step, which has no error as η → 0.
    """
    if varied == "ρ, one η":
        lr, rho = lr * 2.0**-HALVINGS, rho * SMALL * halved
    else:
        lr, rho = lr * halved, rho * (halved**0.5 if varied == "η, ρ ∝ √η" else 1)
    at = {model: expected(algorithm, model, lr, rho, batch_size) for model in ("taylor", "moments")}
    at["SGD's"] = expected("GD", "moments", lr, 0.0, batch_size)
    truth = at["moments"] if varied == "ρ, one η" else expected(algorithm, "", lr, rho, batch_size)
    errors = np.abs([at[model] - truth for model in MODELS])
    return xr.Dataset({"error": (("model", "function"), errors)}, coords={"model": [*MODELS], "function": [*FUNCTIONS]})


@cache  # cells share settings, and SGD's diffusion has no radius
def expected(algorithm: str, model: str, lr: float, rho: float, batch_size: int) -> np.ndarray:
    """Return E φ at the end for every function: of the iterates, or of their diffusion by a model."""
    (method,) = lab.with_radii([sd.methods.named(algorithm)], [rho])
    map_ = sd.Map(LANDSCAPE, method, lr, noise=sd.noise.FiniteSum(batch_size))
    system = sd.Diffusion.of(map_, model) if model else map_
    return analysis.expected(system, [*FUNCTIONS.values()], START, TIME, BOX).values


if __name__ == "__main__":
    lab.run(main)
