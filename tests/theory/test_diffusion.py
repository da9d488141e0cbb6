"""The closed forms of the spread by noise, against the exact recursion of the iterates."""

from typing import Any

import numpy as np
import pytest

import samdyn as sd
from samdyn import analysis, theory

RATES = (0.002, 0.001, 0.0005)
B, RHO = 16, 0.3


def variance(field: sd.Method | float, lam: float, lr: float, t: float, momentum: float, coupling: str) -> float:
    """The recursion's variance along λ; of a number a, that of a field aw with noise |λ|/B: the model of [K23]."""
    if isinstance(field, float):
        landscape, method, noise = sd.landscapes.quadratic([field]), sd.GD(), sd.noise.Gaussian(abs(lam) / B)
    else:
        landscape, method = sd.landscapes.quadratic([lam]), field
        noise = sd.noise.Fisher((0,), B, coupling=coupling)
    map_ = sd.Map(landscape, method, lr=lr, momentum=momentum, noise=noise)
    return float(analysis.linear_step(map_).moments((0,), round(t / lr))[1][-1, 0, 0])


def order(sizes: tuple[float, ...], errors: list[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(np.abs(errors)), 1)[0])


COUPLINGS = ("shared", "independent", "clean")
FORMS = [
    *((theory.sgd_msd, "GD", "shared", momentum) for momentum in (0.0, 0.6)),
    *((theory.usam_msd, "USAM", c, momentum) for c in COUPLINGS for momentum in (0.0, 0.6)),
    *((theory.exact_sam_msd, "ExactSAM", c, momentum) for c in COUPLINGS for momentum in (0.0, 0.6)),
    (theory.theorem_2_msd, "model", "", 0.0),
    (theory.theorem_3_msd, "model", "", 0.6),
]


@pytest.mark.parametrize("lam", [-1.0, 2.0])
@pytest.mark.parametrize(("form", "of", "coupling", "momentum"), FORMS, ids=lambda v: getattr(v, "__name__", f"{v}"))
def test_right_to_first_order_in_lr(form: Any, of: str, coupling: str, momentum: float, lam: float) -> None:
    field: Any = {"GD": sd.GD(), "USAM": sd.USAM(RHO), "ExactSAM": sd.ExactSAM(RHO)}.get(of, lam * (1 + RHO * lam) ** 2)
    given: dict[str, Any] = {"lam": lam, "batch_size": B, "t": 1.0}
    given |= {"momentum": momentum} if momentum else {}
    given |= {"rho": RHO} if of != "GD" else {}
    given |= {"coupling": coupling} if of in ("USAM", "ExactSAM") else {}
    measured = [variance(field, lam, lr, 1.0, momentum, coupling) for lr in RATES]
    errors = [m / form(lr=lr, **given) - 1 for m, lr in zip(measured, RATES, strict=True)]
    assert order(RATES, errors) == pytest.approx(1, abs=0.1)
    assert theory.check(form, measured[-1], 0.02, lr=RATES[-1], **given), (errors, given)


@pytest.mark.parametrize("lam", [-1.0, 2.0])
@pytest.mark.parametrize("coupling", COUPLINGS)
def test_gap_of_usam(lam: float, coupling: str) -> None:
    """Along ρ = t/2 = ε and η ∝ ε², what the leading order leaves out is of relative size ε."""
    sizes, errors = (0.04, 0.02, 0.01), []
    for size in sizes:
        lr, rho, t = size**2 / 4, size, 2 * size
        given = {"lam": lam, "lr": lr, "batch_size": B, "t": t, "rho": rho, "coupling": coupling}
        plain, perturbed = (variance(m, lam, lr, t, 0.0, coupling) for m in (sd.GD(), sd.USAM(rho)))
        errors.append((plain - perturbed) / theory.usam_gap(**given) - 1)
    assert order(sizes, errors) == pytest.approx(1, abs=0.1)
    assert theory.check(theory.usam_gap, plain - perturbed, 0.1, **given)


def test_gap_of_theorem_2() -> None:
    sizes, errors = (0.04, 0.02, 0.01), []
    for size in sizes:
        lr, rho, t = size**2 / 4, size, size
        given = {"lam": -1.0, "lr": lr, "batch_size": B, "t": t, "rho": rho}
        gap = variance(-1.0, -1.0, lr, t, 0.0, "") - variance(-((1 - rho) ** 2), -1.0, lr, t, 0.0, "")
        errors.append(gap / theory.theorem_2_gap(**given) - 1)
    assert order(sizes, errors) == pytest.approx(1, abs=0.1)
    assert theory.check(theory.theorem_2_gap, gap, 0.1, **given)


def test_theorem_2_is_what_no_coupling_does() -> None:
    """theory 13's numbers: 8.11e-4 told, and six couplings and methods that are elsewhere."""
    given = {"lam": -1.0, "lr": 0.01, "batch_size": 16, "t": 1.0, "rho": 0.5}
    told = theory.theorem_2_msd(**given)
    assert told == pytest.approx(8.11e-4, rel=0.05)  # the recursion's; the limit η → 0 is 7e-3 from it
    for method in (sd.USAM(0.5), sd.ExactSAM(0.5)):
        for coupling in COUPLINGS:
            assert abs(variance(method, -1.0, 0.01, 1.0, 0.0, coupling) / told - 1) > 0.25


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("lam", [-1.0, 0.0, 1.0])
def test_heavy_ball_exactly(lam: float, momentum: float) -> None:
    lr, t = 0.01, 2.0
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.GD(), lr=lr, momentum=momentum, noise=sd.noise.Gaussian(1 / B))
    measured = float(analysis.linear_step(map_).moments((0,), 200)[1][-1, 0, 0])
    given = {"drift": lam, "noise": 1 / B, "lr": lr, "t": t, "momentum": momentum}
    # At λ = 0 without momentum the limit is no rival: sums of steps are as they are.
    assert theory.check(theory.heavy_ball_msd, measured, 1e-9, **given).agrees
    assert theory.check(theory.heavy_ball_msd, measured, 1e-9, **given).rejects_rival or lam == momentum == 0


def test_theorem_3_overshoots_as_theory_md_says() -> None:
    """Entry 14's 1168 is Theorem 3's own model: drift λ(1 + ρλ)² with the noise left at |λ|/B, from rest."""
    given = {"lam": -1.0, "lr": 0.001, "batch_size": 16, "t": 1.0, "momentum": 0.9, "rho": 0.1}
    exact = variance(-0.81, -1.0, 0.001, 1.0, 0.9, "")
    assert exact == pytest.approx(1168, abs=0.5)
    assert theory.theorem_3_msd(**given) == pytest.approx(4187, abs=0.5)
    assert theory.theorem_3_other_reading(**given) == pytest.approx(4187, abs=0.5)
    assert theory.theorem_3_msd(**given) / exact == pytest.approx(3.585, abs=0.001)


@pytest.mark.parametrize(("momentum", "lr"), [(0.5, 1e-4), (0.9, 2e-6)])
def test_how_much_theorem_3_overstates(momentum: float, lr: float) -> None:
    """The start, from rest, adds to the logarithm what is some (1−γ)/(|a|t) of it, and halves as t doubles.

    Exact is heavy_ball_msd, the recursion to 1e-9 (above): a million steps of the recursion itself take too long here.
    """
    times, errors = (5.0, 10.0) if momentum == 0.5 else (1.0, 2.0), []
    for t in times:
        given = {"lam": -1.0, "lr": lr, "t": t, "momentum": momentum}
        exact = theory.heavy_ball_msd(drift=-1.0, noise=1 / B, lr=lr, t=t, momentum=momentum)
        excess = np.log(theory.theorem_3_msd(batch_size=B, **given) / exact)
        errors.append(excess / theory.theorem_3_excess(**given) - 1)
    assert errors[1] / errors[0] == pytest.approx(0.5, abs=0.1)
    assert theory.check(theory.theorem_3_excess, excess, 0.1, **given)


def test_the_first_term_of_theorem_3_has_the_wrong_sign_from_rest() -> None:
    """At ρ = 1/|λ| its drift is 0: the spread is D t/(1−γ)², plus (first term) +½, and is −γ(2+γ)/(1+γ) → −3/2, in
    units of η²|λ|/((1−γ)³B)."""
    lr, t, momentum = 0.01, 2.0, 0.9
    given = {"lam": -1.0, "lr": lr, "batch_size": B, "t": t, "momentum": momentum, "rho": 1.0}
    unit = lr**2 / ((1 - momentum) ** 3 * B)
    diffusion = lr * t / (B * (1 - momentum) ** 2)
    exact = variance(0.0, -1.0, lr, t, momentum, "")
    assert (theory.theorem_3_msd(**given) - diffusion) / unit == pytest.approx(0.5, rel=1e-6)
    assert (exact - diffusion) / unit == pytest.approx(-momentum * (2 + momentum) / (1 + momentum), rel=1e-6)
    assert abs(theory.theorem_3_other_reading(**given) - exact) < abs(theory.theorem_3_msd(**given) - exact)


def test_arrays_broadcast() -> None:
    rho, momentum = np.linspace(0, 2, 5), np.array([[0.0], [0.5], [0.9]])
    found = theory.theorem_3_msd(lam=-1.0, lr=0.01, batch_size=16, t=1.0, momentum=momentum, rho=rho)
    assert np.shape(found) == (3, 5)
    one = theory.theorem_3_msd(lam=-1.0, lr=0.01, batch_size=16, t=1.0, momentum=0.5, rho=1.0)  # no drift: a = 0
    assert np.asarray(found)[1, 2] == pytest.approx(one, rel=1e-15)
    assert np.isinf(theory.ou(-1e4, 1.0, 1.0))


def test_unknown_coupling() -> None:
    with pytest.raises(sd.InputError, match="Did you mean 'shared'"):
        theory.usam_msd(lam=-1.0, lr=0.01, batch_size=16, t=1.0, coupling="share")


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("claim", ["usam_msd", "exact_sam_msd", "usam_gap"])
def test_couplings_are_named_in_any_case(claim: str, coupling: str) -> None:
    at = {"lam": -2.0, "lr": 0.05, "batch_size": 4, "t": 1.0, "rho": 0.4}
    formula = getattr(theory, claim)
    assert formula(**at, coupling=coupling.title()) == formula(**at, coupling=coupling)


def test_gaps_by_hand() -> None:
    # η/B (−2ρλ|λ|t) = 0.0125 · 3.2 · 1 = 0.04 shared; η/B (−ρ²|λ|³t + ρ|λ|³t²) = 0.0125 (−1.28 + 3.2) independent.
    at = {"lam": -2.0, "lr": 0.05, "batch_size": 4, "t": 1.0, "rho": 0.4}
    assert theory.usam_gap(**at, coupling="Shared") == pytest.approx(0.04, rel=1e-14)
    assert theory.usam_gap(**at, coupling="INDEPENDENT") == pytest.approx(0.024, rel=1e-14)
