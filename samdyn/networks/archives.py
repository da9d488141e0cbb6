"""CIFAR-10 and CIFAR-100, read from their published archives."""

import hashlib
import math
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .. import checks
from ..arguments import checked
from .data import Data

SHAPE = (3, 32, 32)  # channels, rows, columns
PIXELS = math.prod(SHAPE)


@dataclass(frozen=True)
class Archive:
    """A published archive of images: records of label bytes and 3072 pixel bytes, channel by channel, row by row.

    Attributes:
        file: its name.
        md5: its checksum, in hexadecimal.
        url: where it is published.
        train, test: the members to read, and the number of records in each.
        label_bytes: their number at the head of a record; the last of them is the label.
        classes: number of labels.
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
    """CIFAR-10, or CIFAR-100 with its fine labels: 50,000 images for training, 10,000 for testing.

    Inputs are ``(N, 3, 32, 32)``, standardised by the mean and standard deviation of every channel of the training set.
    The binary version of the archive must be in ``folder`` as https://www.cs.toronto.edu/~kriz/cifar.html publishes it.
    Nothing is extracted or downloaded. Reading takes 1.2 GB of memory.

    Args:
        folder: where the archive is.
        name: "cifar10" or "cifar100".

    Raises:
        InputError: an unknown name; no such archive there; one with another checksum, or with other contents.
    """
    name = checks.known("data set", name, ARCHIVES)
    archive = ARCHIVES[name]
    path = Path(folder) / archive.file
    if not path.is_file():
        checks.reject("folder", str(folder), f"has no file {archive.file}", f"Fetch {archive.url} and put it there")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != archive.md5:
        rule = f"has the MD5 checksum {found}, the published file has {archive.md5}"
        checks.reject("archive", str(path), rule, f"Fetch it again from {archive.url}")
    records = _records(path, archive)
    train, train_labels = _images(records, archive, archive.train)
    test, test_labels = _images(records, archive, archive.test)
    tables = [_standardised_levels(train[:, channel]) for channel in range(SHAPE[0])]
    return Data(
        name, _looked_up(tables, train), train_labels, _looked_up(tables, test), test_labels, classes=archive.classes
    )


def _records(path: Path, archive: Archive) -> dict[str, np.ndarray]:
    """Return the records of every member, uint8 ``(n, label_bytes + PIXELS)``."""
    sizes, length = {**archive.train, **archive.test}, archive.label_bytes + PIXELS
    records = {}
    with tarfile.open(path, "r:gz") as tar:
        for member in tar:  # in their order: looking them up by name would decompress the file once for each
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


def _standardised_levels(pixels: np.ndarray) -> np.ndarray:
    """Return what each of the 256 levels becomes, float32 ``(256,)``."""
    levels, counts = range(256), np.bincount(pixels.ravel(), minlength=256).tolist()
    # In integers, so that the result does not depend on an order of summation.
    number = sum(counts)
    total = sum(n * level for n, level in zip(counts, levels, strict=True))
    squares = sum(n * level**2 for n, level in zip(counts, levels, strict=True))
    mean, std = total / number, math.sqrt(number * squares - total**2) / number
    return np.array([(level - mean) / std for level in levels], np.float32)


def _looked_up(tables: list[np.ndarray], pixels: np.ndarray) -> torch.Tensor:
    inputs = np.empty(pixels.shape, np.float32)
    for channel, table in enumerate(tables):
        inputs[:, channel] = table[pixels[:, channel]]
    return torch.from_numpy(inputs)
