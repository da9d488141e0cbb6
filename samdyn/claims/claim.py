"""A claim: a statement with its source, its cases, its prediction, a rival and the way to measure it."""

import inspect
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from .. import checks, html
from .verdict import HOLDS, Verdict

ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MAX_ENTRIES = 8  # largest number of entries of a list in the text of a case
MAX_TEXT = 80  # largest number of characters of another value
GIVEN = ("budget", "seed")  # arguments of a measurement that are no parameters of a case


@dataclass(frozen=True, eq=False, kw_only=True)
class Claim:
    """A quantitative statement that a simulation can test.

    ``predict``, ``rival`` and ``measure`` take parameters of a case by name. ``measure`` may also take ``budget``, a
    factor on its number of runs (1 by default), and ``seed``. It must not read the prediction.

    >>> import samdyn as sd, torch
    >>> claim = sd.Claim(
    ...     id="decay-of-gd",
    ...     statement="Gradient descent multiplies w by 1 − ηλ a step.",
    ...     formula=r"w_{k+1} = (1 - \\eta\\lambda)\\, w_k",
    ...     source="derived",
    ...     process="map of GD on ½λw²",
    ...     cases=sd.claims.grid(lam=(1.0, 3.0), lr=0.1),
    ...     predict=lambda lam, lr: 1 - lr * lam,
    ...     measure=lambda lam, lr: float(1 - lr * sd.landscapes.quadratic([lam]).grad(torch.ones(1, 1).double())),
    ...     rival=lambda lam, lr: 1.0,
    ...     mistake="no decay",
    ...     tolerance=1e-12,
    ...     reason="rounding",
    ... )
    >>> print(sd.verify(claim, progress=False)[0].verdict)
    holds

    Attributes:
        id: lower-case words joined by hyphens.
        statement: the claim in words.
        formula: the claim in LaTeX.
        source: keys of docs/references.bib in brackets, as in "[K23, Theorem 1]"; or "derived".
        process: the method, the coupling of its noise, and whether it speaks of the map, the flow or the diffusion.
        cases: the parameters of each case, all with the same names. ``grid`` makes them from axes.
        predict: the claimed value: a number, an array, a word such as "attracts", inf for "never", AtLeast or AtMost.
        measure: the measured value: a number, an array, a word, or an Estimate with errors.
        rival: the value of a plausible mistake, which the cases must reject.
        mistake: the mistake that leads to the rival.
        tolerance: the largest difference, relative to the predicted value, beside the error of the measurement.
        reason: why the tolerance is the right one.
        absolute: a further tolerance, in the units of the value, for predictions of 0.
        small: the parameter in which the claim is of leading order; the cases have three or more values of it.
        scan: the parameter in which the range is measured where the claim holds.
        record: the verdict at the last commit.
        instead: the id of the claim that holds, if this one fails.
    """

    id: str
    statement: str
    formula: str
    source: str
    process: str
    cases: Sequence[Mapping[str, Any]]
    predict: Callable[..., Any]
    measure: Callable[..., Any]
    rival: Callable[..., Any]
    mistake: str
    tolerance: float
    reason: str
    absolute: float = 0.0
    small: str = ""
    scan: str = ""
    record: Verdict = field(default=HOLDS)
    instead: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not ID.fullmatch(self.id):
            checks.reject("id", self.id, "must be lower-case words joined by hyphens", "Use e.g. sam-two-cycle")
        for name in ("statement", "formula", "source", "process", "mistake", "reason"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text.strip():
                checks.reject(name, text, f"claim {self.id} needs a text", f'Use e.g. {name}="…"')
        for name in ("tolerance", "absolute"):
            rule = f"claim {self.id} needs a finite number >= 0"
            checks.number(name, getattr(self, name), rule, f"Use e.g. {name}=1e-3", lambda size: size >= 0)
        if not isinstance(self.record, Verdict):
            checks.reject("record", self.record, "must be a verdict", "Use e.g. samdyn.claims.fails()")
        _check_cases(self)
        for name in ("predict", "rival", "measure"):
            _check_function(self, name)
        taken = {name for role in (self.predict, self.measure) for name in _names(role, self.cases[0])}
        for name in self.cases[0]:
            if name not in taken:
                rule = f"neither predict nor measure of claim {self.id} takes this parameter of the cases"
                checks.reject("parameter", name, rule, "Leave it out, or give it to one of them")

    def _repr_html_(self) -> str:
        names = ("statement", "source", "process", "mistake", "record")
        rows = [(name, str(getattr(self, name))) for name in names]
        rows.insert(1, ("formula", html.formula(self.formula)))
        return html.block(html.table(("claim", self.id), rows))

    @property
    def papers(self) -> list[str]:
        """The keys of the papers in the source."""
        return re.findall(r"\[([A-Z]{1,2}[0-9]{2})\b", self.source)

    def evaluate(self, function: Callable[..., Any], case: Mapping[str, Any], **given: Any) -> Any:
        """Return the value of one of the functions in a case: it receives the parameters that it takes."""
        values = {**case, **given}
        return function(**{name: value for name, value in values.items() if name in _names(function, values)})


def grid(**axes: Any) -> list[dict[str, Any]]:
    """Return the cases of a grid: the product of the axes that are lists or tuples, with the other values in each.

    >>> grid(lam=(-1.0, 2.0), lr=0.1)
    [{'lam': -1.0, 'lr': 0.1}, {'lam': 2.0, 'lr': 0.1}]
    """
    values = [axis if isinstance(axis, list | tuple) else [axis] for axis in axes.values()]
    return [dict(zip(axes, case, strict=True)) for case in itertools.product(*values)]


def _check_cases(claim: Claim) -> None:
    cases, fix = claim.cases, "Use e.g. cases=samdyn.claims.grid(rho=(0.1, 0.2), lr=0.01)"
    if not isinstance(cases, Sequence) or not cases or not all(isinstance(case, Mapping) and case for case in cases):
        checks.reject("cases", cases, f"claim {claim.id} needs a list of one or more dictionaries", fix)
    for name in cases[0]:
        if not isinstance(name, str) or not name.isidentifier():
            checks.reject("parameter", name, f"must be a name of an argument, in the cases of claim {claim.id}", fix)
    for case in cases:
        if set(case) != set(cases[0]):
            checks.reject("case", dict(case), f"has other parameters than the first: {', '.join(cases[0])}", fix)
    for role in ("small", "scan"):
        if not getattr(claim, role):
            continue
        name = checks.spelled("parameter", getattr(claim, role), cases[0])
        # Positive, as a power of the parameter is fitted.
        rule = f"{role}={name!r} of claim {claim.id} needs {'positive' if role == 'small' else 'finite'} numbers"
        allowed = (lambda value: value > 0) if role == "small" else (lambda value: True)
        values = {checks.number(name, case[name], rule, fix, allowed) for case in cases}
        if len(values) < 3:
            checks.reject("cases", sorted(values), f"{role}={name!r} needs three or more values", fix)
    if claim.small and claim.scan:
        checks.reject("scan", claim.scan, f"claim {claim.id} has small={claim.small!r}, too", "Make two claims of it")


def _check_function(claim: Claim, role: str) -> None:
    function, case = getattr(claim, role), claim.cases[0]
    if not callable(function):
        checks.reject(role, function, f"claim {claim.id} needs a function", f"Use e.g. {role}=lambda rho: rho")
    given = GIVEN if role == "measure" else ()
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of some functions that are written in C
        rule = f"claim {claim.id} needs a function that names its arguments"
        checks.reject(role, function, rule, f"Use e.g. {role}=lambda {next(iter(case))}: …")
    for parameter in parameters:
        if parameter.kind == parameter.POSITIONAL_ONLY:
            rule = f"{role} of claim {claim.id} takes it by position, and receives parameters by name"
            checks.reject("parameter", parameter.name, rule, f"Use e.g. {role}=lambda {next(iter(case))}: …")
        variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        known = parameter.name in case or parameter.name in given
        if not variadic and not known and parameter.default is parameter.empty:
            rule = f"no case of claim {claim.id} has this parameter, which {role} takes"
            checks.reject("parameter", parameter.name, rule, f"The cases have {', '.join(case)}")


def _names(function: Callable[..., Any], values: Mapping[str, Any]) -> set[str]:
    """Return the names of the values that a function takes."""
    parameters = inspect.signature(function).parameters
    takes_all = any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters.values())
    return set(values) if takes_all else set(parameters)


def same(value: Any, other: Any) -> bool:
    """Return whether two values of a parameter are equal; they may be arrays."""
    if value is other:
        return True
    if any(isinstance(one, np.ndarray) or torch.is_tensor(one) for one in (value, other)):
        return bool(np.array_equal(np.asarray(value), np.asarray(other)))
    try:
        return bool(value == other)
    except (TypeError, ValueError, RuntimeError):  # a list of arrays
        return False


def case_text(case: Mapping[str, Any]) -> str:
    """Return a case as text, with four digits a number.

    >>> case_text({"lam": -1.0, "method": "SAM"})
    'lam=-1, method=SAM'
    """
    return ", ".join(f"{name}={_short(value)}" for name, value in case.items())


def _short(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    if isinstance(value, np.ndarray):
        value = value[: MAX_ENTRIES + 1].tolist() if value.ndim else value.item()
    if isinstance(value, list | tuple):
        shown = [_short(entry) for entry in value[:MAX_ENTRIES]]
        return "(" + ", ".join([*shown, "…"] if len(value) > MAX_ENTRIES else shown) + ")"
    text = " ".join(str(value).split())  # of one line
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
