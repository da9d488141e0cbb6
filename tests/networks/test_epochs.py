"""Epochs are those of ``train_epoch`` on the batches of the seed, with a learning rate that falls as half a cosine."""

import pytest
import torch

import samdyn as sd
from samdyn import networks


def test_the_rows_are_those_of_single_epochs() -> None:
    data = networks.digits()
    one, other = (networks.models.mlp((64, 8, 10), seed=1) for _ in range(2))
    rows = networks.train_epochs(one, networks.Optimizer(one.parameters(), sd.SAM(0.1), 0.2), data, 3, 128, seed=5)
    optimizer, generator = networks.Optimizer(other.parameters(), sd.SAM(0.1), 0.2), torch.Generator().manual_seed(5)
    for number, (row, rate) in enumerate(zip(rows, (0.2, 0.15, 0.05), strict=True), 1):
        optimizer.param_groups[0]["lr"] = rate
        batches = networks.batches(data.train_inputs, data.train_targets, 128, generator)
        assert row["train_loss"] == pytest.approx(networks.train_epoch(other, optimizer, batches), rel=1e-5)
        loss, accuracy = networks.evaluate(other, data.test_inputs, data.test_targets)
        assert (row["epoch"], row["test_accuracy"]) == (number, pytest.approx(accuracy, abs=0.01))
        assert (row["test_loss"], row["lr"]) == pytest.approx((loss, rate), rel=1e-5)


def test_bad_numbers_are_refused_before_the_first_epoch() -> None:
    model, data = networks.models.mlp((64, 10)), networks.digits()
    optimizer = networks.Optimizer(model.parameters(), sd.GD(), 0.1)
    with pytest.raises(sd.InputError, match="there are 1438 samples"):
        networks.train_epochs(model, optimizer, data, 1, 1439)
    with pytest.raises(sd.InputError, match="epochs = 0"):
        networks.train_epochs(model, optimizer, data, 0, 16)
