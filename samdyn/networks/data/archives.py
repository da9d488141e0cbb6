"""CIFAR-10 and CIFAR-100, from the published archives."""

import hashlib
import math
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from .data import Data

SHAPE = (3, 32, 32)  # channels, rows, columns
PIXELS = math.prod(SHAPE)  # bytes of an image


@dataclass(frozen=True)
class Archive:
    """A published archive of images. A record has label bytes and 3072 pixel bytes, channel by channel, row by row.

    Attributes:
        file: the name of the archive.
        md5: its checksum, in hexadecimal.
        url: its address.
        train: the members with images for training, and the number of records in each.
        test: the same for testing.
        label_bytes: the number of label bytes at the head of a record; the last of them is the label.
        classes: the number of labels.
    """

    file: str
    md5: str
    url: str
    train: Mapping[str, int]
    test: Mapping[str, int]
    label_bytes: int
    classes: int


ARCHIVES = {
    "cifar10": Archive(
        file="cifar-10-binary.tar.gz",
        md5="c32a1d4ab5d03f1284b67883e8d87530",
        url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        train={f"cifar-10-batches-bin/data_batch_{i}.bin": 10_000 for i in range(1, 6)},
        test={"cifar-10-batches-bin/test_batch.bin": 10_000},
        label_bytes=1,
        classes=10,
    ),
    "cifar100": Archive(
        file="cifar-100-binary.tar.gz",
        md5="03b5dce01913d631647c71ecec9e9cb8",
        url="https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        train={"cifar-100-binary/train.bin": 50_000},
        test={"cifar-100-binary/test.bin": 10_000},
        label_bytes=2,  # the coarse label, then the fine one
        classes=100,
    ),
}


@checked
def cifar(folder: str | Path, name: str = "cifar10") -> Data:
    """Return CIFAR-10, or CIFAR-100 with its fine labels: 50,000 images for training and 10,000 for testing.

    Inputs are ``(N, 3, 32, 32)``, standardised by the mean and standard deviation of each channel of the training set.
    The folder must hold the binary version of the archive that https://www.cs.toronto.edu/~kriz/cifar.html publishes.
    The function extracts and downloads nothing. It needs 1.2 GB of memory.

    Args:
        folder: the folder with the archive.
        name: "cifar10" or "cifar100".

    Raises:
        InputError: an unknown name; no such archive in the folder; an archive with another checksum or other contents.

    >>> cifar("folder")
    Traceback (most recent call last):
    samdyn.checks.InputError: folder = 'folder': has no file cifar-10-binary.tar.gz. Fetch ...
    """
    name = checks.known("data set", name, ARCHIVES)
    archive = ARCHIVES[name]
    path = Path(folder) / archive.file
    if not path.is_file():
        checks.reject("folder", str(folder), f"has no file {archive.file}", f"Fetch {archive.url} and put it there")
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if md5 != archive.md5:
        rule = f"has the MD5 checksum {md5}, the published file has {archive.md5}"
        checks.reject("archive", str(path), rule, f"Fetch it again from {archive.url}")
    records = _records(path, archive)
    train, train_labels = _images(records, archive, archive.train)
    test, test_labels = _images(records, archive, archive.test)
    tables = [_standardise_levels(train[:, channel]) for channel in range(SHAPE[0])]
    return Data(
        name, _look_up(tables, train), train_labels, _look_up(tables, test), test_labels, classes=archive.classes
    )


def _records(path: Path, archive: Archive) -> dict[str, np.ndarray]:
    """Return the records of every member, uint8 ``(n, label_bytes + PIXELS)``."""
    sizes, length = {**archive.train, **archive.test}, archive.label_bytes + PIXELS
    records = {}
    with tarfile.open(path, "r:gz") as tar:
        for member in tar:  # in the order of the file, since a look-up by name decompresses the file once per member
            number, file = sizes.get(member.name), tar.extractfile(member)
            if number is None or file is None:
                continue
            if member.size != number * length:
                rule = f"{member.name} has {member.size} bytes, {number} records of {length} bytes are expected"
                checks.reject("archive", str(path), rule, f"Fetch it again from {archive.url}")
            records[member.name] = np.frombuffer(file.read(), np.uint8).reshape(number, length)
    missing = sorted(set(sizes) - set(records))
    if missing:
        checks.reject("archive", str(path), f"lacks {', '.join(missing)}", f"Fetch it again from {archive.url}")
    return records


def _images(
    records: Mapping[str, np.ndarray], archive: Archive, members: Mapping[str, int]
) -> tuple[np.ndarray, torch.Tensor]:
    """Return the pixels uint8 ``(N, *SHAPE)`` and the labels int64 ``(N,)`` of some members."""
    for member in members:
        highest = int(records[member][:, archive.label_bytes - 1].max())
        if highest >= archive.classes:
            rule = f"{member} has a label {highest}, labels are below {archive.classes}"
            checks.reject("archive", archive.file, rule, f"Fetch it again from {archive.url}")
    together = np.concatenate([records[member] for member in members])
    labels = torch.from_numpy(together[:, archive.label_bytes - 1].astype(np.int64))
    return together[:, archive.label_bytes :].reshape(-1, *SHAPE), labels


def _standardise_levels(pixels: np.ndarray) -> np.ndarray:
    """Return the standardised value of each of the 256 levels of a pixel, float32 ``(256,)``."""
    levels, counts = range(256), np.bincount(pixels.ravel(), minlength=256).tolist()
    # Sums of integers do not depend on the order of the additions.
    number = sum(counts)
    total = sum(n * level for n, level in zip(counts, levels, strict=True))
    squares = sum(n * level**2 for n, level in zip(counts, levels, strict=True))
    mean, std = total / number, math.sqrt(number * squares - total**2) / number
    return np.array([(level - mean) / std for level in levels], np.float32)


def _look_up(tables: list[np.ndarray], pixels: np.ndarray) -> torch.Tensor:
    """Return images whose pixels are the values in the table of each channel."""
    inputs = np.empty(pixels.shape, np.float32)
    for channel, table in enumerate(tables):
        inputs[:, channel] = table[pixels[:, channel]]
    return torch.from_numpy(inputs)
