"""Epochs of batches, shifts and reflections of images, and a module's training by them."""

import pytest
import torch

import samdyn as sd
from samdyn import networks


def test_an_epoch_has_every_sample_once_in_an_order_of_its_own() -> None:
    samples = torch.arange(20)
    generator = torch.Generator().manual_seed(0)
    epochs = [[*networks.batches(samples, -samples, 4, generator)] for _ in range(2)]
    for epoch in epochs:
        assert [len(inputs) for inputs, _ in epoch] == [4] * 5
        assert sorted(torch.cat([inputs for inputs, _ in epoch]).tolist()) == [*range(20)]
        assert all((inputs == -targets).all() for inputs, targets in epoch)
    assert epochs[0][0][0].tolist() != epochs[1][0][0].tolist()
    assert len([*networks.batches(samples, samples, 7, generator)]) == 2  # six samples do not fill a third
    with pytest.raises(sd.InputError, match="there are 20 samples"):
        networks.batches(samples, samples, 21, generator)
    with pytest.raises(sd.InputError, match="there are 20 inputs"):
        networks.batches(samples, samples[:19], 4, generator)
    with pytest.raises(sd.InputError, match="must be \\(n, channels"):
        networks.augment(torch.ones(3, 32, 32), generator)


def test_shifts_and_reflections() -> None:
    images = torch.arange(3 * 32 * 32, dtype=torch.float32).reshape(1, 3, 32, 32).expand(500, -1, -1, -1) + 1
    seen = set()
    for image in networks.augment(images, torch.Generator().manual_seed(0)):
        for reflects in (False, True):
            as_shifted = image.flip(2) if reflects else image
            # Where the middle pixel came from tells the shift; all others must have come with it.
            column = int(as_shifted[0, 16, 16] - 1) % 32 - 16
            row = int(as_shifted[0, 16, 16] - 1) // 32 - 16
            expected = torch.nn.functional.pad(images[0], [4] * 4)[:, row + 4 : row + 36, column + 4 : column + 36]
            if expected.shape == image.shape and torch.equal(as_shifted, expected):
                seen.add((reflects, row, column))
                break
        else:
            pytest.fail("neither a shift nor its reflection")
    assert {abs(row) for _, row, _ in seen} == {abs(column) for *_, column in seen} == set(range(5))
    assert {reflects for reflects, *_ in seen} == {False, True}
    assert len(seen) > 120  # of 162


def test_augmented_batches_have_the_targets_of_their_images() -> None:
    images = torch.arange(1.0, 9)[:, None, None, None].expand(-1, 1, 8, 8)
    for inputs, targets in networks.batches(
        images, torch.arange(1, 9), 4, torch.Generator().manual_seed(0), is_augmented=True
    ):
        assert inputs.amax((1, 2, 3)).tolist() == targets.tolist()
        assert (inputs == 0).any()  # from outside
