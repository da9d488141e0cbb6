"""The mean step of batches at a saddle, against batches as networks of their own and against rates by hand."""

import numpy as np
import pytest
import torch

from samdyn.checks import InputError
from samdyn.networks import Network, models
from samdyn.networks.saddle_dynamics import (
    MeanStep,
    SampleStep,
    ZeroWeights,
    effective_dim,
    hidden_units,
    mean_step,
    predicted_stalls,
)
from samdyn.networks.saddles import without_weights


@pytest.fixture(scope="module")
def samples() -> SampleStep:
    return ZeroWeights(hidden=1).unit_step


def test_the_noise_at_zero_weights_is_that_of_the_biases(samples: SampleStep) -> None:
    network = ZeroWeights(hidden=1).network
    shares = np.bincount(network.targets, minlength=10) / network.samples
    step = mean_step(samples, 16, 400)
    assert step.noise_norm == pytest.approx(np.sqrt((shares * (1 - shares) / 16).sum()), rel=0.05)  # 400 batches
    assert 8 < effective_dim(step.noise) < 9.2
    assert step.inverse_norm > 1 / step.noise_norm
    np.testing.assert_allclose(step.hessian, network.hessian(without_weights(network)), atol=1e-12)


def test_a_batch_is_the_mean_of_its_samples(samples: SampleStep) -> None:
    network = ZeroWeights(hidden=1).exact
    chosen, w = np.array([3, 700, 700]), without_weights(network)
    batch = Network(network.model, network.criterion, network.inputs[chosen], network.targets[chosen])
    torch.testing.assert_close(samples.gradients[chosen].mean(0), batch.grad(w), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(samples.hessians[chosen].mean(0), batch.hessian(w), rtol=1e-12, atol=1e-14)


def test_hessians_without_noise_couple_nothing() -> None:
    """With equal Hessians both couplings are H E[(I − uuᵀ)/‖ξ‖] H; noise along one axis leaves only the other."""
    h = torch.diag(torch.tensor([-1.0, 3.0], dtype=torch.float64))
    gradients = torch.tensor([[0.5, 0.0], [-0.5, 0.0]], dtype=torch.float64)
    step = mean_step(SampleStep(gradients, h.expand(2, 2, 2)), 1, 10)
    for matrix in step.perturbation.values():
        np.testing.assert_allclose(matrix, np.diag([0.0, 9 / 0.5]), atol=1e-12)
    np.testing.assert_allclose(step.additive(), np.diag([1 / 0.5, 9 / 0.5]))
    assert step.on(slice(0, 1)).hessian.tolist() == [[-1.0]]


def test_noise_of_the_hessian_counts_where_a_batch_is_shared() -> None:
    """With H₁ = −1 ± 2 the mean of H_B² is 5 across the noise, and H² is 1."""
    gradients = torch.tensor([[0.5, 0.0], [-0.5, 0.0]], dtype=torch.float64)
    hessians = torch.stack([torch.diag(torch.tensor([0.0, lam], dtype=torch.float64)) for lam in (-3.0, 1.0)])
    step = mean_step(SampleStep(gradients, hessians), 1, 4000)
    assert step.perturbation["shared"][1, 1] == pytest.approx(5 / 0.5, rel=0.05)
    assert step.perturbation["independent"][1, 1] == pytest.approx(1 / 0.5, rel=0.15)


def test_a_mean_step_slows_down_from_where_its_growth_says() -> None:
    hessian, starts = np.diag([-1.0]), np.full((2, 1, 1), 0.01)
    step = MeanStep(hessian, {"shared": hessian @ hessian}, np.ones((1, 1)), 1.0)
    # ½w² = 0.02 by t = 10 if w grows twentyfold: at a rate of 0.3 per t, λ(1+ρλ) = −0.304 with steps.
    radius = step.stalls_from(step.perturbation["shared"], starts, 0.02, lr=0.1, steps=100)
    assert radius == pytest.approx(1 - (20**0.01 - 1) / 0.1, rel=0.04)  # the grid's step
    assert step.stalls_from(0 * hessian, starts, 0.02, lr=0.1, steps=100) == np.inf


def test_hidden_units_are_cut_out_of_the_vector() -> None:
    model = models.mlp((64, 3, 10), activation="tanh")
    w = ZeroWeights(hidden=3).exact.vector(model)[None]
    (units,) = hidden_units(w, (64, 3, 10))
    np.testing.assert_array_equal(units[:, :64], model[0].weight.detach().double())
    np.testing.assert_array_equal(units[:, 64], model[0].bias.detach().double())
    np.testing.assert_array_equal(units[:, 65:].T, model[2].weight.detach().double())
    with pytest.raises(InputError, match=r"must be \(n, "):
        hidden_units(w, (64, 2, 10))


def test_parts_must_not_be_empty(samples: SampleStep) -> None:
    with pytest.raises(InputError, match="are fewer than the 8 parts"):
        predicted_stalls(samples, np.zeros((1, 1, 75)), 8, 4, drop=0.1, lr=0.1, steps=10)
