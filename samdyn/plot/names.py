"""Names of coordinates as they are typeset."""


def latex(name: str) -> str:
    """Return the name of a coordinate in LaTeX, without the dollar signs.

    >>> latex("w_1"), latex("theta")
    ('w_{1}', '\\\\theta')
    """
    import sympy

    return str(sympy.latex(sympy.Symbol(name)))
