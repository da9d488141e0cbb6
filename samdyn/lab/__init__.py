"""What experiments share: options, the runner, tables of a Dataset, figures, and where the scripts are.

An experiment is a script with one ``main``: its parameters are options, declared with the aliases of ``options``, and
``report`` takes what it prints, draws and saves.

    def main(report: lab.Report, rho: lab.Radii = (0.1, 0.3), seed: lab.Seed = 0) -> None:
        "What does ρ do?"
        data = sd.sweep(measure, {"rho": rho, "seed": range(seed, seed + 30)})
        report.print(lab.table(lab.medians(data, "seed"), {"ρ": "{rho:g}", "loss": lab.interval("loss", ".3g")}, "rho"))
        report.data(data, "runs")
        report.figure(draw(data), "loss")

    if __name__ == "__main__":
        lab.run(main)

A figure is a script with a function ``draw`` that computes and draws it; ``draw_figure`` saves it as PNG and PDF.
"""

from ..simulation.threads import one_thread
from .defaults import usual_radii, usual_range
from .drawing import draw_figure
from .ensembles import in_ensembles
from .figures import facets
from .groups import AtSaddle, Training
from .objects import Neighbourhood, landscape, neighbourhood, saddle, steps_in, with_radii
from .options import (
    AscentStepCounts,
    AscentSteps,
    BatchSize,
    BatchSizes,
    Coordinates,
    Count,
    Coupling,
    Device,
    Dtype,
    Eigenvalue,
    Epochs,
    LandscapeText,
    LearningRate,
    LearningRates,
    Limits,
    Methods,
    Momenta,
    Momentum,
    Numbers,
    Positive,
    PositiveRadii,
    Processes,
    Radii,
    Radius,
    Resolution,
    Runs,
    SaddleText,
    Samples,
    Seed,
    Seeds,
    Starts,
    Steps,
    Time,
    Width,
)
from .readers import (
    at_least,
    at_most,
    box,
    choice,
    each,
    entries,
    inside,
    integers,
    numbers,
    point,
    points,
    several,
    where,
)
from .report import Report
from .runner import command, run
from .scripts import load, question, scripts
from .words.effects import effect, share
from .words.equilibria import equilibria
from .words.estimates import estimate
from .words.settings import settings
from .words.tables import (
    Column,
    across,
    censored,
    interval,
    medians,
    percent,
    plus_minus,
    table,
    text,
    vector,
)

__all__ = [
    "AscentStepCounts",
    "AscentSteps",
    "AtSaddle",
    "BatchSize",
    "BatchSizes",
    "Column",
    "Coordinates",
    "Count",
    "Coupling",
    "Device",
    "Dtype",
    "Eigenvalue",
    "Epochs",
    "LandscapeText",
    "LearningRate",
    "LearningRates",
    "Limits",
    "Methods",
    "Momenta",
    "Momentum",
    "Neighbourhood",
    "Numbers",
    "Positive",
    "PositiveRadii",
    "Processes",
    "Radii",
    "Radius",
    "Report",
    "Resolution",
    "Runs",
    "SaddleText",
    "Samples",
    "Seed",
    "Seeds",
    "Starts",
    "Steps",
    "Time",
    "Training",
    "Width",
    "across",
    "at_least",
    "at_most",
    "box",
    "censored",
    "choice",
    "command",
    "draw_figure",
    "each",
    "effect",
    "entries",
    "equilibria",
    "estimate",
    "facets",
    "in_ensembles",
    "inside",
    "integers",
    "interval",
    "landscape",
    "load",
    "medians",
    "neighbourhood",
    "numbers",
    "one_thread",
    "percent",
    "plus_minus",
    "point",
    "points",
    "question",
    "run",
    "saddle",
    "scripts",
    "settings",
    "several",
    "share",
    "steps_in",
    "table",
    "text",
    "usual_radii",
    "usual_range",
    "vector",
    "where",
    "with_radii",
]
