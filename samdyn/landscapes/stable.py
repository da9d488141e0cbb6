"""Formulas in a form that floating point can compute wherever their values are finite.

``log(1 + exp(u))`` is u at u = 1000, but exp(1000) is beyond the floating-point range. What stands here finds the usual
losses of that kind in a formula. It serves numbers alone: a landscape's formulas stay as they were typed.
"""

from typing import Any

import sympy

from .parse import COMPARED
from .special import CoshExp, Largest, LogCosh, Logistic, LogSumExp, Sech, SinhExp, Smallest, SoftMax, Step, Tanh, Where

REWRITTEN = (sympy.exp, sympy.sinh, sympy.cosh, sympy.Max, sympy.Min)


def stable(expr: sympy.Expr) -> sympy.Expr:
    """Return an expression of the same value, in functions of ``special`` where it would overflow as it stands."""
    if not expr.has(*REWRITTEN):
        return expr
    known: dict[sympy.Basic, sympy.Basic] = {}

    def visit(e: sympy.Basic) -> sympy.Basic:
        if not e.args or not e.free_symbols:
            return e
        if e not in known:
            known[e] = _rule(e, [factor(arg) if isinstance(e, sympy.Mul) else visit(arg) for arg in e.args])
        return known[e]

    def factor(e: sympy.Basic) -> sympy.Basic:
        # What a power becomes depends on what else is in the product.
        return sympy.Pow(*map(visit, e.args)) if isinstance(e, sympy.Pow) else visit(e)

    return visit(expr)


def quick(expr: sympy.Expr) -> sympy.Expr:
    """Return an expression with the Max and Min of ``special`` where they have many terms: quick to differentiate."""

    def many(e: sympy.Basic) -> bool:
        return isinstance(e, sympy.Max | sympy.Min) and len(e.args) > COMPARED

    return expr.replace(many, lambda e: _rule(e, list(e.args)))


def written(expr: sympy.Expr) -> sympy.Expr:
    """Return an expression from ``quick``, or its derivative, in SymPy's own functions."""
    expr = expr.replace(Largest, lambda *u: sympy.Max(*u, evaluate=False))
    expr = expr.replace(Smallest, lambda *u: sympy.Min(*u, evaluate=False))
    return expr.replace(Step, lambda u: sympy.Heaviside(u, 0, evaluate=False))


def masked(expr: sympy.Expr) -> sympy.Expr:
    """Return an expression in which a product with a step is 0 where the step is, whatever its other factors are."""

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


def _rule(e: sympy.Basic, args: list[sympy.Basic]) -> sympy.Basic:
    """Return an expression whose arguments are ``args``."""
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
    """Return u₁ … uₙ, n ≥ 2, if an expression is Σ exp(uᵢ) and not constant."""
    if not isinstance(e, sympy.Add) or e.is_number:
        return None
    constant = sympy.Add(*(term for term in e.args if term.is_number))
    if constant != 0 and not constant.is_positive:
        return None
    found = [sympy.log(constant)] if constant != 0 else []
    for term in e.args:
        if term.is_number:
            continue
        factor, exponential = term.as_independent(*term.free_symbols, as_Add=False)
        if not factor.is_positive or not isinstance(exponential, sympy.exp):
            return None
        found.append(sympy.log(factor) + exponential.args[0])
    return found


def _log(u: sympy.Expr) -> sympy.Expr:
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
    """Return a sum, in which 1 − logistic(u) is logistic(−u)."""
    total = sympy.Add(*terms)
    number = total.as_coeff_Add()[0]
    for term in total.args if number else ():
        factor, rest = term.as_coeff_Mul()
        if isinstance(rest, Logistic) and factor == -number:
            return total - number - term + number * Logistic(-rest.args[0])
    return total


def _mul(factors: list[Any]) -> sympy.Expr:
    """Return a product, in which exponentials are divided by their sums without being computed."""
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
        divided, exponent = _divided(exponent, sums, power)
        rest.append(divided)
    return _hyperbolic(exponent, sympy.Mul(*rest))


def _divided(v: sympy.Expr, sums: list[sympy.Expr], power: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """Return two things whose product is exp(v)/(Σ exp(uᵢ))ⁿ: all but an exponential, and that one's exponent."""
    if len(sums) > 2:
        if power == 1:
            return SoftMax(v, *sums), sympy.Integer(0)
        return sympy.Add(*map(sympy.exp, sums)) ** -power, v
    a, b = sums
    low, high = Logistic(a - b), Logistic(b - a)  # exp(a) and exp(b) over their sum
    for k in range(int(power) + 1 if power.is_Integer and power <= 8 else 0):
        if sympy.expand(v - k * a - (power - k) * b) == 0:
            return low**k * high ** (power - k), sympy.Integer(0)
    constant, share = (a, low) if a.is_number else (b, high)
    if constant.is_number:
        return share**power * sympy.exp(-power * constant), v
    return (sympy.exp(a) + sympy.exp(b)) ** -power, v


def _hyperbolic(v: sympy.Expr, rest: sympy.Expr) -> sympy.Expr:
    """Return rest · exp(v), its hyperbolic functions divided by each other, or joined with the exponential."""
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
