"""An epoch is the steps of its batches, and a test is in evaluation mode."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import samdyn as sd
from samdyn import networks


def test_an_epoch_is_its_steps() -> None:
    data = networks.digits()
    one, other = (networks.models.mlp((64, 4, 10), seed=1) for _ in range(2))
    parts = [*networks.batches(data.train_inputs, data.train_targets, 359, torch.Generator().manual_seed(0))]
    mean = networks.train_epoch(one, networks.Optimizer(one.parameters(), sd.SAM(0.1), 0.1), iter(parts))
    optimizer, losses = networks.Optimizer(other.parameters(), sd.SAM(0.1), 0.1), []
    for inputs, targets in parts:

        def closure(inputs: torch.Tensor = inputs, targets: torch.Tensor = targets) -> torch.Tensor:
            loss = cross_entropy(other(inputs), targets)
            loss.backward()
            return loss

        losses.append(float(optimizer.step(closure)))
    assert mean == pytest.approx(sum(losses) / len(losses), rel=1e-6)
    for p, q in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p, q)


def test_an_epoch_without_a_batch_is_refused() -> None:
    model = networks.models.mlp((4, 2))
    with pytest.raises(sd.InputError, match="there is no batch"):
        networks.train_epoch(model, networks.Optimizer(model.parameters(), sd.GD(), 0.1), iter([]))


def test_low_precision_is_another_loss() -> None:
    x, y = torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 2
    losses = []
    for dtype in (torch.float32, torch.bfloat16):
        model = networks.models.mlp((4, 16, 2), seed=1)
        optimizer = networks.Optimizer(model.parameters(), sd.GD(), 0.1)
        losses.append(networks.train_epoch(model, optimizer, iter([(x, y)]), dtype=dtype))
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_evaluation_is_without_batch_statistics() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2))
    with torch.no_grad():
        model[1].weight.copy_(torch.eye(2))
        model[1].bias.zero_()
    inputs, targets = torch.tensor([[3.0, 1.0]] * 1200), torch.zeros(1200, dtype=torch.int64)
    loss, accuracy = networks.evaluate(model, inputs, targets)  # the batch's own statistics would make all outputs 0
    assert accuracy == 1.0
    assert loss == pytest.approx(float(torch.log1p(torch.exp(torch.tensor(-2.0)))), rel=1e-4)
    assert not model.training
    networks.train_epoch(model, networks.Optimizer(model.parameters(), sd.GD(), 0.1), iter([(inputs, targets)]))
    assert model.training
