"""A training step of SAM on a small ResNet: what the optimizer takes beside the two passes through the network.

ResNet-8 of width 16 with batch norm, 64 images of 32×32 a batch, float32. The rivals: pytorch_optimizer's SAM around
SGD, and the two passes alone, forward and backward, without any update.
"""

import time
from collections.abc import Callable, Iterator

import torch
from harness import Case, Check, Contender, Effort, Missing, gather
from torch import nn
from torch.nn import functional

import samdyn as sd
from samdyn.networks import Optimizer, models

RHO, LR, MOMENTUM = 0.05, 0.01, 0.9
MEANS = 8
CHECKED = 3  # steps after which networks are compared
# Weights are below 2 and rounded to 1e-7 in every step; gradients, in other orders of summation, to 1e-5 of their size.
LARGEST = 1e-5

Closure = Callable[[], torch.Tensor]
Step = Callable[[], object]


def cases(effort: Effort) -> Iterator[Case]:
    """Yield the one network."""
    size = 8 if effort.quick else 64
    makers = {
        "samdyn": lambda: with_samdyn,
        "pytorch_optimizer": with_pytorch_optimizer,
        "two passes": lambda: passes_alone,
    }
    made, missing = gather(makers)
    reference = trained(with_samdyn, size)
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
    # Times of steps differ from one to the next by more than what is asked for: so it is measured by itself too.
    idle = {name: fastest(maker, recorded, 50) for name, maker in made.items()}
    passes = fastest(passes_alone, lambda model: closure_of(model, size), 5)
    extra = {"the two passes, ms": 1e3 * passes}
    for name in set(made) - {"two passes"}:
        extra[f"{name} beside them, ms"] = 1e3 * (idle[name] - idle["two passes"])
    setting = {"workload": "network_step", "N": size, "dtype": "float32"}
    yield Case(setting, "images", contenders, checks, missing, dict(sorted(extra.items())))


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


def recorded(model: nn.Module) -> Closure:
    """Return a closure that takes no time: its gradients were computed before."""
    closure_of(model, 2)()
    gradients = [p.grad.clone() for p in model.parameters()]

    def closure() -> torch.Tensor:
        for p, g in zip(model.parameters(), gradients, strict=True):
            p.grad = g.clone()
        return torch.tensor(1.0)

    return closure


def fastest(maker: Callable[[nn.Module, Closure], Step], closure: Callable[[nn.Module], Closure], steps: int) -> float:
    """Return the time of one step, in seconds: the least of several means."""
    model = network()
    work = repeated(maker(model, closure(model)))
    times = []
    for _ in range(MEANS):
        began = time.perf_counter()
        work(steps)
        times.append((time.perf_counter() - began) / steps)
    return min(times)


def with_samdyn(model: nn.Module, closure: Closure) -> Step:
    """Return a step of ours."""
    optimizer = Optimizer(model.parameters(), sd.SAM(RHO), LR, MOMENTUM)
    return lambda: optimizer.step(closure)


def with_pytorch_optimizer() -> Callable[[nn.Module, Closure], Step]:
    """Return a step of theirs, as they document it."""
    try:
        import pytorch_optimizer
    except ImportError as error:
        raise Missing(f"{error.name} is not installed") from error

    def made(model: nn.Module, closure: Closure) -> Step:
        optimizer = pytorch_optimizer.SAM(model.parameters(), torch.optim.SGD, rho=RHO, lr=LR, momentum=MOMENTUM)

        def step() -> None:
            optimizer.zero_grad()
            closure()
            optimizer.step(closure)

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
