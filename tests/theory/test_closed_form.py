"""Closed forms are functions with real signatures, and a check of one can fail both ways."""

import inspect
import math
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy
import torch

import samdyn as sd
from samdyn import symbolic, theory
from samdyn.theory.closed_form import REGISTER, closed_form

X = sympy.Symbol("x")


def three_times(x: float) -> float:
    return 3 * x


@closed_form(source="here", rival=three_times, rival_reason="miscounting")
def twice(*, x: float) -> float:
    """Twice
    a number.

    More of it.
    """
    return 2 * x


def test_agreement_that_rejects_the_rival_is_true() -> None:
    assert theory.check(twice, 2.001, 0.01, x=1.0)


def test_disagreement_is_false() -> None:
    assert not theory.check(twice, 2.1, 0.01, x=1.0)


def test_a_check_too_wide_to_reject_the_rival_is_false() -> None:
    verdict = theory.check(twice, 2.4, 0.4, x=1.0)
    assert verdict.agrees
    assert not verdict


def test_what_is_said_of_a_form() -> None:
    found = theory.about(twice)
    assert (found.statement, found.source, found.rival_reason) == ("Twice a number.", "here", "miscounting")
    assert found.rival is three_times
    with pytest.raises(sd.InputError, match=r"is no closed form with a rival.*usam_msd"):
        theory.about(three_times)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"lam": -1.0, "lr": 0.01, "momentm": 0.9}, "Did you mean 'momentum'?"),
        ({"lam": -1.0, "lr": 0.01, "momentm": 0.9}, "takes lam, lr, momentum, rho"),
        ({"lam": -1.0}, "lr is missing"),
        ({"lam": -1.0, "lr": float("nan")}, "and is NaN"),
        ({"lam": "minus one", "lr": 0.01}, "must be a number or an array of numbers without NaN or an Expr"),
        ({"lam": None, "lr": 0.01}, "must be a number or an array of numbers without NaN or an Expr"),
    ],
)
def test_parameters_are_those_of_the_formula(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(sd.InputError, match=re.escape(words)):
        theory.escape_rate(**parameters)
    with pytest.raises(sd.InputError, match=re.escape(words)):
        theory.check(theory.escape_rate, 1.0, 0.1, **parameters)


def test_a_misspelt_parameter_of_theorem_2_is_refused() -> None:
    with pytest.raises(sd.InputError, match="takes lam, lr, batch_size, t, rho"):
        theory.theorem_2_msd(lam=-1.0, lr=0.01, batch_size=16, t=1.0, momentm=0.9)


FORMS = [getattr(theory, name) for name in theory.__all__ if inspect.isfunction(getattr(theory, name))]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_signatures_are_real(form: Callable[..., Any]) -> None:
    parameters = inspect.signature(form).parameters.values()
    assert parameters
    if form not in (theory.check, theory.labelled):  # they pass on the parameters of a closed form
        assert not any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters)
    assert all(p.annotation is not p.empty for p in parameters)
    documented = inspect.getdoc(form) or ""
    assert ">>> " in documented
    for parameter in parameters if form is not theory.about else ():
        assert re.search(rf"^ +(\w+, )*{parameter.name}(, \w+)*: ", documented, re.M), parameter.name


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_forms_and_rivals_are_pickled(form: Callable[..., Any]) -> None:
    assert pickle.loads(pickle.dumps(form)) is form
    if form in REGISTER:
        rival = theory.about(form).rival
        assert pickle.loads(pickle.dumps(rival)) is rival


def test_every_rival_takes_some_of_the_parameters_and_no_others() -> None:
    forms = [form for form in REGISTER if getattr(theory, form.__name__, None) is form]
    assert len(forms) == 24
    for form in forms:
        rival = inspect.signature(theory.about(form).rival).parameters
        assert rival
        assert set(rival) <= set(inspect.signature(form).parameters)


# Infinities and arrays.


def test_never_is_never() -> None:
    assert theory.Verdict(math.inf, math.inf, 2.0, 0.1)
    assert not theory.Verdict(math.inf, 2.0, 3.0, 0.1)
    assert not theory.Verdict(2.0, math.inf, 3.0, 0.1)
    assert theory.Verdict(2.0, 2.0, math.inf, 0.1)  # a finite measurement rejects "never"
    assert not theory.Verdict(math.inf, math.inf, math.inf, 0.1)
    assert not theory.Verdict(math.inf, -math.inf, 2.0, 0.1)


def test_arrays_are_held_case_by_case() -> None:
    lam = np.array([-2.0, -1.0, 2.0])
    found = theory.largest_lr(lam=lam, rho=0.25)
    assert found.tolist() == [math.inf, math.inf, 2 / 3]
    assert theory.check(theory.largest_lr, found, 1e-12, lam=lam, rho=0.25)
    assert not theory.check(theory.largest_lr, [math.inf, 1.0, 2 / 3], 1e-12, lam=lam, rho=0.25).agrees
    # Where the perturbation does nothing the rival cannot be told: one case that can is enough.
    assert theory.check(theory.largest_lr, [1.0, 2 / 3], 1e-3, lam=2.0, rho=np.array([0.0, 0.25]))
    assert not theory.check(theory.largest_lr, 1.0, 1e-3, lam=2.0, rho=0.0)


BROADCAST: dict[str, dict[str, Any]] = {
    "escape_rate": {"lam": -2.0, "lr": 0.01, "momentum": 0.5, "rho": 0.1},
    "trap_half_width": {"rho": 0.1},
    "two_cycle_amplitude": {"lam": 2.0, "rho": 0.1, "lr": 0.1},
    "largest_lr": {"lam": 2.0, "rho": 0.1, "momentum": 0.5},
    "edge_of_stability": {"lr": 0.5, "rho": 0.1},
    "sgd_msd": {"lam": -1.0, "lr": 0.01, "batch_size": 16.0, "t": 1.0, "momentum": 0.5},
    "usam_msd": {"lam": -1.0, "lr": 0.01, "batch_size": 16.0, "t": 1.0, "rho": 0.1, "momentum": 0.5},
    "exact_sam_msd": {"lam": -1.0, "lr": 0.01, "batch_size": 16.0, "t": 1.0, "rho": 0.1, "momentum": 0.5},
    "theorem_2_msd": {"lam": -1.0, "lr": 0.01, "batch_size": 16.0, "t": 1.0, "rho": 0.1},
    "theorem_2_gap": {"lam": -1.0, "lr": 0.01, "batch_size": 16.0, "t": 1.0, "rho": 0.1},
    "usam_gap": {"lam": -1.0, "lr": 0.01, "batch_size": 16.0, "t": 2.0, "rho": 0.1},
    "theorem_3_msd": {"lam": -1.0, "lr": 0.01, "batch_size": 16.0, "t": 1.0, "momentum": 0.5, "rho": 0.1},
    "theorem_3_excess": {"lam": -1.0, "lr": 0.01, "t": 1.0, "momentum": 0.5, "rho": 0.1},
    "heavy_ball_msd": {"drift": -1.0, "noise": 0.1, "lr": 0.01, "t": 1.0, "momentum": 0.5},
    "noise_threshold": {"lam": -1.0, "noise": 0.25},
    "sign_sam_held_share": {"lam": -2.0, "across": 2.0, "rho": 0.01, "lr": 0.01},
    "sign_sam_threshold": {"lam": -2.0, "across": 2.0, "lr": 0.01},
    "adam_sam_threshold": {"lam": -2.0, "lr": 0.01, "eps": 0.005},
    "valley_drift": {"lam": 2.0, "slope": 0.5, "rho": 0.1, "lr": 0.1, "alpha": 0.4},
    "fisher_distance": {"lam": 2.0, "distance": 0.1, "weight": 1.0},
    "noisy_escape_rate": {"lam": -1.0, "rho": 0.1, "noise": 0.25, "lr": 0.01, "momentum": 0.5},
}


@pytest.mark.parametrize("name", BROADCAST)
def test_arrays_give_what_numbers_give(name: str) -> None:
    form, given = getattr(theory, name), BROADCAST[name]
    fixed = {"dim": 2} if name.startswith("nois") else {}
    single = form(**given, **fixed)
    assert type(single) is float
    factors = np.array([1.0, 1.25, 0.5])
    for key, value in given.items():
        several = form(**{**given, key: factors * value}, **fixed)
        expected = [form(**{**given, key: factor * value}, **fixed) for factor in factors.tolist()]
        assert several.shape == (3,)
        np.testing.assert_allclose(several, expected, rtol=1e-12)
        assert theory.check(form, several, 1e-9, **{**given, key: factors * value}, **fixed)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.theorem_3_excess(lam=1e300, lr=0.01, t=3.0, momentum=0), "no value there"),
        (lambda: theory.edge_of_stability(lr=0.7, rho=-1.0), "no value there"),
        (lambda: theory.escape_rate(lam=math.inf, lr=0.1), "no value there"),
        (lambda: theory.edge_of_stability(lr=np.ones(2), rho=np.ones(3)), "does not take these"),
        (lambda: theory.usam_threshold(eigenvalues=3), "does not take these"),
        (lambda: theory.theorem_3_msd(lam=X, lr=0.1, batch_size=1, t=1, momentum=0), "must be a number"),
        (lambda: theory.usam_msd(lam=1, lr=0.1, batch_size=1, t=1, coupling=3), "coupling = 3: must be a name"),
        (lambda: theory.ou(np.zeros((2, 2)), [], [1.0, 2.0]), "do not broadcast"),
        (lambda: theory.ou(math.inf, math.inf, 1.0), "no value there"),
        (lambda: theory.effective_curvature([1.0, 2.0], [0.1, 0.2, 0.3]), "do not broadcast"),
        (lambda: theory.theorem_3_other_reading(-math.inf, 0.1, 1, 1.0, 0.9, 2.0), "no value there"),
        (lambda: theory.noisy_radius(0.1, -1.0, 2), "noise = -1.0"),
        (lambda: theory.noisy_radius(0.1, 1.0, -1), "dim = -1"),
        (lambda: theory.mean_step(torch.eye(2, dtype=torch.float64), 3, 0.1, 0.1), "the shape of the Hessian"),
        (lambda: symbolic.effective_hessian(sd.USAM(0.1), True), "lam = True"),
        (lambda: symbolic.effective_hessian(sd.USAM(0.1), math.inf), "must be finite and real"),
    ],
)
def test_a_closed_form_gives_a_number_or_refuses(call: Callable[[], object], words: str) -> None:
    with pytest.raises(sd.InputError, match=re.escape(words)):
        call()
