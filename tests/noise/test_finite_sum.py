"""Mini-batches: which samples are drawn, how often, and what a step makes of them."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.noise import Draws
from samdyn.noise.expectation import Expectation, jumps

DATA = {"x": [1.0, 2.0, -1.0, 0.5], "y": [0.5, -1.0, 2.0, 0.0]}
FIT = sd.SampleLandscape("(a*x + tanh(b) - y)**2/2 + a**4/20", "a b", DATA)
W = torch.tensor([[0.3], [0.2]], dtype=torch.float64)
RUNS = 40_000


def drawn(noise: sd.noise.FiniteSum, runs: int = RUNS) -> np.ndarray:
    """Which samples the batches of some runs have, ``(B, runs)``."""
    numbered = sd.SampleLandscape("a*i", "a", {"i": np.arange(4.0)})
    return noise.on(numbered).sample(Draws(3, torch.arange(runs), 7), 0)[0].numpy().astype(int)


def check_uniform(counts: np.ndarray) -> None:
    """χ² of equally likely cells; above its mean by 5 of its standard deviations once in a million."""
    expected = counts.sum() / counts.size
    chi2 = ((counts - expected) ** 2 / expected).sum()
    freedom = counts.size - 1
    assert chi2 < freedom + 5 * np.sqrt(2 * freedom)


def test_with_replacement_every_sequence_is_as_likely() -> None:
    batch = drawn(sd.noise.FiniteSum(3))
    check_uniform(np.bincount(np.ravel_multi_index(tuple(batch), (4, 4, 4)), minlength=64))


def test_without_replacement_every_order_of_every_subset_is_as_likely() -> None:
    """The order matters: it says which samples share a micro-batch."""
    batch = drawn(sd.noise.FiniteSum(3, replacement=False))
    assert (np.sort(batch, 0)[1:] > np.sort(batch, 0)[:-1]).all()
    codes = np.ravel_multi_index(tuple(batch), (4, 4, 4))
    possible = [np.ravel_multi_index(p, (4, 4, 4)) for p in itertools.permutations(range(4), 3)]
    assert set(codes) == set(possible)
    check_uniform(np.bincount(codes, minlength=64)[possible])


def test_the_whole_data_without_replacement_is_no_noise() -> None:
    noisy = sd.Map(FIT, sd.SAM(0.1), lr=0.1, noise=sd.noise.FiniteSum(4, replacement=False))
    quiet = sd.Map(FIT, sd.SAM(0.1), lr=0.1)
    start = [[0.3, 0.2]] * 5
    ends = sd.simulate(noisy, start, 20).w.values, sd.simulate(quiet, start, 20).w.values
    np.testing.assert_allclose(*ends, rtol=1e-13)


@pytest.mark.parametrize(
    "noise",
    [
        sd.noise.FiniteSum(4, micro_batch=2),
        sd.noise.FiniteSum(3, replacement=False, coupling="independent"),
        sd.noise.LabelNoise(2, label="y", std=0.5, coupling="clean"),
    ],
    ids=["micro", "independent", "labels"],
)
def test_a_run_is_the_same_alone_and_in_company(noise: sd.noise.Noise) -> None:
    map_ = sd.Map(FIT, sd.SAM(0.2), lr=0.1, momentum=0.5, noise=noise)
    starts = np.random.default_rng(0).uniform(-1, 1, (40, 2))
    together = sd.simulate(map_, starts, 15, seed=3).w.values
    for part in (slice(0, 1), slice(7, 8), slice(10, 33)):
        alone = sd.simulate(map_, starts[part], 15, seed=3, first_run=part.start).w.values
        np.testing.assert_array_equal(alone, together[part])
    assert not (sd.simulate(map_, starts, 15, seed=4).w.values == together).any()


Batch = tuple[int, ...]
ALL = tuple(range(4))


def by_hand(method: str, batch: Batch, ascent: Batch, hessian: Batch, rho: float = 0.2) -> np.ndarray:
    """F with batches for the descent, the ascent, and the Hessian that exact SAM pulls the gradient through."""
    w = W[:, 0]
    up, down, pull = (FIT.data[:, list(b)] for b in (ascent, batch, hessian))
    g = FIT.batch_gradient(w, up)
    there = w + rho * (g / g.norm() if method == "SAM" else g)
    f = FIT.batch_gradient(there, down)
    return (f + rho * FIT.batch_hvp(w, pull, f) if method == "ExactSAM" else f).numpy()


@pytest.mark.parametrize("method", ["SAM", "USAM", "ExactSAM"])
@pytest.mark.parametrize("coupling", ["shared", "independent", "clean"])
@pytest.mark.parametrize("replacement", [True, False])
def test_enumerated_moments_by_hand(method: str, coupling: str, replacement: bool) -> None:
    choose = itertools.product if replacement else itertools.permutations
    batches = list(choose(range(4), repeat=2) if replacement else choose(range(4), 2))
    if coupling == "independent":  # a batch for every gradient, and for the Hessian
        hessians = batches if method == "ExactSAM" else batches[:1]
        steps = [by_hand(method, *each) for each in itertools.product(batches, batches, hessians)]
    else:
        steps = [by_hand(method, b, *([b, b] if coupling == "shared" else [ALL, ALL])) for b in batches]
    f = getattr(sd, method)(0.2)
    source = sd.noise.FiniteSum(2, replacement=replacement, coupling=coupling).on(FIT)
    mean, covariance = Expectation(source, f, jumps(source, f))(W)
    np.testing.assert_allclose(mean[:, 0], np.mean(steps, 0), rtol=1e-12)
    np.testing.assert_allclose(covariance[..., 0], np.cov(np.array(steps).T, bias=True), rtol=1e-11)


@pytest.mark.parametrize("replacement", [True, False])
def test_micro_batches_have_perturbations_of_their_own(replacement: bool) -> None:
    """F is the mean of F over the micro-batches; by hand over all ordered batches of 2 split in two."""
    batches = itertools.product(range(4), repeat=2) if replacement else itertools.permutations(range(4), 2)
    steps = [np.mean([by_hand("SAM", (i,), (i,), (i,)) for i in batch], 0) for batch in batches]
    source = sd.noise.FiniteSum(2, replacement=replacement, micro_batch=1).on(FIT)
    mean, covariance = Expectation(source, sd.SAM(0.2), True)(W)
    np.testing.assert_allclose(mean[:, 0], np.mean(steps, 0), rtol=1e-12)
    np.testing.assert_allclose(covariance[..., 0], np.cov(np.array(steps).T, bias=True), rtol=1e-11)
    whole = sd.noise.FiniteSum(2, replacement=replacement).on(FIT)
    assert not np.allclose(mean, Expectation(whole, sd.SAM(0.2), True)(W)[0], rtol=1e-2)


@pytest.mark.parametrize("m", [1, 2, 4])
def test_micro_batches_add_the_variance_of_their_gradients_to_usams_loss(m: int) -> None:
    """USAM's mean step is the gradient of L + (ρ/2)(‖∇L‖² + tr Σ/m) to first order in ρ  [theory 19].

    A central difference of E F in ρ is the first-order term up to O(ρ²).
    """
    rho = 1e-4
    source = sd.noise.FiniteSum(4, micro_batch=m).on(FIT)
    ups = [Expectation(source, sd.USAM(r), False)(W)[0][:, 0].numpy() for r in (0.0, rho)]
    slope = (ups[1] - ups[0]) / rho

    def penalty(w: torch.Tensor) -> torch.Tensor:
        each = torch.stack([FIT.batch_gradient(w, FIT.data[:, i : i + 1]) for i in range(4)])
        return (each.mean(0) ** 2).sum() / 2 + each.var(0, correction=0).sum() / (2 * m)

    expected = torch.func.grad(penalty)(W[:, 0]).numpy()
    assert slope == pytest.approx(expected, rel=1e-3)
    without = torch.func.grad(lambda w: (FIT.grad(w) ** 2).sum() / 2)(W[:, 0]).numpy()
    assert slope != pytest.approx(without, rel=0.05)


@pytest.mark.parametrize("coupling", ["shared", "independent"])
def test_label_noise_as_simulated(coupling: str) -> None:
    noise = sd.noise.LabelNoise(1, label="y", std=0.5, coupling=coupling)
    source, method = noise.on(FIT), sd.USAM(0.2)
    mean, covariance = (part[..., 0].numpy() for part in Expectation(source, method, False)(W))
    one = sd.Map(FIT, method, lr=1.0, noise=noise)
    f = (W.T - torch.tensor(sd.simulate(one, W.T.numpy().repeat(RUNS, 0), 1).w.values[:, -1])).numpy()
    assert (np.abs(f.mean(0) - mean) < 4.5 * np.sqrt(np.diag(covariance) / RUNS)).all()
    off = f - f.mean(0)
    products = off[:, :, None] * off[:, None]
    assert (np.abs(products.mean(0) - covariance) < 4.5 * products.std(0) / np.sqrt(RUNS)).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: sd.noise.FiniteSum(0), "batch_size = 0: must be an integer >= 1"),
        (lambda: sd.noise.FiniteSum(6, micro_batch=4), "does not divide the batch of 6"),
        (lambda: sd.noise.FiniteSum(6, micro_batch=0), "micro_batch = 0: must be an integer >= 1"),
        (lambda: sd.noise.Fisher((0, 0), 6, micro_batch=5), "does not divide the batch of 6"),
        (lambda: sd.Map(FIT, sd.GD(), lr=1, noise=sd.noise.FiniteSum(5, replacement=False)), "more than the 4 samples"),
        (lambda: sd.Map(sd.landscapes.saddle(), sd.GD(), lr=1, noise=sd.noise.FiniteSum(2)), "has no samples"),
        (lambda: sd.Map(FIT, sd.GD(), lr=1, noise=sd.noise.LabelNoise(1, label="z", std=1.0)), "Known: x, y"),
        (lambda: sd.noise.LabelNoise(1, label="y", std=-1.0), "std = -1.0"),
        (lambda: sd.noise.FiniteSum(1, replacement="no"), "must be True or False"),
        (
            lambda: sd.Diffusion(FIT, sd.SAM(0.1), sd.noise.LabelNoise(1, label="y", std=0.1), lr=0.1),
            "normalises a gradient that the noise of its labels may turn around",
        ),
        (
            lambda: sd.simulate(sd.Map(FIT, sd.GD(), lr=1, noise=sd.noise.FiniteSum(2**17 + 1)), (0, 0), 1),
            "is more than one draw has, 131072",
        ),
        (lambda: sd.Diffusion(FIT, sd.GD(), sd.noise.FiniteSum(100), lr=0.1), "batches of 100 of 4 samples"),
        (
            lambda: sd.Diffusion(FIT, sd.GD(), sd.noise.LabelNoise(8, label="y", std=1.0), lr=0.1),
            "Gaussian quadrature in 8 dimensions",
        ),
    ],
)
def test_bad_input(wrong: Any, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        wrong()


@pytest.mark.parametrize(("label", "of_labels"), [("y", 2), ("Y", 0.25)])
def test_labels_are_told_apart_by_case(label: str, of_labels: float) -> None:
    """From a = 0, ∇ℓ = −xy + XY: noise of variance 1 on y adds E[x²] = 2, and on Y it adds E[X²] = 1/4.

    Over the samples xy is ½, −2, −2 and Y is 0: their variance is 25/18.
    """
    landscape = sd.SampleLandscape(
        "(a*x - y)**2/2 + a*X*Y", "a", {"x": [1, 2, -1], "y": [0.5, -1, 2], "X": [0.5] * 3, "Y": [0, 0, 0]}
    )
    told = 0.1**2 * (25 / 18 + of_labels)
    noise = sd.noise.LabelNoise(1, label=label, std=1.0)
    runs = sd.simulate(sd.Map(landscape, sd.GD(), lr=0.1, noise=noise), np.zeros((20_000, 1)), 1)
    # The sample variance of 20,000 runs is off by 3 % at five standard errors, for tails as light as these.
    assert runs.w[:, -1].var().item() == pytest.approx(told, rel=0.05)
    with pytest.raises(sd.InputError, match=r"label = 'z'.*Known: X, Y, x, y"):
        sd.Map(landscape, sd.GD(), lr=0.1, noise=sd.noise.LabelNoise(1, label="z", std=1.0))
