"""When a measurement and a predicted value agree."""

import math

import numpy as np
import pytest

import samdyn as sd
from samdyn.claims import AtLeast, AtMost, Estimate
from samdyn.claims.values import meets


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
