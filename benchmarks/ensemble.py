"""SAM on Beale: an ensemble beside one trajectory at a time with autograd, as the papers' scripts do it.

Prints trajectory-steps per second, medians of five alternating rounds, and their ratio. Run it with
``.venv/bin/python benchmarks/ensemble.py``.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

import samdyn as sd

LR, RHO, RUNS, STEPS, LOOP_STEPS, ROUNDS = 1e-5, 0.1, 100_000, 200, 500, 5


def ensemble(starts: np.ndarray) -> None:
    """Run all starts at once."""
    sd.simulate(sd.Map(sd.landscapes.beale(), sd.SAM(RHO), lr=LR), starts, STEPS, device="cpu", progress=False)


def loop(start: np.ndarray) -> None:
    """Run one start, each gradient by autograd."""
    w = torch.tensor(start, requires_grad=True)

    def gradient(p: torch.Tensor) -> torch.Tensor:
        x, y = p
        loss = (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2
        return torch.autograd.grad(loss, p)[0]

    for _ in range(LOOP_STEPS):
        g = gradient(w)
        w = (w - LR * gradient(w + RHO * g / g.norm())).detach().requires_grad_()


def rate(work: Callable[[], None], steps: int) -> float:
    """Return steps per second."""
    start = time.perf_counter()
    work()
    return steps / (time.perf_counter() - start)


def main() -> None:
    """Alternate the two and print the medians."""
    starts = np.random.default_rng(0).uniform([0, -1], [4, 1.2], (RUNS, 2))
    ensemble(starts[:10])
    loop(starts[0])
    rounds = [
        (rate(lambda: ensemble(starts), RUNS * STEPS), rate(lambda: loop(starts[0]), LOOP_STEPS)) for _ in range(ROUNDS)
    ]
    fast, slow = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(a / b for a, b in rounds)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, float64, {RUNS:,} runs, SAM on Beale")
    print(f"ensemble {fast / 1e6:.1f} M steps/s, one trajectory with autograd {slow / 1e6:.4f}, ratio {ratio:,.0f}")


if __name__ == "__main__":
    main()
