"""How many starts a second the basins of normalised SAM's flow take: ``python benchmarks/sam_basins.py``.

The flow is stiff, and its field jumps at points. Prints starts per second, on all cores and per second of
processor time, kernels built before, and how many starts ended undecided. Takes a minute or two.
"""

import time

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from typer import Option

import samdyn as sd
from samdyn import cli

MAPS = [
    *((sd.landscapes.double_well(), sd.SAM(rho)) for rho in (0.05, 0.5, 0.9)),
    (sd.landscapes.beale(), sd.SAM(0.3)),
    (sd.landscapes.himmelblau(), sd.SAM(0.3)),
    *((sd.landscapes.saddle(), sd.SAM(0.5, ascent_steps=n)) for n in range(1, 6)),
]


def main(resolution: int = Option(200, help="Starts on each side of the box.")) -> None:
    """Measure every map once, after a small one that builds its code."""
    table = Table("landscape", "method", "starts/s", "starts/CPU s", "undecided", "unbounded")
    for landscape, method in MAPS:
        flow = sd.Flow(landscape, method)
        sd.basins(flow, resolution=20)
        begin = np.array([time.perf_counter(), time.process_time()])
        basins = sd.basins(flow, resolution=resolution)
        rates = basins.label.size / ([time.perf_counter(), time.process_time()] - begin)
        counts = [int((basins.label == label).sum()) for label in (sd.analysis.UNDECIDED, sd.analysis.UNBOUNDED)]
        table.add_row(landscape.name, str(method), *(f"{r:,.0f}" for r in rates), *map(str, counts))
    Console(width=110).print(f"{torch.get_num_threads()} threads", table)


if __name__ == "__main__":
    cli.run(main)
