"""A look at one network, against its whole Hessian and all its samples."""

import numpy as np
import pytest
import torch
from torch.nn.functional import mse_loss

import samdyn as sd
from samdyn.networks import Network, models
from samdyn.networks.saddle_dynamics import look_at


def test_a_look_is_what_the_hessian_and_the_samples_say() -> None:
    x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    network = Network(models.mlp((1, 2, 1)), mse_loss, x, x**2)
    w = network.vector(models.mlp((1, 2, 1), seed=1))
    directions = np.eye(network.dim)[:, 2:5]
    look = look_at(network, w, sd.SAM(0.5), directions, batch_size=1, batches=4000)
    values = np.linalg.eigvalsh(network.hessian(w))
    assert (look["lam_min"], look["lam_max"]) == pytest.approx((values[0], values[-1]), rel=1e-9)
    g = network.grad(w)
    there = network.grad(w + 0.5 * g / g.norm())
    assert look["gradient_norm"] == pytest.approx(float(g.norm()))
    assert look["cosine"] == pytest.approx(float(g @ there / g.norm() / there.norm()))
    assert look["escape_cosine"] == pytest.approx(float(g[2:5] @ there[2:5] / g[2:5].norm() / there[2:5].norm()))
    of_samples = torch.stack(
        [Network(network.model, mse_loss, x[i : i + 1], x[i : i + 1] ** 2).grad(w) for i in range(5)]
    )
    noise = float(((of_samples - g) ** 2).sum(1).mean().sqrt())
    assert look["noise_norm"] == pytest.approx(noise, rel=0.05)  # 4000 batches
    assert look_at(network, w, sd.SAM(0.5), directions)["noise_norm"] == 0
