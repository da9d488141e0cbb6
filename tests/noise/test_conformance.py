"""Every noise model keeps the rules of noise: a new file in samdyn/noise/ is tested without an edit here."""

import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import noise
from samdyn.catalogues import is_published
from samdyn.noise import Draws
from samdyn.noise.expectation import Expectation
from samdyn.noise.model import COUPLINGS, Source

# At (0, 0), a critical point, the residuals are −y.
DATA = {"x": [1.0, -1.0, 1.0, -1.0], "z": [1.0, -1.0, -1.0, 1.0], "y": [1.0, 1.0, -1.0, -1.0]}
LANDSCAPE = sd.SampleLandscape("(tanh(a*x) + b*z - y)**2/2", "a b", DATA, box=((-1, 1), (-1, 1)))
ARGUMENTS: dict[str, Any] = {"at": (0.0, 0.0), "batch_size": 2, "label": "y", "std": 0.2}
W = torch.tensor([[0.3, -0.2, 0.5], [0.1, 0.6, -0.4]], dtype=torch.float64)

NAMES = [name for name, cls in noise.catalogue().items() if is_published(cls)]


def build(name: str, coupling: str = "shared") -> sd.noise.Noise:
    """Return a noise of this class: fields that it needs and that are not listed above are 0.3."""
    cls = noise.catalogue()[name]
    needed = [f for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING]
    return cls(**{f.name: ARGUMENTS.get(f.name, 0.3) for f in needed}, coupling=coupling)


def gradients(source: Source, w: torch.Tensor, runs: int, call: int = 0) -> torch.Tensor:
    """Return noisy gradients of many runs at one point ``(d,)``: ``(d, runs)``, means over micro-batches."""
    draws = Draws(1, torch.arange(runs), 5)
    batch = source.sample(draws, call)
    at = w[:, None].expand(-1, runs)
    return torch.stack([source.oracle(batch, part)(at) for part in range(source.parts)]).mean(0)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_unbiased_and_as_spread_as_their_outcomes(name: str) -> None:
    source, runs = build(name).on(LANDSCAPE), 20_000
    defined = type(source).outcomes is not Source.outcomes
    for w in W.T:
        found = gradients(source, w, runs).numpy()
        spread = found.std(1)
        assert (spread > 0.01).all()
        mean = LANDSCAPE.grad(w).numpy()
        assert (np.abs(found.mean(1) - mean) < 4.5 * spread / runs**0.5).all()
        if defined:
            average, covariance = Expectation(source, sd.GD(), False)(w[:, None])
            np.testing.assert_allclose(average[:, 0], mean, rtol=1e-9, atol=1e-12)
            # A variance from n draws has the error √((κ − 1)/n) of itself; kurtosis κ is below 5 here.
            np.testing.assert_allclose(found.var(1), np.diag(covariance[..., 0]), rtol=4.5 * (4 / runs) ** 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_every_draw_of_every_step_of_every_run_is_its_own(name: str) -> None:
    source = build(name).on(LANDSCAPE)
    many = source.sample(Draws(3, torch.arange(50), 7), 0)
    assert torch.equal(many[..., 10:20], source.sample(Draws(3, torch.arange(10, 20), 7), 0))
    for other in ((3, 8, 0), (4, 7, 0), (3, 7, 1)):
        seed, step, draw = other
        assert not torch.equal(many, source.sample(Draws(seed, torch.arange(50), step), draw))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("coupling", COUPLINGS)
def test_a_step_is_the_same_alone_in_company_and_compiled(name: str, coupling: str) -> None:
    map_ = sd.Map(LANDSCAPE, sd.USAM(0.3), lr=0.1, momentum=0.5, noise=build(name, coupling))
    starts = np.random.default_rng(0).uniform(-0.5, 0.5, (12, 2))
    options: dict[str, Any] = {"seed": 3, "device": "cpu", "progress": False}
    together = sd.simulate(map_, starts, 5, backend="eager", **options).w.values
    alone = sd.simulate(map_, starts[4:7], 5, backend="eager", first_run=4, **options)
    np.testing.assert_array_equal(alone.w.values, together[4:7])
    compiled = sd.simulate(pickle.loads(pickle.dumps(map_)), starts, 5, backend="compiled", **options)
    assert compiled.backend == "compiled"
    np.testing.assert_allclose(compiled.w.values, together, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_clean_ascent_climbs_the_mean_gradient(name: str) -> None:
    source, draws = build(name, "clean").on(LANDSCAPE), Draws(1, torch.arange(3), 1)
    told = source.update(lambda w, grad: sd.USAM(0.3).perturbed(w, grad), W, draws)
    torch.testing.assert_close(told, W + 0.3 * LANDSCAPE.grad(W), rtol=1e-12, atol=1e-12)
    shared = build(name, "shared").on(LANDSCAPE).update(lambda w, grad: sd.USAM(0.3).perturbed(w, grad), W, draws)
    assert not torch.allclose(shared, told)


def test_the_catalogue_of_noises() -> None:
    assert {"FiniteSum", "Fisher", "Gaussian", "LabelNoise"} <= set(noise.catalogue())
    assert "Noise" not in noise.catalogue()
    assert noise.named("gaussian") is noise.Gaussian
    with pytest.raises(sd.InputError, match="Did you mean 'Fisher'"):
        noise.named("Fischer")
    with pytest.raises(AttributeError, match="no attribute 'Levy'; known: FiniteSum, "):
        _ = noise.Levy
