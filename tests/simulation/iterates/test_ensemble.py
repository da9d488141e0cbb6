"""simulate: iterates, labels, what becomes of every run, and what it refuses."""

import os
import pty
import select
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import analysis, landscapes, methods
from samdyn.catalogues import is_published
from samdyn.methods import Ascent, Method

SADDLE = sd.Landscape("x**2 - y**2", "x y")
BEALE = landscapes.beale()
GD = sd.GD()

# The catalogue has the methods of other tests, too, which are a user's.
PUBLISHED = [cls for cls in methods.catalogue().values() if is_published(cls) and methods.is_stateless(cls)]
METHODS = [cls(0.05) if issubclass(cls, Ascent) else cls() for cls in PUBLISHED]
MOMENTA: list[dict[str, Any]] = [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}]


def final(runs: Any) -> np.ndarray:
    """Return where the runs ended, (run, coord)."""
    return runs.w.values[:, -1]


def grid(low: float, high: float, n: int = 5) -> np.ndarray:
    """Return n² points of the plane."""
    axis = np.linspace(low, high, n)
    return np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)


# Iterates.


@pytest.mark.parametrize("momentum", MOMENTA, ids=["plain", "heavy ball", "Nesterov"])
@pytest.mark.parametrize("method", METHODS, ids=str)
def test_iterates_are_those_of_the_map(method: Method, momentum: dict[str, Any]) -> None:
    scene = landscapes.double_well()
    map_ = sd.Map(scene, method, lr=0.05, **momentum)
    starts = grid(-1.5, 1.5)
    runs = sd.simulate(map_, starts, 20, save_every=1, device="cpu")
    state = map_.start(torch.tensor(starts.T.copy()))
    for step in range(1, 21):
        state = map_.step(state)
        # Bit-equal: simulate has nothing to compute of its own.
        np.testing.assert_array_equal(runs.w.values[:, step], state[0].T.numpy())
    np.testing.assert_array_equal(runs.loss.values[:, -1], scene.value(state[0]).numpy())
    assert (runs.status == "undecided").all()  # none was held anywhere


@pytest.mark.parametrize("momentum", MOMENTA, ids=["plain", "heavy ball", "Nesterov"])
def test_momentum_is_that_of_torch_sgd(momentum: dict[str, Any]) -> None:
    start, lr, steps = np.array([1.0, 1.5]), 1e-4, 100
    w = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=lr, **momentum)
    for _ in range(steps):
        optimizer.zero_grad()
        x, y = w
        loss = (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2
        loss.backward()
        optimizer.step()
    runs = sd.simulate(sd.Map(BEALE, GD, lr=lr, **momentum), start, steps)
    # 100 steps of rounding, 1e-16 each, through gradients of order 10: 1e-14; another form of momentum is 1e-3 off.
    np.testing.assert_allclose(final(runs)[0], w.detach().numpy(), rtol=0, atol=1e-12)


def test_closed_form_on_a_quadratic() -> None:
    runs = sd.simulate(sd.Map(SADDLE, GD, lr=0.01), [3.0, -0.1], 100, save_every=25)
    k = runs.step.values
    # 100 products, each rounded to 1e-16.
    np.testing.assert_allclose(runs.w.values[0, :, 0], 3 * 0.98**k, rtol=1e-13)
    np.testing.assert_allclose(runs.w.values[0, :, 1], -0.1 * 1.02**k, rtol=1e-13)


def test_runs_do_not_influence_each_other() -> None:
    map_ = sd.Map(BEALE, sd.SAM(0.05), lr=1e-4)
    starts = np.vstack([grid(0, 2), [[1e8, 1e8], [1e200, 1.0]]])  # two that diverge
    together = sd.simulate(map_, starts, 50)
    for i in (0, 7, 24, 25):
        alone = sd.simulate(map_, starts[i], 50)
        # Vectorised arithmetic may round differently for one column and for many; 50 steps of 1e-16.
        np.testing.assert_allclose(final(alone)[0], final(together)[i], rtol=1e-13, atol=1e-13)
        assert alone.status.item() == together.status.values[i]
        assert alone.end.item() == together.end.values[i]


# Labels.


@pytest.mark.parametrize(
    ("steps", "every", "expected"),
    [
        (10, None, [10]),
        (10, 1, list(range(11))),
        (10, 5, [0, 5, 10]),
        (10, 4, [0, 4, 8, 10]),
        (10, 10, [0, 10]),
        (10, 99, [0, 10]),
        (1, None, [1]),
        (1, 1, [0, 1]),
    ],
)
def test_saved_steps(steps: int, every: int | None, expected: list[int]) -> None:
    map_ = sd.Map(BEALE, GD, lr=1e-3)
    runs = sd.simulate(map_, [[1.0, 1.0], [0.5, 0.2]], steps, save_every=every)
    assert runs.step.values.tolist() == expected
    everything = sd.simulate(map_, [[1.0, 1.0], [0.5, 0.2]], steps, save_every=1)
    np.testing.assert_array_equal(runs.w.values, everything.w.values[:, expected])
    np.testing.assert_array_equal(runs.loss.values, everything.loss.values[:, expected])


def test_labels() -> None:
    scene = sd.Landscape("a**2 + b**2 + c**2", "c a b")
    runs = sd.simulate(sd.Map(scene, GD, lr=0.25), np.ones((4, 3)), 6, save_every=2)
    assert runs.w.dims == ("run", "step", "coord")
    assert runs.loss.dims == ("run", "step")
    assert runs.status.dims == runs.end.dims == ("run",)
    assert runs.sizes == {"run": 4, "step": 4, "coord": 3}
    assert runs.coord.values.tolist() == ["c", "a", "b"]
    assert runs.run.values.tolist() == [0, 1, 2, 3]
    assert runs.time.values.tolist() == [0.0, 0.5, 1.0, 1.5]
    assert runs.end.values.tolist() == [6] * 4
    assert (runs.attrs["lr"], runs.attrs["momentum"], runs.attrs["steps"]) == (0.25, 0.0, 6)
    assert (runs.attrs["method"], runs.attrs["dtype"]) == ("GD()", "float64")


def test_one_point_is_one_run() -> None:
    map_ = sd.Map(BEALE, GD, lr=1e-3)
    one, many = sd.simulate(map_, [1.0, 2.0], 5), sd.simulate(map_, [[1.0, 2.0]], 5)
    assert one.identical(many)
    assert one.sizes["run"] == 1


@pytest.mark.parametrize(
    "given",
    [
        [[1, 2], [3, 0]],
        ((1.0, 2.0), (3.0, 0.0)),
        np.array([[1.0, 2.0], [3.0, 0.0]]),
        np.array([[1, 2], [3, 0]], dtype=np.float32),
        np.array([[1, 2], [3, 0]], dtype=np.int32),
        np.array([[1, 2], [3, 0]], dtype=np.uint8),
        np.array([[1.0, 2.0], [3.0, 0.0]], dtype=">f8"),
        np.array([[0.0, 3.0], [2.0, 1.0]])[::-1, ::-1].T[::1],
        np.array([[3.0, 0.0], [1.0, 2.0]])[::-1],
        torch.tensor([[1.0, 2.0], [3.0, 0.0]], requires_grad=True),
        torch.tensor([[1, 2], [3, 0]]),
    ],
    ids=["list", "tuple", "float64", "float32", "int", "unsigned", "big-endian", "view", "reversed", "tensor", "long"],
)
def test_starts_in_any_form(given: Any) -> None:
    expected = np.array(given.tolist() if torch.is_tensor(given) else given, dtype=float)
    runs = sd.simulate(sd.Map(SADDLE, GD, lr=0.1), given, 1, save_every=1)
    np.testing.assert_array_equal(runs.w.values[:, 0], expected)
    assert runs.w.dtype == np.float64


def test_starts_are_not_written_to() -> None:
    starts = np.array([[1.0, 2.0]])
    sd.simulate(sd.Map(SADDLE, GD, lr=0.1), starts, 3)
    np.testing.assert_array_equal(starts, [[1.0, 2.0]])


@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", torch.float32])
def test_float32_stays_float32(method: Method, dtype: Any) -> None:
    map_ = sd.Map(landscapes.double_well(), method, lr=0.05, momentum=0.9)
    start = np.array([[1.1, 1.3]])
    runs = sd.simulate(map_, start, 5, save_every=1, dtype=dtype)
    assert runs.w.dtype == runs.loss.dtype == np.float32
    assert runs.attrs["dtype"] == "float32"
    state = map_.start(torch.tensor(start.T.copy(), dtype=torch.float32))
    for _ in range(5):
        state = map_.step(state)
    assert state[0].dtype == torch.float32
    np.testing.assert_array_equal(final(runs).T, state[0].numpy())


# What becomes of a run: settled.


@pytest.mark.parametrize("momentum", MOMENTA, ids=["plain", "heavy ball", "Nesterov"])
@pytest.mark.parametrize("method", [GD, sd.USAM(0.001), sd.ExactSAM(0.001)], ids=str)
def test_settled_at_a_minimum(method: Method, momentum: dict[str, Any]) -> None:
    # The slowest direction, λ = 0.30 with λη = 0.006, comes down by e⁻³⁰ in 5000 steps.
    runs = sd.simulate(sd.Map(BEALE, method, lr=0.02 / (1 + 9 * bool(momentum)), **momentum), [3.1, 0.52], 5000)
    assert runs.status.item() == "settled"
    # The certificate promises √ε relative to ‖w‖∞.
    np.testing.assert_allclose(final(runs)[0], [3, 0.5], atol=3 * 1.5e-8)


def test_settled_only_once_it_is_there() -> None:
    map_ = sd.Map(BEALE, GD, lr=0.02)
    # After 2000 steps it is 6e-7 away along λ = 0.30, where the residual is small beside λ = 49 but the way is not.
    for steps in (10, 100, 1000, 2000):
        runs = sd.simulate(map_, [3.1, 0.52], steps)
        assert np.abs(final(runs)[0] - [3, 0.5]).max() > 1e-7
        assert runs.status.item() == "undecided"


def test_settled_on_the_two_cycle_of_sam() -> None:
    lr, rho = 0.01, 0.5
    runs = sd.simulate(sd.Map(SADDLE, sd.SAM(rho), lr=lr), [[-3.0, -0.01], [1.0, 0.0]], 5000, save_every=1)
    assert runs.status.values.tolist() == ["settled"] * 2
    amplitude = lr * rho * 2 / (2 - lr * 2)  # theory 3
    last = runs.w.values[:, -2:, 0]
    # The certificate promises √ε.
    np.testing.assert_allclose(np.abs(last), amplitude, atol=1.5e-8)
    np.testing.assert_allclose(last[:, 0], -last[:, 1], atol=1.5e-8)
    assert np.abs(runs.w.values[:, -1, 1]).max() < 1e-12


def test_settled_on_a_curve_of_minima() -> None:
    runs = sd.simulate(sd.Map(landscapes.product(), GD, lr=0.05), [[2.0, 0.1], [0.5, 1.5], [1.0, 1.0]], 5000)
    assert runs.status.values.tolist() == ["settled"] * 3
    np.testing.assert_allclose(final(runs).prod(1), 1, atol=1e-7)
    assert np.ptp(final(runs)[:, 0]) > 0.1  # not one point of it, but wherever they came to it


@pytest.mark.parametrize("momentum", MOMENTA, ids=["plain", "heavy ball", "Nesterov"])
def test_settled_on_a_plateau(momentum: dict[str, Any]) -> None:
    map_ = sd.Map(landscapes.relu_product(), GD, lr=0.1, **momentum)
    runs = sd.simulate(map_, [[1.0, -1.0], [-0.5, -0.3]], 5)
    assert runs.status.values.tolist() == ["settled"] * 2
    np.testing.assert_array_equal(final(runs), [[1.0, -1.0], [-0.5, -0.3]])


def test_settled_in_float32() -> None:
    runs = sd.simulate(sd.Map(landscapes.double_well(), GD, lr=0.1), [[0.5, 0.5], [-0.1, 0.2]], 2000, dtype="float32")
    assert runs.status.values.tolist() == ["settled"] * 2
    # √ε of float32.
    np.testing.assert_allclose(final(runs), [[1, 0], [-1, 0]], atol=3.5e-4)


# Slow passage is not capture.

STEPS = (10, 100, 2000)


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("lr", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("momentum", MOMENTA, ids=["plain", "heavy ball", "Nesterov"])
def test_slow_passage_of_the_saddle_is_not_capture(steps: int, lr: float, momentum: dict[str, Any]) -> None:
    leaving = [GD, sd.USAM(0.4), sd.ExactSAM(0.4)]  # ρ < 1/|λ|
    if steps == STEPS[-1]:  # long runs: one method for every lr with every momentum, and each with all of either
        leaving = [leaving[(round(-np.log10(lr)) // 2 + MOMENTA.index(momentum)) % 3]]
    off = np.array([1e-3, 1e-6, 1e-12, 1e-100, -1e-300])
    starts = np.array([(x, y) for x in (3.0, 1e-6, 1e-12, 0.0) for y in off])
    for dtype in ("float64", "float32"):
        # In float32, 1e-100 is 0: those starts are on the stable manifold, from which nothing ever leaves.
        for method in leaving:
            runs = sd.simulate(sd.Map(SADDLE, method, lr=lr, **momentum), starts, steps, dtype=dtype)
            assert not (runs.status == "settled").any(), (dtype, method)


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("lr", [1e-3, 1e-5])
def test_slow_passage_on_beale_is_not_capture(steps: int, lr: float) -> None:
    saddle, along = np.array([0.0, 1.0]), np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    off = np.array([1e-3, 1e-6, 1e-9, 1e-12, 1e-15, 0.0])
    starts = saddle + np.array([a * along[0] + b * along[1] for a in (*off, *-off) for b in (0.0, 1e-3)])
    for method in (GD, sd.USAM(0.03), sd.ExactSAM(0.002)):  # below the threshold ρ = 0.036
        runs = sd.simulate(sd.Map(BEALE, method, lr=lr), starts, steps)
        settled = (runs.status == "settled").values
        # Wherever settled stands, the run must be at the only minimum; within the certificate's √ε·3.
        assert np.allclose(final(runs)[settled], [3, 0.5], atol=5e-8)
        assert not settled.any() or steps == 2000


def test_on_the_stable_manifold_gd_is_not_settled_either() -> None:
    # Exactly on it a run never leaves, but the saddle does not hold it: the certificate says so.
    runs = sd.simulate(sd.Map(SADDLE, GD, lr=0.1), [[1.0, 0.0], [0.0, 0.0]], 1000)
    assert runs.status.values.tolist() == ["undecided"] * 2


# Starts on a critical point.


@pytest.mark.parametrize("name", landscapes.catalogue())
def test_starts_on_critical_points(name: str) -> None:
    scene = landscapes.named(name)
    points = analysis.critical_points(scene)
    starts = np.array([*[p.w for p in points], np.zeros(scene.dim)])
    turn = list(landscapes.catalogue()).index(name)
    for number, method in enumerate(METHODS):
        # Every method meets every momentum on several landscapes; of GD more is asked, and on all.
        for momentum in MOMENTA if method == GD else [MOMENTA[(turn + number) % 3]]:
            runs = sd.simulate(sd.Map(scene, method, lr=1e-3, **momentum), starts, 20, save_every=1)
            assert np.isfinite(runs.w.values).all(), (method, momentum)
            for point, status in zip(points, runs.status.values, strict=False):
                if isinstance(method, sd.SAM | sd.DNSAM):
                    # The field jumps there, so no Jacobian can certify anything.
                    assert status != "settled", (method, momentum, point)
                elif isinstance(method, sd.GD):
                    assert (status == "settled") == (point.kind == "minimum"), (momentum, point)


# What becomes of a run: diverged, left the box, undecided.


def test_diverges_at_the_step_at_which_an_independent_loop_does() -> None:
    scene, lr = sd.Landscape("x**4/4", "x"), 0.5
    starts = np.array([3.0, 10.0, -50.0, 1e50, 1e103, 0.5])
    runs = sd.simulate(sd.Map(scene, GD, lr=lr), starts[:, None], 30, save_every=1)
    expected_end, expected_w = [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for w in starts:
            step = 0
            while step < 30 and np.isfinite(new := w - lr * w * w * w):
                w, step = new, step + 1
            expected_end.append(min(step + 1, 30))
            expected_w.append(w)
    assert runs.status.values.tolist() == ["diverged"] * 5 + ["undecided"]
    assert runs.end.values.tolist() == expected_end
    assert len(set(expected_end)) >= 4  # they do end at different steps
    # Every step triples the relative error: 3⁸·1e-16.
    np.testing.assert_allclose(final(runs)[:, 0], expected_w, rtol=1e-11)
    for i in range(5):  # held there ever after
        np.testing.assert_array_equal(runs.w.values[i, runs.end.values[i] - 1 :, 0], final(runs)[i, 0])


def test_float32_diverges_earlier() -> None:
    map_ = sd.Map(sd.Landscape("-x**2", "x"), GD, lr=1.0)  # w ← 3w
    for dtype, limit in (("float64", 1.7976931348623157e308), ("float32", 3.4028234663852886e38)):
        runs = sd.simulate(map_, [1.0], 700, dtype=dtype)
        assert runs.status.item() == "diverged"
        # 3ᵏ is the first beyond the range; the state held is the one before.
        assert runs.end.item() == int(np.floor(np.log(limit) / np.log(3))) + 1
        assert np.isfinite(final(runs)).all()


def test_leaves_the_box() -> None:
    runs = sd.simulate(
        sd.Map(SADDLE, GD, lr=0.01), [[0.0, 0.5], [0.5, 0.0], [0.5, -1.9]], 100, save_every=1, box=[(-1, 1), (-2, 1)]
    )
    assert runs.status.values.tolist() == ["left the box", "undecided", "left the box"]
    # 0.5 · 1.02³⁶ = 1.02 is the first beyond 1, 1.9 · 1.02³ = 2.02 the first beyond 2.
    assert runs.end.values.tolist() == [36, 100, 3]
    # 36 products rounded to 1e-16.
    np.testing.assert_allclose(runs.w.values[0, 36:, 1], 0.5 * 1.02**36, rtol=1e-14)
    assert runs.w.values[0, 35, 1] < 1


def test_a_start_outside_the_box_stays_where_it_is() -> None:
    runs = sd.simulate(sd.Map(SADDLE, GD, lr=0.01), [[0.5, 3.0], [1.0, 1e-9]], 10, box=[(-1, 1), (-1, 1)])
    assert runs.status.values.tolist() == ["left the box", "undecided"]
    assert runs.end.values.tolist() == [0, 10]
    np.testing.assert_array_equal(final(runs)[0], [0.5, 3.0])


def test_the_edge_belongs_to_the_box() -> None:
    map_ = sd.Map(sd.Landscape("-x**2", "x"), GD, lr=0.5)  # w ← 2w, without rounding
    runs = sd.simulate(map_, [[-0.5], [0.5], [0.25]], 2, box=[(-1, 1)])
    assert runs.status.values.tolist() == ["left the box", "left the box", "undecided"]
    assert runs.end.values.tolist() == [2, 2, 2]


def test_leaving_the_range_from_inside_the_box_is_divergence() -> None:
    scene = sd.Landscape("x**4/4", "x")
    runs = sd.simulate(sd.Map(scene, GD, lr=1.0), [[1e150], [1e90]], 3, box=[(-1e160, 1e160)])
    assert runs.status.values.tolist() == ["diverged", "left the box"]
    assert runs.end.values.tolist() == [1, 1]
    assert final(runs)[0, 0] == 1e150


def test_leaving_the_domain_is_divergence() -> None:
    # √x has no gradient left of 0: the step that would need it gives NaN, and is not taken.
    runs = sd.simulate(sd.Map(sd.Landscape("sqrt(x)", "x"), GD, lr=0.5), [[1.0]], 30, save_every=1)
    assert runs.status.item() == "diverged"
    assert np.isfinite(runs.w.values).all()
    assert final(runs)[0, 0] < 0


def test_undecided_is_the_rest() -> None:
    runs = sd.simulate(sd.Map(BEALE, GD, lr=1e-4), [1.0, 1.5], 10)
    assert runs.status.item() == "undecided"
    assert runs.end.item() == 10


# Size.

MEMORY = """
import resource, numpy as np, samdyn as sd
map_ = sd.Map(sd.Landscape("x**2 - y**2", "x y"), sd.SAM(0.5), lr=1e-3, momentum=0.9)
starts = np.random.default_rng(0).normal(size=(100_000, 2))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sd.simulate(map_, starts, 20)
before = peak()
for every in (None, 100):
    runs = sd.simulate(map_, starts, 200, save_every=every)
    assert runs.sizes["run"] == 100_000 and np.isfinite(runs.w).all()
    print(peak() - before, runs.w.nbytes + runs.loss.nbytes)
"""
HUGE = """
resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))  # an honest MemoryError rather than a frozen machine
try:
    sd.simulate(sd.Map(sd.Landscape("x**2 - y**2", "x y"), sd.GD(), lr=0.1), [0.1, 0.2], 10**12, save_every=1)
except sd.InputError as error:
    print("refused:", error)
"""


@pytest.fixture(scope="module")
def sizes() -> list[str]:
    """What a process says of the memory it took, and then of a request that no memory would do for."""
    done = subprocess.run([sys.executable, "-c", MEMORY + HUGE], capture_output=True, text=True, timeout=120)
    return [*done.stdout.splitlines(), done.stderr[-500:]]


@pytest.mark.slow
def test_memory_is_bounded_by_what_is_saved(sizes: list[str]) -> None:
    for line in sizes[:2]:
        grown, saved = map(int, line.split())
        # Keeping every step would take 200 times 1.6 MB, and 3.2 MB with the velocity: 320 MB at least. A few copies of
        # one step, coming and going in blocks that the allocator gives back late, were seen to take 50. Half-way:
        assert 1024 * grown < saved + 150e6


# What is refused, before any step is taken.


@pytest.fixture
def no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def step(*_: Any) -> None:
        raise AssertionError("a step was taken")

    monkeypatch.setattr(sd.Map, "step", step)


REFUSED: list[tuple[str, dict[str, Any], list[str]]] = [
    # what, arguments, what the message must say: the value, the rule, the fix
    ("steps 0", {"steps": 0}, ["steps = 0", ">= 1", "Use"]),
    ("steps negative", {"steps": -3}, ["steps = -3", ">= 1", "Use"]),
    ("steps float", {"steps": 10.0}, ["steps = 10.0", "integer", "Use"]),
    ("steps bool", {"steps": True}, ["steps = True", "integer", "Use"]),
    ("steps text", {"steps": "10"}, ["steps = '10'", "integer", "Use"]),
    ("steps nan", {"steps": float("nan")}, ["steps = nan", "integer", "Use"]),
    ("save_every 0", {"save_every": 0}, ["save_every = 0", ">= 1", "None"]),
    ("save_every float", {"save_every": 2.5}, ["save_every = 2.5", "integer", "None"]),
    ("save_every bool", {"save_every": True}, ["save_every = True", "integer", "None"]),
    ("no starts", {"w0": np.zeros((0, 2))}, ["w0 = (0, 2)", "none", "one row per start"]),
    ("empty list", {"w0": []}, ["w0 = (0,)", "2 coordinates", "(runs, 2)"]),
    ("wrong dimension", {"w0": np.zeros((4, 3))}, ["w0 = (4, 3)", "2 coordinates", "(runs, 2)", "x, y"]),
    ("three axes", {"w0": np.zeros((1, 1, 2))}, ["w0 = (1, 1, 2)", "2 coordinates", "(runs, 2)"]),
    ("a number", {"w0": 1.0}, ["w0 = ()", "2 coordinates", "(runs, 2)"]),
    ("nan", {"w0": [[0.0, 1.0], [np.nan, 1.0]]}, ["w0 = [nan, 1.0]", "start 1", "not finite", "1 of 2", "Remove"]),
    ("inf", {"w0": [[0.0, np.inf]]}, ["w0 = [0.0, inf]", "start 0", "not finite", "Remove"]),
    ("too large for float32", {"w0": [[0.0, 1e39]], "dtype": "float32"}, ["1e+39", "float32", "Remove"]),
    ("text", {"w0": [["a", "b"]]}, ["w0", "'a'", "real numbers", "(runs, 2)"]),
    ("numbers as text", {"w0": [["1", "2"]]}, ["w0", "'1'", "real numbers", "(runs, 2)"]),
    ("complex", {"w0": [[1j, 0]]}, ["w0", "1j", "complex", "(runs, 2)"]),
    ("bool", {"w0": [[True, False]]}, ["w0", "True", "bool", "(runs, 2)"]),
    ("None", {"w0": None}, ["w0 = None", "real numbers", "(runs, 2)"]),
    ("objects", {"w0": [[object(), object()]]}, ["w0", "object", "real numbers", "(runs, 2)"]),
    ("ragged", {"w0": [[1.0, 2.0], [3.0]]}, ["w0", "[3.0]", "array of numbers", "(runs, 2)"]),
    ("box inverted", {"box": [(1, -1), (0, 1)]}, ["box = [(1, -1)", "low < high", "2 pair(s)"]),
    ("box empty", {"box": [(0, 0), (0, 1)]}, ["box = [(0, 0)", "low < high", "2 pair(s)"]),
    ("box too short", {"box": [(0, 1)]}, ["box = [(0, 1)]", "1 pair(s) for 2", "2 pair(s)"]),
    ("box nan", {"box": [(0, np.nan), (0, 1)]}, ["box", "nan", "finite", "2 pair(s)"]),
    ("box infinite", {"box": [(0, np.inf), (0, 1)]}, ["box", "inf", "finite", "2 pair(s)"]),
    ("box of something else", {"box": 5}, ["box = 5", "(low, high)", "2 pair(s)"]),
    ("dtype int32", {"dtype": "int32"}, ["dtype = 'int32'", "float64 or float32", 'dtype="float64"']),
    ("dtype float16", {"dtype": torch.float16}, ["dtype = torch.float16", "float64 or float32", 'dtype="float64"']),
    ("device unknown", {"device": "tpu"}, ["device = 'tpu'", "no such device", '"cpu"']),
    ("device without data", {"device": "meta"}, ["device = 'meta'", "no such device", '"cpu"']),
    ("device None", {"device": None}, ["device = None", "no such device", '"cpu"']),
]


@pytest.mark.usefixtures("no_step")
@pytest.mark.parametrize(("arguments", "said"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refuses(arguments: dict[str, Any], said: list[str]) -> None:
    good = {"w0": [[0.1, 0.2]], "steps": 10}
    with pytest.raises(sd.InputError) as error:
        sd.simulate(sd.Map(SADDLE, GD, lr=0.1), **{**good, **arguments})
    for part in said:
        assert part in str(error.value)


@pytest.mark.usefixtures("no_step")
def test_the_check_above_lets_good_input_through() -> None:
    with pytest.raises(AssertionError, match="a step was taken"):
        sd.simulate(sd.Map(SADDLE, GD, lr=0.1), [[0.1, 0.2]], 10)


@pytest.mark.usefixtures("no_step")
def test_refuses_cuda_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    for device in ("cuda", "cuda:0", "cuda:3"):
        with pytest.raises(
            sd.InputError, match=rf"device = '{device}': this machine offers 0 CUDA.*Use device=\"cpu\""
        ):
            sd.simulate(sd.Map(SADDLE, GD, lr=0.1), [[0.1, 0.2]], 10, device=device)


@pytest.mark.usefixtures("no_step")
def test_refuses_to_save_more_than_memory_holds() -> None:
    starts = np.broadcast_to([0.1, 0.2], (1_000_000, 2))
    with pytest.raises(sd.InputError, match=r"^save_every = 1: .*GiB.*Save less often"):
        sd.simulate(sd.Map(SADDLE, GD, lr=0.1), starts, 1_000_000, save_every=1)


@pytest.mark.slow
def test_refuses_more_steps_than_memory_holds_before_listing_them(sizes: list[str]) -> None:
    assert sizes[2].startswith("refused: save_every = 1:"), sizes


# What is shown.


def test_nothing_is_printed_where_nobody_watches(capfd: pytest.CaptureFixture[str]) -> None:
    sd.simulate(sd.Map(SADDLE, GD, lr=0.01), [[1.0, 0.1], [1.0, 1e300]], 1000)
    assert capfd.readouterr() == ("", "")


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    for variable in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    outside, inside = pty.openpty()
    with os.fdopen(inside, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        for progress in (False, True):
            sd.simulate(sd.Map(sd.landscapes.saddle(), sd.SAM(0.5), lr=0.01), [1.0, 0.1], 2000, progress=progress)
            print("and", file=terminal, flush=True)
        monkeypatch.undo()
        shown = b""
        while shown.count(b"and") < 2 or select.select([outside], [], [], 0.1)[0]:
            shown += os.read(outside, 4096)
    os.close(outside)
    assert capfd.readouterr() == ("", "")
    switched_off, bar, rest = shown.decode().split("and")
    assert switched_off == ""
    assert "SAM(rho=0.5" in bar
    assert "%" in bar
    assert rest.strip() == ""


def test_everything_in_a_result_says_what_it_is_and_in_which_units() -> None:
    map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(0.1), lr=0.1, momentum=0.9)
    w0, box = [(0.1, 0.2)] * 3, ((-1, 1), (-1, 1))
    statistics = ["mean", "covariance", "msd", "exit_times", "status", sd.Histogram({"x": [0, 1, 2]})]
    of_runs = sd.simulate(map_, w0, 4, save_every=1)
    of_all = sd.simulate(map_, w0, 4, box=box, statistics=statistics)
    of_flow = sd.integrate(sd.Flow(map_.landscape, map_.method), w0, [1.0])
    for result in (of_runs, of_all, of_flow):
        for name, variable in result.variables.items():
            assert variable.attrs.keys() >= {"long_name", "units"}, name
    assert of_runs.w.attrs == {"long_name": "position w", "units": "units of w"}
    assert of_runs.end.attrs["units"] == "steps"
    assert of_flow.end.attrs["units"] == of_flow.time.attrs["units"] == of_all.exit_time.attrs["units"] == "steps × lr"
    assert of_all.x_left.attrs["long_name"] == "lower edge of the bin"
