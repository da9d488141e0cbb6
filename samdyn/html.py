"""Tables in HTML, as notebooks show them: every text is escaped, and formulas are LaTeX, which MathJax typesets."""

import html
from collections.abc import Iterable, Sequence
from itertools import compress
from numbers import Number
from typing import Any

import numpy as np

# MathJax and the older versions of it leave out what is inside these classes: a name with $ is no formula.
NO_FORMULA = "mathjax_ignore tex2jax_ignore"


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


def formula(latex: str) -> Markup:
    """Return a formula in LaTeX (math mode) as HTML.

    >>> formula(r"\\rho < 2")
    '<span class="samdyn-formula">$\\\\rho &lt; 2$</span>'
    """
    return Markup(f'<span class="samdyn-formula">${html.escape(latex)}$</span>')


def line(*parts: Any) -> Markup:
    """Return texts, numbers and formulas one behind the other as HTML.

    >>> line("<b> at ρ = ", 0.1)
    '&lt;b&gt; at ρ = 0.1'
    """
    return Markup("".join(map(_written, parts)))


def table(columns: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Markup:
    """Return a table as HTML. A cell is a text, a number, an array of numbers, a formula, or None for an empty cell.

    A column with empty cells alone is left out.

    >>> table(("kind",), [("saddle",)])
    '<table><tr><th style="text-align: left">kind</th></tr><tr><td style="text-align: left">saddle</td></tr></table>'
    """
    rows = list(rows)
    shown = [any(row[i] is not None for row in rows) for i in range(len(columns))]
    lines = [_row("th", compress(columns, shown)), *(_row("td", compress(row, shown)) for row in rows)]
    return Markup(f"<table>{''.join(lines)}</table>")


def block(*parts: Any) -> Markup:
    """Return tables and lines one below the other as HTML; empty lines are left out.

    >>> block("a saddle", "")
    '<div><p>a saddle</p></div>'
    """
    written = ((_written(part), isinstance(part, Markup) and part.startswith("<table>")) for part in parts)
    return Markup(f"<div>{''.join(text if is_table else f'<p>{text}</p>' for text, is_table in written if text)}</div>")


def share(fraction: float, interval: tuple[float, float]) -> tuple[str, str]:
    """Return the cells of a fraction and its interval, in per cent.

    >>> share(0.5, (0.25, 0.75))
    ('50.0 %', '25.0 to 75.0 %')
    """
    low, high = (100 * edge for edge in interval)
    return f"{100 * fraction:.1f} %", f"{low:.1f} to {high:.1f} %"


def _row(tag: str, cells: Iterable[Any]) -> str:
    written = (f'<{tag} style="text-align: left">{_written(cell)}</{tag}>' for cell in cells)
    return f"<tr>{''.join(written)}</tr>"


def _written(value: Any) -> str:
    if isinstance(value, Markup):
        return value
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Number):
        return _number(value)
    if isinstance(value, np.ndarray | list | tuple):
        return f"({', '.join(map(_written, value))})"
    text = html.escape(str(value)).replace("\n", "<br/>")
    return f'<span class="{NO_FORMULA}">{text}</span>' if "$" in text or "\\" in text else text


def _number(value: Any) -> str:
    """Return a number with six digits; a complex one without an imaginary part as a real one."""
    value = value + 0  # -0.0 is 0
    return f"{value.real:.6g}" if not value.imag else f"{value:.6g}".replace("j", "i")
