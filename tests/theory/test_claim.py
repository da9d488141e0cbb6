"""A claim's check can fail both ways."""

import math
import re
from typing import Any

import pytest

import samdyn as sd
from samdyn import theory
from samdyn.theory import Claim

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
