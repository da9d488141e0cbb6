"""What trains on a GPU trains as on a processor."""

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import samdyn as sd
from samdyn.networks import Network, Optimizer, extreme_eigenpairs, models, train

pytestmark = pytest.mark.gpu
GENERATOR = torch.Generator().manual_seed(2)
X = torch.randn(24, 5, generator=GENERATOR, dtype=torch.float64)
Y = torch.randint(3, (24,), generator=GENERATOR)
MODEL = models.mlp((5, 8, 3)).double()


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        (sd.SAM(0.1), {"momentum": 0.9}),
        (sd.ASAM(0.5), {"momentum": 0.9}),
        (sd.USAM(0.1, ascent_steps=2), {"momentum": 0.9}),
        (sd.methods.LookSAM(0.1, every=2), {"base": torch.optim.AdamW, "eps": 1e-3, "fused": True}),
        (sd.methods.SometimesSAM(0.1), {"base": torch.optim.AdamW, "eps": 1e-3, "foreach": True}),
    ],
    ids=str,
)
def test_optimizer(method: sd.Method, settings: dict[str, Any]) -> None:
    ends = []
    for device in ("cpu", "cuda"):
        model, x, y = copy.deepcopy(MODEL).to(device), X.to(device), Y.to(device)
        optimizer = Optimizer(model.parameters(), method, lr=0.1, **settings)

        def closure(model: nn.Module = model, x: torch.Tensor = x, y: torch.Tensor = y) -> torch.Tensor:
            loss = cross_entropy(model(x), y)
            loss.backward()
            return loss

        for _ in range(5):
            optimizer.step(closure)
        ends.append(nn.utils.parameters_to_vector(model.parameters()).detach().cpu())
    torch.testing.assert_close(*ends, rtol=1e-11, atol=1e-13)  # five steps of rounding


def test_many_networks_at_once() -> None:
    loss = Network(MODEL, cross_entropy, X, Y)
    rho = torch.tensor([0.0, 0.05, 0.1, 0.2])
    map_ = sd.Map(loss, sd.USAM(rho), lr=0.05, momentum=0.9, noise=sd.noise.FiniteSum(8))
    starts = loss.vector(models.mlp((5, 8, 3), seed=seed) for seed in range(4))
    ends = [[w for _, w in train(map_, starts, 20, dtype="float64", device=device)][-1] for device in ("cpu", "cuda")]
    assert ends[1].device.type == "cuda"
    torch.testing.assert_close(ends[1].cpu(), ends[0], rtol=1e-9, atol=1e-11)  # the same batches; twenty steps


def test_ensembles_and_curvature() -> None:
    loss = Network(MODEL, cross_entropy, X, Y)
    w = loss.vector(MODEL)
    runs = [sd.simulate(sd.Map(loss, sd.USAM(0.05), lr=0.1), w[None], 10, device=d).w for d in ("cpu", "cuda")]
    torch.testing.assert_close(*(torch.tensor(r.values) for r in runs), rtol=1e-10, atol=1e-12)  # ten steps
    values = [extreme_eigenpairs(loss, w.to(device))[0] for device in ("cpu", "cuda")]
    torch.testing.assert_close(*(torch.as_tensor(v).cpu() for v in values), rtol=1e-4, atol=1e-8)  # its tolerance
