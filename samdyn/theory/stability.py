"""What a map or flow does near a critical point: the effective Hessian, and for which radii the point attracts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import mpmath  # type: ignore[import-untyped]  # SymPy's own arithmetic
import numpy as np
import sympy
import torch
from sympy.polys.matrices import DomainMatrix

from .. import checks
from ..dynamics import Flow, Map
from ..landscapes import Landscape
from ..methods import Ascent, Method
from ..ops import Point, symbolic
from .effective import (
    effective_matrix,
    field_at,
    field_is_linear,
    is_function_of_hessian,
    linear_part,
    scalar_formula,
    with_radius,
)
from .jury import hurwitz, jury
from .notation import ETA, GAMMA, LAMBDA, RHO, S, Z, radii_text, text
from .points import exact_point, hessian_at
from .radii import solve_radii
from .traps import sam_trap

MOST_IN_SYMBOLS = 4  # roots, up to which the conditions on all at once are written in η and γ too
LARGEST_DENOMINATOR = 10**9  # of a number that somebody wrote; others are the digits of a floating-point number
LONGEST_LINE = 120
MOST_COORDINATES = 10  # formulas of larger matrices say nothing to a reader
DIGITS = 50
ROUNDING = 1e-14  # of multipliers and rates at a radius given in floating point, relative to their size
ROUGH = 1e-9  # the same, where the Hessian itself is known in floating point

ATTRACTOR, SADDLE, REPELLER, NOT_HYPERBOLIC = "attractor", "saddle", "repeller", "not hyperbolic"


SINGULAR = "The Hessian is singular: along its null vectors higher derivatives decide, which are not looked at."


@dataclass(frozen=True)
class Condition:
    """When the directions that belong to one eigenvalue of the Hessian attract.

    Attributes:
        eigenvalue: λ; None where the method mixes the eigenvectors of H, and the condition is on all together.
        inequalities: which have to hold, in ρ and, for maps, in η and γ.
        radii: the ρ ≥ 0 at which they do, at the map's own η and γ.
    """

    eigenvalue: sympy.Expr | None
    inequalities: tuple[sympy.Basic, ...]
    radii: sympy.Set


@dataclass(frozen=True, eq=False)
class Stability:
    """What linearisation says of a map or flow at a critical point.

    Formulas are in theory.RHO, ETA, GAMMA and LAMBDA. Where the method's field has no Jacobian at the point, as that of
    normalised SAM, whatever needs one is None, and ``trap`` and ``note`` say what is true instead.

    Attributes:
        system: the map or flow.
        point: where, exact numbers if they were recognised; floating-point ones are written as fractions too.
        exact: whether they were.
        hessian: H there, ``(d, d)``.
        hessian_eigenvalues: λ, ascending.
        differentiable: whether the field has a Jacobian at the point.
        kind: "attractor", "saddle" or "repeller" at the method's own ρ, on the states (w, v) where there is momentum;
            "not hyperbolic" if an eigenvalue is neutral, to rounding; "depends on rho" if ρ is a symbol;
            "no Jacobian".
        effective_hessian: Hₑ, the Jacobian of the method's field F, in ρ, ``(d, d)``.
        formula: Hₑ as a function of λ if the method only stretches the eigenvectors of H; else None.
        characteristic_polynomial: of the Jacobian, in s for flows and z for maps, and in ρ.
        inequalities: when a direction attracts, in λ, ρ, η and γ (Routh–Hurwitz for flows, Jury for maps); empty where
            there is no ``formula``.
        conditions: the same for every eigenvalue of H.
        condition: all ρ ≥ 0 at which the point attracts, at the system's own η and γ.
        eigenvalues: of the Jacobian at the method's own ρ: rates of the flow, multipliers of the map, ``(D,)``.
        trap: a region of starts that are held (for a map: that never leave it), as an inequality in the coordinates and
            ρ; None where no closed form is known, or none is needed.
        note: what else to know, in a sentence or two.
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
        own = _own_radius(self.system.method)
        return self.trap if self.trap is None or own is None else self.trap.subs(RHO, own)

    def latex(self) -> str:
        """Return the effective Hessian and the condition, or the trap, as LaTeX (math mode)."""
        write: Callable[[Any], str] = sympy.latex
        if not self.differentiable:
            return write(self.trap) if self.trap is not None else rf"\text{{{self.note}}}"
        if self.formula is not None:
            effective = rf"\lambda_e = {write(self.formula)}"
        else:
            effective = f"H_e = {write(self.effective_hessian)}"
        rules = [rf"\text{{attracts iff }} {write(self.relational)}"]
        return r" \\ ".join([effective, *map(write, self.inequalities), *rules])

    def table(self) -> str:
        """Return what was found as plain text."""
        where = ", ".join(map(text, self.point)) if self.exact else ", ".join(f"{float(c):.6g}" for c in self.point)
        lines = [f"{_describe(self.system)} at ({where}) of {self.system.landscape.name}: {self.kind}"]
        if self.differentiable:
            effective = f"λₑ = {text(self.formula)}" if self.formula is not None else self._matrix_text()
            lines.append("; ".join([effective, *map(text, self.inequalities)]))
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
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def _matrix_text(self) -> str:
        written = f"Hₑ = {text(self.effective_hessian)}".replace("Matrix(", "").replace(")]])", "]]")
        return written if len(written) <= LONGEST_LINE else "Hₑ depends on the point"

    def _effective_text(self, lam: sympy.Expr | None) -> str:
        own = _own_radius(self.system.method)
        if lam is None or self.formula is None or (own is None and self.formula.has(RHO)):
            return ""
        return f"{float(self.formula.subs({LAMBDA: lam, RHO: own or 0})):.6g}"

    def __str__(self) -> str:
        return self.table()


def stability(system: Map | Flow, point: Any) -> Stability:
    """Say whether a critical point attracts under a map or flow, and at which radii ρ.

    The method is applied to the quadratic with the landscape's Hessian at the point, in symbols; what follows holds for
    any method whose field vanishes at critical points.

    Args:
        system: a Map (with momentum too) or a Flow. lr and momentum are numbers, taken for the decimals they are
            written as; ρ may be a symbol.
        point: a critical point: d numbers or SymPy expressions, or one of ``critical_points``. Floating-point numbers
            are taken for fractions and square roots where the gradient vanishes at those.

    Raises:
        InputError: a point that is not critical (‖∇L‖ ≤ 1e-9 ‖H‖ max(1, ‖w‖) counts as rounding), lies on a kink, or is
            not at rest; more than 10 coordinates; lr or momentum a symbol.

    Source: [K23, Theorem 1] for USAM; the criteria of Routh and Hurwitz, and of Jury.
    """
    landscape, method = system.landscape, system.method
    if landscape.dim > MOST_COORDINATES:
        fix = "Measure with analysis.growth_rate or analysis.trapping_threshold instead"
        rule = f"has {landscape.dim} coordinates; formulas are made for up to {MOST_COORDINATES}"
        checks.reject("landscape", landscape, rule, fix)
    for name, value in (("lr", system.lr), ("momentum", getattr(system, "momentum", None))):
        if checks.is_formula(value) or torch.is_tensor(value):
            rule = "the condition is solved at one number"
            checks.reject(name, value, rule, "Give one: the inequalities are in symbols anyway")
    rho = getattr(method, "rho", 0)
    if torch.is_tensor(rho):
        checks.reject("rho", rho, "must be one number, or a symbol", "Ask for every radius by itself")
    where, exact = exact_point(landscape, point)
    hessian = hessian_at(landscape, where)
    precise = exact and all(map(_is_precise, hessian))
    lam = _eigenvalues(hessian, precise)
    center = symbolic(where)
    own = _own_radius(method)
    found: dict[str, Any] = {"system": system, "point": where, "exact": exact, "hessian": hessian}
    found["hessian_eigenvalues"] = lam

    trial = with_radius(method, sympy.Integer(1) if own is None else own)
    if any(sympy.N(e) != 0 for e in field_at(trial, hessian, center)):
        fix = "Give an equilibrium of the method: its field must vanish where the gradient does"
        checks.reject("point", tuple(float(c) for c in where), f"is critical, but {method} does not rest there", fix)
    differentiable = _is_differentiable(trial, landscape, hessian, center, exact)
    if not differentiable:
        trap, note = sam_trap(system, where, hessian, lam)
        return Stability(**found, differentiable=False, kind="no Jacobian", trap=trap, note=note)

    # At ρ = 0 a method may have a Jacobian that it has nowhere else: then nothing can be said about other radii.
    fixed = (
        isinstance(method, Ascent)
        and own == 0
        and not _is_differentiable(with_radius(method, sympy.Integer(1)), landscape, hessian, center, exact)
    )
    in_symbols = with_radius(method, sympy.Integer(0) if fixed else RHO)
    matrix = effective_matrix(in_symbols, hessian, center)
    formula = scalar_formula(in_symbols, center)
    if formula is not None and not is_function_of_hessian(formula, matrix, hessian):
        formula = None
    inequalities, polynomial, conditions, radii = (
        _conditions_on_matrix(system, matrix, precise)
        if formula is None
        else _conditions_on_eigenvalues(system, formula, lam)
    )
    if fixed or not isinstance(method, Ascent):
        everywhere = sympy.FiniteSet(0) if fixed else sympy.S.UniversalSet
        radii = everywhere if radii == sympy.Interval(0, sympy.oo) else sympy.S.EmptySet
    eigenvalues, kind = None, "depends on rho"
    if own is not None:
        here = matrix.subs(RHO, own)
        eigenvalues, kind = _spectrum(system, here, max(_size(here), _size(hessian)) * (ROUNDING if precise else ROUGH))
    return Stability(
        **found,
        differentiable=True,
        kind=kind,
        effective_hessian=sympy.ImmutableDenseMatrix(matrix),
        formula=formula,
        characteristic_polynomial=polynomial,
        inequalities=inequalities,
        conditions=conditions,
        condition=radii,
        eigenvalues=eigenvalues,
        note=SINGULAR if 0 in lam else "",
    )


Verdict = tuple[tuple[sympy.Basic, ...], sympy.Expr, tuple[Condition, ...], sympy.Set]


def _conditions_on_eigenvalues(system: Map | Flow, formula: sympy.Expr, lam: tuple[sympy.Expr, ...]) -> Verdict:
    effective = sympy.Symbol("lambda_e", real=True)
    characteristic = _characteristic_polynomial(system, sympy.Matrix([[effective]]))
    rules = [e for e in _criterion(system)(characteristic) if e.has(effective)]  # the rest say that γ < 1
    inequalities = tuple(_relation(e, effective, formula) for e in rules)
    positive = [_at_own_rates(system, e.subs(effective, formula)) for e in rules]
    conditions = tuple(
        Condition(v, tuple(i.subs(LAMBDA, v) for i in inequalities), solve_radii(positive, [v]))
        for v in dict.fromkeys(lam)
    )
    own = _at_own_rates(system, characteristic)
    polynomial = sympy.Mul(*(own.subs(effective, formula.subs(LAMBDA, v)) for v in lam))
    return inequalities, polynomial, conditions, solve_radii(positive, lam)


def _conditions_on_matrix(system: Map | Flow, matrix: sympy.Matrix, precise: bool) -> Verdict:
    rational = precise and all(c.is_Rational for e in matrix for c in sympy.Poly(e, RHO).coeffs())
    if not rational:
        matrix = matrix.applyfunc(_decimals)
    characteristic = _characteristic_polynomial(system, matrix)
    own = _at_own_rates(system, characteristic)
    # With η and γ as symbols the determinants of larger matrices fill pages.
    written = characteristic if sympy.degree(own, _variable(system)) <= MOST_IN_SYMBOLS else own
    tidy = sympy.factor if rational else _leading_digits
    inequalities = tuple(sympy.StrictLessThan(0, tidy(e)) for e in _criterion(system)(written))
    radii = solve_radii(_criterion(system)(own), rounded=not rational)
    return (), own, (Condition(None, inequalities, radii),), radii


def _linearised(system: Map | Flow, effective: sympy.Matrix) -> sympy.Matrix:
    """Return the Jacobian of the system whose method's field is Hₑw, in η and γ: it is its own linearisation."""
    h = np.array(effective.tolist(), dtype=object)

    def linear(w: Point, grad: Any) -> Point:
        return (h * w[None, :]).sum(1)

    names = [f"u{i}" for i in range(len(h))]
    anywhere = Landscape("+".join(f"{name}**2" for name in names), names)
    parts: dict[str, Any] = {"landscape": anywhere, "method": linear}
    if system.lr is not None:
        parts["lr"] = ETA
    if isinstance(system, Map) and system.has_velocity:
        parts["momentum"] = GAMMA
    return replace(system, **parts).jacobian()


def _characteristic_polynomial(system: Map | Flow, effective: sympy.Matrix) -> sympy.Expr:
    matrix = DomainMatrix.from_Matrix(_linearised(system, effective))
    coefficients = [matrix.domain.to_sympy(c) for c in matrix.charpoly()]
    return sympy.Poly(coefficients, _variable(system)).as_expr()


def _variable(system: Map | Flow) -> sympy.Symbol:
    return Z if isinstance(system, Map) else S


def _criterion(system: Map | Flow) -> Callable[[sympy.Expr], tuple[sympy.Expr, ...]]:
    return (lambda p: jury(p, Z)) if isinstance(system, Map) else (lambda p: hurwitz(p, S))


def _relation(expr: sympy.Expr, effective: sympy.Symbol, formula: sympy.Expr) -> sympy.Basic:
    """Write expr > 0 with what depends on λ on the left, or as 0 < … where everything does."""
    rest, dependent = sympy.expand(expr).as_independent(effective, as_Add=True)
    if rest == 0:
        return sympy.StrictLessThan(0, sympy.factor(dependent.subs(effective, formula)))
    return sympy.StrictLessThan(sympy.factor(-dependent.subs(effective, formula)), sympy.factor(rest))


def _at_own_rates(system: Map | Flow, expr: Any) -> Any:
    rates = {ETA: system.lr, GAMMA: getattr(system, "momentum", None)}
    return expr.subs({symbol: sympy.Rational(str(value)) for symbol, value in rates.items() if value is not None})


def _spectrum(system: Map | Flow, effective: sympy.Matrix, neutral: float) -> tuple[np.ndarray, str]:
    """Return the eigenvalues of the Jacobian and the kind of point; rates below ``neutral`` are none."""
    jacobian = _at_own_rates(system, _linearised(system, effective))
    with mpmath.workdps(DIGITS):
        roots = mpmath.eig(_high_precision(jacobian), left=False, right=False)
        if isinstance(system, Map):
            # A multiplier z changes distances by |z| − 1 = ηλₑ/(1−γ) or so a step.
            neutral *= system.lr / (1 - system.momentum)
            rates = [float(abs(z) - 1) for z in roots]
        else:
            rates = [float(mpmath.re(s)) for s in roots]
        real = [bool(abs(mpmath.im(z)) <= 1e-30 * abs(z)) for z in roots]
        values = [complex(mpmath.re(z)) if r else complex(z) for z, r in zip(roots, real, strict=True)]
    spectrum = np.array(sorted(values, key=lambda z: (z.real, z.imag)))
    spectrum = spectrum.real if all(real) else spectrum
    if any(abs(rate) <= neutral for rate in rates):
        return spectrum, NOT_HYPERBOLIC
    if all(rate < 0 for rate in rates):
        return spectrum, ATTRACTOR
    return spectrum, REPELLER if all(rate > 0 for rate in rates) else SADDLE


def _is_differentiable(
    method: Method, landscape: Landscape, hessian: sympy.Matrix, center: np.ndarray, exact: bool
) -> bool:
    if not field_is_linear(method, hessian, center):
        return False
    # Along null vectors of H the quadratic has no gradient, but the landscape may. A point known to rounding alone is
    # not close enough to being critical to ask.
    return not exact or linear_part(lambda w: method(w, landscape.grad), center) is not None


def _eigenvalues(hessian: sympy.Matrix, precise: bool) -> tuple[sympy.Expr, ...]:
    """Return the eigenvalues, ascending: exact ones where they are entries or square roots, or else rounded."""
    d = hessian.rows
    if not precise:
        rounded = np.linalg.eigvalsh(np.array(hessian.evalf(), dtype=float))
        return tuple(
            sympy.Float(v, 17) if abs(v) > ROUGH * abs(rounded).max() else sympy.Integer(0) for v in rounded.tolist()
        )
    if hessian.is_diagonal():
        found = list(hessian.diagonal())
    elif d == 2:
        (a, b), (_, c) = hessian.tolist()
        root = sympy.sqrt(sympy.expand((a - c) ** 2 + 4 * b**2))
        found = [sympy.radsimp((a + c + sign * root) / 2) for sign in (-1, 1)]
    elif all(e.is_Rational for e in hessian):
        found = []
        for factor, multiplicity in hessian.charpoly(S).factor_list()[1]:
            exactly = factor.degree() <= 2
            roots = factor.real_roots() if exactly else [sympy.Float(sympy.re(r), 17) for r in factor.nroots(n=DIGITS)]
            found += roots * multiplicity
    else:
        with mpmath.workdps(DIGITS):
            values = mpmath.eigsy(_high_precision(hessian), eigvals_only=True)
            found = [sympy.Float(str(v), 17) for v in values]
    largest = max(abs(sympy.N(v, DIGITS)) for v in found)
    found = [v if abs(sympy.N(v, DIGITS)) > ROUNDING * largest else sympy.Integer(0) for v in found]
    return tuple(sorted(found, key=sympy.N))


def _is_precise(entry: sympy.Expr) -> bool:
    """Say whether an entry of the Hessian is more than the digits of a floating-point number."""
    return not entry.is_Rational or entry.q <= LARGEST_DENOMINATOR


def _decimals(expr: sympy.Expr) -> sympy.Expr:
    """Return a polynomial in ρ with its coefficients rounded to many digits."""
    return sympy.Poly(expr, RHO).termwise(lambda _, c: sympy.Rational(sympy.N(c, DIGITS))).as_expr()


def _leading_digits(expr: sympy.Expr) -> sympy.Expr:
    """Return a polynomial with its largest coefficient scaled to ±1 and the others as floating-point numbers."""
    polynomial = sympy.Poly(expr)
    return (polynomial / polynomial.max_norm()).as_expr().evalf(15) if polynomial.gens else expr


def _high_precision(matrix: sympy.Matrix) -> Any:
    entries = [[mpmath.mpf(str(sympy.N(e, mpmath.mp.dps))) for e in row] for row in matrix.tolist()]
    return mpmath.matrix(entries)


def _size(matrix: sympy.Matrix) -> float:
    return float(max(abs(sympy.N(e)) for e in matrix))


def _number_text(value: complex) -> str:
    return f"{value:.6g}" if value.imag else f"{value.real:.6g}"


def _own_radius(method: Method) -> sympy.Expr | None:
    """Return the method's radius as the decimal it is written as; None if it is a symbol, 0 if there is none."""
    rho = getattr(method, "rho", 0)
    return None if checks.is_formula(rho) else sympy.Rational(str(rho))


def _describe(system: Map | Flow) -> str:
    method = system.method
    name = type(method).__name__
    if isinstance(method, Ascent):
        name += f" (ρ = {text(sympy.sympify(method.rho))}"
        name += f", n = {method.ascent_steps}" * (method.ascent_steps > 1) + ", averaged" * method.average + ")"
    if isinstance(system, Flow):
        return f"{name} flow" + (f" of order 2 (η = {system.lr:g})" if system.order == 2 else "")
    momentum = f", γ = {system.momentum:g}" * system.has_velocity + ", Nesterov" * system.nesterov
    return f"{name} map (η = {system.lr:g}{momentum})"
