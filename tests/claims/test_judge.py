"""Every verdict, on claims whose truth is known."""

import math
from typing import Any

import numpy as np
import pytest

from samdyn.claims import HOLDS, AtLeast, AtMost, Claim, Estimate, fails, grid, verify
from samdyn.claims.page import plot
from samdyn.claims.report import is_as_recorded


def verdict(**changes: Any) -> Any:
    """The verdict on the claim that x is x; some arguments are changed."""
    return verify(claim(**changes), progress=False)[0].verdict


def claim(**changes: Any) -> Claim:
    arguments: dict[str, Any] = {
        "id": "identity",
        "statement": "x is x.",
        "formula": "x",
        "source": "derived",
        "process": "none",
        "cases": grid(x=(1.0, 2.0, 4.0)),
        "predict": lambda x: x,
        "measure": lambda x: x,
        "rival": lambda x: 2 * x,
        "mistake": "twice",
        "tolerance": 1e-3,
        "reason": "none is needed",
    }
    return Claim(**arguments | changes)


def noisy(x: float) -> Estimate:
    return Estimate(x, standard_error=0.5 * x)


def test_holds() -> None:
    assert verdict() == HOLDS
    assert verdict(measure=lambda x: np.array([x, x])) == HOLDS
    assert verdict(predict=lambda x: AtMost(x), rival=lambda x: AtLeast(1.1 * x)) == HOLDS
    assert verdict(predict=lambda: math.inf, measure=lambda x: x * math.inf, rival=lambda x: x) == HOLDS
    words = {"predict": lambda: "attracts", "measure": lambda x: "attracts", "rival": lambda: "leaves"}
    assert verdict(**words) == HOLDS


def test_fails_with_the_worst_ratio() -> None:
    result = verdict(measure=lambda x: x * (1.1 if x < 4 else 0.5))
    assert result.kind == "fails"
    assert result.number == 0.5
    assert "in 3 of 3 values, as for x=1" in result.reason
    assert "measured is 0.5 × predicted" in str(result)
    words = verdict(predict=lambda: "attracts", measure=lambda x: "leaves" if x == 2 else "attracts", rival=lambda: "")
    assert words.kind == "fails"
    assert str(words) == "fails: in 1 of 3 values, as for x=2"


def test_undecided_if_the_rival_is_not_rejected() -> None:
    assert verdict(rival=lambda x: x).kind == "undecided"
    assert str(verdict(rival=lambda x: x)) == "undecided: the rival is not rejected"
    # Also if the claim fails: then nothing was measured well enough to say so.
    assert verdict(predict=lambda x: 3 * x, rival=lambda x: x).kind == "undecided"


def test_one_case_that_rejects_the_rival_is_enough() -> None:
    assert verdict(rival=lambda x: 4.0) == HOLDS
    assert verdict(rival=lambda x: 4.0, cases=grid(x=4.0)).kind == "undecided"


def test_undecided_if_the_interval_is_too_wide() -> None:
    assert "the interval is too wide for x=1" in str(verdict(measure=noisy))
    # Wide beside a prediction near 0, but far from the rival: that decides.
    small = verdict(predict=lambda: 0.001, measure=lambda x: Estimate(0.0 * x, 0.01), rival=lambda x: x, absolute=1e-6)
    assert small == HOLDS


def test_undecided_if_the_measurement_is_nan() -> None:
    assert "the measurement is NaN for x=2" in str(verdict(measure=lambda x: x if x != 2 else math.nan))


@pytest.mark.parametrize("order", [1.0, 2.0])
def test_holds_to_leading_order(order: float) -> None:
    cases = grid(x=(0.001, 0.002, 0.004))
    result = verdict(cases=cases, small="x", measure=lambda x: x * (1 + 0.5 * x**order))
    assert result.kind == "holds to leading order"
    assert result.number == pytest.approx(order, abs=1e-6)
    assert result.parameter == "x"


def test_an_error_that_does_not_vanish_is_a_failure() -> None:
    cases = grid(x=(0.001, 0.002, 0.004))
    assert verdict(cases=cases, small="x", measure=lambda x: 1.0005 * x, tolerance=1e-3).kind == "fails"
    # The smallest case must agree, whatever the order.
    assert verdict(cases=cases, small="x", measure=lambda x: x * (1 + 10 * x), tolerance=1e-3).kind == "fails"


def test_leading_order_for_each_setting_of_the_others() -> None:
    """The order is the lowest of the groups."""
    result = verdict(
        cases=grid(x=(0.001, 0.002, 0.004), p=(1, 2)),
        small="x",
        predict=lambda x: x,
        measure=lambda x, p: x + x ** (p + 1),
    )
    assert result.number == pytest.approx(1.0, abs=1e-6)


def test_holds_in_a_range() -> None:
    result = verdict(cases=grid(x=(1.0, 2.0, 3.0, 4.0, 5.0)), scan="x", measure=lambda x: x if 2 <= x <= 4 else 2 * x)
    assert result.kind == "holds in a range"
    assert result.ends == (2.0, 4.0)
    assert str(result) == "holds only for x from 2 to 4"
    assert verdict(scan="x") == HOLDS
    assert verdict(scan="x", measure=lambda x: 3 * x).kind == "fails"


def test_the_rival_must_be_rejected_inside_the_range() -> None:
    outside = verdict(scan="x", measure=lambda x: x if x < 4 else 3.0, rival=lambda x: min(x, 2.0))
    assert outside.kind == "undecided"


def test_a_recorded_failure_that_holds_now_is_a_change() -> None:
    failing = claim(record=fails(2.0))
    (judgement,) = verify(failing, progress=False)
    assert not is_as_recorded(failing, judgement)
    doubled = claim(record=fails(2.0), measure=lambda x: 2 * x, rival=lambda x: 5 * x)
    (judgement,) = verify(doubled, progress=False)
    assert is_as_recorded(doubled, judgement)


def test_undecided_is_no_change() -> None:
    report = verify(claim(measure=noisy), progress=False)
    assert report.changed == []
    assert report.undecided == ["identity"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rival": lambda x: math.nan}, "rival = nan: is NaN for claim identity with x=1"),
        ({"predict": lambda x: math.nan}, "predicted = nan: is NaN"),
        ({"predict": lambda x: None}, "predicted = None: is no value for claim identity with x=1"),
        ({"predict": lambda x: x + 1j}, "is no value"),
        ({"measure": lambda x: np.ones(3), "predict": lambda x: np.ones(2)}, "measured: (3,), predicted: (2,)"),
        ({"measure": lambda x: np.ones(3), "rival": lambda x: np.ones(2)}, "measured: (3,), rival: (2,)"),
    ],
)
def test_undecided_without_a_value_to_compare_with(changes: dict[str, Any], words: str) -> None:
    result = verdict(**changes)
    assert result.kind == "undecided"
    assert words in result.reason


def test_reports_on_words() -> None:
    words = {"predict": lambda: "attracts", "measure": lambda x: "attracts", "rival": lambda: "leaves"}
    report = verify(claim(**words), progress=False)
    assert report.changed == []
    assert '"measured": "attracts"' in report.json()


def test_groups_differ_in_values_and_not_in_texts() -> None:
    """Both values of p have the text 1. The orders are 2 and 1; one fit to both groups is neither."""
    factor, order = {1.0: 0.01, 1.00001: 1.0}, {1.0: 2, 1.00001: 1}
    result = verdict(
        cases=grid(x=(0.001, 0.002, 0.004), p=(1.0, 1.00001)),
        small="x",
        predict=lambda x: x,
        measure=lambda x, p: x * (1 + factor[p] * x ** order[p]),
    )
    assert result.number == pytest.approx(1.0, abs=1e-6)


def test_parameters_may_be_arrays_and_numbers_of_numpy() -> None:
    arrays = [{"x": np.array([1.0, 2.0])}, {"x": np.array([3.0, 4.0])}]
    (judgement,) = verify(claim(cases=arrays), progress=False)
    assert judgement.verdict == HOLDS
    assert "<svg" in plot(claim(cases=arrays), judgement)
    cases = [{"x": np.float32(x)} for x in (0.001, 0.002, 0.004)]
    assert verdict(cases=cases, small="x", measure=lambda x: x * (1 + 0.5 * x)).kind == "holds to leading order"
