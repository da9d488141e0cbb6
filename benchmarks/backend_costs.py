"""What the two backends cost on this machine: the numbers by which ``backend="auto"`` chooses.

Prints one ``Costs`` of samdyn.simulation.backends. Times are of the processor, the compiler's included, and the least
of several; on a GPU they are of the clock.
"""

import os
import resource
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch

import samdyn as sd
from samdyn.compiler import Kernel, cache
from samdyn.simulation.iterates.advance import traced
from samdyn.simulation.iterates.stepping import Ensemble, Steps

REPEATS, MANY = 5, 2**18
MAPS = [
    sd.Map(sd.landscapes.named(name), method, lr=1e-4, momentum=0.9, noise=noise)
    for name in ("saddle", "beale", "himmelblau")
    for method in (sd.GD(), sd.SAM(0.1, ascent_steps=3))
    for noise in (None, sd.noise.Gaussian(0.1))
]


def processor() -> float:
    """Return seconds of the processor, of this process and of those it called."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def clock() -> float:
    """Return seconds of the clock, when the GPU has done what it was asked for."""
    torch.cuda.synchronize()
    return time.perf_counter()


def least(work: Callable[[], object], now: Callable[[], float], times: int = REPEATS) -> float:
    """Return the least time of several."""
    found = []
    for _ in range(times):
        begin = now()
        work()
        found.append(now() - begin)
    return min(found)


def runs_of(map_: sd.Map, number: int, device: str) -> tuple[Steps, Ensemble]:
    """Return the step of a map, and runs."""
    w = torch.ones(map_.landscape.dim, number, dtype=torch.float64, device=device)
    place = torch.arange(number, device=device)
    return Steps(map_, None), Ensemble(map_.start(w), place >= 0, 0 * place, place)


def fit(of: list[list[float]], seconds: list[float]) -> np.ndarray:
    """Return what each of some things takes, from how many there were: least squares of relative errors."""
    a, b = np.array(of), np.array(seconds)
    return np.linalg.lstsq(a / b[:, None], np.ones(len(b)), rcond=None)[0]


def measure(device: str) -> None:
    """Print the costs of a kind of device."""
    now = processor if device == "cpu" else clock
    rows: dict[str, list[float]] = {"eager": [], "traced": [], "loaded": [], "compiled": []}
    counts: dict[str, list[list[float]]] = {"eager": [], "traced": [], "compiled": []}
    for map_ in MAPS:
        steps, one = runs_of(map_, 1, device)
        kernel = traced(steps, one)
        for number, times in ((1, 50), (MANY, 2)):
            steps, state = runs_of(map_, number, device)

            def several(step: Steps = steps, state: Ensemble = state, times: int = times) -> None:
                for k in range(times):
                    step(*state.tensors, 0, k)

            several()
            counts["eager"].append([kernel.calls, kernel.operations * number])
            rows["eager"].append(least(several, now) / times)
        counts["traced"].append([kernel.calls])
        rows["traced"].append(least(lambda steps=steps, one=one: traced(steps, one), processor))
        counts["compiled"].append([1, kernel.operations])
        rows["compiled"].append(least(kernel.build, processor, 1))
        if isinstance(kernel, Kernel):

            def load(kernel: Kernel = kernel) -> None:
                cache._checked.clear()
                kernel.build()

            rows["loaded"].append(least(load, processor))
    operation, number = fit(counts["eager"], rows["eager"])
    (trace,) = fit(counts["traced"], rows["traced"])
    compile_, line = fit(counts["compiled"], rows["compiled"])
    load = np.mean(rows["loaded"]) if rows["loaded"] else 0.0
    print(
        f"{device}: Costs(operation={operation:.2g}, number={number:.2g}, trace={trace:.2g}, load={load:.2g}, "
        f"compile={compile_:.2g}, line={line:.2g})"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        os.environ["SAMDYN_CACHE"] = folder
        for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
            measure(device)
