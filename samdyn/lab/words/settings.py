"""The symbols of parameters in tables, one for each."""

from ... import checks
from ...plot import SYMBOLS


def settings(*names: str) -> dict[str, str]:
    """Return columns of parameters, for the ``columns`` of ``table``.

    Args:
        names: the parameters, as maps and methods have them.

    Raises:
        InputError: a parameter without a symbol.

    >>> from samdyn import lab
    >>> lab.settings("rho", "momentum")
    {'ρ': '{rho:.3g}', 'γ': '{momentum:.3g}'}
    """
    return {SYMBOLS[checks.known("parameter", name, SYMBOLS)]: f"{{{name}:.3g}}" for name in names}
