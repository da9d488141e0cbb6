"""The programs of methods on the programs of landscapes compute what the methods compute on the landscapes."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
import torch

import samdyn as sd
from samdyn.compiler import NotCompilable
from samdyn.compiler.web import landscape_programs, method_programs
from samdyn.noise import COUPLINGS
from samdyn.ops import directional_derivative, jacobian

ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-4}  # of some hundred operations, relative to the largest number
POINTS = 12
VARIANTS = [(n, average) for n in range(1, 6) for average in (False, True)[: min(n, 2)]]
METHODS = {
    (cls.__name__, *variant): cls(rho=0.1, ascent_steps=variant[0], average=variant[1])
    for cls in (sd.SAM, sd.USAM, sd.DNSAM, sd.ASAM, sd.UASAM, sd.ExactSAM)
    for variant in VARIANTS
} | {("GD",): sd.GD()}
LANDSCAPES = {name: make() for name, make in sd.landscapes.catalogue().items()}


@cache
def programs_of(name: tuple[Any, ...]) -> dict[str, Any]:
    return method_programs(METHODS[name], parameters(name))


def parameters(name: tuple[Any, ...]) -> list[str]:
    return [] if name == ("GD",) else ["rho", "shift"] if "ASAM" in name[0] else ["rho"]


def setting(name: tuple[Any, ...], landscape: sd.Landscape) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return points and values of parameters, per point. An ascent of unnormalised methods may not run away."""
    generator = torch.Generator().manual_seed(1)
    low, high = torch.tensor(landscape.box, dtype=torch.float64).T
    w = low[:, None] + (high - low)[:, None] * torch.rand(2, POINTS, generator=generator).double()
    curvature = landscape.hessian(w).abs().sum((0, 1))
    radius = 0.3 if name[0] in ("SAM", "DNSAM") else 0.3 / (1 + curvature)
    draw = torch.rand(2, POINTS, generator=generator).double()
    values = {"rho": radius * draw[0], "shift": 0.2 * draw[1]}
    return w, {parameter: values[parameter] for parameter in parameters(name)}


def method_with(name: tuple[Any, ...], values: dict[str, torch.Tensor]) -> Any:
    method = METHODS[name]
    variant = {} if name == ("GD",) else {"ascent_steps": name[1], "average": name[2]}
    return type(method)(**values, **variant)


@pytest.mark.parametrize("name", METHODS, ids=lambda name: "-".join(map(str, name)))
def test_field_perturbed_point_and_jacobian(name: tuple[Any, ...], evaluate: Any, agrees: Any) -> None:
    programs = programs_of(name)
    for landscape in LANDSCAPES.values():
        called, (w, values) = landscape_programs_of(landscape), setting(name, landscape)
        method, at = method_with(name, values), {"x": w[0], "y": w[1], **values}
        assert programs["field"]["inputs"] == list(at)
        agrees(evaluate(programs["field"], at, called), method(w, landscape.grad), 1e-12)
        agrees(evaluate(programs["perturbed"], at, called), method.perturbed(w, landscape.grad), 1e-12)
        expected = jacobian(lambda w, m=method, f=landscape: m(w, f.grad), w)
        agrees(evaluate(programs["jacobian"], at, called), expected, 1e-12)
        single = {key: value.float() for key, value in at.items()}
        field = method_with(name, {key: single[key] for key in values})(w.float(), landscape.grad)
        agrees(evaluate(programs["field32"], single, called), field, ROUNDING[torch.float32])


@cache
def landscape_programs_of(landscape: sd.Landscape) -> dict[str, Any]:
    return landscape_programs(landscape)


@pytest.mark.parametrize("dtype", ROUNDING, ids=str)
@pytest.mark.parametrize("name", METHODS, ids=lambda name: "-".join(map(str, name)))
def test_noise_enters_as_in_a_map(name: tuple[Any, ...], dtype: torch.dtype, evaluate: Any, agrees: Any) -> None:
    programs = programs_of(name)["noisy" if dtype == torch.float64 else "noisy32"]
    noise = torch.randn(40, POINTS, generator=torch.Generator().manual_seed(2)).to(dtype)
    batches = noise.unflatten(0, (20, 1, 2))
    for landscape in (LANDSCAPES["beale"], LANDSCAPES["relu_product"]):
        called, (w, values) = landscape_programs_of(landscape), setting(name, landscape)
        w, values = w.to(dtype), {key: value.to(dtype) for key, value in values.items()}
        draws = {f"noise{i}": number for i, number in enumerate(noise)}
        for coupling in COUPLINGS:
            model = sd.noise.Gaussian(1.0, coupling=coupling)
            map_ = sd.Map(landscape, method_with(name, values), lr=1.0, noise=model)
            (after,) = map_.step((w,), sd.noise.Given(batches))
            result = evaluate(programs[coupling], {"x": w[0], "y": w[1], **values, **draws}, called)
            agrees(result, w - after, ROUNDING[dtype])


def test_the_draws_that_a_program_takes() -> None:
    noise = {
        coupling: [name for name in programs_of(("USAM", 3, False))["noisy"][coupling]["inputs"] if "noise" in name]
        for coupling in COUPLINGS
    }
    # One batch for all gradients; one each for the ascent's three and the last; one for the last alone.
    assert {coupling: len(names) // 2 for coupling, names in noise.items()} == {
        "shared": 1,
        "independent": 4,
        "clean": 1,
    }
    assert noise["independent"] == [f"noise{i}" for i in range(8)]


def test_programs_stay_small() -> None:
    assert len(programs_of(("GD",))["field"]["code"]) == 2
    assert len(programs_of(("USAM", 1, False))["field"]["code"]) == 2 + 4 + 2


@dataclass(frozen=True)
class Penalised(sd.Method):
    """A user's method, with a Hessian-vector product, a detached factor and a truth value."""

    rate: float = 0.25

    def __call__(self, w: Any, grad: Any) -> Any:
        g = grad(w)
        slope = directional_derivative(grad, w, g)
        size = (g * g).sum(0).detach()
        outside = torch.where((w[0] > 1) & ~(w[1] > 2) | (w[0] == w[1]), 1.0, 0.5).to(w.dtype)
        return g + self.rate * slope * outside + w * size + torch.isnan(w).to(w.dtype)


def test_a_method_of_a_user(evaluate: Any, agrees: Any) -> None:
    programs, landscape = method_programs(Penalised(), ["rate"]), LANDSCAPES["himmelblau"]
    w = 4 * torch.rand(2, 50, generator=torch.Generator().manual_seed(3)).double()
    at = {"x": w[0], "y": w[1], "rate": torch.full_like(w[0], 0.7)}
    called = landscape_programs(landscape)
    agrees(evaluate(programs["field"], at, called), Penalised(0.7)(w, landscape.grad), 1e-12)
    agrees(evaluate(programs["perturbed"], at, called), w, 0.0)
    expected = torch.func.vmap(torch.func.jacfwd(lambda w: Penalised(0.7)(w, landscape.grad)), in_dims=1, out_dims=2)(w)
    agrees(evaluate(programs["jacobian"], at, called), expected, 1e-11)


def test_a_function_is_a_method(evaluate: Any) -> None:
    programs = method_programs(lambda w, grad: 2 * grad(w))
    called = landscape_programs(LANDSCAPES["saddle"])
    at = {"x": torch.ones(1).double(), "y": torch.ones(1).double()}
    assert evaluate(programs["field"], at, called).values.flatten().tolist() == [4.0, -4.0]
    assert evaluate(programs["jacobian"], at, called).values.flatten().tolist() == [4.0, 0.0, 0.0, -4.0]


REFUSED = {
    "nan": lambda w, grad: grad(w) + torch.where(w > 0, torch.nan, 0.0),
    "at a point that does not depend on w": lambda w, grad: grad(torch.zeros(2, 1).double()),
    "sort": lambda w, grad: grad(w).sort(0).values,
    "int64": lambda w, grad: grad(w) * w.long(),
    "more than 64 batches": lambda w, grad: sum(grad(w) for _ in range(70)),
    "third is not among": lambda w, grad: directional_derivative(lambda u: grad.hvp(u, u), w, w),
    "_local_scalar_dense": lambda w, grad: grad(w) if w[0].item() > 0 else w,
    "tracing failed: IndexError": lambda w, grad: grad(w)[[5, 6]],
    "gradients and Hessians of the loss, not its value": lambda w, grad: w * grad.gradient.__self__.value(w),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_written_says_why(reason: str) -> None:
    with pytest.raises(NotCompilable, match=reason):
        method_programs(REFUSED[reason])
