"""CIFAR's archives: every pixel and label in its place, and files that are not the published ones."""

import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from samdyn.checks import InputError
from samdyn.networks.data import archives as module
from samdyn.networks.data.archives import ARCHIVES, cifar

TRAIN, TEST = 7, 3  # records per file


def records(name: str, member: str, number: int) -> np.ndarray:
    """Draw the records of a member: labels below the number of classes, then pixels."""
    generator = np.random.default_rng(list(member.encode()))
    labels = generator.integers(ARCHIVES[name].classes, size=(number, ARCHIVES[name].label_bytes))
    return np.c_[labels, generator.integers(256, size=(number, 3072))].astype(np.uint8)


def write(path: Path, members: Mapping[str, bytes]) -> str:
    """Write an archive, and return its checksum."""
    with tarfile.open(path, "w:gz") as tar:
        folder = tarfile.TarInfo(next(iter(members)).split("/")[0])
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for member, content in {**members, f"{folder.name}/readme.html": b"<html>"}.items():
            entry = tarfile.TarInfo(member)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


class Small:
    """An archive in the published format, with few records; members can be changed or left out."""

    def __init__(self, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.name, self._patch = folder / ARCHIVES[name].file, name, monkeypatch
        published = ARCHIVES[name]
        sizes = {"train": dict.fromkeys(published.train, TRAIN), "test": dict.fromkeys(published.test, TEST)}
        self.archive = replace(published, **sizes)
        self.records = {m: records(name, m, n) for part in sizes.values() for m, n in part.items()}

    def write(self, **changed: Any) -> None:
        """Write it, and take its checksum for the published one."""
        members = {m: r.tobytes() for m, r in self.records.items()} | changed.get("members", {})
        self.archive = replace(self.archive, md5=write(self.path, {m: c for m, c in members.items() if c is not None}))
        self._patch.setitem(ARCHIVES, self.name, self.archive)


@pytest.fixture(params=["cifar10", "cifar100"])
def small(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    return Small(tmp_path, request.param, monkeypatch)


def test_the_archives_are_the_published_ones() -> None:
    assert {name: (a.file, a.md5, a.classes) for name, a in ARCHIVES.items()} == {
        "cifar10": ("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", 10),
        "cifar100": ("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", 100),
    }
    for archive in ARCHIVES.values():
        assert (sum(archive.train.values()), sum(archive.test.values())) == (50_000, 10_000)


def test_every_pixel_and_label_is_in_its_place(small: Small) -> None:
    small.write()
    found = cifar(small.path.parent, small.name.upper())
    skipped = small.archive.label_bytes
    train = np.concatenate([small.records[m] for m in small.archive.train])
    test = np.concatenate([small.records[m] for m in small.archive.test])
    assert (found.name, found.classes) == (small.name, small.archive.classes)
    for rows, inputs, targets in [
        (train, found.train_inputs, found.train_targets),
        (test, found.test_inputs, found.test_targets),
    ]:
        assert (inputs.dtype, targets.dtype) == (torch.float32, torch.int64)
        assert inputs.shape == (len(rows), 3, 32, 32)
        assert targets.tolist() == rows[:, skipped - 1].tolist()
        expected = np.empty((len(rows), 3, 32, 32))
        for channel in range(3):
            of_train = train[:, skipped + 1024 * channel : skipped + 1024 * (channel + 1)].astype(float)
            for row in range(32):
                for column in range(32):
                    pixel = rows[:, skipped + 1024 * channel + 32 * row + column]
                    expected[:, channel, row, column] = (pixel - of_train.mean()) / of_train.std()
        # Both are float64 until the end, where one rounds to float32.
        np.testing.assert_allclose(inputs.numpy(), expected, rtol=1e-7, atol=1e-12)


def test_members_are_taken_in_the_order_of_their_names(small: Small) -> None:
    small.write()
    first = cifar(small.path.parent, small.name)
    small.records = dict(reversed(small.records.items()))
    small.write()
    second = cifar(small.path.parent, small.name)
    assert torch.equal(first.train_inputs, second.train_inputs)
    assert torch.equal(first.train_targets, second.train_targets)


def test_nothing_is_extracted(small: Small) -> None:
    small.write()
    cifar(str(small.path.parent), small.name)
    assert [p.name for p in small.path.parent.iterdir()] == [small.archive.file]


def test_a_missing_archive_is_named_with_its_source(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError) as caught:
            cifar(folder, "cifar100")
        told = str(caught.value)
        assert str(folder) in told
        assert "has no file cifar-100-binary.tar.gz" in told
        assert "Fetch https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz and put it there" in told


def test_a_wrong_checksum_is_told_before_anything_is_read(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    small.write()
    content = small.path.read_bytes()
    small.path.write_bytes(content[:-1])
    monkeypatch.setattr(module.tarfile, "open", None)
    with pytest.raises(InputError) as caught:
        cifar(small.path.parent, small.name)
    told = str(caught.value)
    assert hashlib.md5(content[:-1], usedforsecurity=False).hexdigest() in told
    assert small.archive.md5 in told
    assert f"Fetch it again from {small.archive.url}" in told


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data set = 'CIFAR1000'.*Did you mean 'cifar100'.*Known: cifar10, cifar100"):
        cifar(tmp_path, "CIFAR1000")


def test_other_contents_are_refused(small: Small) -> None:
    last = list(small.archive.test)[-1]
    first = next(iter(small.archive.train))
    whole = small.records[first].tobytes()
    small.write(members={last: None})
    with pytest.raises(InputError, match=f"lacks {last}"):
        cifar(small.path.parent, small.name)
    for content in (whole[:-1], whole + bytes(1), whole[: len(whole) // TRAIN], b""):
        small.write(members={first: content})
        with pytest.raises(InputError, match=f"{first} has {len(content)} bytes, {TRAIN} records of"):
            cifar(small.path.parent, small.name)


def test_a_label_out_of_range_is_refused(small: Small) -> None:
    for part in (small.archive.train, small.archive.test):
        member = list(part)[-1]
        kept = small.records[member].copy()
        small.records[member][-1, small.archive.label_bytes - 1] = small.archive.classes
        small.write()
        with pytest.raises(InputError, match=f"{member} has a label {small.archive.classes}, labels are below"):
            cifar(small.path.parent, small.name)
        small.records[member] = kept
