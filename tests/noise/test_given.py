"""Steps with given draws, and noise that says nothing of its outcomes."""

import doctest
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.noise import given
from samdyn.noise.model import Source
from samdyn.oracle import Oracle

BOWL = sd.Landscape("x**2 + y**2/2", "x y")


@dataclass(frozen=True, eq=False)
class Scaled(sd.noise.Noise):
    """Gradients times 1 + ξ, ξ standard normal: only sample and oracle are written."""

    def on(self, landscape: sd.Landscape) -> "ScaledSource":
        return ScaledSource(landscape, self.coupling)


class ScaledSource(Source):
    def sample(self, draws: sd.noise.Draws, draw: int) -> torch.Tensor:
        return draws.normals(draw, 1)

    def oracle(self, batch: torch.Tensor, part: int) -> Oracle:
        mean = self.landscape.grad
        return Oracle(lambda w: (1 + batch[0].to(w)) * mean(w), lambda w, v: (1 + batch[0].to(w)) * mean.hvp(w, v))


def test_the_example_runs() -> None:
    assert doctest.testmod(given).attempted == 3
    assert not doctest.testmod(given).failed


@pytest.mark.parametrize("coupling", ["shared", "independent", "clean"])
def test_given_batches_are_what_draws_would_have_drawn(coupling: str) -> None:
    map_ = sd.Map(BOWL, sd.USAM(0.1), lr=0.1, momentum=0.5, noise=Scaled(coupling=coupling))
    state = map_.start(torch.tensor([[1.0, 2.0, -1.0], [0.3, 0.1, 2.0]], dtype=torch.float64))
    draws = sd.noise.Draws(3, torch.arange(3), 7)
    source = Scaled().on(BOWL)
    batches = [source.sample(draws, draw) for draw in range(2)]
    for one, other in zip(map_.step(state, draws), map_.step(state, sd.noise.Given(batches)), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(map_.step(state, draws)[0], map_.step(state, sd.noise.Given(batches[::-1]))[0])


def test_noise_without_outcomes_is_simulated_but_has_no_moments() -> None:
    map_ = sd.Map(BOWL, sd.USAM(0.1), lr=0.1, noise=Scaled())
    runs = sd.simulate(map_, [(1.0, 1.0)] * 4, 3, backend="eager")
    assert len(np.unique(runs.w[:, -1, 0])) == 4
    message = r"noise = 'ScaledSource': does not say .*Define outcomes\(\) in this class, or simulate a Map"
    asked: list[Any] = [
        lambda: sd.Diffusion(BOWL, sd.USAM(0.1), Scaled(), lr=0.1),
        lambda: sd.analysis.linear_step(map_),
        lambda: sd.analysis.expected(map_, [lambda w: w[0]], (0.1, 0.1), 0.2, ((-1, 1), (-1, 1))),
    ]
    for ask in asked:
        with pytest.raises(sd.InputError, match=message):
            ask()


def test_a_radius_for_every_method() -> None:
    assert sd.GD().radius == 0.0
    for kind in (sd.SAM, sd.USAM, sd.DNSAM, sd.ASAM, sd.UASAM, sd.ExactSAM):
        assert kind(0.3).radius == 0.3
    assert sd.Map(BOWL, sd.SAM(0.2), lr=0.1).radius == 0.2
    assert sd.Map(BOWL, lambda w, grad: grad(w), lr=0.1).radius == 0.0  # type: ignore[arg-type]
