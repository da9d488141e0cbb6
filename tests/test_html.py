"""What notebooks show: well-formed HTML, with every name escaped, and the numbers of the object."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import samdyn as sd
from samdyn import html
from samdyn.claims import Verdict

SCRIPT = "<script>alert('$x$')</script>"


def parsed(shown: Any) -> ElementTree.Element:
    return ElementTree.fromstring(shown._repr_html_())


def cells(shown: Any) -> list[list[str]]:
    """Return the texts of the table's cells, the first row being the names of the columns."""
    rows = parsed(shown).iter("tr")
    return [["".join(cell.itertext()) for cell in row] for row in rows]


def words(shown: Any) -> str:
    return "\n".join("".join(line.itertext()) for line in parsed(shown).iter("p"))


@cache
def named() -> sd.Landscape:
    """A saddle between two minima, with a script for a name."""
    return sd.Landscape("x**2 - y**2 + y**4/4", "x y", box=((-2, 2), (-2, 2)), name=SCRIPT)


@cache
def claim() -> sd.Claim:
    return replace(sd.claims.named("usam-threshold"), statement=SCRIPT, mistake=SCRIPT, formula=r"\rho < 1")


def curve() -> Any:
    flow = sd.Flow(sd.Landscape("x**4/4 - b*x**2/2 - a*x", "x", parameters={"a": -0.3, "b": 1}), sd.GD())
    fold = sd.analysis.branch(flow, [0.8], "a", (-0.5, -0.2), at=-0.3).bifurcations[0]
    return sd.analysis.bifurcation_curve(flow, fold, ("a", "b"), ((-1, 1), (-1, 1.1)))


def escape() -> Any:
    outcome = np.array(["escaped", "escaped", "trapped", "undecided"])
    return sd.analysis.Escape(outcome, end=np.array([10, 20, 50, 50]), w=np.zeros((4, 2)), lr=0.1)


SHOWN: dict[str, Callable[[], Any]] = {
    "stability": lambda: sd.stability(sd.Flow(named(), sd.USAM(0.6)), (0, 0)),
    "stability of a map": lambda: sd.stability(sd.Map(named(), sd.USAM(0.6), lr=0.1, momentum=0.9), (0, 0)),
    "a trap": lambda: sd.stability(sd.Flow(named(), sd.SAM(0.6)), (0, 0)),
    "no trap": lambda: sd.stability(sd.Flow(named(), sd.ASAM(0.6)), (0, 0)),
    "critical points": lambda: sd.critical_points(named()),
    "a critical point": lambda: sd.critical_points(named())[0],
    "a curve": lambda: sd.critical_points(sd.Landscape("x**2", "x y")),
    "exact points": lambda: sd.analysis.exact_critical_points(sd.Landscape("(x**2 - 2)**2*y**2", "x y")),
    "no points": lambda: sd.critical_points(sd.Landscape("x", "x")),
    "equilibria": lambda: sd.analysis.equilibria(sd.Flow(named(), sd.SAM(0.5))),
    "an equilibrium": lambda: sd.analysis.equilibria(sd.Flow(named(), sd.SAM(0.5)))[0],
    "attractors": lambda: sd.attractors(sd.Map(named(), sd.GD(), lr=0.1), starts=16),
    "an attractor": lambda: sd.attractors(sd.Map(named(), sd.GD(), lr=0.1), starts=16)[0],
    "basins": lambda: sd.basins(sd.Map(named(), sd.GD(), lr=0.1), resolution=4),
    "a curve of bifurcations": curve,
    "bifurcations": lambda: sd.analysis.bifurcation_diagram(
        sd.Map(sd.Landscape("x**2/2", "x"), sd.GD(), lr=0.1), "lr", (0.1, 3.0), period=1
    ),
    "boundary": lambda: sd.analysis.Boundary("rho", 0.4999, 0.5001),
    "escape": escape,
    "verdict": lambda: Verdict("undecided", reason=SCRIPT),
    "claim": claim,
    "judgement": lambda: replace(sd.verify(claim(), progress=False)[0], traceback=SCRIPT),
    "report": lambda: sd.verify([claim(), sd.claims.named("gd-edge")], progress=False),
}


@pytest.mark.parametrize("name", SHOWN)
def test_it_is_well_formed_and_no_name_is_markup(name: str) -> None:
    tags = {element.tag for element in parsed(SHOWN[name]()).iter()}
    assert tags <= {"div", "p", "table", "tr", "th", "td", "span", "br"}


def test_a_verdict_on_stability() -> None:
    verdict = SHOWN["stability"]()
    assert words(verdict).startswith(f"USAM (ρ = 0.6) flow at (0, 0) of {SCRIPT}: attractor")
    assert "λ" not in words(verdict)  # formulas are LaTeX
    assert r"$\lambda_e = \lambda \left(\lambda \rho + 1\right)" in words(verdict)
    assert cells(verdict)[1:] == [
        ["$-2$", "0.4", r"$\rho > \frac{1}{2}$"],
        ["$2$", "4.4", "always"],
        ["point", "", r"$\rho > \frac{1}{2}$"],
    ]
    assert r"$2 \sqrt{x^{2} + y^{2}} < 2 \rho$" in words(SHOWN["a trap"]())


def test_a_landscape_off_the_exact_numbers_has_six_digits() -> None:
    landscape = sd.Landscape("x**2 - 1.23456789*y**2", "x y")
    verdict = sd.stability(sd.Flow(landscape, sd.USAM(0.1)), (0, 0))
    assert cells(verdict)[1][0] == "$-2.46914$"


def test_points() -> None:
    points = sd.critical_points(named())
    header, *rows = cells(points)
    assert header == ["critical point", "at", "loss", r"eigenvalues $\lambda$ of the Hessian"]
    assert [row[0] for row in rows] == [point.kind for point in points]
    assert rows[-1] == ["saddle", "(0, 0)", "0", "(-2, 2)"]
    assert cells(points[-1]) == [header, rows[-1]]
    assert cells(SHOWN["a curve"]())[1][0] == "curve of minima"
    assert words(SHOWN["no points"]()).startswith("no critical points")
    assert cells(SHOWN["exact points"]())[1:]


def test_equilibria() -> None:
    points = SHOWN["equilibria"]()
    rows = {row[1]: row for row in cells(points)[1:]}
    assert len(rows) == len(points)
    assert rows["(0, 0)"] == ["no Jacobian", "(0, 0)", "", "yes", "saddle"]
    assert rows["(0, 0.5)"][0] == "saddle"


def test_attractors_and_basins() -> None:
    attractors, basins = SHOWN["attractors"](), SHOWN["basins"]()
    assert str(attractors) == "\n".join(map(str, attractors))
    header, first, _ = cells(attractors)
    assert sorted(attractors[0].multipliers.real.round(6)) == [0.6, 0.8]
    assert "extent" not in header  # no attractor has one
    assert dict(zip(header, first, strict=True)) == {
        "attractor": "fixed point",
        "period": "1",
        "at": f"(0, {attractors[0].w[0, 1]:.6g})",
        "loss": "-1",
        "multipliers or rates": html.line(attractors[0].multipliers),
        "critical point": "minimum",
        "share": "50.0 %",
        "95 %": "28.0 to 72.0 %",
    }
    assert [row[-2:] for row in cells(basins)[3:]] == [["0.0 %", "0.0 to 19.4 %"]] * 2
    assert "4 × 4 starts in the plane of x and y" in words(basins)


def test_bifurcations_boundaries_and_escapes() -> None:
    assert cells(SHOWN["bifurcations"]())[1][:2] == ["2", "flip"]
    assert [row[0] for row in cells(curve())] == ["point", "cusp"]
    assert cells(SHOWN["boundary"]())[1] == ["ρ>0.5", "0.4999", "0.5001"]
    assert cells(escape())[1:3] == [
        ["trapped", "1", "25.0 %", "4.6 to 69.9 %"],
        ["escaped", "2", "50.0 %", "15.0 to 85.0 %"],
    ]
    assert "median time of escape $t = k\\eta$: 2 " in words(escape())


def test_claims_and_reports() -> None:
    rows = dict(cells(claim())[1:])
    assert rows["statement"] == rows["mistake"] == SCRIPT
    assert rows["formula"] == r"$\rho < 1$"
    judgement, report = SHOWN["judgement"](), SHOWN["report"]()
    assert cells(judgement)[1] == ["eigenvalues=(-2, 2)", "0.5", "0.5", "0.25", "yes", "yes"]
    assert SCRIPT in words(judgement)
    assert [row[0] for row in cells(report)[1:]] == ["usam-threshold", "gd-edge"]
    assert cells(report)[1][-1] == "holds"


def test_a_dollar_in_a_name_is_no_formula() -> None:
    (span,) = ElementTree.fromstring(html.block("costs $5 or $6")).iter("span")
    assert span.get("class") == html.NO_FORMULA
    assert "<span" not in html.block("plain")


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.0, "0"), (1 + 2j, "1+2i"), (2 - 0j, "2"), (np.float64(1e-9), "1e-09"), (np.bool_(True), "yes"), (None, "")],
)
def test_numbers(value: Any, text: str) -> None:
    assert html.line(value) == text
