"""Flows of normalised SAM: points trap runs where a gradient of the ascent vanishes; elsewhere the flow is smooth."""

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.analysis import UNBOUNDED, UNDECIDED
from samdyn.simulation.discontinuities import regions
from samdyn.simulation.discontinuities.regions import TrapRegions
from samdyn.simulation.discontinuities.resting import certify
from samdyn.simulation.flows.velocity import CompiledFlow

SADDLE = sd.Landscape("x**2 - y**2", "x y")
WELL = sd.landscapes.double_well()


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
def test_multi_step_sam_rests_where_a_gradient_of_its_ascent_vanishes(steps: int) -> None:
    """On x = 0 the steps of the ascent are ±ρ/n along y, and they reach 0 from |y| = ρ(n − 1 − 2j)/n."""
    rho = 0.5
    basins = sd.basins(
        sd.Flow(SADDLE, sd.SAM(rho, ascent_steps=steps)), ((-0.5, 0.5), (-0.7, 0.7)), resolution=24, progress=False
    )
    expected = sorted(rho * (steps - 1 - 2 * j) / steps for j in range(steps))
    rests = np.array([a.w[0] for a in basins.attractors])
    np.testing.assert_allclose(rests[:, 0], 0, atol=1e-9)
    np.testing.assert_allclose(sorted(rests[:, 1]), expected, atol=1e-9)
    assert basins.fraction(UNDECIDED) == 0
    ways = np.array([way for way, _ in basins.directions()])
    np.testing.assert_allclose(abs(ways), [[0, 1]] * 2, atol=0.05)


@pytest.mark.parametrize(("steps", "rho"), [(1, 0.9), (3, 0.5)])
def test_basins_are_those_of_small_steps(steps: int, rho: float) -> None:
    """Iterates end within ηρ|λ| of the rests of the flow, from all starts but those on a boundary."""
    scene, method = (WELL, sd.SAM(rho)) if steps == 1 else (SADDLE, sd.SAM(rho, ascent_steps=steps))
    basins = sd.basins(sd.Flow(scene, method), resolution=16, progress=False)
    starts = np.stack(np.meshgrid(basins.x, basins.y), -1).reshape(-1, 2)
    lr, time = 5e-4, 10
    ends = sd.simulate(sd.Map(scene, method, lr=lr), starts, round(time / lr), progress=False).w.values[:, -1]
    rests = np.array([a.w.mean(0) for a in basins.attractors])
    distance = np.linalg.norm(ends[:, None] - rests, axis=2)
    held = distance.min(1) < 0.02
    same = np.where(held, distance.argmin(1), UNBOUNDED) == basins.label.reshape(-1)
    assert len(np.unique(basins.label)) >= 3
    assert same.mean() >= 0.995  # one of 256 may lie on a boundary


def test_sam_on_beale_leaves_no_start_undecided() -> None:
    """Along the valley y → 1 the gradient falls as 1/x², within a layer across which the field turns."""
    basins = sd.basins(sd.Flow(sd.landscapes.beale(), sd.SAM(0.3)), resolution=24, progress=False)
    assert basins.fraction(UNDECIDED) == 0
    ((way, share),) = basins.directions()
    assert 0.03 < share < 0.09
    np.testing.assert_allclose(way, [-1, 0], atol=0.1)
    rests = np.array([a.w.mean(0) for a in basins.attractors])
    np.testing.assert_allclose(rests, [[3, 0.5], [0, 1]], atol=1e-6)
    assert "unbounded towards (-1, " in str(basins)


def test_a_trap_is_certified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []

    def counted(flow: CompiledFlow, w: torch.Tensor, radius: torch.Tensor) -> tuple[torch.Tensor, ...]:
        runs.append(w.shape[1])
        return certify(flow, w, radius)

    monkeypatch.setattr(regions, "certify", counted)
    basins = sd.basins(sd.Flow(WELL, sd.SAM(0.5)), resolution=40, progress=False)
    assert basins.fraction(UNDECIDED) == 0
    assert sum(runs) < 100  # of 1600 runs, which end at three points


@pytest.mark.parametrize("scene", [WELL, sd.landscapes.beale()], ids=lambda scene: scene.name)
def test_a_region_holds_every_run_in_it(scene: sd.Landscape) -> None:
    """What one certificate says of a region, each run's own says too; outside nothing is said."""
    flow, radius = CompiledFlow(sd.Flow(scene, sd.SAM(0.3)), 1.0, "auto"), 1e-5
    point = torch.tensor([1.0, 0.0] if scene is WELL else [3.0, 0.5], dtype=torch.float64)[:, None]
    traps = TrapRegions(flow)
    size = torch.tensor([radius], dtype=torch.float64)
    assert traps.find(point + 1e-8, size)[0].all()
    around = point + radius * torch.randn(2, 60, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    inside, centre = traps.holding(around)
    assert 0 < inside.sum() < 60
    assert (centre[:, inside] - point).abs().max() < 1e-12
    assert certify(flow, around[:, inside], size.expand(int(inside.sum())))[0].all()
    assert not traps.holding(point + torch.tensor([[0.0], [2 * radius]], dtype=torch.float64))[0].any()


def test_sam_ends_on_the_circle_of_the_flattest_minima() -> None:
    """The minima of (ab + cd − 1)²/2 are a set of dimension 3; SAM slides along it to the least trace, ‖w‖² = 2."""
    flow = sd.Flow(sd.Landscape("(a*b + c*d - 1)**2/2", "a b c d"), sd.SAM(0.3))
    found = sd.attractors(flow, ((-1.9, 2.1), (-2.2, 1.8), (-2.1, 1.8), (-1.6, 2.4)), starts=16, progress=False)
    assert [a.kind for a in found] == ["sliding"]
    assert found[0].share == 1
    np.testing.assert_allclose((found[0].w ** 2).sum(1), 2, rtol=0, atol=1e-10)


def test_a_run_that_slides_goes_on_after_a_restart() -> None:
    """On xy = 1 the run slides to the flattest minimum (1, 1), also in parts that each begin on the curve."""
    flow = sd.Flow(sd.Landscape("(x*y-1)**2/2", "x y"), sd.SAM(0.2))
    whole = sd.integrate(flow, [(2, 0.5)], 10.0, progress=False)
    part = sd.integrate(flow, [(2, 0.5)], 4.0, progress=False)
    rest = sd.integrate(flow, part.w.values[:, -1], 6.0, progress=False)
    assert part.slid.all()
    assert rest.slid.all()
    np.testing.assert_allclose(rest.w.values[:, -1], whole.w.values[:, -1], atol=1e-6)
    assert abs(whole.w.values[0, -1, 0] - 2) > 0.5
