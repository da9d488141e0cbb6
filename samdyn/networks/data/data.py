"""Data sets for training networks, without a download."""

import random
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import torch

from ... import checks
from ...arguments import checked


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs and their classes, for training and for testing.

    Attributes:
        name: the name in tables and figures.
        train_inputs: standardised inputs for training, float32 ``(N, …)``.
        train_targets: their classes, int64 ``(N,)``, in [0, classes).
        test_inputs: inputs for testing.
        test_targets: their classes.
        classes: the number of classes.

    >>> from samdyn.networks import Data
    >>> zeros, classes = torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])
    >>> Data("nothing", zeros, classes, zeros, classes, classes=2).train_inputs.shape
    torch.Size([4, 2])
    """

    name: str
    train_inputs: torch.Tensor
    train_targets: torch.Tensor
    test_inputs: torch.Tensor
    test_targets: torch.Tensor
    classes: int


@checked
def digits(*, test: float = 0.2, seed: int = 0) -> Data:
    """Return the 1797 handwritten digits of scikit-learn, each of 8×8 pixels in a row: inputs ``(N, 64)``.

    The inputs are standardised by the mean and standard deviation of all pixels of the training set.

    Args:
        test: the share of the images of each digit that is for testing, in [0.01, 0.99].
        seed: the seed of the choice, which is the same on every machine.

    Raises:
        InputError: a share or seed out of its range.
        ImportError: scikit-learn is not installed.

    >>> from samdyn.networks import digits
    >>> digits(test=0.2).test_inputs.shape
    torch.Size([359, 64])
    """
    rule = "must lie in [0.01, 0.99], so that every digit is in both sets"
    test = checks.number("test", test, rule, "Use e.g. test=0.2", lambda share: 0.01 <= share <= 0.99)
    generator = np.random.default_rng(checks.word("seed", seed, "Use e.g. seed=0"))
    try:
        inputs, targets = _images()
    except ImportError as error:
        raise _missing("scikit-learn") from error
    for_test = np.zeros(len(targets), dtype=bool)
    for digit in range(10):
        images = generator.permutation(np.flatnonzero(targets == digit))
        for_test[images[: round(test * len(images))]] = True
    inputs = (inputs - inputs[~for_test].mean()) / inputs[~for_test].std()
    return _data("digits", inputs[~for_test], targets[~for_test], inputs[for_test], targets[for_test])


@cache
def _images() -> tuple[np.ndarray, np.ndarray]:
    # scikit-learn reads a text file, which takes a tenth of a second.
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


@checked
def mnist1d(*, samples: int = 5000, seed: int = 42) -> Data:
    """Return MNIST-1D: noisy, sheared and shifted outlines of ten digits with 40 points each, inputs ``(N, 40)``.

    The function generates the data set. Four fifths of it are for training; its mean and standard deviation over all
    samples standardise it. The defaults give the data set of its authors. [Greydanus and Kobak 2024, Scaling down deep
    learning with MNIST-1D]

    Args:
        samples: the number of samples for training and testing together, a multiple of 10.
        seed: the seed of the samples.

    Raises:
        InputError: a number of samples or a seed out of its range.
        ImportError: mnist1d is not installed.

    >>> from samdyn.networks import mnist1d
    >>> mnist1d(samples=100).train_inputs.shape
    torch.Size([80, 40])
    """
    if checks.count("samples", samples, "Use e.g. samples=5000") % 10:
        checks.reject("samples", samples, "must be a multiple of 10, as many of each digit", "Use e.g. samples=5000")
    seed = checks.word("seed", seed, "Use e.g. seed=42")
    try:
        arrays = _outlines(samples, seed)
    except ImportError as error:
        raise _missing("mnist1d") from error
    # The caller may change its arrays, so it gets copies.
    return _data("mnist1d", *(array.copy() for array in arrays))


@lru_cache(maxsize=4)  # generating the defaults takes a second
def _outlines(samples: int, seed: int) -> tuple[np.ndarray, ...]:
    from mnist1d.data import get_dataset_args, make_dataset

    arguments = get_dataset_args()
    arguments.num_samples, arguments.seed = samples, seed
    before = random.getstate(), np.random.get_state()  # noqa: NPY002 (make_dataset seeds the global generators)
    try:
        data = make_dataset(arguments)
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
    return data["x"], data["y"], data["x_test"], data["y_test"]


def _data(name: str, *arrays: np.ndarray) -> Data:
    train_inputs, train_targets, test_inputs, test_targets = map(torch.from_numpy, arrays)
    return Data(name, train_inputs.float(), train_targets.long(), test_inputs.float(), test_targets.long(), classes=10)


def _missing(package: str) -> ImportError:
    return ImportError(f"{package} is not installed. Install it with: pip install 'samdyn[networks]'")
