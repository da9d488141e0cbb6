"""The formulas that the page shows, in LaTeX, and those that its parser reads."""

import inspect
import re
from typing import Any

import sympy
from sympy.printing.str import StrPrinter

from ..dynamics import Flow, Map
from ..landscapes import Landscape
from ..landscapes import named as named_landscape
from ..methods import GD
from ..symbolic import stability
from ..symbolic.notation import LAMBDA, latex

EFFECTIVE = sympy.Symbol("lambda_e", real=True)  # effective curvature λₑ
RATE, MOMENTUM = 0.1, 0.9  # values of a map whose conditions are derived in symbols
# The sign of a formula in a docstring, and its LaTeX.
SIGNS = {"∇": r"\nabla ", "ρ": r"\rho ", "²": "^2", "λ": r"\lambda ", "η": r"\eta ", "γ": r"\gamma ", "·": r"\cdot "}
FENCES = {"‖": (r"\lVert ", r"\rVert "), "|": (r"\lvert ", r"\rvert ")}
FORMULA = re.compile(r"F\(w\) = (.+?)\.(?=\s|$)")
WORDS = re.compile(r"(?:[a-z]{2,}|[A-Z]{2,})(?: (?:[a-z]{2,}|[A-Z]{2,}))*")
PLAIN = re.compile(r"[A-Za-z0-9 +\-()/,=]")


class _FormulaPrinter(StrPrinter):  # type: ignore[misc]  # SymPy is not annotated
    def _print_Abs(self, expr: sympy.Abs) -> str:
        return f"abs({self._print(expr.args[0])})"

    def _print_Exp1(self, expr: sympy.Expr) -> str:
        return "exp(1)"


def formula_text(landscape: Landscape) -> str:
    """Return a landscape's formula as samdyn reads it.

    >>> import samdyn as sd
    >>> formula_text(sd.landscapes.relu_product())
    'abs(w1*Max(0, w2) - 1)'
    """
    return str(_FormulaPrinter().doprint(landscape.expr))


def field_latex(method: Any) -> str | None:
    r"""Return what F is, from the first line of a method's docstring; None if that says nothing of the kind.

    >>> import samdyn as sd
    >>> field_latex(sd.USAM(0.1))
    '\\nabla L(w + \\rho  g), g = \\nabla L(w)'
    """
    # The class's own docstring: that of its base is about another F.
    own = vars(type(method)).get("__doc__")
    line = inspect.cleandoc(own).partition("\n\n")[0].replace("\n", " ") if isinstance(own, str) else ""
    match = FORMULA.search(line)
    if match is None:
        return None
    text, parts = match[1], []
    fences: dict[str, bool] = {}  # whether a fence is open
    while text:
        sign, words = text[0], WORDS.match(text)
        if words:
            sign = words[0]
            parts.append(rf"\text{{ {sign} }}" if " " in sign else rf"\operatorname{{{sign}}}")
        elif sign in FENCES:
            fences[sign] = not fences.get(sign, False)
            parts.append(FENCES[sign][not fences[sign]])
        elif sign in SIGNS or PLAIN.match(sign):
            parts.append(SIGNS.get(sign, sign))
        else:
            return None
        text = text[len(sign) :]
    return "".join(parts)


def name_latex(name: str) -> str:
    r"""Return the name of a parameter in LaTeX.

    >>> name_latex("rho"), name_latex("shift")
    ('\\rho', '\\mathrm{shift}')
    """
    text = latex(sympy.Symbol(name))
    return rf"\mathrm{{{name}}}" if text == name and len(name) > 1 else text


def step_conditions(momentum: bool, nesterov: bool = False) -> list[str]:
    r"""Return the conditions in λₑ, η and γ under which a direction attracts the iterates.

    >>> step_conditions(momentum=False)
    ['0 < \\eta \\lambda_{e}', '\\eta \\lambda_{e} < 2']
    """
    map_ = Map(named_landscape("saddle"), GD(), lr=RATE, momentum=MOMENTUM * momentum, nesterov=nesterov)
    return _conditions(map_)


def flow_condition() -> str:
    r"""Return the condition in λₑ under which a direction attracts the flow.

    >>> flow_condition()
    '0 < \\lambda_{e}'
    """
    (condition,) = _conditions(Flow(named_landscape("saddle"), GD()))
    return condition


def _conditions(system: Map | Flow) -> list[str]:
    # Of gradient descent λₑ is λ, so its conditions in λ are those of all methods in λₑ.
    return [latex(relation.subs(LAMBDA, EFFECTIVE)) for relation in stability(system, (0.0, 0.0)).inequalities]
