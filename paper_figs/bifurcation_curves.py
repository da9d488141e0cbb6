"""Where an equilibrium of USAM's flow becomes unstable: folds and Hopf points over the radius and the landscape.

The landscape is x⁴/4 − x³ + x²y − x²/2 + y⁴/4 + y³ − 3y²/2 + ax. USAM's equilibria w are those with w + ρ∇L(w) = c at a
critical point c of L. Left: the curves of the bifurcations on a branch of them, over ρ and a; right: enlarged. Each
curve begins at a bifurcation of the branch at a = 0.1 or ρ = 0.1825, and follows it both ways.

Source: ours. [K23] has the threshold ρ = 1/|λ| at critical points alone.

Ours: the Hopf points lie on an arc between two Bogdanov–Takens points, at which the pair of eigenvalues becomes real.
Both lie on the line of folds a = −0.0287, at which two critical points c meet whatever ρ is; folds and Hopf points are
computed from different equations and agree there to rounding. At the generalised Hopf point the cycles that emerge
turn from stable to unstable. The other folds, where I + ρ∇²L(w) is singular, form a closed curve with a cusp. It
touches the line, where both conditions hold.
"""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, lab, plot

HUMP = "x**4/4 - x**3 + x**2*y - x**2/2 + y**4/4 + y**3 - 3*y**2/2 + a*x"
PLANE = ("rho", "a"), ((0.12, 0.28), (-0.2, 2.6))


def draw() -> Figure:
    """Return the figure."""
    flow = sd.Flow(sd.Landscape(HUMP, "x y", parameters={"a": 0.1}), sd.USAM(0.1825))
    over_rho = analysis.branch(flow, (2.1, -0.8), "rho", PLANE[1][0], at=0.2).bifurcations
    over_a = analysis.branch(flow, (2.1, -0.8), "a", (-0.2, 0.4), at=0.1).bifurcations
    starts = [*over_rho[:2], next(b for b in over_a if b.kind == "fold")]
    curves = [analysis.bifurcation_curve(flow, start, *PLANE) for start in starts]
    print(*curves, sep="\n")

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2))
    for ax in (left, right):
        plot.bifurcation_curves(curves, ax)
        ax.axhline(0, color="#bbbbbb", lw=0.8, zorder=0)
    left.set(xlim=PLANE[1][0], ylim=PLANE[1][1], title="Folds and Hopf points of USAM's flow")
    right.set(xlim=(0.15, 0.27), ylim=(-0.06, 0.24), title="The arc of Hopf points, enlarged")
    corners = np.array([(0.15, -0.06), (0.27, -0.06), (0.27, 0.24), (0.15, 0.24), (0.15, -0.06)])
    left.plot(*corners.T, color="#666666", lw=0.8, ls=":")
    left.legend(loc="upper right")
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)
