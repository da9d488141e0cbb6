"""Typed formulas mean what they say, and whatever is no formula is refused before anything of it runs."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import samdyn as sd
from samdyn.landscapes.formulas.parse import FUNCTIONS, parse, symbols

X, Y = XY = symbols("x y")
ROOT = Path(sd.__file__).parents[1]


def read(text):
    return parse(text, XY)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("x - y - 1", X - Y - 1),
        ("x/y/2", X / (2 * Y)),
        ("x - (y - 1)", X - Y + 1),
        ("2 + 3*x", 3 * X + 2),
        ("-x**2", -(X**2)),
        ("(-x)**2", X**2),
        ("2*-x", -2 * X),
        ("x**-y", X ** (-Y)),
        ("2**3**2", sympy.Integer(512)),
        ("--x", X),
        ("+x", X),
        ("  x\n", X),
        ("0.1", sympy.Rational(1, 10)),
        ("1.50*x", sympy.Rational(3, 2) * X),
        (".5", sympy.Rational(1, 2)),
        ("2.", sympy.Integer(2)),
        ("1e-3", sympy.Rational(1, 1000)),
        ("2.5E2", sympy.Integer(250)),
        ("1e-30*x", X / 10**30),
        ("0.12345678901234567890", sympy.Rational(1234567890123456789, 10**19)),
        ("123456789012345678901", sympy.Integer(123456789012345678901)),
        ("1/3", sympy.Rational(1, 3)),
        ("x**0.5", sympy.sqrt(X)),
        ("pi", sympy.pi),
        ("abs(x)", sympy.Abs(X)),
        ("relu(x)", sympy.Max(0, X)),
        ("relu(-3)", sympy.Integer(0)),
        ("Max(x, y)", sympy.Max(X, Y)),
        ("Max(x, 1, y, 2, x*y)", sympy.Max(2, X, Y, X * Y)),
        ("Min(x, 1, y, 2, x*y)", sympy.Min(1, X, Y, X * Y)),
        ("Max(x)", X),
        ("sin(x)**2", sympy.sin(X) ** 2),
        ("exp(-(x - y)**2)", sympy.exp(-((X - Y) ** 2))),
    ],
)
def test_formulas_mean_what_they_say(text, meaning):
    assert read(text) == meaning


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"abs", "relu"}))
def test_functions_are_those_of_their_name(name):
    assert read(f"{name}(x*y)") == getattr(sympy, name)(X * Y)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("x + __import__('os').system('x')", "__import__('os').system('x')"),
        ("x + y.real", "y.real"),
        ("x*().__class__", "().__class__"),
        ("(lambda: x)()", "(lambda: x)()"),
        ("[x for x in y]", "[x for x in y]"),
        ("Max(x for x in y)", "(x for x in y)"),
        ("{x: y}", "{x: y}"),
        ("'x'", "'x'"),
        ("b'x'", "b'x'"),
        ("f'{x}'", "f'{x}'"),
        ("x + (y := 1)", "y := 1"),
        ("x[0]", "x[0]"),
        ("sin(x=1)", "sin(x=1)"),
        ("sin(**x)", "sin(**x)"),
        ("Max(*x)", "*x"),
        ("(x, y)", "(x, y)"),
        ("x < y", "x < y"),
        ("x == y", "x == y"),
        ("x if y else 1", "x if y else 1"),
        ("x and y", "x and y"),
        ("not x", "not x"),
        ("~x", "~x"),
        ("x % 2", "x % 2"),
        ("x // 2", "x // 2"),
        ("x @ y", "x @ y"),
        ("1 + (x << 2)", "x << 2"),
        ("print(x)", "print(x)"),
        ("Heaviside(x)", "Heaviside(x)"),
        ("x(y)", "x(y)"),
        ("2(x + 1)", "2(x + 1)"),
        ("sin(x)(y)", "sin(x)(y)"),
        ("pi(x)", "pi(x)"),
        ("await x", "await x"),
        ("x + True", "True"),
        ("None", "None"),
        ("...", "..."),
        ("x + 1j", "1j"),
    ],
)
def test_code_is_refused(text, part):
    fix = ", ".join(FUNCTIONS)
    with pytest.raises(sd.InputError, match=re.escape(f"{part!r} is not allowed: ") + f".*{re.escape(fix)}"):
        read(text)


@pytest.mark.parametrize(
    ("text", "part", "fix"),
    [
        ("y*(x^2)", r"'x\^2' uses \^", r"Write \*\* for powers"),
        ("x + z", "'z' is an unknown symbol; known are the coordinates x, y", "add it to the coordinates"),
        ("inf*x", "'inf' is an unknown symbol", "add it to the coordinates"),
        ("nan", "'nan' is an unknown symbol", "add it to the coordinates"),
        ("E*x", "'E' is an unknown symbol", "add it to the coordinates"),
        ("sin + 1", "'sin' is an unknown symbol", "add it to the coordinates"),
        ("x + 1e999", "'1e999' is outside the floating-point range", "smaller number"),
        ("sin(x, y)", r"'sin\(x, y\)' calls sin with 2 arguments", "Give it one"),
        ("x + sin()", r"'sin\(\)' calls sin with 0 arguments", "Give it one"),
        ("Max()", r"'Max\(\)' calls Max with 0 arguments", "Give it one"),
        ("x + 2**65", r"'2\*\*65' has the exponent 65, larger than 64", "smaller power"),
        ("x**-65", "has the exponent -65, larger than 64", "smaller power"),
        ("y*(1e200)**2", "is outside the floating-point range", "smaller number"),
        ("x**2**100", "has the exponent 100, larger than 64", "smaller power"),
        ("x + ((x+y+1)**64)**64", "has in all the exponent 4096, larger than 64", "smaller power"),
        ("(x**-8)**9", "has in all the exponent -72, larger than 64", "smaller power"),
    ],
)
def test_mistakes_are_named_with_a_fix(text, part, fix):
    with pytest.raises(sd.InputError, match=rf"^formula {re.escape(repr(text))}: .*{part}.*{fix}"):
        read(text)


@pytest.mark.parametrize(
    "text", ["", "   ", "x +", "x y", "2x", "x = 1", "x; y", "import os", "(x", "x)", "x!", "$x", "x\0", "\0", "\ud800"]
)
def test_text_that_is_no_expression(text):
    with pytest.raises(sd.InputError, match=r'cannot be read as a formula .* Write it like "x\*\*2 - y\*\*2"'):
        read(text)


@pytest.mark.parametrize(
    "text", ["1/0", "x/(y - y)", "0/0", "log(-1)", "log(0)*x", "sqrt(-2)", "(-1)**0.5", "tan(pi/2)"]
)
def test_values_that_are_no_finite_real_number(text):
    with pytest.raises(sd.InputError, match="has no finite real value"):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        "Max(1/0, x)",
        "relu(log(-1))",
        "Min(sqrt(-1), 1)",
        "(-8)**(1/3)*x",
        "(-1)**x",
        "0**x",
        "1" * 400,
        "0x" + "f" * 3000,
        "1e300*1e300*x",
        "exp(1000)*x",
        "x*cosh(-1e4)",
        "1e-400*x",
    ],
)
def test_constants_that_no_computer_has(text):
    # Complex or too large or too small for a float: refused when the landscape is made, not when it is first used.
    with pytest.raises(sd.InputError, match="formula"):
        sd.Landscape(text, "x y")


@pytest.mark.parametrize("formula", [None, 5, 1.5, b"x", ["x"], ("x", "y"), {"x"}, object()])
def test_formulas_that_are_no_text(formula):
    with pytest.raises(sd.InputError, match="formula"):
        sd.Landscape(formula, "x y")


def test_very_long_text():
    with pytest.raises(sd.InputError, match=r"has 1000001 characters, more than 4000\. Write a shorter one") as refusal:
        read("x" * 1_000_001)
    assert len(str(refusal.value)) < 500  # the message does not repeat it all


@pytest.mark.parametrize(
    "text", ["(" * 500 + "x" + ")" * 500, "-" * 3000 + "x", "sin(" * 150 + "x" + ")" * 150, "[" * 2000]
)
def test_deep_nesting(text):
    with pytest.raises(sd.InputError, match="formula"):
        sd.Landscape(text, "x y")


def test_long_sums_are_not_deep():
    # A sum of 300 terms nests 300 deep in Python's grammar and not at all in the user's eyes.
    text = "+".join(["x*y"] * 300)
    assert read(text) == 300 * X * Y


# What is refused never runs.


@pytest.mark.parametrize(
    "code",
    [
        "__import__('pathlib').Path({path!r}).touch()",
        "open({path!r}, 'w')",
        "x + (lambda: open({path!r}, 'w'))().fileno()",
        "[open({path!r}, 'w') for _ in (1,)][0]",
        "f'{{open({path!r}, chr(119))}}'",
        "x.__class__.__init__.__globals__['__builtins__']['open']({path!r}, 'w')",
        "sin(open({path!r}, 'w'))",
        "Max(x, open({path!r}, 'w').fileno())",
    ],
)
def test_nothing_is_run(tmp_path, code):
    path = tmp_path / "made"
    with pytest.raises(sd.InputError):
        sd.Landscape(code.format(path=str(path)), "x y")
    assert not path.exists()


def test_code_in_the_names_of_coordinates_is_refused(tmp_path):
    path = tmp_path / "made"
    with pytest.raises(sd.InputError, match="plain identifier"):
        sd.Landscape("1", [f"open({str(path)!r},'w')"])
    assert not path.exists()


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        ("", "at least one coordinate"),
        ([], "at least one coordinate"),
        ("x x", "a name of its own"),
        ("x 1y", "plain identifier"),
        ("x lambda", "plain identifier"),
        ("__x__", "plain identifier"),
        (["x", "y z"], "plain identifier"),
        ([1], "plain identifier"),
        ("x _", "plain identifier"),
        (["x", "___"], "plain identifier"),
        (["µ", "μ"], "a name of its own"),  # the micro sign and the Greek letter
        ("x sin", "taken by a function or constant"),
        ("pi", "taken by a function or constant"),
    ],
)
def test_bad_names_of_coordinates(names, rule):
    with pytest.raises(sd.InputError, match=f"symbols = .*{rule}"):
        symbols(names)


@pytest.mark.parametrize("name", ["µ", "ϕ", "ϵ", "ϑ", "𝑥", "e\u0301", "ﬁ", "ª", "é", "ρ"])
def test_letters_that_are_written_in_several_ways(name):
    """Python reads names in formulas in one way, whatever the way they are written."""
    landscape = sd.Landscape(f"{name}**2 + 3*y*{name}", [name, "y"])
    assert landscape.value([2.0, 1.0]).item() == 10
    assert landscape.restrict({name: 2.0}).value([1.0]).item() == 10
    other = sympy.Symbol(name, real=True)
    assert sd.Landscape(other**2, name).grad([2.0]).item() == 4
    samples = sd.SampleLandscape(f"(c*{name} - 1)**2", "c", {name: [2.0, 3.0]})
    assert samples.value([1.0]).item() == 2.5


def test_coordinates_that_differ_in_case_alone():
    landscape = sd.Landscape("x**2 + X**3", "x X")
    assert str(landscape.restrict({"x": 2})) == "Landscape('X**3 + 4', 'X')"
    assert str(landscape.restrict({"X": 2})) == "Landscape('x**2 + 8', 'x')"
    with pytest.raises(sd.InputError, match=r"coordinate = 'Y'.*Did you mean 'y'"):
        sd.Landscape("x + y", "x y").restrict({"Y": 1})
    wells = sd.Landscape("(x**2 - 1)**2 + X**2 + (y**2 - 1)**2", "x X y")
    for fixed, free in (("x", ("X", "y")), ("X", ("x", "y"))):
        assert sd.basins(sd.Flow(wells, sd.GD()), resolution=2, fixed={fixed: 0.5}).coordinates == free


def test_names_that_generated_code_uses_are_free():
    landscape = sd.Landscape("abs(Abs) + sqrt(1 + torch**2) + exp(math)", "Abs torch math")
    assert landscape.value([-2.0, 0.0, 0.0]) == 4


# Formulas that would fill the memory or take hours if SymPy were left to evaluate them. Each is given to a process of
# its own, with a limit on its processor time and memory, and this says so where it is reached.
GUARD = """
import json, os, resource, sys
import samdyn
for text in json.load(sys.stdin):
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        try:
            samdyn.Landscape(text, "x y")
            print(json.dumps([text, "accepted"]), flush=True)
        except samdyn.InputError as error:
            print(json.dumps([text, str(error)]), flush=True)
        except BaseException as error:
            print(json.dumps([text, "raised " + repr(error)]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""
BOMBS = [
    "9**9**9**9",
    "(10**60)**60",
    "((10**60)**60)**60*x",
    "x**(9**9**9)",
    "0.5**9**9**9",
    "(1 + 1e-9)**1e18",
    "(2**64)**(2**64)",
    "-9**9**9**9",
    "x**exp(exp(exp(100)))",
    "sin(exp(exp(100)))*x",
    "(x*y)**cosh(exp(1e9))",
]


@pytest.fixture(scope="module")
def verdicts():
    # The limit of two seconds each adds to less than this.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", GUARD],
        input=json.dumps(BOMBS),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return dict(map(json.loads, done.stdout.splitlines()))


@pytest.mark.parametrize("text", BOMBS)
def test_huge_numbers_are_refused_at_once(verdicts, text):
    assert text in verdicts, "took more than 2 s or 8 GiB"
    assert verdicts[text].startswith("formula")


# Random text, and random formulas.


@given(st.text(max_size=40) | st.text("xy01289.+-*/()^ =,<'\"[]{}:sincoexpMax", max_size=40))
@settings(max_examples=200)
@example("Max(1/0,x)")
@example("x**(1/0)")
@example("x**log(-1)")
@example("sign(1/0)")
def test_random_text_is_read_or_refused(text):
    try:
        expr = read(text)
    except sd.InputError:
        return
    assert isinstance(expr, sympy.Expr)
    assert expr.free_symbols <= set(XY)


def wrapped(pattern, *parts):
    return st.tuples(*parts).map(lambda chosen: pattern.format(*chosen))


# Without sign, which turns a rounding error at a zero into a step; roots, logarithms and exponentials get arguments
# from their domain, of bounded size.
GRAMMAR = st.recursive(
    st.sampled_from(["x", "y", "2", "3", "0.1", "1.25", "7e-1"]),
    lambda part: st.one_of(
        *(wrapped(f"{{}} {operator} {{}}", part, part) for operator in "+-*/"),
        wrapped("-{}", part),
        wrapped("+{}", part),
        wrapped("({})", part),
        wrapped("{}**{}", part, st.sampled_from(["2", "3", "-1", "0"])),
        wrapped("({})**2", part),
        *(wrapped(f"{name}({{}})", part) for name in ("sin", "cos", "tanh", "atan", "abs", "relu", "Max", "Min")),
        *(wrapped(f"{name}(sin({{}}))", part) for name in ("exp", "sinh", "cosh", "tan")),
        *(wrapped(f"{name}(1 + abs({{}}))", part) for name in ("log", "sqrt")),
        wrapped("Max({}, {}, {})", part, part, part),
        wrapped("Min({}, {})", part, part),
    ),
    max_leaves=8,
)
MEANING = {
    **{name: getattr(mpmath, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "atan": mpmath.atan,
    "abs": abs,
    "relu": lambda u: max(u, 0),
    "Max": lambda *u: max(u),
    "Min": lambda *u: min(u),
}


def by_python(text, point, digits):
    """Let Python read and evaluate the text, its numbers replaced by ones of so many digits."""
    with mpmath.workdps(digits):
        names = {**MEANING, "mpf": mpmath.mpf, "x": mpmath.mpf(point[0]), "y": mpmath.mpf(point[1])}
        return eval(re.sub(r"\d+(\.\d*)?(e-?\d+)?", r"mpf('\g<0>')", text), {"__builtins__": {}}, names)


@given(GRAMMAR, st.sampled_from([(0.5, -1.25), (3.0, 0.375), (-2.75, -0.625)]))
@settings(max_examples=100)
@example("-x**2 + y", (0.5, -1.25))
@example("x/y*3 - 2 - 1", (0.5, -1.25))
def test_random_formulas_mean_what_python_says(text, point):
    # With floats the two would differ by as much as terms cancel, so that no tolerance could be defended. 40 digits and
    # 60 agree to 30 wherever ten are enough for cancellation; elsewhere, as for 1/(0.1 + 0.2 - 0.3), Python's answer
    # says nothing.
    try:
        expected = by_python(text, point, 60)
        rough = by_python(text, point, 40)
    except (ZeroDivisionError, TypeError):  # TypeError: complex numbers have no Max
        assume(False)
    assume(isinstance(expected, mpmath.mpf) and 1e-30 < abs(expected) < 1e30)
    assume(abs(rough - expected) <= 1e-30 * abs(expected))
    actual = read(text).subs({X: sympy.Rational(point[0]), Y: sympy.Rational(point[1])}).evalf(30)
    with mpmath.workdps(60):
        assert abs(mpmath.mpf(str(actual)) - expected) <= 1e-25 * abs(expected)  # of the 30 digits asked for


@given(
    st.recursive(
        st.sampled_from(["x", "y", "pi", "0", "1", "2", "0.5", "exp(x)", "log(y)", "cosh(2)"]),
        lambda part: st.one_of(
            *(wrapped(f"({{}}){operator}({{}})", part, part) for operator in ("+", "-", "*", "/", "**")),
            *(wrapped(f"{name}({{}})", part) for name in sorted(FUNCTIONS.keys() - {"exp", "sinh", "cosh"})),
            wrapped("Max({}, {}, {})", part, part, part),
        ),
        max_leaves=4,
    )
)
@settings(max_examples=50)
@example("0**x")
@example("(-1)**(1/3)")
@example("x**y")
@example("exp(1e5)*x")
@example("x/sqrt(pi + 1) + y/(pi + 1)")
@example("sin(pi)**y")
@example("(-exp(x))**0.3")
def test_a_formula_that_is_accepted_can_be_computed(text):
    try:
        landscape = sd.Landscape(text, "x y")
    except sd.InputError:
        return
    w = torch.tensor([[0.5, -1.5, 0.0], [2.0, -0.25, 0.0]], dtype=torch.float64)
    assert landscape.value(w).shape == (3,)
    assert landscape.grad(w).shape == (2, 3)
    assert landscape.hessian(w).shape == (2, 2, 3)
    value = landscape.value(w)[0].item()
    if math.isfinite(value):  # the point is one where the formula is real
        exact = complex(landscape.expr.subs({X: sympy.Rational(1, 2), Y: 2}).evalf(30))
        assert exact.imag == 0
        # Where terms cancel, to what is left of 16 digits: all formulas here handle numbers below 1e3.
        assert value == pytest.approx(exact.real, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("names", [3, None, len, sd.SAM, np.array(0.5), b"xy", [1, 2], []])
def test_coordinates_are_names(names: object) -> None:
    with pytest.raises(sd.InputError, match=r"^symbols = "):
        sd.Landscape("1.0", names)


def test_a_landscapes_name_and_its_points_are_what_they_should_be() -> None:
    with pytest.raises(sd.InputError, match=r"^name = .*must be text"):
        sd.Landscape("x**2", "x", name=len)
    for point in (None, "text", [[1, 2], [3]], 10**400):
        with pytest.raises(sd.InputError, match=r"^w = .*must be numbers"):
            sd.Landscape("x**2", "x").value(point)


@pytest.mark.parametrize("fixed", [None, [], 1.0, "z", sympy.Symbol("z")])
def test_a_slice_is_fixed_by_a_dictionary(fixed: object) -> None:
    with pytest.raises(sd.InputError, match=r"^fixed = .*must be a dictionary"):
        sd.Landscape("x**2 + z**2", "x z").restrict(fixed)
