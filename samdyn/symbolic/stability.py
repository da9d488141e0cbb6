"""The linearisation of a map or flow at a critical point, and the radii at which the point attracts."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
import torch

from .. import checks, html
from ..arguments import checked, for_any_map
from ..dynamics import Flow, Map
from ..landscapes import Landscape
from ..methods import Ascent, Method, is_stateless
from ..ops import symbolic
from .criteria.conditions import Condition, conditions_on_eigenvalues, conditions_on_matrix
from .criteria.linearised import DIGITS, spectrum
from .fields.differentiable import has_jacobian, linear_part, rests_at
from .fields.effective import is_function_of_hessian, scalar_formula
from .fields.matrix import effective_matrix
from .fields.quadratic import own_radius, with_radius
from .notation import LAMBDA, RHO, distinct, latex, radii_latex, radii_text, text
from .points.eigenvalues import ROUGH, ROUNDING, hessian_eigenvalues, is_precise, symbolic_eigenvalues
from .points.exact import at, exact_point, hessian_at
from .points.unknowns import example, unknowns
from .traps import sam_trap

LONGEST_LINE = 120  # characters of a line of the table
NOTE_WIDTH = 100  # characters of a line of the note below it
MOST_COORDINATES = 10  # largest dimension; formulas of larger matrices say nothing to a reader
SINGULAR = "The Hessian is singular: along its null vectors higher derivatives decide, which are not looked at."


@dataclass(frozen=True, eq=False)
class Stability:
    """The linearisation of a map or flow at a critical point.

    Formulas are in symbolic.RHO, ETA, GAMMA and LAMBDA. If the method's field has no Jacobian at the point, as that of
    normalised SAM, the attributes that need one are None, and ``trap`` and ``note`` say what holds instead.

    >>> import samdyn as sd
    >>> verdict = sd.stability(sd.Flow(sd.landscapes.saddle(), sd.USAM(rho=1.0)), (0, 0))
    >>> verdict.kind, verdict.formula, verdict.condition
    ('attractor', lambda*(lambda*rho + 1), Interval.open(1/2, oo))

    Attributes:
        system: the map or flow.
        point: the critical point, ``(d,)``, in exact numbers if ``exact``.
        exact: whether the function recognised exact coordinates.
        hessian: H at the point, ``(d, d)``, in the units of the loss per w².
        hessian_eigenvalues: λ, ascending. Empty if a parameter of the landscape is a symbol and more than two
            coordinates interact.
        differentiable: whether the field has a Jacobian at the point.
        kind: "attractor", "saddle" or "repeller" at the method's own ρ, on the states (w, v) where there is momentum;
            "not hyperbolic" if an eigenvalue is neutral to rounding; "depends on rho" if ρ is a symbol, and likewise
            for symbols in the Hessian; "no Jacobian" if the field has none.
        effective_hessian: Hₑ, the Jacobian of the method's field F, in ρ, ``(d, d)``.
        formula: Hₑ as a function of λ if the method keeps the eigenvectors of H; else None.
        characteristic_polynomial: that of the Jacobian, in s for flows and z for maps, and in ρ.
        inequalities: the conditions under which a direction attracts, in λ, ρ, η and γ (Routh–Hurwitz for flows, Jury
            for maps). Empty if there is no ``formula``.
        conditions: the inequalities at every eigenvalue of H.
        condition: the set of ρ ≥ 0 at which the point attracts, at the system's own η and γ. If the Hessian holds
            symbols, ``relational`` has them too.
        eigenvalues: those of the Jacobian at the method's own ρ: rates of the flow or multipliers of the map, ``(D,)``.
        trap: a region of starts, as an inequality in the coordinates and ρ. Flows from it reach the point, maps never
            leave it. None if there is no closed form or the field has a Jacobian.
        note: limits of the result, in a sentence or two.
    """

    system: Map | Flow
    point: tuple[sympy.Expr, ...]
    exact: bool
    hessian: sympy.ImmutableDenseMatrix
    hessian_eigenvalues: tuple[sympy.Expr, ...]
    differentiable: bool
    kind: str
    effective_hessian: sympy.ImmutableDenseMatrix | None = None
    formula: sympy.Expr | None = None
    characteristic_polynomial: sympy.Expr | None = None
    inequalities: tuple[sympy.Basic, ...] = ()
    conditions: tuple[Condition, ...] = ()
    condition: sympy.Set | None = None
    eigenvalues: np.ndarray | None = None
    trap: sympy.Basic | None = None
    note: str = ""

    @property
    def relational(self) -> sympy.Basic:
        """The condition as inequalities in ρ, or true, or false.

        Raises:
            InputError: the field has no Jacobian at the point.
        """
        if self.condition is None:
            method = self.system.method
            rule = "its field has no Jacobian at a critical point, so no condition in ρ follows from one"
            checks.reject("method", method, rule, "See trap and note")
        return self.condition.as_relational(RHO)

    @property
    def region(self) -> sympy.Basic | None:
        """The trap at the method's own ρ."""
        own = own_radius(self.system.method)
        return self.trap if self.trap is None or own is None else self.trap.subs(RHO, own)

    @property
    def attracts_for(self) -> str:
        """The radii at which the point attracts, or the region of starts that it holds, as text; "" if none is known.

        >>> import samdyn as sd
        >>> flows = [sd.Flow(sd.landscapes.saddle(), method) for method in (sd.USAM(rho=1.0), sd.SAM(rho=1.0))]
        >>> [sd.stability(flow, (0, 0)).attracts_for for flow in flows]
        ['ρ > 1/2', '‖H(w−w*)‖ < ρ|λ*|']
        """
        if self.condition is not None:
            return radii_text(self.condition)
        return "" if self.trap is None else "‖H(w−w*)‖ < ρ|λ*|"

    def latex(self) -> str:
        """Return the effective Hessian and the condition, or the trap, as LaTeX (math mode)."""
        write: Callable[[Any], str] = sympy.latex
        if not self.differentiable:
            return write(distinct(self.trap)) if self.trap is not None else rf"\text{{{self.note}}}"
        if self.formula is not None:
            effective = rf"\lambda_e = {write(self.formula)}"
        else:
            effective = f"H_e = {write(self.effective_hessian)}"
        rules = [rf"\text{{attracts iff }} {write(self.relational)}"]
        return r" \\ ".join([effective, *map(write, self.inequalities), *rules])

    def table(self) -> str:
        """Return the result as plain text."""
        lines = [self._title()]
        if self.differentiable:
            effective = f"λₑ = {text(self.formula)}" if self.formula is not None else self._matrix_text()
            lines.append("; ".join([effective or "Hₑ depends on the point", *map(text, self.inequalities)]))
            rows = [("λ of H", "λₑ", "attracts for")]
            for c in self.conditions:
                lam = "all" if c.eigenvalue is None else text(c.eigenvalue)
                rows.append((lam, self._effective_text(c.eigenvalue), radii_text(c.radii)))
            rows.append(("point", "", radii_text(self.condition)))
            widths = [max(len(row[i]) for row in rows) for i in range(2)]
            lines += [f"  {a:>{widths[0]}}  {b:>{widths[1]}}  {c}" for a, b, c in rows]
            if self.eigenvalues is not None:
                name = "multipliers" if isinstance(self.system, Map) else "eigenvalues"
                lines.append(f"{name}: {', '.join(map(_number_text, self.eigenvalues))}")
        else:
            lines.append(f"λ of H: {', '.join(map(text, self.hessian_eigenvalues))}")
            if self.trap is not None:
                lines.append(f"holds every start with {text(self.trap)}")
        return "\n".join([*lines, *textwrap.wrap(self.note, NOTE_WIDTH, break_on_hyphens=False)])

    def _repr_html_(self) -> str:
        tail = [self.note]
        if self.differentiable:
            columns = html.formula(r"\lambda"), html.formula(r"\lambda_e"), "attracts for"
            rows: list[tuple[Any, ...]] = []
            for c in self.conditions:
                lam = "all" if c.eigenvalue is None else html.formula(latex(c.eigenvalue))
                rows.append((lam, self._effective_text(c.eigenvalue), _radii_cell(c.radii)))
            rows.append(("point", None, _radii_cell(self.condition)))
            formulas = [self._effective_latex(), *map(latex, self.inequalities)]
            head = html.formula(r",\quad ".join(filter(None, formulas)))
            if self.eigenvalues is not None:
                name = "multipliers" if isinstance(self.system, Map) else "eigenvalues"
                tail.insert(0, html.line(f"{name}: ", list(self.eigenvalues)))
            return html.block(self._title(), head, html.table(columns, rows), *tail)
        spectrum = html.formula(rf"\lambda = {', '.join(map(latex, self.hessian_eigenvalues))}")
        trap = "" if self.trap is None else html.line("holds every start with ", html.formula(latex(self.trap)))
        return html.block(self._title(), spectrum, trap, *tail)

    def _title(self) -> str:
        where = ", ".join(map(text, self.point)) if self.exact else ", ".join(f"{float(c):.6g}" for c in self.point)
        return f"{_describe(self.system)} at ({where}) of {self.system.landscape.name}: {self.kind}"

    def _effective_latex(self) -> str:
        """Return λₑ, or Hₑ if the method has none, as LaTeX; empty if Hₑ is too long to read."""
        if self.formula is not None:
            return rf"\lambda_e = {latex(self.formula)}"
        return f"H_e = {latex(self.effective_hessian)}" if self._matrix_text() else ""

    def _matrix_text(self) -> str:
        """Return Hₑ; empty if it is too long to read."""
        assert self.effective_hessian is not None
        rows = ["[" + ", ".join(map(text, row)) + "]" for row in self.effective_hessian.tolist()]
        matrix = f"Hₑ = [{', '.join(rows)}]"
        return matrix if len(matrix) <= LONGEST_LINE else ""

    def _effective_text(self, lam: sympy.Expr | None) -> str:
        own = own_radius(self.system.method)
        if lam is None or self.formula is None or (own is None and self.formula.has(RHO)):
            return ""
        value = self.formula.subs({LAMBDA: lam, RHO: own or 0})
        return text(value) if value.free_symbols else f"{float(value):.6g}"

    def __str__(self) -> str:
        return self.table()


@checked
@for_any_map
def stability(system: Map | Flow, point: Any) -> Stability:
    """Return whether a critical point attracts under a map or flow, and at which radii ρ.

    The function applies the method to the quadratic with the landscape's Hessian at the point, in symbols. This works
    for any method whose field vanishes at critical points.

    >>> import samdyn as sd
    >>> verdict = sd.stability(sd.Flow(sd.landscapes.beale(), sd.USAM(rho=0.1)), (0, 1))
    >>> verdict.kind, verdict.condition
    ('attractor', Interval.open(4/111, oo))

    Args:
        system: a Map, with or without momentum or a base optimizer, or a Flow. lr, momentum and the numbers of the base
            are numbers, which count as the decimals in which they are written. ρ may be a symbol. Adam counts as its
            linear form at the point, where v = 0.
        point: a critical point: d numbers or SymPy expressions, or one of ``critical_points``. Floating-point numbers
            count as fractions or square roots if the gradient vanishes at these. If a parameter of the landscape is a
            symbol, the point is in terms of it, and so are the conditions. Which method has a Jacobian there, and
            whether the point is on a kink, is tested at one value of the symbol.

    Raises:
        InputError: the point is not critical (‖∇L‖ ≤ 1e-9 ‖H‖ max(1, ‖w‖) counts as rounding), it lies on a kink, or
            the method's field does not vanish there; the landscape has more than 10 coordinates; lr or momentum is a
            symbol or a schedule; the method has a memory, or the base has no Jacobian there.

    Source: [K23, Theorem 1] for USAM; the criteria of Routh and Hurwitz, and of Jury.
    """
    _check_numbers(system)
    place = _place(system.landscape, point)
    method, own = system.method, own_radius(system.method)
    trial = with_radius(method, sympy.Integer(1) if own is None else own)
    if not _rests(trial, place):
        fix = "Give an equilibrium of the method: its field must vanish where the gradient does"
        where = tuple(c if c.free_symbols else float(c) for c in place.where)
        checks.reject("point", where, f"is critical, but {method} does not rest there", fix)
    if isinstance(system, Map) and system.base is not None and any(system.base.limit(place.center, 0 * place.center)):
        fix = "Use weight_decay=0, or a point at w = 0"
        where = tuple(c if c.free_symbols else float(c) for c in place.where)
        checks.reject("point", where, f"is critical, but {system.base} moves w there", fix)
    facts: dict[str, Any] = {
        "system": system,
        "point": tuple(_shown(c, place.exact) for c in place.where),
        "exact": place.exact,
        "hessian": _shown(place.hessian, place.precise),
        "hessian_eigenvalues": place.eigenvalues or (),
    }
    if not _is_differentiable(trial, place):
        known = facts["point"], facts["hessian"], facts["hessian_eigenvalues"]
        trap, note = sam_trap(system, *known, place.example)
        return Stability(**facts, differentiable=False, kind="no Jacobian", trap=trap, note=note)
    singular = sympy.simplify(place.hessian.det()) == 0 if place.eigenvalues is None else 0 in place.eigenvalues
    note = SINGULAR if singular else ""
    return Stability(**facts, differentiable=True, **_linearisation(system, place), note=note)


@dataclass(frozen=True, eq=False)
class _Place:
    """A critical point and the quadratic there.

    Attributes:
        landscape: the landscape.
        where: the coordinates, ``(d,)``.
        exact: whether they are exact numbers.
        hessian: H there, ``(d, d)``.
        precise: whether H is exact.
        eigenvalues: λ of H, ascending. None if there are symbols in H and no short formulas.
        center: the coordinates as numbers that the methods' operations take, ``(d,)``.
        example: numbers for the symbols that the landscape's parameters leave open; empty if there are none.
    """

    landscape: Landscape
    where: tuple[sympy.Expr, ...]
    exact: bool
    hessian: sympy.Matrix
    precise: bool
    eigenvalues: tuple[sympy.Expr, ...] | None
    center: np.ndarray
    example: dict[sympy.Symbol, sympy.Rational]

    @property
    def in_numbers(self) -> tuple[sympy.Matrix, np.ndarray]:
        """The Hessian and the point with numbers in place of symbols."""
        return self.hessian.subs(self.example), symbolic(c.subs(self.example) for c in self.center)


def _check_numbers(system: Map | Flow) -> None:
    """Refuse a system whose condition is not one set of radii.

    Raises:
        InputError: too many coordinates; lr or momentum is a symbol or differs from run to run, or ρ differs.
    """
    landscape, method = system.landscape, system.method
    if isinstance(system, Map):
        _check_map(system)
    if landscape.dim > MOST_COORDINATES:
        fix = "Measure with analysis.growth_rate or analysis.trapping_threshold instead"
        rule = f"has {landscape.dim} coordinates; formulas are made for up to {MOST_COORDINATES}"
        checks.reject("landscape", landscape, rule, fix)
    for name, value in (("lr", system.lr), ("momentum", getattr(system, "momentum", None))):
        if checks.is_formula(value) or torch.is_tensor(value):
            rule = "the condition is solved at one number"
            checks.reject(name, value, rule, "Give one: the inequalities are in symbols anyway")
    if torch.is_tensor(method.radius):
        checks.reject("rho", method.radius, "must be one number, or a symbol", "Ask for every radius by itself")


def _check_map(map_: Map) -> None:
    if not is_stateless(map_.method):
        fix = "Use symbolic.multipliers for a method with memory, or simulate"
        checks.reject("method", map_.method, "its step is no function of w alone", fix)
    map_.refuse_schedules()
    if map_.base is not None:
        map_.base.linearised()  # refuses what has none


def _place(landscape: Landscape, point: Any) -> _Place:
    """Return a critical point with the quadratic there.

    Raises:
        InputError: the point is not critical, or lies on a kink.
    """
    where, exact = exact_point(landscape, point)
    hessian = hessian_at(landscape, where)
    precise = exact and all(map(is_precise, hessian))
    values = example(unknowns(landscape), where) if landscape.has_formula else {}
    eigenvalues = (
        symbolic_eigenvalues(hessian, values) if hessian.free_symbols else hessian_eigenvalues(hessian, precise)
    )
    return _Place(landscape, where, exact, hessian, precise, eigenvalues, symbolic(where), values)


def _linearisation(system: Map | Flow, place: _Place) -> dict[str, Any]:
    """Return what follows from the Jacobian of the method's field, as attributes of ``Stability``."""
    method, own = system.method, own_radius(system.method)
    # At ρ = 0 a method may have a Jacobian that it has at no other ρ. Then the result is about ρ = 0 only.
    fixed = isinstance(method, Ascent) and own == 0
    fixed = fixed and not _is_differentiable(with_radius(method, sympy.Integer(1)), place)
    in_symbols = with_radius(method, sympy.Integer(0) if fixed else RHO)
    matrix = effective_matrix(in_symbols, place.hessian, place.center)
    formula = scalar_formula(in_symbols, place.center)
    of_hessian = formula is not None and is_function_of_hessian(
        formula.subs(place.example), matrix.subs(place.example), place.in_numbers[0]
    )
    if not of_hessian or place.eigenvalues is None or not _commutes(system):
        formula = None
    inequalities, polynomial, conditions, radii = (
        conditions_on_matrix(system, matrix, place.precise)
        if formula is None
        else conditions_on_eigenvalues(system, formula, place.eigenvalues or ())
    )
    symbols = [s.name for s in sorted(matrix.free_symbols - {RHO}, key=lambda s: s.name)]
    if (fixed or not isinstance(method, Ascent)) and not symbols:
        everywhere = sympy.FiniteSet(0) if fixed else sympy.S.UniversalSet
        radii = everywhere if radii == sympy.Interval(0, sympy.oo) else sympy.S.EmptySet
    eigenvalues, kind = None, f"depends on {' and '.join(['rho'] * (own is None) + symbols)}"
    if own is not None and not symbols:
        here = matrix.subs(RHO, own)
        rounding = ROUNDING if place.precise else ROUGH
        eigenvalues, kind = spectrum(system, here, max(_size(here), _size(place.hessian)) * rounding)
    return {
        "kind": kind,
        "effective_hessian": sympy.ImmutableDenseMatrix(_shown(matrix, place.precise)),
        "formula": formula,
        "characteristic_polynomial": _shown(polynomial, place.precise),
        "inequalities": inequalities,
        "conditions": conditions,
        "condition": radii,
        "eigenvalues": eigenvalues,
    }


def _commutes(system: Map | Flow) -> bool:
    """Return whether the step treats all directions alike, so that each eigenvalue of H has a condition of its own."""
    base = system.base if isinstance(system, Map) else None
    return base is None or not isinstance(getattr(base.linearised(), "scale", None), tuple)


def _rests(method: Method, place: _Place) -> bool:
    """Return whether the method's field vanishes at the point, on the quadratic there and on the landscape itself.

    A mean over points at a distance, as of Gaussian smoothing, vanishes on the quadratic alone.
    """
    if not rests_at(method, *place.in_numbers):
        return False
    if not place.exact:  # a point with rounding is not critical enough to test that
        return True
    center = symbolic(sympy.N(c, DIGITS) for c in place.in_numbers[1])
    field = method(center, at(place.landscape.grad, place.example))
    return all(abs(sympy.N(e, DIGITS)) <= ROUNDING * max(1, _size(place.in_numbers[0])) for e in field)


def _is_differentiable(method: Method, place: _Place) -> bool:
    hessian, center = place.in_numbers
    if not has_jacobian(method, hessian, center):
        return False
    # Along null vectors of H the quadratic has no gradient, but the landscape may have one. A point with rounding is
    # not critical enough to test that.
    grad = at(place.landscape.grad, place.example)
    return not place.exact or linear_part(lambda w: method(w, grad), center) is not None


def _shown(expr: Any, exact: bool) -> Any:
    """Return a formula as it is if exact, or with floating-point numbers in place of its fractions."""
    return expr if exact else expr.evalf(17)


def _size(matrix: sympy.Matrix) -> float:
    return float(max(abs(sympy.N(e)) for e in matrix))


def _number_text(value: complex) -> str:
    return f"{value:.6g}" if value.imag else f"{value.real:.6g}"


def _radii_cell(radii: Any) -> str:
    words = radii_text(radii)
    return words if words in ("always", "never") else html.formula(radii_latex(radii))


def _describe(system: Map | Flow) -> str:
    method = system.method
    name = type(method).__name__
    if isinstance(method, Ascent):
        name += f" (ρ = {text(sympy.sympify(method.rho))}"
        name += f", n = {method.ascent_steps}" * (method.ascent_steps > 1) + ", averaged" * method.average + ")"
    if isinstance(system, Flow):
        return f"{name} flow" + (f" of order 2 (η = {system.lr:g})" if system.order == 2 else "")
    momentum = f", γ = {system.momentum:g}" * system.has_velocity + ", Nesterov" * system.nesterov
    momentum += "" if system.base is None else f", {system.base}"
    return f"{name} map (η = {system.lr:g}{momentum})"
