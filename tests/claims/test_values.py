"""When a measurement and a predicted value agree."""

import math
from typing import Any

import numpy as np
import pytest
import sympy
import torch

import samdyn as sd
from samdyn.claims import AtLeast, AtMost, Estimate
from samdyn.claims.values import MAX_VALUES, meets


@pytest.mark.parametrize(
    ("estimate", "expected", "agrees"),
    [
        (Estimate(1.0), 1.0, True),
        (Estimate(1.0), 1.02, False),
        (Estimate(1.009), 1.0, True),
        (Estimate(1.02, standard_error=0.003), 1.0, True),  # 1.02 − 4·0.003 = 1.008
        (Estimate(1.02, standard_error=0.002), 1.0, False),
        (Estimate.bracket(1.005, 1.2), 1.0, True),
        (Estimate.bracket(1.02, 1.2), 1.0, False),
        (Estimate(-1.0), 1.0, False),
        (Estimate(math.inf), math.inf, True),
        (Estimate(1e300), math.inf, False),
        (Estimate(math.inf), 1e300, False),
        (Estimate(math.inf), -math.inf, False),
        (Estimate("attracts"), "attracts", True),
        (Estimate("leaves"), "attracts", False),
        (Estimate(1.0), "attracts", False),
        (Estimate(2.0), AtLeast(1.0), True),
        (Estimate(0.995), AtLeast(1.0), True),
        (Estimate(2.0, standard_error=1.0), AtLeast(1.0), False),
        (Estimate(2.0), AtMost(1.0), False),
        (Estimate(0.5), AtMost(1.0), True),
        (Estimate(1e-4), 0.0, False),  # no band around 0 without an absolute tolerance
    ],
)
def test_what_agrees(estimate: Estimate, expected: object, agrees: bool) -> None:
    assert bool(meets(estimate, expected, 0.01, 0.0)) is agrees


def test_an_absolute_tolerance_is_a_band_around_zero() -> None:
    assert meets(Estimate(1e-4), 0.0, 0.01, 1e-3)
    assert not meets(Estimate(1e-2), 0.0, 0.01, 1e-3)


def test_arrays_agree_value_by_value() -> None:
    assert meets(Estimate([1.0, 2.0, math.inf]), np.array([1.0, 1.0, math.inf]), 0.01, 0.0).tolist() == [
        True, False, True,
    ]  # fmt: skip


def test_standard_errors_are_those_of_the_samples() -> None:
    samples = np.random.default_rng(0).normal(2.0, 3.0, 100_000)
    mean = Estimate.mean(samples)
    assert abs(mean.value - 2.0) < 4 * mean.standard_error
    assert mean.standard_error == pytest.approx(3.0 / math.sqrt(1e5), rel=0.01)
    # The variance of the square of a normal value of mean 0 is 2σ⁴.
    square = Estimate.mean_square(samples - 2.0)
    assert square.standard_error == pytest.approx(math.sqrt(2) * 9 / math.sqrt(1e5), rel=0.02)
    share = Estimate.share(samples > 2.0)
    assert share.standard_error == pytest.approx(0.5 / math.sqrt(1e5), rel=0.01)
    assert Estimate.share([True] * 10).standard_error > 0.05  # ten of ten is no proof of certainty


def test_errors_are_not_negative() -> None:
    with pytest.raises(sd.InputError, match="must be 0 or more"):
        Estimate(1.0, standard_error=-1.0)


@pytest.mark.parametrize(
    "value",
    [None, 1 + 0j, (1.0, (1.0, 1.0)), [], {"a": 1}, b"abc", object(), 10**400, np.datetime64("2020-01-01"), [None]],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_value_is_refused(value: object) -> None:
    with pytest.raises(sd.InputError, match="Return "):
        Estimate(value)


def test_tensors_and_symbols_are_values() -> None:
    assert Estimate(torch.tensor(2.0, requires_grad=True)).value == 2.0
    assert Estimate(torch.tensor(2.0, dtype=torch.bfloat16)).value == 2.0
    assert Estimate(sympy.Rational(1, 2)).value == 0.5


def test_too_many_values_are_refused() -> None:
    with pytest.raises(sd.InputError, match=r"has 10,001 values, .* Return a statistic"):
        Estimate(np.ones(MAX_VALUES + 1))


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ({"value": "a", "standard_error": 0.1}, "a word has no error"),
        ({"value": [1.0, 2.0], "half_width": [1.0, 2.0, 3.0]}, "has the shape (3,), and the values have (2,)"),
        ({"value": 1.0, "half_width": "wide"}, "must be 0 or more"),
        ({"value": 1.0, "half_width": None}, "must be 0 or more"),
    ],
)
def test_errors_that_do_not_fit_are_refused(errors: dict[str, Any], words: str) -> None:
    with pytest.raises(sd.InputError) as error:
        Estimate(**errors)
    assert words in str(error.value)


@pytest.mark.parametrize("bound", [math.nan, "a", None, 1j])
def test_bounds_are_numbers(bound: object) -> None:
    for kind in (AtLeast, AtMost):
        with pytest.raises(sd.InputError, match="bound"):
            kind(bound)


def test_a_number_is_no_word() -> None:
    assert not meets(Estimate("1.0"), 1.0, 0.01, 0.0)
    assert not meets(Estimate("a"), AtLeast(1.0), 0.01, 0.0)
