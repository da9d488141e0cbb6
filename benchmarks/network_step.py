"""A training step of SAM on a small ResNet: what the optimizer takes beside the two passes through the network.

ResNet-8 of width 16 with batch norm, 64 images of 32×32 a batch, float32, with the updates of SGD and of torch's AdamW.
The rivals: pytorch_optimizer's SAM around the same, with and without its helpers that keep the statistics of batch
norm, which ours sees to by itself; and the two passes alone, forward and backward, without any update.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from harness import Case, Check, Contender, Effort, Missing, gather
from torch import nn
from torch.nn import functional

import samdyn as sd
from samdyn.networks import Optimizer, models

RHO = 0.05
SETTINGS: dict[str, dict[str, float]] = {
    "SGD": {"lr": 0.01, "momentum": 0.9},
    "AdamW": {"lr": 1e-3, "eps": 1e-2},  # with a smaller eps the sign of a gradient that rounding makes decides
}
ROUNDS = 40
CHECKED = 3  # steps after which networks are compared
# Weights are below 2 and rounded to 1e-7 in every step; gradients, in other orders of summation, to 1e-5 of their size.
LARGEST = 1e-5

Closure = Callable[[], torch.Tensor]
Step = Callable[[], object]
Maker = Callable[[nn.Module, Closure], Step]


def cases(effort: Effort) -> Iterator[Case]:
    """Yield the one network with each update."""
    for base in SETTINGS:
        yield case(base, 8 if effort.quick else 64)


def case(base: str, size: int) -> Case:
    """Return the network with the update of an optimizer."""
    makers = {
        "samdyn": lambda: partial(with_samdyn, base),
        "pytorch_optimizer": partial(with_pytorch_optimizer, base, False),
        "pytorch_optimizer, statistics kept": partial(with_pytorch_optimizer, base, True),
        "two passes": lambda: passes_alone,
    }
    made, missing = gather(makers)
    reference = trained(made["samdyn"], size)
    checks = [
        Check(
            name,
            "largest difference of a weight from samdyn's",
            float((trained(m, size) - reference).abs().max()),
            LARGEST,
        )
        for name, m in made.items()
        if name != "two passes"
    ]
    contenders = []
    for name, maker in made.items():
        model = network()
        contenders.append(Contender(name, repeated(maker(model, closure_of(model, size))), size))
    # Times of passes differ from one to the next by more than what is asked for: so the rest is measured by itself too.
    apart = beside(made, size)
    extra = {"the two passes, ms": 1e3 * apart["two passes"][1]}
    for name in set(made) - {"two passes"}:
        extra[f"{name} beside them, ms"] = 1e3 * apart[name][0]
    setting = {"workload": "network_step", "base": base, "N": size, "dtype": "float32"}
    return Case(setting, "images", contenders, checks, missing, dict(sorted(extra.items())))


def network() -> nn.Module:
    """Return the network, in training mode."""
    return models.resnet((1, 1, 1), 16)


def closure_of(model: nn.Module, size: int) -> Closure:
    """Return the loss of one batch and its gradients."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(size, 3, 32, 32, generator=generator), torch.randint(10, (size,), generator=generator)

    def closure() -> torch.Tensor:
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        return loss

    return closure


def beside(makers: dict[str, Maker], size: int) -> dict[str, tuple[float, float]]:
    """Return the time of a step outside the passes, and in them, in seconds: medians over rounds.

    Each round takes a step with every maker, so that what else the machine does meets them alike.
    """
    inside = 0.0

    def timed(closure: Closure) -> Closure:
        def watched() -> torch.Tensor:
            nonlocal inside
            began = time.perf_counter()
            loss = closure()
            inside += time.perf_counter() - began
            return loss

        return watched

    steps, times = {}, {name: [] for name in makers}
    for name, maker in makers.items():
        model = network()
        steps[name] = maker(model, timed(closure_of(model, size)))
    for _ in range(ROUNDS):
        for name, step in steps.items():
            inside, began = 0.0, time.perf_counter()
            step()
            times[name].append((time.perf_counter() - began - inside, inside))
    return {name: tuple(map(statistics.median, zip(*of, strict=True))) for name, of in times.items()}


def with_samdyn(base: str, model: nn.Module, closure: Closure) -> Step:
    """Return a step of ours, whose SGD needs no base."""
    made = None if base == "SGD" else getattr(torch.optim, base)
    optimizer = Optimizer(model.parameters(), sd.SAM(RHO), base=made, **SETTINGS[base])
    return lambda: optimizer.step(closure)


def with_pytorch_optimizer(base: str, keep: bool) -> Maker:
    """Return a step of theirs, as they document it; or with its helpers that keep batch norm's statistics, as ours."""
    try:
        import pytorch_optimizer
        from pytorch_optimizer.optimizer.utils import disable_running_stats, enable_running_stats
    except ImportError as error:
        raise Missing(f"{error.name} is not installed") from error

    def made(model: nn.Module, closure: Closure) -> Step:
        made = getattr(torch.optim, base)
        optimizer = pytorch_optimizer.SAM(model.parameters(), made, rho=RHO, **SETTINGS[base])

        def step() -> None:
            optimizer.zero_grad()
            closure()
            if keep:
                disable_running_stats(model)
            optimizer.step(closure)
            if keep:
                enable_running_stats(model)

        return step

    return made


def passes_alone(model: nn.Module, closure: Closure) -> Step:
    """Return the two passes, of which nothing is made."""

    def step() -> None:
        for _ in range(2):
            model.zero_grad()
            closure()

    return step


def repeated(step: Step) -> Callable[[int], None]:
    """Return work for a contender."""

    def work(amount: int) -> None:
        for _ in range(amount):
            step()

    return work


def trained(maker: Callable[[nn.Module, Closure], Step], size: int) -> torch.Tensor:
    """Return the weights after some steps."""
    model = network()
    repeated(maker(model, closure_of(model, size)))(CHECKED)
    return torch.cat([p.detach().flatten() for p in model.parameters()])
