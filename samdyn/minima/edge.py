"""The edge of stability of any method along its runs, at the gradient that the runs have."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .. import checks
from ..arguments import checked
from ..dynamics import Map
from ..landscapes import Landscape
from ..methods import GD, is_stateless
from ..networks.curvature import extreme_eigenpairs
from ..ops import Point, dot
from ..oracle import Oracle
from ..symbolic import edge_of_stability

if TYPE_CHECKING:
    import xarray

NO_SHARE = 1e-6  # |u·∇L| relative to ‖∇L‖ below which a gradient along u is added
ADDED = 1e-3  # the gradient that is added, relative to ‖∇L‖: it changes ‖∇L‖ by a millionth
DOUBLINGS = 10  # how often the curvature is doubled in search for one at the edge
TOLERANCE = 1e-4  # error of λ_max, relative, from Lanczos's method


@checked
def edge_along(map_: Map, runs: "xarray.Dataset", *, within: float = 0.1) -> "xarray.Dataset":
    """Compare the curvature that a method feels along its runs with the largest that its steps bear.

    Let u be the eigenvector of λ = λ_max at a point of a run. The step there moves w along u by −η u·F(w). The
    effective curvature is λₑ = λ (u·F)/(u·∇L), F of the quadratic with the run's own gradient and Hessian: λ for GD,
    λ + ρλ² for USAM, λ(1 + ρλ)² for exact SAM, and λ + ρλ²/‖∇L‖ for SAM. Steps along u grow where λₑ is above the limit
    2(1+γ)/η (2(1+γ)/(η(1+2γ)) in Nesterov's form). [L23] for SAM, [AD23] for USAM; derived from the method for others.

    A run at its edge need not have regulated its curvature. An iterate that jumps from w* + x to w* − x, and back, has
    ηF = 2(1+γ)x by the meaning of the words: on this 2-cycle λₑ is the limit, whatever λ is. SAM bounces so at every
    minimum, also of a quadratic, whose curvature cannot move [theory 7]. GD and USAM have a 2-cycle only where λₑ is at
    the limit, so that theirs is evidence.

    Args:
        map_: the iterates that made the runs, without noise.
        runs: a result of ``simulate`` with its states, "w" (run, step, coord). Use an odd ``save_every``, since
            iterates at the edge alternate between two sides.
        within: the relative distance from the limit within which λₑ counts as at the edge.

    Returns:
        Over "run" and "step": "loss"; "gradient_norm", ‖∇L‖; "share", that of ‖∇L‖² along u; "eigenvalue", λ_max;
        "effective", λₑ; "ratio", λₑ over the limit; "edge", the λ at which λₑ would be at the limit (inf if none). Over
        "run": "first", the step at which λₑ passes the limit, interpolated between two saves, and "settled", the first
        saved step from which on the ratio stays within ``within`` of 1; nan if there is none. "limit" is 2(1+γ)/η.
        Points that diverged are nan, and so is λₑ of a normalised method where the gradient is 0.

    Raises:
        InputError: runs without states or of another landscape; a map with noise, a base or a schedule; a method with a
            memory or random numbers; a distance that is not in (0, 1).

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.quadratic([3.0, 1.0]), sd.SAM(0.1), lr=0.1)
    >>> data = edge_along(map_, sd.simulate(map_, (0.5, 0.5), 300, save_every=99))
    >>> data.eigenvalue.values[0].tolist(), data.ratio.values[0].round(3).tolist()  # the curvature cannot move
    ([3.0, 3.0, 3.0, 3.0, 3.0], [0.178, 1.0, 1.0, 1.0, 1.0])
    """
    import xarray

    checks.holds(runs, "w", "step")
    within = checks.number("within", within, "must lie in (0, 1)", "Use e.g. within=0.1", lambda part: 0 < part < 1)
    checks.numeric(map_)
    map_.refuse_noise()
    if not is_stateless(map_.method):
        rule = "remembers or draws, so that its step is no function of w alone"
        checks.reject("method", map_.method, rule, "Use a method without memory")
    if runs.sizes["coord"] != map_.landscape.dim:
        rule = f"are of {runs.sizes['coord']} coordinates, and the landscape has {map_.landscape.dim}"
        checks.reject("runs", dict(runs.sizes), rule, "Give the runs of this map")
    limit = edge_of_stability(replace(map_, method=GD()))
    assert limit is not None  # GD has a Jacobian everywhere
    points = runs.w.transpose("run", "step", "coord").values
    looks = [[_look(map_, w, limit) for w in run] for run in points]
    data = {name: (("run", "step"), np.array([[one[name] for one in run] for run in looks])) for name in looks[0][0]}
    ratio, steps = data["ratio"][1], runs.step.values
    return xarray.Dataset(
        {
            **data,
            "first": ("run", [_first(steps, one) for one in ratio]),
            "settled": ("run", [_settled(steps, one, within) for one in ratio]),
            "limit": limit,
        },
        coords={"step": steps, "run": np.arange(len(points))},
        attrs=map_.attributes(),
    )


def _look(map_: Map, w: np.ndarray, limit: float) -> dict[str, float]:
    """Return what ``edge_along`` reports of one point."""
    landscape, point = map_.landscape, torch.as_tensor(w, dtype=torch.float64)
    gradient = landscape.grad(point)
    names = ("loss", "gradient_norm", "share", "eigenvalue", "effective", "ratio", "edge")
    norm = float(gradient.norm())
    if not np.isfinite(norm):
        return dict.fromkeys(names, np.nan)
    values, vectors = extreme_eigenpairs(landscape, point, lowest=0, tolerance=TOLERANCE)
    lam, u = float(values[0]), torch.as_tensor(vectors[:, 0].copy())
    share = float(u @ gradient / norm) ** 2 if norm else np.nan
    if not norm:
        gradient = u  # λₑ does not depend on the gradient if the method is linear at a critical point
    effective = _effective(map_, point, gradient, u, lam, lam)
    if norm or np.isclose(effective, _effective(map_, point, 2 * u, u, lam, lam), rtol=1e-9):
        edge = _edge(map_, point, gradient, u, lam, limit)
    else:
        effective = edge = np.nan
    found = (float(landscape.value(point)), norm, share, lam, effective, effective / limit, edge)
    return dict(zip(names, found, strict=True))


def _effective(map_: Map, w: torch.Tensor, gradient: torch.Tensor, u: torch.Tensor, lam: float, other: float) -> float:
    """Return λₑ at a point whose curvature λ along u is replaced by another one, at the same gradient."""
    if abs(float(u @ gradient)) < NO_SHARE * float(gradient.norm()):
        gradient = gradient + ADDED * gradient.norm() * u
    force = map_.method(w, _quadratic(map_.landscape, w, gradient, u, other - lam))
    return other * float(u @ force) / float(u @ gradient)


def _edge(map_: Map, w: torch.Tensor, gradient: torch.Tensor, u: torch.Tensor, lam: float, limit: float) -> float:
    """Return the curvature along u at which λₑ is the limit; inf if none up to a thousand times the limit is."""
    from scipy.optimize import brentq

    def excess(other: float) -> float:
        return _effective(map_, w, gradient, u, lam, other) - limit

    for high in limit * 2.0 ** np.arange(DOUBLINGS + 1):
        if excess(high) >= 0:
            return float(brentq(excess, 0.0, high, rtol=1e-10))
    return np.inf


def _quadratic(landscape: Landscape, w: torch.Tensor, gradient: torch.Tensor, u: torch.Tensor, added: float) -> Oracle:
    """Return the oracle of the quadratic of this gradient at w, and of the landscape's Hessian plus added·uuᵀ."""
    times, value = landscape.hvp_at(w), landscape.value(w)

    def product(v: Point) -> Point:
        return times(v) + added * dot(u, v) * u

    def loss(p: Point) -> Any:
        return value + dot(p - w, gradient) + dot(p - w, product(p - w)) / 2

    return Oracle(lambda p: gradient + product(p - w), lambda p, v: product(v), value=loss)


def _first(steps: np.ndarray, ratio: np.ndarray) -> float:
    """Return the step at which the ratio first passes 1 from below, interpolated."""
    above = np.flatnonzero(ratio >= 1)
    if not len(above):
        return np.nan
    i = above[0]
    if i == 0 or not np.isfinite(ratio[i - 1]):
        return float(steps[i])
    return float(np.interp(1.0, ratio[i - 1 : i + 1], steps[i - 1 : i + 1]))


def _settled(steps: np.ndarray, ratio: np.ndarray, within: float) -> float:
    """Return the first step from which on the ratio stays near 1."""
    away = np.flatnonzero(~(np.abs(ratio - 1) <= within))
    first = away[-1] + 1 if len(away) else 0
    return float(steps[first]) if first < len(steps) else np.nan
