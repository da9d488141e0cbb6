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
    with pytest.raises(sd.InputError, match=r"map_ = .* is no map"):
        train(sd.Flow(made, sd.GD()), starts, 3)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lr": torch.tensor([0.1, 0.2])}, "3 networks"),
        ({"rho": torch.tensor([0.1, 0.2])}, "rho"),
        ({"rho": sd.theory.RHO}, "3 networks"),
        ({"steps": 0}, "steps = 0"),
        ({"save_every": 0}, "save_every = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"starts": np.zeros((2, 3))}, "coordinates"),
    ],
)
def test_bad_input_is_refused_before_work_starts(change: dict[str, Any], told: str) -> None:
    made, starts = network()
    of_map = {"lr": 0.1, "momentum": 0.0, "rho": 0.1} | {k: v for k, v in change.items() if k in ("lr", "rho")}
    rest = {"starts": starts, "steps": 3} | {k: v for k, v in change.items() if k not in of_map}
    with pytest.raises(sd.InputError, match=told):
        train(map_of(made, **of_map), **rest)
