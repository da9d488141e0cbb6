"""What a machine with a GPU is asked to show: ``make gpu``.

Runs the tests marked ``gpu``, then measures stochastic SAM with momentum on Beale on the card: samdyn compiled, samdyn
eager, and the batch that a researcher would write in torch. Writes JSON named after the card, and prints a table last.
Takes under six minutes, needs no network, and ends with status 1 if a test fails or a contender computes something else
than it should.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import ours
import rivals
import sam_beale
import torch
from harness import Case, Check, Contender, Effort, Run, measure, moments, same_law, same_paths
from machine import machine
from report import table
from rich.console import Console
from typer import Exit, Option

import samdyn as sd
from samdyn import checks, cli

RESULTS = Path("benchmarks/results")
RUNS = (10_000, 1_000_000, 10_000_000)
SECONDS = 0.5  # of a turn
FEW_STEPS, SAMPLE = 20, 20_000  # steps after which paths are compared; runs whose moments are
ONE_STEP_CALLS = 3
TESTS_MAY_TAKE = 240  # seconds


def main(
    rounds: Annotated[int, Option(help="How many times every contender has its turn.")] = 3,
    largest: Annotated[int, Option(help="The largest number of runs.")] = RUNS[-1],
    out: Annotated[Path, Option(help="Folder for the JSON; a file of its name is replaced.")] = RESULTS,
) -> None:
    """Test and measure samdyn on this machine's GPU."""
    if not torch.cuda.is_available():
        checks.reject(
            "device", "cuda", f"torch {torch.__version__} sees no GPU", "Run it where torch.cuda.is_available()"
        )
    rounds = checks.count("--rounds", rounds, "Use e.g. --rounds 3")
    out.mkdir(parents=True, exist_ok=True)
    console, card = Console(highlight=False), torch.cuda.get_device_name()
    if not console.file.isatty():
        console.width = 100
    passed, told = tests()
    console.print(told)
    effort = Effort(rounds, SECONDS, False, largest)
    measured = [measure(case, effort) for case in cases(effort)]
    about = {**machine(), "card": card, "cuda": torch.version.cuda, "rounds": rounds, "tests": told}
    path = out / f"gpu_{re.sub('[^a-z0-9]+', '_', card.lower())}.json"
    path.write_text(json.dumps({"machine": about, "cases": measured}, indent=1))
    console.print(table(f"SAM with noise on {card}", measured))
    console.print(f"Tests: {told}. JSON in {path}")
    wrong = [check for case in measured for check in case["checks"] if not check["passed"]]
    for check in wrong:
        console.print(f"WRONG {check['name']}, {check['what']}: {check['error']:.3g} > {check['largest']:g}")
    if wrong or not passed:
        raise Exit(1)


def tests() -> tuple[bool, str]:
    """Run the tests marked gpu; return whether all passed, and pytest's last line. What fails is printed."""
    # By name: other files import packages that a machine without a network may lack.
    files = sorted(map(str, Path("tests").rglob("test_gpu.py")))
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", *files]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TESTS_MAY_TAKE, check=False)
    except subprocess.TimeoutExpired:
        return False, f"the tests took more than {TESTS_MAY_TAKE} s"
    lines = done.stdout.strip().splitlines() or ["pytest said nothing"]
    if done.returncode:
        print(done.stdout, done.stderr)
    return done.returncode == 0, lines[-1].strip("= ")


def cases(effort: Effort) -> Iterator[Case]:
    """Yield every number of runs in both precisions; the first of each precision has the checks."""
    map_ = sam_beale.system()
    settings = rivals.Settings(sam_beale.RHO, sam_beale.LR, sam_beale.MOMENTUM, sam_beale.VARIANCE**0.5)
    for dtype in ("float64", "float32"):
        engines = {f"samdyn {backend}": ours.simulate(map_, dtype, backend, "cuda") for backend in ours.BACKENDS}
        gradient = rivals.gradient(map_.landscape, "torch")
        engines["torch eager"] = rivals.torch_batch(gradient, settings, dtype, "cuda")
        for runs in (n for n in RUNS if n <= effort.largest):
            starts = np.random.default_rng(0).uniform([0, -1], [4, 1.2], (runs, 2))
            contenders = [
                Contender(name, lambda steps, run=run, starts=starts: run(starts, steps), runs, amount)
                for name, run in engines.items()
                for amount in [amounts(name, runs)]
            ]
            setting = {"workload": "sam_beale on CUDA", "N": runs, "dtype": dtype, "d": 2}
            compared = checked(engines, dtype) if runs == RUNS[0] else []
            beside = {"call of one step, s": shortest(engines["samdyn compiled"], starts)}
            yield Case(setting, "run-steps", contenders, compared, fallen_back(map_, starts, dtype), beside)


def amounts(name: str, runs: int) -> int | None:
    """Return how many steps are timed, so that the time is not what a call takes beside them, some 0.2 µs a run."""
    if runs < RUNS[-1]:
        return None
    return 5000 if name == "samdyn compiled" else 100


def shortest(run: Run, starts: np.ndarray) -> float:
    """Return the time of a call of one step, in seconds: copies of the runs, and whatever else is beside the steps."""
    run(starts, 1)
    times = []
    for _ in range(ONE_STEP_CALLS):
        began = time.perf_counter()
        run(starts, 1)
        times.append(time.perf_counter() - began)
    return min(times)


def fallen_back(map_: sd.Map, starts: np.ndarray, dtype: str) -> dict[str, str]:
    """Return why the backend "compiled" ran in eager torch; nothing if it did not."""
    runs = sd.simulate(map_, starts, 1, dtype=dtype, device="cuda", backend="compiled", progress=False)
    return {} if runs.attrs["backend"] == "compiled" else {"samdyn compiled": runs.attrs["backend_reason"][:60]}


def checked(engines: dict[str, Run], dtype: str) -> list[Check]:
    """Compare samdyn's runs on the card with its eager runs on the processor, and the rival's by their moments."""
    on_cpu = ours.simulate(sam_beale.system(), dtype, "eager")
    starts = np.random.default_rng(2).uniform([2, 0], [3.5, 0.8], (1000, 2))
    reference = on_cpu(starts, FEW_STEPS)
    found = [
        same_paths(name, run(starts, FEW_STEPS), reference, FEW_STEPS)
        for name, run in engines.items()
        if name.startswith("samdyn")
    ]
    one_start = np.tile(sam_beale.ONE_START, (SAMPLE, 1))
    (mean, variance), se = moments(on_cpu(one_start, sam_beale.LAW))
    rival = engines["torch eager"](one_start, sam_beale.LAW)
    return [*found, same_law("torch eager", rival, mean, variance, se)]


if __name__ == "__main__":
    cli.run(main)
