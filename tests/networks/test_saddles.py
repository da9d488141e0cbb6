"""Saddles of networks that are known exactly: nothing pulls there, and the loss falls both ways along λ_min."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, mse_loss

from samdyn.checks import InputError
from samdyn.networks import Network, models, saddles


def linear(hidden: int) -> tuple[Network, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    targets = inputs @ torch.randn(3, 4, generator=generator, dtype=torch.float64)
    return Network(models.deep_linear((3, hidden, 4)), mse_loss, inputs, targets), inputs, targets


def classifier(classes: int = 3) -> Network:
    inputs = torch.randn(12, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    targets = torch.tensor([0] * 6 + [1] * 2 + [classes - 1] * 4)
    return Network(models.mlp((5, 2, classes), activation="tanh"), cross_entropy, inputs, targets)


@pytest.mark.parametrize("hidden", [2, 3])
def test_rank_one(hidden: int) -> None:
    network, inputs, targets = linear(hidden)
    w = saddles.rank_one(inputs, targets, hidden)
    point = saddles.critical_point(network, w)
    assert float(network.grad(w).norm()) < 1e-12
    assert point.eigenvalues[0] < -0.1
    # What is left is all but the first singular value of what can be fitted, and that is everything.
    singular = torch.linalg.svdvals(targets)
    assert point.loss == pytest.approx(float((singular[1:] ** 2).sum()) / targets.numel(), rel=1e-10)


def test_without_weights() -> None:
    network = classifier()
    w = saddles.without_weights(network)
    assert not w[:-3].any()
    shares = torch.softmax(w[-3:], 0)
    np.testing.assert_allclose(shares, [6 / 12, 2 / 12, 4 / 12], rtol=1e-14)
    point = saddles.critical_point(network, w)
    assert point.loss == pytest.approx(float(-(shares * shares.log()).sum()), rel=1e-12)
    assert point.kind == "saddle"
    along = torch.as_tensor(point.eigenvectors[:, 0])
    np.testing.assert_allclose(network.hessian(w) @ along, point.eigenvalues[0] * along, atol=1e-12)
    for side in (-1e-2, 1e-2):
        assert float(network.value(w + side * along)) < point.loss


def test_low_precision() -> None:
    network = classifier()
    w = saddles.without_weights(network)
    point = saddles.critical_point(network, w.float())
    assert point.eigenvalues.dtype == np.float32
    np.testing.assert_allclose(point.eigenvalues, saddles.critical_point(network, w).eigenvalues, atol=1e-5)


def refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_what_has_no_such_saddle() -> None:
    refused(lambda: saddles.without_weights(classifier(classes=4)), "targets = 2: is a class without samples")
    network, inputs, targets = linear(2)
    refused(lambda: saddles.without_weights(network), "must be classes, integers from 0 to 3")
    refused(lambda: saddles.rank_one(inputs, targets[:, 0], 2), r"targets = '\(20,\), torch.float64': for inputs")
    refused(lambda: saddles.rank_one(inputs, targets.float(), 2), "must be .* of one dtype")
    refused(lambda: saddles.rank_one(inputs, 0 * targets, 2), "targets = 0.0: .* no linear fit")
    refused(lambda: saddles.rank_one(inputs, targets, 0), "hidden = 0")
    missing = classifier()
    missing.targets = missing.targets.clamp(max=1)
    refused(lambda: saddles.without_weights(missing), "targets = 2: is a class without samples")


def test_what_is_no_critical_point() -> None:
    network = classifier()
    w = saddles.without_weights(network)
    refused(lambda: saddles.critical_point(network, w[:, None]), "must be one point")
    refused(lambda: saddles.critical_point(network, torch.nan * w), "not finite")
    w[0] = 1e-3
    refused(lambda: saddles.critical_point(network, w), r"‖∇L‖ = 9.7.*e-05: w is no critical point")
