"""Base optimizers beside torch's own, and beside their published algorithms written out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import bases
from samdyn.checks import InputError

STEPS, LR = 40, 0.002
START = (0.8, -1.1)
LANDSCAPE = sd.landscapes.himmelblau()
METHOD = sd.SAM(0.1)
SGD, ADAM, RMSPROP = torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop


def by_torch(make: Callable[..., torch.optim.Optimizer], **options: Any) -> np.ndarray:
    """Return the path of a torch optimizer whose gradients are F."""
    w = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
    optimizer = make([w], lr=LR, **options)
    path = [w.detach().clone()]
    for _ in range(STEPS):
        w.grad = METHOD(w.detach(), LANDSCAPE.grad)
        optimizer.step()
        path.append(w.detach().clone())
    return torch.stack(path).numpy()


def by_map(base: bases.Base, **options: Any) -> np.ndarray:
    map_ = sd.Map(LANDSCAPE, METHOD, lr=LR, base=base)
    return sd.simulate(map_, START, STEPS, save_every=1, **options).w.values[0]


@pytest.mark.parametrize(
    ("base", "make", "options"),
    [
        (bases.SGD(0.9), SGD, {"momentum": 0.9}),
        (bases.SGD(0.9, dampening=0.5), SGD, {"momentum": 0.9, "dampening": 0.5}),
        (
            bases.SGD(0.9, nesterov=True, weight_decay=0.1),
            SGD,
            {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        ),
        (bases.Adam(), ADAM, {}),
        (bases.Adam(0.5, 0.9, 1e-3, weight_decay=0.1), ADAM, {"betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
        (bases.AdamW(weight_decay=0.3), torch.optim.AdamW, {"weight_decay": 0.3}),
        (bases.RMSProp(0.9, 1e-6, 0.1), RMSPROP, {"alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1}),
    ],
)
def test_as_torch(base: bases.Base, make: Any, options: dict[str, Any]) -> None:
    np.testing.assert_allclose(by_map(base), by_torch(make, **options), rtol=1e-12, atol=1e-12)


def test_lion_and_lookahead_as_published() -> None:
    w, m = torch.tensor(START, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    path = [w]
    for _ in range(STEPS):
        f = METHOD(w, LANDSCAPE.grad)
        w = w - LR * (torch.sign(0.9 * m + 0.1 * f) + 0.2 * w)
        m = 0.99 * m + 0.01 * f
        path.append(w)
    np.testing.assert_allclose(by_map(bases.Lion(weight_decay=0.2)), torch.stack(path), rtol=1e-12)

    fast = slow = torch.tensor(START, dtype=torch.float64)
    v, path = 0 * fast, [fast]
    for step in range(1, STEPS + 1):
        v = 0.5 * v + METHOD(fast, LANDSCAPE.grad)
        fast = fast - LR * v
        if step % 3 == 0:
            fast = slow = slow + 0.25 * (fast - slow)
        path.append(fast)
    base = bases.Lookahead(every=3, alpha=0.25, inner=bases.SGD(0.5))
    np.testing.assert_allclose(by_map(base), torch.stack(path), rtol=1e-12)


EXAMPLES = {
    "EMA": bases.EMA(0.9),
    "SGD": bases.SGD(0.9, 0.1, weight_decay=0.1, decoupled=True),
    "Adam": bases.Adam(0.8, 0.9),
    "AdamW": bases.AdamW(),
    "RMSProp": bases.RMSProp(),
    "Lion": bases.Lion(),
    "Lookahead": bases.Lookahead(3),
    "Preconditioned": bases.Preconditioned(0.9, (2.0, 0.5)),
}


def test_every_base_has_an_example() -> None:
    published = {name for name, cls in bases.catalogue().items() if sd.methods.catalogues.is_published(cls)}
    assert published == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_compiled_as_eager(name: str) -> None:
    """To rounding; Lion's signs leave none, and so long as no gradient is near 0 they agree."""
    base = EXAMPLES[name]
    np.testing.assert_allclose(by_map(base, backend="compiled"), by_map(base, backend="eager"), rtol=1e-11)


@pytest.mark.parametrize("name", EXAMPLES)
def test_interrupted_as_in_one(name: str) -> None:
    """A run that goes on from the arrays of a result takes the same steps, to the bit."""
    map_ = sd.Map(LANDSCAPE, METHOD, lr=LR, base=EXAMPLES[name])
    options: Any = {"backend": "eager"}
    whole = sd.simulate(map_, START, 10, **options)
    first = sd.simulate(map_, START, 4, **options)
    memory = {part: first[part].values for part in map_.memory}
    rest = sd.simulate(map_, first.w.values[:, -1], 6, first_step=4, v0=memory, **options)
    for part in ("w", *map_.memory):
        last = {"step": -1} if part == "w" else {}
        np.testing.assert_array_equal(rest[part].isel(last), whole[part].isel(last))


@pytest.mark.parametrize("name", EXAMPLES)
def test_jacobian_in_symbols_and_in_numbers(name: str) -> None:
    """Both are the derivative of one step, at a point where it is smooth."""
    map_ = sd.Map(LANDSCAPE, sd.USAM(0.01), lr=LR, base=EXAMPLES[name])
    z = map_.flat_start(torch.tensor([[0.8], [-1.1]], dtype=torch.float64))
    z = map_.flat_step(map_.flat_step(z, number=1), number=2)
    found = map_.jacobian_at(z, number=3)[..., 0].numpy()
    formulas = map_.jacobian(number=3)
    names = sorted(formulas.free_symbols, key=str)
    order = {str(s): i for i, s in enumerate([*LANDSCAPE.symbols])}
    order |= {f"{part}_{s}": (i + 1) * 2 + j for i, part in enumerate(map_.memory) for j, s in enumerate("xy")}
    values = {symbol: float(z[order[str(symbol)], 0]) for symbol in names}
    np.testing.assert_allclose(np.array(formulas.subs(values), dtype=float), found, rtol=1e-9, atol=1e-12)


def test_one_setting_per_run() -> None:
    several = sd.Map(LANDSCAPE, METHOD, lr=LR, base=bases.Adam(beta2=[0.9, 0.99]))
    runs = sd.simulate(several, START, STEPS)
    assert runs.beta2.values.tolist() == [0.9, 0.99]
    for run, beta2 in enumerate((0.9, 0.99)):
        np.testing.assert_allclose(runs.w[run, -1], by_map(bases.Adam(beta2=beta2))[-1], rtol=1e-11)


@pytest.mark.parametrize("base", [bases.Adam(0.5, 0.5, 0.1), bases.RMSProp(0.5, 0.1), bases.EMA(0.5), bases.SGD(0.5)])
def test_flow_of_small_steps(base: bases.Base) -> None:
    """The flow follows the map at order 1: the error halves with η."""
    valley = sd.Landscape("x**2/2 + y**4/4 + x*y/3", "x y")
    flow = sd.Flow(valley, bases.SmallSteps(sd.USAM(0.1), base))
    end = sd.integrate(flow, (1.2, -0.9), 0.5).w.values[0, -1]
    rates = [0.004, 0.002, 0.001]
    maps = [sd.Map(valley, sd.USAM(0.1), lr, base=base) for lr in rates]
    ends = [sd.simulate(map_, (1.2, -0.9), round(0.5 / map_.lr), backend="eager").w.values[0, -1] for map_ in maps]
    slope = np.polyfit(np.log(rates), np.log([np.abs(w - end).max() for w in ends]), 1)[0]
    assert 0.9 < slope < 1.1


def test_noise_and_micro_batches() -> None:
    """With noise the base gets the noisy F: at η = 0.5 of plain SGD as base the steps are those without a base."""
    noise = sd.noise.Gaussian(0.5)
    plain = sd.simulate(sd.Map(LANDSCAPE, METHOD, LR, 0.5, noise=noise), [START] * 3, 20, seed=5)
    based = sd.simulate(sd.Map(LANDSCAPE, METHOD, LR, noise=noise, base=bases.SGD(0.5)), [START] * 3, 20, seed=5)
    np.testing.assert_allclose(based.w, plain.w, rtol=1e-13)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bases.Adam(beta1=1.0), r"beta1 = 1.0: must lie in \[0, 1\)"),
        (lambda: bases.Adam(beta2=-0.1), r"beta2 = -0.1"),
        (lambda: bases.Adam(eps=-1e-8), "eps = -1e-08: must be a finite number >= 0"),
        (lambda: bases.AdamW(weight_decay=float("nan")), "weight_decay = nan"),
        (lambda: bases.RMSProp(alpha=2), "alpha = 2"),
        (lambda: bases.Lion(beta2=1), "beta2 = 1"),
        (lambda: bases.SGD(momentum=1), "momentum = 1"),
        (lambda: bases.SGD(nesterov=True), "needs momentum"),
        (lambda: bases.SGD(0.9, dampening=2), "dampening = 2"),
        (lambda: bases.Lookahead(every=0), "every = 0"),
        (lambda: bases.Lookahead(inner=3), "inner = 3: is no base"),
        (lambda: bases.Adam().frozen(-1), "v = -1"),
        (lambda: bases.Adam(eps=0).linearised(), "scale = 0.0: must be a finite number > 0"),
        (lambda: bases.Lion().linearised(), "no Jacobian at a critical point"),
        (lambda: sd.Map(LANDSCAPE, METHOD, LR, base=bases.Adam), "is a class. Make one: bases.Adam"),
        (lambda: sd.Map(LANDSCAPE, METHOD, LR, base=torch.optim.Adam), "is no base optimizer"),
        (lambda: sd.Map(LANDSCAPE, METHOD, LR, 0.9, base=bases.Adam()), "momentum = 0.9: a base optimizer has its own"),
        (lambda: bases.named("adamm"), "Did you mean 'Adam'"),
        (lambda: by_map(bases.Adam(), v0=[0, 0]), "the state has m, v beside w"),
        (lambda: by_map(bases.Adam(), v0={"m": [0, 0]}), "the state has m, v beside w"),
        (lambda: sd.Map(LANDSCAPE, METHOD, LR, base=bases.Lookahead()).step((torch.ones(2, 1),) * 3), "number of this"),
        (lambda: bases.SmallSteps(METHOD, METHOD), "is no base"),
    ],
)
def test_refusals(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_functions_for_momentum_alone_refuse_a_base() -> None:
    map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(0.1), LR, base=bases.Adam())
    (point,) = sd.critical_points(map_.landscape)
    with pytest.raises(InputError, match=r"derived for SGD with momentum.*not for the base Adam"):
        sd.analysis.growth_rate(map_, point)
