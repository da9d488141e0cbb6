"""The losses of networks with two weights."""

from collections.abc import Sequence

import sympy

from ... import checks
from ..formulas.parse import symbols
from ..landscape import Landscape


def product(target: float = 1.0) -> Landscape:
    """Return (w₁w₂ − c)², the loss of a linear network of one neuron, whose minima form two hyperbolas.

    If c ≠ 0, the origin is a saddle.

    Args:
        target: the number c.

    Raises:
        InputError: a target that is not finite.

    >>> import samdyn as sd
    >>> sd.landscapes.product(target=2.0).expr
    (w1*w2 - 2)**2
    """
    w1, w2 = symbols("w1 w2")
    return Landscape((w1 * w2 - _exact("target", target)) ** 2, "w1 w2", box=((-2, 2), (-2, 2)), name="product")


def relu_product(target: float = 1.0) -> Landscape:
    """Return |w₁ relu(w₂) − c|, on which [A21] compares SAM with ASAM from rescaled starts.

    Args:
        target: the number c.

    Raises:
        InputError: a target that is not finite.

    >>> import samdyn as sd
    >>> float(sd.landscapes.relu_product().value([2.0, -1.0]))
    1.0
    """
    w1, w2 = symbols("w1 w2")
    loss = sympy.Abs(w1 * sympy.Max(0, w2) - _exact("target", target))
    return Landscape(loss, "w1 w2", box=((-2, 4), (-2, 4)), name="relu product")


def one_neuron(
    inputs: Sequence[float] = (0.25, 0.5, 0.75, 1.0), targets: Sequence[float] = (0.0625, 0.25, 0.5625, 1.0)
) -> Landscape:
    """Return the mean squared error of [K23]'s two-layer network of one neuron, f(x) = w₂(w₁x)², over n samples.

    The default samples are four values of f at w = (1, 1).

    Args:
        inputs: the numbers xᵢ.
        targets: the numbers yᵢ.

    Raises:
        InputError: no samples, not one target per input, or a value that is not finite.

    >>> import samdyn as sd
    >>> sd.landscapes.one_neuron(inputs=[1.0], targets=[2.0]).expr
    w1**4*w2**2 - 4*w1**2*w2 + 4
    """
    if not len(inputs) or len(inputs) != len(targets):
        checks.reject("inputs", inputs, f"{len(inputs)} inputs for {len(targets)} targets", "Give one target per input")
    w1, w2 = symbols("w1 w2")
    samples = [(_exact("inputs", x), _exact("targets", y)) for x, y in zip(inputs, targets, strict=True)]
    loss = sum(((w2 * (w1 * x) ** 2 - y) ** 2 for x, y in samples), sympy.Integer(0)) / len(samples)
    return Landscape(sympy.expand(loss), "w1 w2", box=((-2, 2), (-2, 2)), name="one neuron")


def _exact(name: str, value: float) -> sympy.Rational:
    return sympy.Rational(str(checks.number(name, value, "must be a finite number", "Use e.g. 1.0")))
