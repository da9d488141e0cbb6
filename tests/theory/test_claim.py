"""A claim's check can fail both ways."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy
import torch

import samdyn as sd
from samdyn import symbolic, theory
from samdyn.theory import Claim

X = sympy.Symbol("x")
CLAIM = Claim("twice", "here", formula=lambda x: 2 * x, rival=lambda x: 3 * x, rival_reason="miscounting")


def test_agreement_that_rejects_the_rival_is_true() -> None:
    assert CLAIM.check(2.001, 0.01, x=1.0)


def test_disagreement_is_false() -> None:
    assert not CLAIM.check(2.1, 0.01, x=1.0)


def test_a_check_too_wide_to_reject_the_rival_is_false() -> None:
    verdict = CLAIM.check(2.4, 0.4, x=1.0)
    assert verdict.agrees
    assert not verdict


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"lam": -1.0, "lr": 0.01, "momentm": 0.9}, "Did you mean 'momentum'?"),
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
        theory.escape_rate.check(1.0, 0.1, **parameters)


def test_never_is_never() -> None:
    assert theory.Verdict(math.inf, math.inf, 2.0, 0.1)
    assert not theory.Verdict(math.inf, 2.0, 3.0, 0.1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.theorem_3_excess(lam=1e300, lr=0.01, t=3.0, momentum=0), "no value there"),
        (lambda: theory.edge_of_stability(lr=0.7, rho=-1.0), "no value there"),
        (lambda: theory.escape_rate(lam=math.inf, lr=0.1), "no value there"),
        (lambda: theory.edge_of_stability(lr=np.array([1.0, 2.0]), rho=0.1), "does not take these"),
        (lambda: theory.usam_threshold(eigenvalues=3), "does not take these"),
        (lambda: theory.theorem_3_msd(lam=X, lr=0.1, batch_size=1, t=1, momentum=0), "must be a number"),
        (lambda: theory.usam_msd(lam=1, lr=0.1, batch_size=1, t=1, coupling=3), "coupling = 3: must be a name"),
        (lambda: theory.ou(np.zeros((2, 2)), [], [1.0, 2.0]), "do not broadcast"),
        (lambda: theory.ou(math.inf, math.inf, 1.0), "no value there"),
        (lambda: theory.effective_curvature([1.0, 2.0], [0.1, 0.2, 0.3]), "do not broadcast"),
        (lambda: theory.theorem_3_other_reading(-math.inf, 0.1, 1, 1.0, 0.9, 2.0), "no value there"),
        (lambda: symbolic.effective_hessian(sd.USAM(0.1), True), "lam = True"),
        (lambda: symbolic.effective_hessian(sd.USAM(0.1), math.inf), "must be finite and real"),
        (lambda: theory.noisy_radius(0.1, -1.0, 2), "noise = -1.0"),
        (lambda: theory.noisy_radius(0.1, 1.0, -1), "dim = -1"),
        (lambda: theory.mean_step(torch.eye(2, dtype=torch.float64), 3, 0.1, 0.1), "the shape of the Hessian"),
    ],
)
def test_a_closed_form_gives_a_number_or_refuses(call: Callable[[], object], words: str) -> None:
    with pytest.raises(sd.InputError, match=re.escape(words)):
        call()
