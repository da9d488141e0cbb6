"""Box and Muller's transform as functions of 32 random bits, instead of log, sqrt, cos and sin of any number.

The normal numbers of float64 runs take half of the operations that way. Those of float32 runs take no float64 at all.
The polynomials interpolate at Chebyshev's nodes; their coefficients begin with the lowest power.
"""

from collections.abc import Sequence
from dataclasses import replace
from string import Template

import numpy as np
import torch

from ...noise.generator import MIDDLE, TURN, WORD
from .expression import Node, rewritten

RADIUS, COSINE, SINE = "radius_of_word", "cosine_of_word", "sine_of_word"  # the operations

MINUS_TWO_LOG_TWO = -1.3862943611198906
# -2 log((1 + s)/(1 - s)) = s (-4 + s² p(s²)) for fractions (1 + s)/(1 - s) between √½ and √2
LOGARITHM = (
    *(-1.333333333333334, -0.7999999999979778, -0.5714285725250767, -0.4444442217875899, -0.3636578486507374),
    *(-0.30663223444110016, -0.2923561430683465),
)
# sin = t p(t²) and cos = p(t²) of t / 2³² turns, |t| up to 2²⁹
SINES = (
    *(1.4629180792671596e-09, -5.218056424438285e-28, 5.583657738836676e-47, -2.8451784672510596e-66),
    *(8.457012683156242e-86, -1.6453088263812086e-105, 2.2374417495950874e-125),
)
COSINES = (
    *(1.0, -1.0700646533233578e-18, 1.9083972704867285e-37, -1.3614056424302877e-56, 5.202828772630814e-76),
    *(-1.237191650997599e-95, 2.0057879303071508e-115, -2.3375406509494046e-135),
)
# The same for float32: -2 log(1 + g) = g p(g); the angle in radians, sin = t + t³ p(t²) and cos = p(t²).
LOGARITHM_F = (
    *(-2.0, 0.9999999529954195, -0.6666666005670959, 0.5000156247962539, -0.4000246892218691, 0.33253291258254924),
    *(-0.28409711905142027, 0.262551113025753, -0.2544534557602192, 0.1534728300334805),
)
SINES_F = (-0.16666664661714697, 0.008332748154085032, -0.00019587865702101875)
COSINES_F = (*(1.0, -0.49999999969106984, 0.041666650639724655, -0.0013887588896733915, 2.4463754730095443e-05),)


def horner(coefficients: Sequence[float], x: str, fma: str, suffix: str = "") -> str:
    """Return the expression of a polynomial by Horner's rule.

    >>> horner((1.0, 2.0, 3.0), "x", "fma")
    'fma(fma(3.0, x, 2.0), x, 1.0)'
    """
    text = f"{coefficients[-1]!r}{suffix}"
    for coefficient in coefficients[-2::-1]:
        text = f"{fma}({text}, {x}, {coefficient!r}{suffix})"
    return text


def filled(template: str, fma: str, fmaf: str) -> str:
    """Return code with the coefficients of the functions of words in place of ``$NAME``.

    Polynomials are expressions of a target's fused operations in float64 and float32. ``$NAME_numbers`` are
    coefficients for a table; that of the cosine leaves out its first, which is 1.
    """
    return Template(template).substitute(
        minus_two_log_two=MINUS_TWO_LOG_TWO,
        radians=SINES[0],
        logarithm=horner(LOGARITHM, "z", fma),
        sines=horner(SINES, "z", fma),
        cosines=horner(COSINES, "z", fma),
        logarithm_f=horner(LOGARITHM_F, "g", fmaf, "f"),
        sines_f=horner(SINES_F, "z", fmaf, "f"),
        cosines_f=horner(COSINES_F, "z", fmaf, "f"),
        logarithm_numbers=", ".join(map(repr, LOGARITHM)),
        sines_numbers=", ".join(map(repr, SINES)),
        cosines_numbers=", ".join(map(repr, COSINES[1:])),
    )


def with_normals(values: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return expressions where Box and Muller's transform is in functions of words: RADIUS, COSINE and SINE.

    Where an expression rounds a product of them to float32, the factors are float32: they have no error to speak of but
    their rounding, which a product does not magnify.
    """
    single: dict[int, Node] = {}

    def rule(node: Node, updated: Node) -> Node:
        result = _function(node) or updated
        if node.dtype == torch.float64 and (rounded := _rounded(result, node, single)):
            single[id(node)] = rounded
        elif node.operation == "cast" and node.dtype == torch.float32:
            result = single.get(id(node.arguments[0]), result)
        return result

    return rewritten(values, rule)


def _function(node: Node) -> Node | None:
    """Return the function of a word that a node is, None if it is none."""
    if node.operation in ("cos", "sin") and (word := _scaled(node.arguments[0], TURN)):
        return Node(COSINE if node.operation == "cos" else SINE, (word,), node.dtype, None, node.level)
    if node.operation == "sqrt" and (logarithm := _factor(node.arguments[0], -2.0)) and logarithm.operation == "log":
        (uniform,) = logarithm.arguments
        if uniform.operation == "+" and uniform.arguments[1].value == MIDDLE:
            word = _scaled(uniform.arguments[0], WORD)
            return word and Node(RADIUS, (word,), node.dtype, None, node.level)
    return None


def _factor(node: Node, number: float) -> Node | None:
    """Return the other factor of a product with a number, None if the node is another."""
    return node.arguments[0] if node.operation == "*" and node.arguments[1].value == number else None


def _scaled(node: Node, number: float) -> Node | None:
    """Return the word of 32 bits of a product of the word and a number, None if the node is another."""
    product = _factor(node, number)
    if product is None or product.operation != "cast" or product.dtype != torch.float64:
        return None
    (word,) = product.arguments
    return word if word.dtype == torch.int32 else None


def _rounded(result: Node, node: Node, single: dict[int, Node]) -> Node | None:
    """Return a float32 expression of a float64 one whose error is that of some roundings, None if there is none.

    Args:
        result: the expression, with functions of words.
        node: the expression before.
        single: the float32 expressions of its arguments, by their ids before.
    """
    if result.operation in (RADIUS, COSINE, SINE, "literal"):
        return replace(result, dtype=torch.float32)
    arguments = tuple(single[id(a)] for a in node.arguments if id(a) in single)
    if node.operation == "*" and len(arguments) == 2:
        return replace(result, arguments=arguments, dtype=torch.float32)
    return None
