"""Lyapunov exponents of systems whose exponents are known."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import sympy
import torch

import samdyn as sd
from samdyn.analysis.orbits.tangent import TangentRuns, TangentStep

from .fields import FLAT, Rotation

LOGISTIC = sd.Landscape("4*x**3/3 - 3*x**2/2", "x", box=[(0, 1)])  # GD with lr = 1: x ← 4x(1 − x)
SLANTED = sd.Landscape("x**2 + x*y + 3*y**2/2", "x y")


@dataclass(frozen=True)
class Lorenz(sd.Method):
    """Lorenz's equations, as a method that ignores the loss."""

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y, z = w
        return -torch.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])


def covers(found: Any, truth: Any, run: int = 0) -> bool:
    """Return whether all intervals per step contain the known exponents, up to rounding."""
    error = np.abs(found.per_step.values[run] - truth)
    return bool((error <= found.per_step_half_width.values[run] + 1e-12).all())


@pytest.mark.parametrize("lr", [0.1, 0.7, 1.5])
def test_a_linear_map_has_the_logarithms_of_its_multipliers(lr: float) -> None:
    """From the saddle or minimum itself, which holds the run also where it repels."""
    truth = np.sort(np.log(np.abs(1 - lr * np.linalg.eigvalsh([[2, 1], [1, 3]]))))[::-1]
    found = sd.lyapunov(sd.Map(SLANTED, sd.GD(), lr=lr), (0, 0), steps=2000)
    assert found.per_step.values[0] == pytest.approx(truth, abs=1e-10)
    assert found.per_time.values[0] == pytest.approx(truth / lr, abs=1e-9)
    assert found.per_step_half_width.values.max() < 1e-9


@pytest.mark.parametrize("nesterov", [False, True])
def test_with_momentum_they_are_those_of_the_joint_state(nesterov: bool) -> None:
    """Roots of z² − (1 + γ)(1 − ηλ)z + γ(1 − ηλ) (Nesterov) and z² − (1 + γ − ηλ)z + γ; complex pairs share one."""
    lr, gamma, curvatures = 0.3, 0.6, (0.05, -0.4, 2.0)
    trace = [(1 + gamma) * (1 - lr * c) if nesterov else 1 + gamma - lr * c for c in curvatures]
    product = [gamma * (1 - lr * c) if nesterov else gamma for c in curvatures]
    roots = np.concatenate([np.roots([1, -t, p]) for t, p in zip(trace, product, strict=True)])
    map_ = sd.Map(sd.landscapes.quadratic(curvatures), sd.GD(), lr=lr, momentum=gamma, nesterov=nesterov)
    found = sd.lyapunov(map_, (0, 0, 0))
    truth = np.sort(np.log(np.abs(roots)))[::-1]
    assert found.per_step.values[0] == pytest.approx(truth, abs=2e-4)  # a frame that turns errs by about 1/steps
    assert covers(found, truth)
    assert sd.lyapunov(map_, (0, 0, 0), count=1).per_step.values == pytest.approx(found.per_step.values[:, :1])


def test_sam_along_a_concave_direction() -> None:
    """ln(1 + η|λ|) at every ρ and from every start in the band (theory 3)."""
    for curvature, lr, rho in ((1.0, 0.1, 0.5), (3.0, 0.2, 0.05)):
        map_ = sd.Map(sd.Landscape(f"-{curvature}*x**2/2", "x"), sd.SAM(rho), lr=lr)
        found = sd.lyapunov(map_, np.array([[0.3], [-0.7], [0.11]]) * lr * rho * curvature, steps=2000)
        assert found.per_step.values == pytest.approx(np.log1p(lr * curvature), abs=1e-12)
        assert not found.left.any()


def test_gd_on_a_cubic_is_the_logistic_map() -> None:
    found = sd.lyapunov(sd.Map(LOGISTIC, sd.GD(), lr=1.0), np.linspace(0.1, 0.9, 8)[:, None])
    assert found.per_step.values == pytest.approx(np.log(2), abs=1e-3)
    assert all(covers(found, np.log(2), run) for run in range(8))


def test_on_a_cycle_they_are_those_of_its_multipliers() -> None:
    map_ = sd.Map(sd.landscapes.double_well(), sd.GD(), lr=1.1)
    cycle = sd.attractors(map_, starts=64)[0]
    assert (cycle.kind, cycle.period) == ("cycle", 2)
    found = sd.lyapunov(map_, cycle.w[0], steps=4000)
    truth = np.sort(np.log(np.abs(cycle.multipliers)) / 2)[::-1]
    assert found.per_step.values[0] == pytest.approx(truth, abs=1e-9)


def test_every_run_has_its_own_parameters() -> None:
    rates = [0.1, 0.5, 1.5]
    map_ = sd.Map(sd.Landscape("x**2/2", "x"), sd.GD(), lr=rates)
    found = sd.lyapunov(map_, (0.0,), steps=1000)
    assert found.per_step.values[:, 0] == pytest.approx(np.log(np.abs(1 - np.array(rates))))
    assert found.per_time.values[:, 0] == pytest.approx(np.log(np.abs(1 - np.array(rates))) / rates)


def test_tangent_vectors_get_the_noise_of_the_run() -> None:
    """Random curvatures make w ← (1 − ηa)w: the run itself grows by what the tangent vector grows by."""
    samples = sd.SampleLandscape("a*x**2/2", "x", {"a": [0.5, 1.0, 3.0, 7.5]})
    map_ = sd.Map(samples, sd.GD(), lr=0.2, noise=sd.noise.FiniteSum(1))
    found = sd.lyapunov(map_, (1.0,), steps=640, transient=0.0, seed=3)
    run = sd.simulate(map_, (1.0,), 640, seed=3)
    grown = np.log(np.abs(run.w.values[0, -1, 0]))
    assert found.per_step.values[0, 0] * 640 == pytest.approx(grown, rel=1e-9)
    other = sd.lyapunov(map_, (1.0,), steps=640, transient=0.0, seed=4)
    assert abs(other.per_step.values[0, 0] - found.per_step.values[0, 0]) > 1e-3
    long = sd.lyapunov(map_, (1.0,))
    assert covers(long, np.mean(np.log(np.abs(1 - 0.2 * np.array([0.5, 1, 3, 7.5])))))
    assert 0.005 < long.per_step_half_width.values[0, 0] < 0.05


def test_a_step_onto_a_point_has_an_exponent_of_minus_infinity() -> None:
    found = sd.lyapunov(sd.Map(sd.landscapes.quadratic((1, 4)), sd.GD(), lr=0.25), (0, 0), steps=200)
    assert found.per_step.values[0].tolist() == [pytest.approx(np.log(0.75)), -np.inf]


def test_flows_at_rest_have_the_eigenvalues() -> None:
    found = sd.lyapunov(sd.Flow(SLANTED, sd.GD()), [(1, 1), (-2, 0.3)], time=60)
    truth = -np.linalg.eigvalsh([[2, 1], [1, 3]])
    assert found.per_time.values == pytest.approx(np.stack([truth, truth]), abs=1e-6)
    assert "per_step" not in found


def test_a_rotation_has_none() -> None:
    found = sd.lyapunov(sd.Flow(FLAT, Rotation(2.0)), (1, 0), time=100)
    assert found.per_time.values == pytest.approx(0, abs=1e-8)
    angle = 2 * float(found.end[0])
    turned = [np.cos(angle), np.sin(angle)]
    assert found.w.values[0] == pytest.approx(turned, abs=1e-4)
    damped = sd.lyapunov(sd.Flow(sd.landscapes.quadratic((0.1, 0.1)), Rotation(2.0)), (1, 0), time=100)
    assert damped.per_time.values == pytest.approx(-0.1, abs=1e-6)


def test_lorenz() -> None:
    """λ₁ = 0.9056, λ₂ = 0, and the sum is the divergence, −(10 + 1 + 8/3), at every point."""
    space = sd.Landscape("0*x + 0*y + 0*z", "x y z", box=[(-30, 30), (-30, 30), (0, 50)])
    found = sd.lyapunov(sd.Flow(space, Lorenz()), [(1, 1, 20), (3, -2, 30), (-5, 1, 15), (2, 2, 9)], time=400)
    assert found.per_time.values.sum(1) == pytest.approx(-41 / 3, abs=1e-5)
    assert found.per_time.values[:, 0] == pytest.approx(0.9056, abs=0.03)
    assert (np.abs(found.per_time.values[:, 0] - 0.9056) <= found.per_time_half_width.values[:, 0]).all()
    assert (np.abs(found.per_time.values[:, 1]) <= found.per_time_half_width.values[:, 1]).all()


def test_a_run_that_leaves_has_no_exponents() -> None:
    map_ = sd.Map(sd.landscapes.double_well(), sd.GD(), lr=0.1)
    found = sd.lyapunov(map_, [(0.5, 0), (20, 0)], steps=200, box=[(-25, 25)] * 2)
    assert found.left.values.tolist() == [False, True]
    assert np.isnan(found.per_step.values[1]).all()
    assert np.isfinite(found.per_step.values[0]).all()
    assert found.end.values[1] < 10
    with pytest.raises(sd.InputError, match=r"the run leaves the box after \d+ steps, so that it has no exponents"):
        sd.lyapunov(sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1), (1, 1), steps=200)
    with pytest.raises(sd.InputError, match=r"the run leaves the box after t = 2\."):
        sd.lyapunov(sd.Flow(sd.landscapes.saddle(), sd.GD()), (0, 0.2), time=100)


def test_flows_that_jump_are_refused() -> None:
    with pytest.raises(sd.InputError, match="the field is not smooth along a run"):
        sd.lyapunov(sd.Flow(sd.landscapes.saddle(), sd.SAM(0.5)), (1, 0.1), time=20)


def test_a_critical_point_of_sam_is_refused() -> None:
    """There autograd returns the Jacobian of gradient descent, and SAM has none."""
    for system in (sd.Map(sd.landscapes.saddle(), sd.SAM(0.5), lr=0.01), sd.Flow(sd.landscapes.saddle(), sd.SAM(0.5))):
        with pytest.raises(sd.InputError, match=r"of SAM has no Jacobian there\. Start beside this point"):
            sd.lyapunov(system, [(1, 1), (0, 0)], steps=200)
    beside = sd.lyapunov(sd.Map(sd.landscapes.saddle(), sd.SAM(0.5), lr=0.01), (1e-5, 0), steps=2000)
    # On the 2-cycle: 1 − ηλ₁ along it, and 1 − ηλ − (λ/λ₁)²(2 − ηλ₁) along λ = −2 (theory 2).
    assert np.exp(beside.per_step.values[0]) == pytest.approx([1 - 0.02, abs(1 + 0.02 - (2 - 0.02))], abs=1e-6)


def test_torch_and_compiled_code_agree() -> None:
    """On runs whose Jacobians differ from step to step and are not symmetric."""
    map_ = sd.Map(sd.landscapes.double_well(), sd.USAM(0.1), lr=0.3, momentum=0.5)
    step = TangentStep(map_, torch.full((2, 1), -9.0), torch.full((2, 1), 9.0))
    z = map_.flat_start(torch.tensor([[0.3, 1.4, -0.2], [0.5, -1.0, 0.1]], dtype=torch.float64))
    few, many = (TangentRuns(step, z, 4, steps=n, seed=0, runs=torch.arange(3)) for n in (10, 10**7))
    assert (few.backend, many.backend) == ("eager", "compiled")
    logs = [runs.advance(20) for runs in (few, many)]
    assert logs[0].numpy() == pytest.approx(logs[1].numpy(), rel=1e-9)
    assert few.z.numpy() == pytest.approx(many.z.numpy(), abs=1e-10)
    determinant = sum(
        torch.linalg.slogdet(map_.jacobian_at(w[:, None])[:, :, 0])[1] for w in path_of(map_, z[:, 0], 20)
    )
    assert float(logs[0][:, 0].sum()) == pytest.approx(float(determinant), rel=1e-9)


def path_of(map_: sd.Map, z: torch.Tensor, steps: int) -> list[torch.Tensor]:
    """Return the states of a run before each of its steps."""
    path = [z]
    for _ in range(steps - 1):
        path.append(map_.flat_step(path[-1]))
    return path


GD = sd.Map(sd.landscapes.double_well(), sd.GD(), lr=0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 60}, "45 step.s. remain after the transient, and 64 are needed"),
        ({"transient": 1.0}, "share of the run"),
        ({"time": -1.0}, "time"),
        ({"count": 3}, "the state has 2 coordinate"),
        ({"count": 0}, "count"),
        ({"box": [(-1, 1)]}, "1 pair"),
        ({"box": [(5, 6), (5, 6)]}, "start 0 lies outside the box"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        sd.lyapunov(GD, (0.5, 0.1), **arguments)


def test_more_bad_input() -> None:
    with pytest.raises(sd.InputError, match="have 2 coordinates"):
        sd.lyapunov(GD, (0.5,))
    with pytest.raises(sd.InputError, match="a simulation needs a number"):
        sd.lyapunov(sd.Map(GD.landscape, sd.USAM(sympy.Symbol("rho")), lr=0.1), (0.5, 0.1))
    with pytest.raises(sd.InputError, match="Give one start, or one per value"):
        sd.lyapunov(sd.Map(GD.landscape, sd.GD(), lr=[0.1, 0.2]), [(0.5, 0.1)] * 3)
    with pytest.raises(sd.InputError, match="need steps of"):
        sd.lyapunov(sd.Flow(sd.Landscape("1e9*x**2", "x"), sd.GD()), (0.5,))
    with pytest.raises(sd.InputError, match="must be a Map or a Flow"):
        sd.lyapunov(GD.landscape, (0.5, 0.1))  # type: ignore[arg-type]
