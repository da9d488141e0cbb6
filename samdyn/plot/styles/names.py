"""Names as figures and tables write them."""

from collections.abc import Collection

from ...arguments import checked
from ...dynamics import Map
from ...methods import Ascent, Method

SYMBOLS = {"rho": "ρ", "lr": "η", "momentum": "γ", "batch_size": "B", "ascent_steps": "n"}  # in titles and tables


def latex(name: str) -> str:
    """Return the name of a coordinate in LaTeX, without the dollar signs.

    >>> latex("w_1"), latex("theta")
    ('w_{1}', '\\\\theta')
    """
    import sympy

    return str(sympy.latex(sympy.Symbol(name)))


@checked
def label(system: Method | Map, *, without: Collection[str] = ()) -> str:
    """Return the name of a method with its radius, and for iterates with their learning rate and momentum.

    Args:
        system: a method, or iterates with numbers as parameters.
        without: the parameters to leave out, of "rho", "lr" and "momentum".

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.3), lr=0.1)
    >>> sd.plot.label(map_.method), sd.plot.label(map_, without=["rho"])
    ('SAM, ρ = 0.3', 'SAM, η = 0.1, γ = 0')
    """
    method = system.method if isinstance(system, Map) else system
    values = {"rho": method.rho} if isinstance(method, Ascent) else {}
    if isinstance(system, Map):
        values |= {"lr": system.lr, "momentum": system.momentum}
    left_out = set(map(str, without))
    parts = [f"{SYMBOLS[name]} = {value:g}" for name, value in values.items() if name not in left_out]
    return ", ".join([type(method).__name__, *parts])
