"""The page in a browser, used by mouse and keyboard."""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import samdyn as sd

from .conftest import FEW_FRAMES, POLLING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow  # to draw in software takes a whole core

Open = Callable[..., "Page"]
WITHOUT_WEBGL = """
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith("webgl") ? null : getContext.call(this, kind, ...rest);
};
"""


def change(page: "Page", **changes: Any) -> None:
    """Change settings, as the controls do, and wait for the picture. ``rho`` is one of the method's parameters."""
    page.evaluate(
        """async ({rho, ...changes}) => {
          const {parameters} = samdyn.settings();
          const landscape = samdyn.data.landscapes.find(({name}) => name === changes.landscape);
          if (landscape) Object.assign(changes, {formula: landscape.formula, view: landscape.box});
          samdyn.set({...changes, parameters: rho === undefined ? parameters : {...parameters, rho}});
          for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
        }""",
        changes,
    )


def pixels(page: "Page", at: tuple[float, float] | None = None, size: int = 4) -> np.ndarray:
    """Return the picture's pixels, (height, width, 3), or a small square of them around a point of the plane."""
    from PIL import Image

    if at is None:
        shot = page.locator(".picture").screenshot()
    else:
        x, y = page.evaluate("w => samdyn.pixel(w)", list(at))
        shot = page.screenshot(clip={"x": x - size / 2, "y": y - size / 2, "width": size, "height": size})
    return np.array(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)


def saddle_verdict(page: "Page") -> dict[str, Any]:
    return page.evaluate("samdyn.verdicts()[samdyn.points().findIndex(p => p.kind === 'saddle')]")


def test_it_draws(page: "Page") -> None:
    """The picture has many colours: contours, particles, points and a run."""
    picture = pixels(page)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50
    assert picture.std() > 10


def test_the_saddles_marker_changes_at_the_threshold(page: "Page") -> None:
    """On x² − y² USAM's saddle attracts for ρ > 1/|λ| = ½. Its marker shows that, and the table says it."""
    change(page, landscape="saddle", method="USAM", particles=False, basins=False, start=None, rho=0.495)
    before, says = pixels(page, (0, 0)), page.locator("aside + .facts, .facts").first.inner_text()
    assert saddle_verdict(page)["role"] == "saddle"
    change(page, rho=0.505)
    after = pixels(page, (0, 0))
    assert saddle_verdict(page)["role"] == "attractor"
    assert np.abs(before.mean((0, 1)) - after.mean((0, 1))).max() > 50
    ((low, high),) = saddle_verdict(page)["attractsFor"]
    assert low == pytest.approx(0.5, abs=1e-8)
    assert "saddle" in says
    assert "attractor" in page.locator(".facts").first.inner_text()
    assert high >= 2


def test_multipliers_are_those_of_the_map(page: "Page") -> None:
    himmelblau = sd.landscapes.himmelblau()
    steps = ["plain", "heavy ball", "Nesterov", "heavy ball", "plain", "Nesterov"]  # every method and step twice or so
    for name, step in zip(["GD", "USAM", "ExactSAM", "UASAM", "ExactSAM", "GD"], steps, strict=True):
        change(page, landscape="Himmelblau", method=name, step=step, lr=0.004, momentum=0.6, rho=0.02)
        method = sd.methods.named(name)(**({} if name == "GD" else {"rho": 0.02}))
        momentum = {} if step == "plain" else {"momentum": 0.6, "nesterov": step == "Nesterov"}
        map_ = sd.Map(himmelblau, method, lr=0.004, **momentum)
        points, verdicts = page.evaluate("[samdyn.points(), samdyn.verdicts()]")
        assert sorted(p["kind"] for p in points) == ["maximum"] + 4 * ["minimum"] + 4 * ["saddle"]
        for point, verdict in zip(points, verdicts, strict=True):
            found = np.sort_complex([complex(*z) for z in verdict["multipliers"]])
            where = torch.tensor([*point["w"], *(0.0 for _ in momentum)], dtype=torch.float64)
            expected = np.linalg.eigvals(map_.jacobian_at(where).numpy())
            np.testing.assert_allclose(found, np.sort_complex(expected), atol=1e-7)  # of points found to 1e-9


def test_dragging_the_slider_moves_rho(page: "Page") -> None:
    change(page, landscape="saddle", method="SAM", rho=0.5)
    slider = page.get_by_role("slider", name="rho")
    box = slider.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert page.evaluate("samdyn.settings().parameters.rho") == pytest.approx(1, abs=0.1)
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    moved = page.evaluate("samdyn.settings().parameters.rho")
    page.wait_for_function("samdyn.verdicts()[0].trap !== null")
    # The trap of normalised SAM on x² − y² is as wide as ρ.
    page.wait_for_function("rho => Math.abs(samdyn.verdicts()[0].trap - rho) < 1e-6", arg=moved)
    page.wait_for_function("rho => decodeURIComponent(location.hash).includes(`p.rho=${rho}`)", arg=moved)


@pytest.mark.parametrize(
    ("landscape", "method", "options"),
    [
        ("saddle", "SAM", {}),
        ("Beale", "USAM", {"lr": 1e-3, "rho": 0.001}),
        ("double well", "SAM", {"ascentSteps": 3, "average": True}),
        # From step 170 on this run bounces at a minimum, where differences of rounding grow.
        ("Himmelblau", "ASAM", {"step": "heavy ball", "momentum": 0.5, "lr": 1e-3, "steps": 150}),
    ],
)
def test_a_click_starts_a_run(page: "Page", landscape: str, method: str, options: dict[str, Any]) -> None:
    """Its iterates are those of ``simulate``, and its flow that of ``integrate``."""
    usual = {"lr": 0.01, "step": "plain", "momentum": 0.0, "ascentSteps": 1, "average": False, "rho": 0.1, "steps": 200}
    settings = {**usual, **options}
    change(page, landscape=landscape, method=method, **settings)
    box = page.locator(".picture").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.61 * box["width"], box["y"] + 0.34 * box["height"])
    page.wait_for_function("samdyn.run() !== null")
    start, run = page.evaluate("[samdyn.settings().start, samdyn.run()]")
    assert [run["x"][0], run["y"][0]] == start
    of = sd.methods.named(method)(settings["rho"], ascent_steps=settings["ascentSteps"], average=settings["average"])
    where = next(make() for make in sd.landscapes.catalogue().values() if make().name == landscape)
    map_ = sd.Map(where, of, lr=settings["lr"], momentum=settings["momentum"])
    expected = sd.simulate(map_, start, steps=settings["steps"], save_every=1).w[0]
    np.testing.assert_allclose(np.stack([run["x"], run["y"]], 1), expected, atol=1e-4)
    if settings["momentum"] == 0:
        flow = sd.integrate(sd.Flow(where, of), start, settings["steps"] * settings["lr"]).w[0, -1]
        ends = [run["flow"][name][-1] for name in ("x", "y")]
        np.testing.assert_allclose(ends, flow, atol=2e-3)  # the page draws it to the width of a line


def test_presets(page: "Page") -> None:
    """Each tells what its caption says."""

    def choose(number: int) -> dict[str, Any]:
        page.keyboard.press(str(number))
        page.wait_for_timeout(300)
        assert page.locator(".caption").inner_text()
        return page.evaluate(
            """() => {
              const last = run => run && [run.x.at(-1), run.y.at(-1)];
              const {parameters, ascentSteps} = samdyn.settings();
              return {run: last(samdyn.run()), end: samdyn.run().end, pinned: last(samdyn.pinned()), ascentSteps,
                rho: parameters.rho, verdict: samdyn.verdicts()[samdyn.points().findIndex(p => p.kind === "saddle")]};
            }"""
        )

    page.locator("h1").click()  # the keys work where nothing is typed
    leaves = choose(1)
    assert abs(leaves["run"][1]) > 3
    threshold = choose(2)
    assert threshold["verdict"]["attractsFor"][0][0] == pytest.approx(0.5)
    assert math.hypot(*threshold["run"]) < 0.05
    trap = choose(3)
    assert math.hypot(*trap["run"]) < 0.05
    assert trap["verdict"]["trap"] == pytest.approx(trap["rho"], rel=1e-6)
    rests = choose(4)
    n, rho = rests["ascentSteps"], rests["rho"]
    at = [rho * (n - 1 - 2 * j) / n for j in range(n)]
    assert min(abs(rests["run"][1] - y) for y in at) < 0.05
    noise = choose(5)
    assert abs(noise["run"][1]) < 0.5 < abs(noise["pinned"][1])
    momentum = choose(6)
    assert math.dist(momentum["run"], momentum["pinned"]) < 0.1


def test_a_link_reproduces_the_picture(open_page: Open) -> None:
    page = open_page()
    page.evaluate("samdyn.set({landscape: '', formula: 'x**2 - y**2 + x*y**3', method: 'USAM', lr: 0.003})")
    page.wait_for_function("location.hash.includes('USAM')")
    again = open_page(hash_=page.evaluate("location.hash"))
    first, second = page.evaluate("samdyn.settings()"), again.evaluate("samdyn.settings()")
    assert first == second
    assert second["formula"] == "x**2 - y**2 + x*y**3"


def test_wrong_links_are_ignored_with_a_note(open_page: Open) -> None:
    page = open_page(hash_="#lr=abc&m=Adam&f=%3Cimg%20src=x%20onerror=alert(1)%3E&l=&p.rho=-1&nonsense=1")
    notes = page.locator(".notes").inner_text()
    assert all(part in notes for part in ("lr=abc", "m=Adam", "p.rho=-1", "nonsense=1"))
    assert page.evaluate("samdyn.settings().lr") == 0.01


WRONG = {
    "x^2": "**",
    "x**2 - q*y": "q",
    "alert(1)": "alert",
    "x.constructor": "'.' is not allowed",
    "y**99": "64",
    "": "is empty",
    "sin(" * 120 + "x" + ")" * 120: "nested",
    "<script>alert(1)</script>": "<",
}


def test_a_wrong_formula_is_refused_in_words(open_page: Open) -> None:
    page = open_page()
    before = page.evaluate("samdyn.points()")
    for formula, complaint in WRONG.items():
        box = page.get_by_label("L(x, y)")
        box.fill(formula)
        box.press("Enter")
        page.wait_for_function(
            "text => [...document.querySelectorAll('[role=alert]')].some(e => e.innerText.includes(text))",
            arg=complaint,
        )
        assert page.evaluate("samdyn.points()") == before  # the last landscape that could be read


# Within one call, since a page that draws is slow to answer: one formula is applied, and soon another one typed.
TYPE_TWICE = """async (box, [applied, typed, pause]) => {
  const type = (text) => {
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  type(applied);
  box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  await wait(pause);
  type(typed);
  await wait(400);
  return box.value;
}"""


@pytest.mark.parametrize("pause", [0, 25, 100])
def test_what_is_typed_just_after_a_formula_was_applied_stays(page: "Page", pause: int) -> None:
    box = page.get_by_label("L(x, y)")
    for formula in ("x^2", "x**2 - y**2 + x*y**3"):
        assert box.evaluate(TYPE_TWICE, [formula, "x**2 - y*", pause]) == "x**2 - y*"


def test_without_webgl(chromium: "Browser", page_file: Path) -> None:
    """Without WebGL2 the page computes in JavaScript, and says so."""
    with chromium.new_page(viewport={"width": 1400, "height": 900}, bypass_csp=True) as page:
        page.add_init_script(WITHOUT_WEBGL + FEW_FRAMES)
        page.goto(page_file.as_uri())
        page.wait_for_function("window.samdyn !== undefined && samdyn.engine()?.steps > 20", polling=POLLING)
        assert page.evaluate("samdyn.engine().kind") == "JavaScript"
        assert "without WebGL2" in page.locator(".transport").inner_text()
        assert pixels(page).std() > 10


def test_particles_are_iterates(page: "Page") -> None:
    """Particles on the GPU end on SAM's 2-cycle x = ± ηρλ/(2 − ηλ) along the largest eigenvalue, λ = 2."""
    change(page, landscape="", formula="x**2 + y**2/4", method="SAM", rho=0.2, lr=0.05, count=400, speed=100)
    page.wait_for_timeout(500)  # numbers that change start the particles anew, a little later
    page.wait_for_function("samdyn.engine().count < 1000 && samdyn.engine().steps > 400")
    x, y = np.array(page.evaluate("samdyn.states()")).reshape(-1, 4)[:, :2].T
    assert len(x) > 300
    np.testing.assert_allclose(np.abs(x), 0.05 * 0.2 * 2 / (2 - 0.05 * 2), rtol=1e-3)  # while y still falls
    assert np.abs(y).max() < 1e-2
    assert 0.2 < (x > 0).mean() < 0.8


def test_many_particles(page: "Page") -> None:
    """10⁵ particles move, also where WebGL is in software. benchmarks/explorer.py measures how fast."""
    change(page, landscape="Himmelblau", method="SAM", count=100_000)
    page.wait_for_function("samdyn.engine().count > 90000 && samdyn.engine().steps > 10")
    assert np.isfinite(page.evaluate("samdyn.frames().slice(-10).map(f => f.interval)")).all()


def test_it_evaluates_no_text_and_loads_nothing(chromium: "Browser", page_file: Path) -> None:
    with chromium.new_page() as page:
        page.goto(page_file.as_uri())
        # Later, since what Playwright evaluates itself is free of the page's policy.
        script = "try { eval('1'); window.outcome = 'ran'; } catch (e) { window.outcome = e.name; }"
        page.add_script_tag(content=f"setTimeout(() => {{ {script} }}, 50)")
        while page.evaluate("window.outcome") is None:
            page.wait_for_timeout(100)
        assert page.evaluate("window.outcome") == "EvalError"
        assert page.evaluate("fetch('data:text/plain,1').then(() => 'loaded', () => 'refused')") == "refused"


# All that a page could take for markup, in one name: to make a page and open it takes seconds. test_page.py has more.
MARKUP = '</script><script>alert(1)</script> "><img src=x onerror=alert(1)> $\\lambda$ & <b>'


def test_names_are_only_text(open_page: Open, tmp_path: Path) -> None:
    landscape = sd.Landscape("x**2 - y**2 + x*y", "x y", name=MARKUP)
    path = tmp_path / "page.html"
    sd.explore(landscape, "GD").save(path)
    page = open_page(path)
    assert page.evaluate("samdyn.data.landscapes[0].name") == MARKUP
    assert page.evaluate("document.querySelectorAll('img, b').length") == 0
    assert page.locator("option", has_text=MARKUP).count() >= 1


def test_a_method_and_a_landscape_of_the_user(open_page: Open, tmp_path: Path) -> None:
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Decayed(sd.Method):
        rate: float = 0.25

        def __call__(self, w: Any, grad: Any) -> Any:
            return grad(w) + self.rate * w

    path = tmp_path / "page.html"
    sd.explore(sd.Landscape("u**2 - v**2 + v**4", "u v"), [Decayed()]).save(path)
    page = open_page(path)
    assert page.evaluate("samdyn.settings().method") == "Decayed"
    found = page.evaluate("samdyn.evaluate('', 'Decayed', 0, 'field', [[1, 0.5]])")
    np.testing.assert_allclose(found, [[2 + 0.25, -1 + 0.5 + 0.125]], rtol=1e-12)


@pytest.mark.parametrize(
    "options", [{"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}, "has_touch": True}]
)
def test_dark_and_small_screens(open_page: Open, options: dict[str, Any]) -> None:
    """Nothing is wider than the screen, and the picture can be used."""
    page = open_page(**options)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert pixels(page).std() > 5
    if options.get("has_touch"):
        page.locator(".picture").tap(position={"x": 200, "y": 100})
        page.wait_for_function("samdyn.settings().start !== null")
