"""The verdict on a claim, from its measured and predicted values."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import html
from .claim import Claim, case_text, same
from .values import AtLeast, Bound, Estimate, expectation, meets
from .verdict import HOLDS, Verdict

WIDE = 0.2  # largest half-width of an interval, relative to the prediction, that decides
MIN_ORDER = 0.5  # smallest order of an error that vanishes with its small parameter


@dataclass(frozen=True)
class Row:
    """One value of one case.

    >>> import samdyn as sd
    >>> report = sd.verify(sd.claims.named("usam-threshold"), progress=False)
    >>> row = report[0].rows[0]
    >>> row.case, row.predicted, row.agrees, row.rejects
    ('eigenvalues=(-2, 2)', 0.5, True, True)

    Attributes:
        case: the text of the case.
        measured, predicted, rival: numbers or words; a bound is a word such as "≥ 2".
        standard_error: that of the measurement.
        radius: half of the width of its interval.
        agrees: whether the prediction is possible.
        rejects: whether the rival is not.
    """

    case: str
    measured: Any
    standard_error: float
    radius: float
    predicted: Any
    rival: Any
    agrees: bool
    rejects: bool

    @property
    def ratio(self) -> float:
        """Measured over predicted, or over the number of a bound; NaN if there is no such ratio."""
        predicted = self.predicted
        if isinstance(predicted, str) and predicted.startswith(("≥ ", "≤ ")):
            predicted = float(predicted[2:])
        if isinstance(predicted, str) or isinstance(self.measured, str) or predicted == 0:
            return math.nan
        ratio = float(self.measured) / float(predicted)
        return ratio if math.isfinite(ratio) else math.nan

    @property
    def texts(self) -> tuple[str, ...]:
        """The cells of a table: case, measured, predicted, rival, agrees, rejects the rival."""
        measured = value_text(self.measured)
        if self.radius > 0:
            measured += f" ± {self.radius:.2g}"
        predicted, rival, words = value_text(self.predicted), value_text(self.rival), ("no", "yes")
        return self.case, measured, predicted, rival, words[self.agrees], words[self.rejects]


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim, and the values it rests on.

    >>> import samdyn as sd
    >>> judgement = sd.verify(sd.claims.named("usam-threshold"), progress=False)[0]
    >>> judgement.id, judgement.verdict.kind, len(judgement.rows)
    ('usam-threshold', 'holds', 2)

    Attributes:
        id: the id of the claim.
        verdict: what the measurement says.
        rows: one for each value of each case.
        seconds: the time that the measurement took.
        traceback: that of an error, else empty.
    """

    id: str
    verdict: Verdict
    rows: Sequence[Row] = ()
    seconds: float = 0.0
    traceback: str = field(default="", repr=False)

    def _repr_html_(self) -> str:
        columns = ("case", "measured", "predicted", "rival", "agrees", "rejects rival")
        cases = html.table(columns, [row.texts for row in self.rows]) if self.rows else ""
        return html.block(f"{self.id}: {self.verdict}", cases, self.traceback)


@dataclass(frozen=True, eq=False)
class _Case:
    """What is known of one case."""

    case: Mapping[str, Any]
    estimate: Estimate
    predicted: Any
    rival: Any
    agrees: np.ndarray
    rejects: np.ndarray

    @property
    def ratios(self) -> np.ndarray:
        """Measured over predicted, NaN where it says nothing."""
        return self._over_predicted(self.estimate.value)

    @property
    def ratio_errors(self) -> np.ndarray:
        """Half of the widths of the intervals of the ratios."""
        return np.abs(self._over_predicted(self.estimate.radius))

    def _over_predicted(self, values: np.ndarray) -> np.ndarray:
        bound = isinstance(self.predicted, Bound)
        expected = np.asarray(self.predicted.bound if bound else self.predicted)
        if expected.dtype.kind == "U" or self.estimate.value.dtype.kind == "U":
            return np.full(self.agrees.shape, math.nan)
        with np.errstate(all="ignore"):
            ratio = values / expected.astype(float)
        return np.broadcast_to(np.where(np.isfinite(ratio), ratio, math.nan), self.agrees.shape)


def judge(claim: Claim, estimates: Sequence[Estimate], predict: Callable[..., Any] | None = None) -> Judgement:
    """Return the verdict on a claim.

    >>> import samdyn as sd
    >>> claim = sd.claims.named("usam-threshold")
    >>> print(judge(claim, [Estimate(0.5), Estimate(3.0)]).verdict)
    fails: measured is 1.5 × predicted

    Args:
        claim: the claim.
        estimates: the measurement of each case.
        predict: a function in place of the claim's prediction, as for a mutation.
    """
    cases = [_case(claim, case, estimate, predict or claim.predict) for case, estimate in _pairs(claim, estimates)]
    rows = [row for case in cases for row in _rows(case)]
    return Judgement(claim.id, _verdict(claim, cases), rows)


def _pairs(claim: Claim, estimates: Sequence[Estimate]) -> Any:
    return zip(claim.cases, estimates, strict=True)


def _case(claim: Claim, case: Mapping[str, Any], estimate: Estimate, predict: Callable[..., Any]) -> _Case:
    where = f"claim {claim.id} with {case_text(case)}"
    values = {"predicted": claim.evaluate(predict, case), "rival": claim.evaluate(claim.rival, case)}
    predicted, rival = (expectation(role, value, where, estimate.value.shape) for role, value in values.items())
    agrees = meets(estimate, predicted, claim.tolerance, claim.absolute)
    possible = meets(estimate, rival, claim.tolerance, claim.absolute)
    shape = np.broadcast_shapes(agrees.shape, possible.shape)
    agrees, possible = np.broadcast_to(agrees, shape), np.broadcast_to(possible, shape)
    return _Case(case, estimate, predicted, rival, agrees, ~possible)


def _verdict(claim: Claim, cases: Sequence[_Case]) -> Verdict:
    for case in cases:
        reason = _unusable(case)
        if reason:
            return Verdict("undecided", reason=f"{reason} for {case_text(case.case)}")
    if claim.small:
        verdict = _leading_order(claim, cases)
    elif claim.scan:
        verdict = _range(claim, cases)
    else:
        verdict = HOLDS if all(case.agrees.all() for case in cases) else _failure(cases)
    counted = cases
    if verdict.ends:
        low, high = verdict.ends
        counted = [case for case in cases if low <= case.case[claim.scan] <= high]
    if not any(case.rejects.any() for case in counted):
        return Verdict("undecided", reason="the rival is not rejected")
    return verdict


def _unusable(case: _Case) -> str:
    """Return why a case decides nothing, or an empty text."""
    value, radius = case.estimate.value, case.estimate.radius
    if value.dtype.kind == "U":
        return ""
    if np.isnan(value).any() or np.isnan(radius).any():
        return "the measurement is NaN"
    if isinstance(case.predicted, Bound):
        return ""
    expected = np.asarray(case.predicted)
    if expected.dtype.kind == "U":
        return ""
    size = np.maximum(np.abs(value), np.abs(expected.astype(float)))
    wide = np.isfinite(size) & (radius > WIDE * size) & case.agrees
    # An interval that excludes the rival decides, however wide it is beside a prediction near 0.
    return "the interval is too wide" if (wide & ~case.rejects).any() else ""


def _failure(cases: Sequence[_Case]) -> Verdict:
    failing = [case for case in cases if not case.agrees.all()]
    ratios = np.concatenate([case.ratios.ravel() for case in failing])
    errors = np.concatenate([case.ratio_errors.ravel() for case in failing])
    with np.errstate(all="ignore"):
        distance = np.where(ratios > 0, np.abs(np.log(ratios)), np.inf)
    distance = np.where(np.isnan(ratios), -1.0, distance)
    worst = int(np.argmax(distance))
    values, wrong = sum(case.agrees.size for case in cases), sum(int((~case.agrees).sum()) for case in cases)
    reason = f"in {wrong} of {values} values, as for {case_text(failing[0].case)}"
    return Verdict("fails", number=float(ratios[worst]), reason=reason, error=float(np.nan_to_num(errors[worst])))


def _leading_order(claim: Claim, cases: Sequence[_Case]) -> Verdict:
    """Fit the order of the relative error in the small parameter, for each setting of the others."""
    names = [name for name in cases[0].case if name != claim.small]
    groups: list[list[_Case]] = []
    for case in cases:
        # By values, which need not be hashable, and not by texts, which are rounded.
        alike = (g for g in groups if all(same(g[0].case[name], case.case[name]) for name in names))
        group = next(alike, None)
        if group is None:
            groups.append([case])
        else:
            group.append(case)
    orders = []
    for group in groups:
        ordered = sorted(group, key=lambda case: float(case.case[claim.small]))
        if not ordered[0].agrees.all():
            return _failure(ordered[:1])
        sizes = [case.case[claim.small] for case in ordered]
        errors = np.array([np.max(np.abs(case.ratios - 1)) for case in ordered])
        if not (errors > 0).all():
            return HOLDS
        orders.append(float(np.polyfit(np.log(sizes), np.log(errors), 1)[0]))
    order = min(orders)
    if order < MIN_ORDER:
        reason = f"the error is of order {order:.2f} in {claim.small}, and does not vanish"
        return Verdict("fails", number=math.nan, reason=reason)
    return Verdict("holds to leading order", number=order, parameter=claim.small)


def _range(claim: Claim, cases: Sequence[_Case]) -> Verdict:
    """Find the longest run of values of the scanned parameter at which all cases agree."""
    values = sorted({case.case[claim.scan] for case in cases})
    good = [all(case.agrees.all() for case in cases if case.case[claim.scan] == value) for value in values]
    if all(good):
        return Verdict("holds")
    if not any(good):
        return _failure(cases)
    runs: list[list[Any]] = [[]]
    for value, is_good in zip(values, good, strict=True):
        if is_good:
            runs[-1].append(value)
        else:
            runs.append([])
    longest = max(runs, key=len)
    return Verdict("holds in a range", ends=(float(longest[0]), float(longest[-1])), parameter=claim.scan)


def _rows(case: _Case) -> list[Row]:
    shape = case.agrees.shape
    columns = [
        np.broadcast_to(case.estimate.value, shape),
        np.broadcast_to(case.estimate.standard_error, shape),
        np.broadcast_to(case.estimate.radius, shape),
        np.broadcast_to(_shown(case.predicted), shape),
        np.broadcast_to(_shown(case.rival), shape),
        case.agrees,
        case.rejects,
    ]
    text, rows = case_text(case.case), []
    for index in np.ndindex(shape):
        label = f"{text} [{', '.join(map(str, index))}]" if index else text
        rows.append(Row(label, *(column[index].item() for column in columns)))
    return rows


def _shown(expected: Any) -> np.ndarray:
    """Return the numbers or words of a prediction."""
    if isinstance(expected, Bound):
        sign = "≥" if isinstance(expected, AtLeast) else "≤"
        return np.vectorize(lambda bound: f"{sign} {bound:.6g}")(np.asarray(expected.bound, dtype=float))
    return np.asarray(expected)


def value_text(value: Any) -> str:
    """Return a number with six digits, or a word. An infinite number is "never"."""
    if isinstance(value, str):
        return value
    if math.isinf(value):
        return "never" if value > 0 else "-inf"
    return f"{value:.6g}"
