"""The text that every Python has: its parts, their windows, and that no paragraph is in two of them."""

import hashlib
import platform
from collections.abc import Callable
from pydoc_data.topics import topics
from typing import Any

import pytest
import torch

from samdyn.checks import InputError
from samdyn.networks import Text, python_reference


def read(part: torch.Tensor, of: Text) -> str:
    return "".join(of.alphabet[i] for i in part.flatten().tolist())


def test_parts_follow_one_another_and_are_the_text() -> None:
    text = python_reference(context=50)
    parts = [read(torch.cat([p.inputs.flatten(), p.targets[-1, -1:]]), text) for p in text_parts(text)]
    shares = [len(part) / text.characters for part in parts]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=51 / text.characters)  # what does not fill a window is left
    whole = "\n\n".join(unique_paragraphs())
    assert hashlib.sha256(whole.encode()).hexdigest() == text.sha256
    assert len(whole) == text.characters > 200_000
    ends = [0, round(0.8 * len(whole)), round(0.9 * len(whole))]
    for part, end in zip(parts, ends, strict=True):
        assert whole[end:].startswith(part)
    assert platform.python_version() in text.name


def text_parts(text: Text) -> tuple[Any, ...]:
    return text.train, text.validation, text.test


def unique_paragraphs() -> list[str]:
    seen, result = set(), []
    for topic in sorted(topics):
        for paragraph in topics[topic].split("\n\n"):
            words = tuple(paragraph.split())
            if words not in seen:
                seen.add(words)
                result.append("".join(c for c in paragraph.strip("\n") if c == "\n" or " " <= c <= "~"))
    return result


def test_targets_are_the_next_characters() -> None:
    for part in text_parts(python_reference(context=7)):
        assert part.inputs.dtype == part.targets.dtype == torch.int64
        assert part.inputs.shape == part.targets.shape
        assert torch.equal(part.inputs.flatten()[1:], part.targets.flatten()[:-1])
        assert 0 <= int(part.inputs.min()) <= int(part.inputs.max()) < 96


def test_training_takes_the_windows_next_to_validation() -> None:
    few, all_ = python_reference(16, train=10), python_reference(16)
    assert torch.equal(few.train.inputs, all_.train.inputs[-10:])
    assert torch.equal(few.train.targets, all_.train.targets[-10:])
    assert torch.equal(few.test.inputs, all_.test.inputs)
    assert few.sha256 == all_.sha256


def test_windows_of_training_are_not_in_the_test() -> None:
    text = python_reference(100)
    train, test = read(text.train.inputs, text), read(text.test.inputs, text)
    assert not sum(test[i : i + 100] in train for i in range(0, len(test), 100))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: python_reference(0), "context = 0"),
        (lambda: python_reference(train=0), "train = 0"),
        (lambda: python_reference(train=10**6), "train = 1000000: there are"),
        (lambda: python_reference(validation=0.0), "validation = 0.0"),
        (lambda: python_reference(test=0.5), "test = 0.5"),
        (lambda: python_reference(context=10**6), "context = 1000000"),
    ],
)
def test_bad_input(make: Callable[[], Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        make()
