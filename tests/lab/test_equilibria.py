"""Tables of equilibria."""

import samdyn as sd
from samdyn import analysis, lab


def test_saddles_attract_under_usam_and_hold_under_sam() -> None:
    scene = sd.landscapes.saddle()
    flows = [sd.Flow(scene, method) for method in (sd.GD(), sd.USAM(rho=1.0), sd.SAM(rho=0.5))]
    shown = lab.equilibria([analysis.phase_plane(flow) for flow in flows])
    rows = list(zip(*(column.cells for column in shown.columns), strict=True))
    origin = [row for row in rows if row[1] == "(0, 0)"]
    assert origin == [
        ("GD", "(0, 0)", "saddle", "saddle", "-2, 2", "never"),
        ("USAM, ρ = 1", "(0, 0)", "saddle", "attractor", "-6, -2", "ρ > 1/2"),
        ("SAM, ρ = 0.5", "(0, 0)", "saddle", "no Jacobian, held", "", "‖H(w−w*)‖ < ρ|λ*|"),
    ]


def test_with_basins_there_is_a_column_of_shares() -> None:
    flow = sd.Flow(sd.landscapes.double_well(), sd.GD())
    plane = analysis.phase_plane(flow)
    shown = lab.equilibria([plane], [analysis.basins(flow, plane.box, resolution=4)])
    assert sorted(shown.columns[-1].cells) == ["", "50.0 %", "50.0 %"]
