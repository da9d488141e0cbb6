"""The page computes what the library computes: programs in the browser beside torch, at random points."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.explorer.choices import chosen_methods
from samdyn.ops import jacobian

from .conftest import FEW_FRAMES, POLLING

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow  # to draw in software takes a whole core

PLANE = [name for name, make in sd.landscapes.catalogue().items() if make().dim == 2]
METHODS = sorted(chosen_methods(None))
RHO = 0.3
# Unnormalised methods climb by ρ times a gradient, which is in the 1000s in the boxes here.
SMALL_RHO = dict.fromkeys(["USAM", "UASAM", "ExactSAM"], 0.002)
POINTS = 40
FOR_ALL_METHODS = ("beale", "relu_product")
# Browsers' exp, sin and the like differ from torch's in the last bits, and so do sums in another order; a step of an
# ascent magnifies that by the size of the Hessian times ρ, which is below 1e3 in the boxes here.
DOUBLE = 1e-11
# In single precision the same, and the GPU's roots and divisions may err by some units in the last place.
SINGLE = 5e-4


@pytest.fixture(scope="module")
def shared_page(chromium: Any, page_file: Any) -> Iterator["Page"]:
    """One page for the tests of this module, which only ask it for numbers."""
    with chromium.new_page(bypass_csp=True, viewport={"width": 800, "height": 500}) as page:
        page.add_init_script(FEW_FRAMES)
        page.goto(f"{page_file.as_uri()}#count=100")
        page.wait_for_function("window.samdyn !== undefined", polling=POLLING)
        page.evaluate("samdyn.set({parameters: {...samdyn.settings().parameters, shift: 0.1}})")
        page.evaluate("samdyn.set({particles: false, basins: false, contours: false})")
        set_rho(page, RHO)
        yield page


def set_rho(page: "Page", rho: float) -> None:
    page.evaluate("rho => samdyn.set({parameters: {...samdyn.settings().parameters, rho}})", rho)


def points(landscape: sd.Landscape, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Return random points of a landscape's box, (2, POINTS), which are numbers of this dtype."""
    low, high = torch.tensor(landscape.box, dtype=torch.float64).T[:, :, None]
    generator = torch.Generator().manual_seed(0)
    return (low + (high - low) * torch.rand(2, POINTS, generator=generator, dtype=torch.float64)).to(dtype)


def method(name: str, variant: dict[str, Any]) -> sd.Method:
    """Return a method with the parameters that the page has."""
    if name == "GD":
        return sd.GD()
    options = {"shift": 0.1} if "ASAM" in name else {}
    steps = {"ascent_steps": variant["ascentSteps"], "average": variant["average"]}
    return sd.methods.catalogue()[name](SMALL_RHO.get(name, RHO), **options, **steps)


def agree(found: Any, expected: torch.Tensor, tolerance: float) -> None:
    """Check values (POINTS, k) of the page, relative to the size of all of a point's values."""
    wanted = expected.reshape(-1, POINTS).T.double().numpy()
    inside = np.isfinite(wanted).all(axis=1)  # several steps of an unnormalised ascent may leave the range of numbers
    wanted, found = wanted[inside], np.array(found, dtype=float)[inside]
    scale = 1 + np.abs(wanted).max(axis=1, keepdims=True)
    np.testing.assert_allclose(found / scale, wanted / scale, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", PLANE)
def test_landscapes(shared_page: "Page", name: str) -> None:
    landscape = sd.landscapes.named(name)
    w = points(landscape)
    hessian = landscape.hessian(w)
    expected = {"value": landscape.value(w), "gradient": landscape.grad(w)}
    expected["hessian"] = torch.stack([hessian[0, 0], hessian[0, 1], hessian[1, 1]])
    for program, values in expected.items():
        found = shared_page.evaluate(
            "([name, program, points]) => samdyn.evaluate(name, null, 0, program, points)",
            [landscape.name, program, w.T.tolist()],
        )
        agree(found, values, DOUBLE)


# The page holds the programs of methods and those of landscapes apart, and joins them when it runs one: every method
# meets two landscapes, a smooth one and one with kinks, and SAM meets all.
@pytest.mark.parametrize(
    ("of", "name"), [(of, name) for of in METHODS for name in PLANE if of == "SAM" or name in FOR_ALL_METHODS]
)
def test_methods(shared_page: "Page", name: str, of: str) -> None:
    """F, wᵖ and the Jacobian of every variant in double precision; some F as the GPU computes them."""
    landscape = sd.landscapes.named(name)
    variants = shared_page.evaluate(
        "of => samdyn.data.methods.find(m => m.name === of).variants"
        ".map(({ascentSteps, average}) => ({ascentSteps, average}))",
        of,
    )
    assert len(variants) == (1 if of == "GD" else 9)
    set_rho(shared_page, SMALL_RHO.get(of, RHO))
    w, w32 = points(landscape), points(landscape, torch.float32)
    for number, variant in enumerate(variants):
        f = method(of, variant)
        on = [landscape.name, of, number]

        def page(program: str, on: list[Any] = on) -> Any:
            return shared_page.evaluate("([on, p, w]) => samdyn.evaluate(...on, p, w)", [on, program, w.T.tolist()])

        agree(page("field"), f(w, landscape.grad), DOUBLE)
        agree(page("perturbed"), f.perturbed(w, landscape.grad), DOUBLE)
        agree(page("jacobian"), jacobian(lambda w, f=f: f(w, landscape.grad), w), 100 * DOUBLE)
        if number == 0:
            found = shared_page.evaluate("([on, w]) => samdyn.evaluateOnGpu(...on, w)", [on, w32.double().T.tolist()])
            agree(found, f(w32, landscape.grad), SINGLE)


@pytest.mark.parametrize("coupling", ["shared", "independent", "clean"])
def test_noise(shared_page: "Page", coupling: str) -> None:
    """The noise of a step enters the gradients that it enters in the library."""
    set_rho(shared_page, RHO)
    landscape = sd.landscapes.double_well()
    w, draws = points(landscape), torch.randn(3, 1, 2, POINTS, generator=torch.Generator().manual_seed(1)).double()
    map_ = sd.Map(landscape, sd.SAM(RHO, ascent_steps=2), lr=1.0, noise=sd.noise.Gaussian(1.0, coupling=coupling))
    (end,) = map_.step((w,), sd.noise.Given(draws))
    inputs = torch.cat([w, draws.flatten(0, 2)]).T.tolist()
    found = shared_page.evaluate(
        """([coupling, name, w]) => {
          const variants = samdyn.data.methods.find(m => m.name === "SAM").variants;
          const number = variants.findIndex(v => v.ascentSteps === 2 && !v.average);
          return samdyn.evaluate(name, "SAM", number, `noisy.${coupling}`, w);
        }""",
        [coupling, landscape.name, inputs],
    )
    agree(found, w - end, DOUBLE)


# A formula with each function and operation that may be typed, and where derivatives are conventions.
TYPED = "exp(x)/(2 + sin(x*y)) + log(3 + y**2)*atan(x) - tanh(x - y)**3 + sqrt(1 + x**2)*cos(y) + abs(x)*relu(y)"
TYPED += " + Max(x, y, 0.5) - Min(x, y**2) + sign(x)*y + cosh(x)/sinh(3 + y) + tan(x/4) - -2**-y + x**3*pi"


def test_typed_formula(shared_page: "Page") -> None:
    """A formula that is typed into the page is derived there as the library derives it."""
    page, landscape = shared_page, sd.Landscape(TYPED, "x y")
    box = page.get_by_label("L(x, y)")
    box.fill(TYPED)
    box.press("Enter")
    page.wait_for_function("formula => samdyn.settings().formula === formula", arg=TYPED, polling=POLLING)
    w = points(landscape)
    hessian = landscape.hessian(w)
    expected = {"value": landscape.value(w), "gradient": landscape.grad(w)}
    expected["hessian"] = torch.stack([hessian[0, 0], hessian[0, 1], hessian[1, 1]])
    for program, values in expected.items():
        found = page.evaluate("([p, w]) => samdyn.evaluate('', null, 0, p, w)", [program, w.T.tolist()])
        agree(found, values, 100 * DOUBLE)  # without the library's rewriting that avoids cancellation
    sam = sd.SAM(RHO)
    set_rho(page, RHO)
    agree(page.evaluate("w => samdyn.evaluate('', 'SAM', 0, 'field', w)", w.T.tolist()), sam(w, landscape.grad), 1e-9)
