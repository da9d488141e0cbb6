"""Many networks trained at once: each as if it were alone."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import samdyn as sd
from samdyn.networks import Network, models, train

SETTINGS = [(0.1, 0.0, 0.0), (0.2, 0.9, 0.1), (0.05, 0.5, 0.5)]  # lr, momentum, rho


def network() -> tuple[Network, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20, 4, generator=generator, dtype=torch.float64)
    y = torch.randint(3, (20,), generator=generator)
    made = Network(models.mlp((4, 5, 3)), functional.cross_entropy, x, y)
    return made, made.vector(models.mlp((4, 5, 3), seed=s) for s in range(len(SETTINGS)))


def map_of(made: Network, lr: Any, momentum: Any, rho: Any, noise: sd.noise.Noise | None = None) -> sd.Map:
    return sd.Map(made, sd.SAM(rho), lr=lr, momentum=momentum, noise=noise or sd.noise.FiniteSum(4))


def test_each_is_trained_as_if_it_were_alone() -> None:
    made, starts = network()
    together = map_of(made, *torch.tensor(SETTINGS, dtype=torch.float64).T)
    saves = dict(train(together, starts, 7, save_every=3, seed=5, dtype="float64"))
    assert list(saves) == [0, 3, 6, 7]
    for i, settings in enumerate(SETTINGS):
        alone = sd.simulate(
            map_of(made, *settings), starts[i : i + 1], 7, save_every=3, seed=5, first_run=i, progress=False
        )
        for step, w in saves.items():
            np.testing.assert_allclose(w[:, i], alone.w.sel(step=step)[0], rtol=1e-11, atol=1e-13)


def test_bases_memories_and_schedules_are_those_of_simulate() -> None:
    made, starts = network()
    lr = sd.schedules.Cosine(0.03, 9)
    for method in (sd.GD(), sd.methods.FriendlySAM(torch.tensor([0.1, 0.2, 0.3]))):
        map_ = sd.Map(made, method, lr=lr, base=sd.bases.AdamW(beta2=0.9), noise=sd.noise.FiniteSum(4))
        saves = dict(train(map_, starts, 7, save_every=3, seed=5, dtype="float64"))
        runs = sd.simulate(map_, starts, 7, save_every=3, seed=5, progress=False)
        for step, w in saves.items():
            np.testing.assert_allclose(w, runs.w.sel(step=step).T, rtol=1e-11, atol=1e-13)


def test_batches_do_not_depend_on_which_other_settings_are_trained() -> None:
    made, starts = network()
    inits, radii = torch.arange(3), [0.1, 0.3, 0.5]

    def grid(radii: list[float], **settings: Any) -> torch.Tensor:
        rho = torch.tensor(radii, dtype=torch.float64).repeat_interleave(3)
        begin = starts.repeat(len(radii), 1)
        ((_, w),) = train(map_of(made, 0.2, 0.9, rho), begin, 9, dtype="float64", **settings)
        return w.unflatten(1, (len(radii), 3))

    three, one = (grid(some, runs=inits.repeat(len(some))) for some in (radii, radii[1:2]))
    torch.testing.assert_close(three[:, 1], one[:, 0], rtol=1e-11, atol=1e-13)
    # By default a network's index is its place, and the second radius has the batches of networks 3 to 5.
    places = grid(radii, runs=np.arange(9, dtype=np.uint32))
    assert torch.equal(places, grid(radii))
    torch.testing.assert_close(places[:, 0], three[:, 0], rtol=1e-11, atol=1e-13)
    assert not torch.allclose(places[:, 1], one[:, 0], rtol=1e-3)
    torch.testing.assert_close(places[:, 1], grid(radii[1:2], runs=[3, 4, 5])[:, 0], rtol=1e-11, atol=1e-13)


def test_dtypes_and_the_last_save_alone() -> None:
    made, starts = network()
    ((step, w),) = train(map_of(made, *torch.tensor(SETTINGS, dtype=torch.float64).T), starts, 3)
    assert step == 3
    assert w.dtype == torch.float32
    assert w.shape == (made.dim, 3)


def test_one_that_diverges_leaves_the_others() -> None:
    made, starts = network()
    lr = torch.tensor([0.1, 1e300, 0.1], dtype=torch.float64)
    ((_, w),) = train(map_of(made, lr, 0.0, 0.1), starts, 20, dtype="float64")
    ((_, calm),) = train(map_of(made, 0.1, 0.0, 0.1), starts, 20, dtype="float64")
    assert torch.isfinite(w).all(0).tolist() == [True, False, True]
    torch.testing.assert_close(w[:, [0, 2]], calm[:, [0, 2]], rtol=1e-12, atol=1e-14)


def test_a_flow_is_no_map() -> None:
    made, starts = network()
    with pytest.raises(sd.InputError, match=r"map_ = .* must be a Map, and is a Flow"):
        train(sd.Flow(made, sd.GD()), starts, 3)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lr": torch.tensor([0.1, 0.2])}, "3 networks"),
        ({"rho": torch.tensor([0.1, 0.2])}, "rho"),
        ({"rho": sd.symbolic.RHO}, "3 networks"),
        ({"steps": 0}, "steps = 0"),
        ({"save_every": 0}, "save_every = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"runs": [0, 1]}, r"runs = \[0, 1\]: must be 3 integers"),
        ({"runs": [0, 1, -1]}, "runs = "),
        ({"runs": [0, 1, 2**32]}, "runs = "),
        ({"runs": [0.0, 1.0, 2.0]}, "runs = "),
        ({"runs": [[0], [1, 2], []]}, "runs = "),
        ({"runs": "abc"}, "runs = 'abc'"),
        ({"starts": np.zeros((2, 3))}, "coordinates"),
    ],
)
def test_bad_input_is_refused_before_work_starts(change: dict[str, Any], told: str) -> None:
    made, starts = network()
    of_map = {"lr": 0.1, "momentum": 0.0, "rho": 0.1} | {k: v for k, v in change.items() if k in ("lr", "rho")}
    rest = {"starts": starts, "steps": 3} | {k: v for k, v in change.items() if k not in of_map}
    with pytest.raises(sd.InputError, match=told):
        train(map_of(made, **of_map), **rest)
