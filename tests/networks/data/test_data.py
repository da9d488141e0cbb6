"""Data: the sets that come without a download, and the splits of them."""

import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import requests
import torch
from mnist1d.data import get_dataset_args, make_dataset
from sklearn.datasets import load_digits

from samdyn.checks import InputError
from samdyn.networks.data import data
from samdyn.networks.data.data import Data, digits, mnist1d


def tensors(read: Data) -> list[torch.Tensor]:
    return [read.train_inputs, read.train_targets, read.test_inputs, read.test_targets]


def same(one: Data, other: Data) -> bool:
    return all(a.shape == b.shape and torch.equal(a, b) for a, b in zip(tensors(one), tensors(other), strict=True))


@pytest.mark.parametrize("read", [digits, mnist1d])
def test_inputs_are_float32_and_targets_int64(read: Callable[[], Data]) -> None:
    found = read()
    assert [t.dtype for t in tensors(found)] == [torch.float32, torch.int64] * 2
    assert (found.name, found.classes) == (read.__name__, 10)
    for targets in (found.train_targets, found.test_targets):
        assert targets.unique().tolist() == list(range(10))


def test_train_and_test_are_the_digits_each_once() -> None:
    found = digits(test=0.3, seed=4)
    inputs = torch.cat([found.train_inputs, found.test_inputs])
    pixels = ((inputs - inputs.min()) / (inputs.max() - inputs.min()) * 16).round().int()
    rows = np.c_[pixels, torch.cat([found.train_targets, found.test_targets])]
    original = np.c_[load_digits(return_X_y=True)].astype(int)
    assert rows.shape == original.shape == (1797, 65)
    assert sorted(rows.tolist()) == sorted(original.tolist())


def test_digits_are_standardised_by_the_training_set() -> None:
    inputs = digits(test=0.5).train_inputs.double()
    assert abs(inputs.mean()) < 1e-7
    assert abs(inputs.std(correction=0) - 1) < 1e-7


@pytest.mark.parametrize("test", [0.01, 0.2, 0.5, 0.99])
def test_every_digit_has_its_share_in_the_test_set(test: float) -> None:
    found = digits(test=test)
    for digit in range(10):
        in_train, in_test = [(t == digit).sum().item() for t in (found.train_targets, found.test_targets)]
        assert abs(in_test - test * (in_train + in_test)) <= 0.5
        assert min(in_train, in_test) > 0


def test_the_seed_sets_the_split_of_digits() -> None:
    assert same(digits(), digits(seed=0))
    assert not same(digits(), digits(seed=1))
    assert digits().test_targets[:12].tolist() == [5, 9, 2, 4, 6, 7, 9, 3, 4, 6, 8, 5]  # the same on every machine


def test_mnist1d_is_its_authors_data_set() -> None:
    found, original = mnist1d(), make_dataset(get_dataset_args())
    assert [tuple(t.shape) for t in tensors(found)] == [(4000, 40), (4000,), (1000, 40), (1000,)]
    for tensor, key in zip(tensors(found), ("x", "y", "x_test", "y_test"), strict=True):
        assert np.array_equal(tensor.numpy(), original[key].astype(tensor.numpy().dtype))


def test_mnist1d_depends_on_its_arguments_alone() -> None:
    first = mnist1d(samples=100, seed=7)
    kept = [tensor.clone() for tensor in tensors(first)]
    for tensor in tensors(first):
        tensor.zero_()  # what a caller does with its own is not seen by the next
    assert all(map(torch.equal, tensors(mnist1d(samples=100, seed=7)), kept))
    assert not same(mnist1d(samples=100, seed=7), mnist1d(samples=100, seed=8))
    assert len(mnist1d(samples=100).train_targets) == 80
    assert len(mnist1d(samples=100).test_targets) == 20


def states() -> list[Any]:
    of_numpy = np.random.get_state()  # noqa: NPY002
    return [random.getstate(), of_numpy[1].tolist(), of_numpy[2:], torch.get_rng_state().tolist()]


def test_mnist1d_leaves_the_global_generators_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    random.random(), np.random.rand()  # noqa: NPY002 (so that neither is as a seed leaves it)
    before = states()
    mnist1d(samples=10)
    assert states() == before

    def fail(arguments: Any) -> None:
        make_dataset(arguments)
        raise RuntimeError

    monkeypatch.setattr("mnist1d.data.make_dataset", fail)
    with pytest.raises(RuntimeError):
        mnist1d(samples=20)  # which is not generated yet
    assert states() == before


def test_mnist1d_asks_the_network_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("socket.socket", refuse)
    monkeypatch.setattr(requests, "get", refuse)
    with pytest.raises(AssertionError):
        requests.Session().get("http://127.0.0.1:9")
    mnist1d(samples=10)


@pytest.mark.parametrize(
    ("read", "package", "module"), [(digits, "scikit-learn", "sklearn.datasets"), (mnist1d, "mnist1d", "mnist1d.data")]
)
def test_a_missing_package_is_named(
    read: Callable[[], Data], package: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    data._images.cache_clear()
    data._outlines.cache_clear()
    with pytest.raises(ImportError, match=rf"^{package} is not installed.*pip install 'samdyn\[networks\]'"):
        read()


@pytest.mark.parametrize(
    ("read", "named"),
    [
        (lambda: data.digits(test=0.0), "test = 0.0"),
        (lambda: data.digits(test=1.0), "test = 1.0"),
        (lambda: data.digits(test=float("nan")), "test = nan"),
        (lambda: data.digits(seed=-1), "seed = -1"),
        (lambda: data.mnist1d(samples=0), "samples = 0"),
        (lambda: data.mnist1d(samples=15), "samples = 15: must be a multiple of 10"),
        (lambda: data.mnist1d(seed=2**32), "seed = 4294967296"),
    ],
)
def test_what_is_no_choice_of_data_is_refused(read: Callable[[], Data], named: str) -> None:
    with pytest.raises(InputError, match=named):
        read()
