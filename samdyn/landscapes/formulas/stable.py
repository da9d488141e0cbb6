"""Rewrites a formula so that floating point can compute it wherever its value is finite.

``log(1 + exp(u))`` is 1000 at u = 1000, but exp(1000) is beyond the floating-point range. This module recognises the
common losses of that kind. Only code for numbers uses the result: the formulas of a landscape stay as the user wrote
them.
"""

from typing import Any

import sympy

from .parse import MAX_COMPARED_TERMS
from .special import CoshExp, Largest, LogCosh, Logistic, LogSumExp, Sech, SinhExp, Smallest, SoftMax, Step, Tanh, Where

MAY_OVERFLOW = (sympy.exp, sympy.sinh, sympy.cosh, sympy.Max, sympy.Min)  # functions that may need rewriting


def stable(expr: sympy.Expr) -> sympy.Expr:
    """Return an expression of the same value, with functions of ``special`` in place of parts that may overflow.

    >>> x = sympy.Symbol("x", real=True)
    >>> stable(sympy.log(1 + sympy.exp(x)))
    LogSumExp(0, x)
    """
    if not expr.has(*MAY_OVERFLOW):
        return expr
    results: dict[sympy.Basic, sympy.Basic] = {}

    def visit(e: sympy.Basic) -> sympy.Basic:
        if not e.args or not e.free_symbols:
            return e
        if e not in results:
            results[e] = _rebuild(e, [factor(arg) if isinstance(e, sympy.Mul) else visit(arg) for arg in e.args])
        return results[e]

    def factor(e: sympy.Basic) -> sympy.Basic:
        # The other factors decide what becomes of a power, so _mul rewrites it.
        return sympy.Pow(*map(visit, e.args)) if isinstance(e, sympy.Pow) else visit(e)

    return visit(expr)


def replace_long_extremes(expr: sympy.Expr) -> sympy.Expr:
    """Return an expression with Largest and Smallest for every Max and Min of many terms: SymPy derives those fast."""

    def many(e: sympy.Basic) -> bool:
        return isinstance(e, sympy.Max | sympy.Min) and len(e.args) > MAX_COMPARED_TERMS

    return expr.replace(many, lambda e: _rebuild(e, list(e.args)))


def to_sympy(expr: sympy.Expr) -> sympy.Expr:
    """Return the result of ``replace_long_extremes``, or a derivative of it, in SymPy's own functions."""
    expr = expr.replace(Largest, lambda *u: sympy.Max(*u, evaluate=False))
    expr = expr.replace(Smallest, lambda *u: sympy.Min(*u, evaluate=False))
    return expr.replace(Step, lambda u: sympy.Heaviside(u, 0, evaluate=False))


def mask_steps(expr: sympy.Expr) -> sympy.Expr:
    """Return an expression in which a product with a step is 0 where the step is 0, even if other factors overflow."""

    def is_step(e: sympy.Basic) -> bool:
        base, exponent = e.as_base_exp()
        return isinstance(base, Step) and exponent.is_positive

    def split(e: sympy.Mul) -> sympy.Expr:
        steps = [f for f in e.args if is_step(f)]
        rest = sympy.Mul(*(f for f in e.args if not is_step(f)))
        factor, value = rest.as_coeff_Mul()
        if value == 1:
            return e
        for step in steps:
            value = Where(step.as_base_exp()[0].args[0], value)
        return factor * value

    return expr.replace(lambda e: isinstance(e, sympy.Mul) and any(map(is_step, e.args)), split)


def _rebuild(e: sympy.Basic, args: list[sympy.Basic]) -> sympy.Basic:
    """Return an expression like ``e`` with the arguments ``args``, in functions of ``special`` where they apply."""
    match e:
        case sympy.Max() | sympy.Min():
            numbers = [arg for arg in args if arg.is_number]
            terms = [arg for arg in args if not arg.is_number] + ([e.func(*numbers)] if numbers else [])
            return (Largest if isinstance(e, sympy.Max) else Smallest)(*terms)
        case sympy.log():
            return _log(args[0])
        case sympy.Add():
            return _add(args)
        case sympy.Mul():
            return _mul(args)
        case sympy.Pow():
            return _mul([sympy.Pow(*args)])
    return e.func(*args)


def _exponents(e: sympy.Expr) -> list[sympy.Expr] | None:
    """Return [u₁, …, uₙ], n ≥ 2, if an expression is Σ exp(uᵢ) and not constant. Otherwise return None."""
    if not isinstance(e, sympy.Add) or e.is_number:
        return None
    constant = sympy.Add(*(term for term in e.args if term.is_number))
    if constant != 0 and not constant.is_positive:
        return None
    exponents = [sympy.log(constant)] if constant != 0 else []
    for term in e.args:
        if term.is_number:
            continue
        factor, exponential = term.as_independent(*term.free_symbols, as_Add=False)
        if not factor.is_positive or not isinstance(exponential, sympy.exp):
            return None
        exponents.append(sympy.log(factor) + exponential.args[0])
    return exponents


def _log(u: sympy.Expr) -> sympy.Expr:
    """Return log u, in which no exponential of a sum, a cosh, a logistic or a softmax is computed."""
    exponents = _exponents(u)
    if exponents:
        return LogSumExp(*exponents)
    factor, rest = u.as_coeff_Mul()
    base, power = rest.as_base_exp()
    if factor.is_positive:
        if isinstance(base, sympy.cosh):
            return sympy.log(factor) + power * LogCosh(base.args[0])
        if isinstance(base, Sech):
            return sympy.log(factor) - power * LogCosh(base.args[0])
        if isinstance(base, Logistic):
            return sympy.log(factor) - power * LogSumExp(0, -base.args[0])
        if isinstance(rest, SoftMax):
            return sympy.log(factor) + rest.args[0] - LogSumExp(*rest.args[1:])
    return sympy.log(u)


def _add(terms: list[Any]) -> sympy.Expr:
    """Return a sum, with logistic(−u) in place of 1 − logistic(u)."""
    total = sympy.Add(*terms)
    number = total.as_coeff_Add()[0]
    for term in total.args if number else ():
        factor, rest = term.as_coeff_Mul()
        if isinstance(rest, Logistic) and factor == -number:
            return total - number - term + number * Logistic(-rest.args[0])
    return total


def _mul(factors: list[Any]) -> sympy.Expr:
    """Return a product, with logistic functions and softmaxes in place of exponentials over sums of exponentials."""
    product = sympy.Mul(*factors)
    exponent, denominators, rest = sympy.Integer(0), [], []
    for factor in sympy.Mul.make_args(product):
        base, power = factor.as_base_exp()
        sums = _exponents(base) if power.is_number and power.is_negative else None
        if isinstance(factor, sympy.exp):
            exponent += factor.args[0]
        elif sums:
            denominators.append((sums, -power))
        else:
            rest.append(factor)
    for sums, power in denominators:
        factor, exponent = _divide(exponent, sums, power)
        rest.append(factor)
    return _hyperbolic(exponent, sympy.Mul(*rest))


def _divide(v: sympy.Expr, sums: list[sympy.Expr], power: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """Return a factor f and an exponent e with exp(v)/(Σ exp(uᵢ))ⁿ = f exp(e)."""
    if len(sums) > 2:
        if power == 1:
            return SoftMax(v, *sums), sympy.Integer(0)
        return sympy.Add(*map(sympy.exp, sums)) ** -power, v
    a, b = sums
    low, high = Logistic(a - b), Logistic(b - a)  # exp(a) and exp(b), each over exp(a) + exp(b)
    for k in range(int(power) + 1 if power.is_Integer and power <= 8 else 0):
        if sympy.expand(v - k * a - (power - k) * b) == 0:
            return low**k * high ** (power - k), sympy.Integer(0)
    constant, share = (a, low) if a.is_number else (b, high)
    if constant.is_number:
        return share**power * sympy.exp(-power * constant), v
    return (sympy.exp(a) + sympy.exp(b)) ** -power, v


def _hyperbolic(v: sympy.Expr, rest: sympy.Expr) -> sympy.Expr:
    """Return rest · exp(v), with Tanh, Sech, SinhExp and CoshExp where sinh, cosh or exp may overflow."""
    powers: dict[sympy.Expr, sympy.Expr] = {}
    others = [sympy.Integer(1)]
    for factor in sympy.Mul.make_args(rest):
        base, power = factor.as_base_exp()
        if isinstance(base, sympy.sinh | sympy.cosh) and base.free_symbols and power.is_number:
            powers[base] = power
        else:
            others.append(factor)
    for base, power in list(powers.items()):
        if isinstance(base, sympy.cosh) and power.is_negative:
            sine = sympy.sinh(base.args[0])
            shared = min(max(powers.get(sine, 0), 0), -power)
            others += [Tanh(base.args[0]) ** shared, Sech(base.args[0]) ** (-power - shared)]
            powers[base] = sympy.Integer(0)
            if shared:
                powers[sine] -= shared
    for base, power in powers.items():
        if v != 0 and power == 1:
            others.append((SinhExp if isinstance(base, sympy.sinh) else CoshExp)(base.args[0], v))
            v = sympy.Integer(0)
        else:
            others.append(base**power)
    return sympy.Mul(*others) * sympy.exp(v)
