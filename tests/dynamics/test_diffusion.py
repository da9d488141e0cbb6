"""Diffusions: drift and covariance of each model, by hand; the underdamped form; what is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd

QUADRATIC = sd.landscapes.quadratic([2.0, -1.0])
BEALE = sd.landscapes.beale()
H = np.diag([2.0, -1.0])
RHO, BATCH = 0.3, 4
W = torch.tensor([[0.7, -0.2], [0.4, 1.1]], dtype=torch.float64)
DATA = {"p": [1.0, 2.0, 0.5], "q": [0.6, 1.5, 2.0], "s": [-1.0, -0.5, -1.5]}
SUM = sd.SampleLandscape("p*a**2/2 + q*a*b + exp(s*b) + a**4/20", "a b", DATA)


def law(method: sd.Method, model: str, coupling: str = "shared") -> tuple[np.ndarray, np.ndarray]:
    noise = sd.noise.Fisher((0, 0), BATCH, coupling=coupling)
    mean, covariance = sd.Diffusion(QUADRATIC, method, noise, lr=0.1, model=model).law(W)
    return mean.numpy(), covariance.expand(2, 2, 2)[..., 0].numpy()


@pytest.mark.parametrize(
    ("method", "model", "coupling", "drift", "factor"),
    # In units of H w and of |H|/B, a = ρλ  [theory 13]
    [
        (sd.GD(), "moments", "shared", lambda a: 1, lambda a: 1),
        (sd.USAM(RHO), "moments", "shared", lambda a: 1 + a, lambda a: (1 + a) ** 2),
        (sd.USAM(RHO), "moments", "independent", lambda a: 1 + a, lambda a: 1 + a**2),
        (sd.USAM(RHO), "moments", "clean", lambda a: 1 + a, lambda a: 1),
        (sd.ExactSAM(RHO), "moments", "shared", lambda a: (1 + a) ** 2, lambda a: (1 + a) ** 4),
        (sd.USAM(RHO), "taylor", "shared", lambda a: 1 + a, lambda a: 1 + 2 * a),
        (sd.USAM(RHO), "fisher", "shared", lambda a: (1 + a) ** 2, lambda a: 1),
        (sd.ExactSAM(RHO), "fisher", "shared", lambda a: (1 + a) ** 2, lambda a: 1),
    ],
)
def test_on_a_quadratic(method: sd.Method, model: str, coupling: str, drift: Any, factor: Any) -> None:
    mean, covariance = law(method, model, coupling)
    lam = np.diag(H)
    np.testing.assert_allclose(mean, (lam * [drift(RHO * v) for v in lam])[:, None] * W.numpy(), rtol=1e-10)
    expected = np.diag(np.abs(lam) * [factor(RHO * v) for v in lam]) / BATCH
    np.testing.assert_allclose(covariance, expected, rtol=1e-9, atol=1e-14)


def samples(w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients ``(3, 2)`` and Hessians ``(3, 2, 2)`` of the three samples at a point."""

    def one(w: torch.Tensor, i: int) -> torch.Tensor:
        p, q, s = (SUM.data[row, i] for row in range(3))
        return p * w[0] ** 2 / 2 + q * w[0] * w[1] + torch.exp(s * w[1]) + w[0] ** 4 / 20

    g = torch.stack([torch.func.grad(one)(w, i) for i in range(3)])
    return g, torch.stack([torch.func.hessian(one)(w, i) for i in range(3)])


@pytest.mark.parametrize("name", ["USAM", "SAM", "DNSAM"])
def test_taylor_is_what_c23_has(name: str) -> None:
    """Drift ∇(L + ρ·penalty), and Σ + ρ(Σ̃ + Σ̃ᵀ), for batches of one sample, from their own formulas."""
    w = W[:, 0]
    g, h = samples(w)
    mean_norm = g.mean(0).norm()
    norms = {"USAM": 1, "SAM": g.norm(dim=1, keepdim=True), "DNSAM": mean_norm}
    hp = torch.einsum("nij,nj->ni", h, g / norms[name])
    if name == "DNSAM":
        drift = g.mean(0) + RHO * torch.einsum("nij,nj->i", h, g) / 3 / mean_norm
    else:

        def penalty(w: torch.Tensor) -> torch.Tensor:
            squares = (samples(w)[0] ** 2).sum(1)
            return squares.mean() / 2 if name == "USAM" else squares.sqrt().mean()

        drift = g.mean(0) + RHO * torch.func.grad(penalty)(w)
    tilde = (g - g.mean(0)).T @ (hp - hp.mean(0)) / 3
    expected = (g - g.mean(0)).T @ (g - g.mean(0)) / 3 + RHO * (tilde + tilde.T)
    sde = sd.Diffusion(SUM, getattr(sd, name)(RHO), sd.noise.FiniteSum(1), lr=0.1, model="taylor")
    mean, covariance = sde.law(w[:, None])
    torch.testing.assert_close(mean[:, 0], drift, rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(covariance[..., 0], expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", ["USAM", "SAM", "DNSAM"])
def test_taylor_is_off_by_the_square_of_the_radius(name: str) -> None:
    """Against the moments themselves, in drift and covariance; the covariance without Σ̃ is off by its first power."""
    radii = np.array([0.04, 0.02, 0.01])
    off: dict[str, list[float]] = {"drift": [], "covariance": [], "without": []}
    noise = sd.noise.FiniteSum(1)
    for rho in radii:
        method = getattr(sd, name)(rho)
        exact, taylor = (sd.Diffusion(SUM, method, noise, lr=0.1, model=m).law(W) for m in ("moments", "taylor"))
        plain = sd.Diffusion(SUM, sd.GD(), noise, lr=0.1).law(W)
        for key, a, b in (("drift", exact[0], taylor[0]), ("covariance", exact[1], taylor[1]),
                          ("without", exact[1], plain[1])):  # fmt: skip
            off[key].append(float((a - b).norm()))
    slopes = {key: np.polyfit(np.log(radii), np.log(values), 1)[0] for key, values in off.items()}
    assert slopes["drift"] == pytest.approx(2, abs=0.1)
    assert slopes["covariance"] == pytest.approx(2, abs=0.1)
    assert slopes["without"] == pytest.approx(1, abs=0.1)


def test_momentum_is_the_underdamped_system() -> None:
    """dw = −v dt, dv = (M − (1 − γ)v)/η dt + √(C/η) dW."""
    sde = sd.Diffusion(QUADRATIC, sd.USAM(RHO), sd.noise.Fisher((0, 0), BATCH), lr=0.1, momentum=0.8)
    v = torch.tensor([[1.0, 2.0], [-1.0, 0.5]], dtype=torch.float64)
    drift, b = sde.coefficients(torch.cat([W, v]))
    mean, covariance = sde.law(W)
    torch.testing.assert_close(drift, torch.cat([-v, (mean - 0.2 * v) / 0.1]))
    assert not b[:2].any()
    torch.testing.assert_close((b[2:, :, 0] @ b[2:, :, 0].T), covariance[..., 0] / 0.1)
    assert (sde.start(W) == torch.cat([W, 0 * W])).all()


def test_drift_is_the_mean_step_and_not_the_step_of_the_mean() -> None:
    """[theory 17] On Beale they differ by a factor."""
    w = torch.tensor([[0.1], [0.9]], dtype=torch.float64)
    mean = sd.Diffusion(BEALE, sd.SAM(0.3), sd.noise.Gaussian(4.0), lr=0.01).law(w)[0]
    of_mean = sd.SAM(0.3)(w, BEALE.grad)
    assert float((mean - of_mean).norm() / of_mean.norm()) > 0.3


def test_taylor_at_a_large_radius_has_no_root() -> None:
    """Where ρλ < −½ the covariance |λ|(1 + 2ρλ)/B is negative; moments, |λ|(1 + ρλ)²/B, never are."""
    noise = sd.noise.Fisher((0, 0), BATCH)
    sde = sd.Diffusion(QUADRATIC, sd.USAM(0.6), noise, lr=0.1, model="taylor")
    assert sde.coefficients(W)[1].isnan().any()
    assert not sd.Diffusion(QUADRATIC, sd.USAM(0.6), noise, lr=0.1).coefficients(W)[1].isnan().any()
    with pytest.raises(sd.InputError, match="indefinite"):
        sd.simulate(sd.EulerMaruyama(sde), [[0.1, 0.1]], 5)
    with pytest.raises(sd.InputError, match="indefinite"):
        sd.analysis.linear_diffusion(sde)


def test_in_float32() -> None:
    """The law is taken in float64: two samples in a plane make a singular covariance, which float32 rounds below 0."""
    two = sd.SampleLandscape("(a*x + b*y)**2/2", "a b", {"x": [1.0, 0.5], "y": [0.3, 2.0]})
    scheme = sd.EulerMaruyama(sd.Diffusion(two, sd.USAM(0.1), sd.noise.FiniteSum(1), lr=0.1))
    starts = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    single, double = (sd.simulate(scheme, starts, 10, dtype=d) for d in ("float32", "float64"))
    assert (single.status == "undecided").all()
    np.testing.assert_allclose(single.w, double.w, atol=1e-4)
    assert single.w.dtype == np.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "momnts"}, "Did you mean 'moments'"),
        ({"noise": None}, "a diffusion needs noise"),
        ({"lr": 0.0}, "lr = 0.0: must be a finite number > 0"),
        ({"momentum": 1.0}, "must lie in"),
        ({"model": "fisher", "noise": sd.noise.Gaussian(1.0)}, r"its covariance is \|H\|/B"),
        ({"model": "fisher", "method": sd.SAM(0.1)}, "no diffusion of SAM"),
        ({"model": "taylor", "noise": sd.noise.Gaussian(1.0, coupling="clean")}, "the noise is clean"),
        ({"model": "taylor", "method": sd.USAM(0.1, ascent_steps=2)}, "no expansion"),
        ({"model": "taylor", "method": sd.ExactSAM(0.1)}, "no expansion"),
        ({"noise": sd.noise.Fisher((1, 0), 4)}, "is not critical"),
        ({"lr": torch.ones(3)}, "needs a number"),
    ],
)
def test_bad_input(options: dict[str, Any], message: str) -> None:
    usual = {"method": sd.USAM(0.1), "noise": sd.noise.Fisher((0, 0), 4), "lr": 0.1}
    with pytest.raises(sd.InputError, match=message):
        sd.Diffusion(QUADRATIC, **{**usual, **options})


def test_the_diffusion_of_a_map() -> None:
    noise = sd.noise.Gaussian(1.0)
    map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(0.1), lr=0.02, momentum=0.5, noise=noise)
    expected = sd.Diffusion(map_.landscape, map_.method, noise, lr=0.02, momentum=0.5, model="taylor")
    assert sd.Diffusion.of(map_, "taylor") == expected
    with pytest.raises(sd.InputError, match="a diffusion needs noise"):
        sd.Diffusion.of(replace(map_, noise=None))
    with pytest.raises(sd.InputError, match="nesterov = True"):
        sd.Diffusion.of(replace(map_, nesterov=True))
    with pytest.raises(sd.InputError, match="must be a Map"):
        sd.Diffusion.of(sd.Flow(map_.landscape, map_.method))
