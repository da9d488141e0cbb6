"""Random numbers as a pure function of (seed, run, step, draw): Threefry2x32 with 20 rounds."""

import math
from dataclasses import dataclass
from typing import Protocol

import torch

from .. import checks

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))  # bits by which the rounds of Threefry2x32 rotate a word
PARITY = 0x1BD11BDA  # constant of Threefry's key schedule
ROUNDS = 20  # rounds of Threefry2x32
LOW = 0xFFFFFFFF  # mask of the low 32 bits
PAIRS = 2**16  # largest count of pairs of normal numbers in one draw
WORD, TURN = 2.0**-32, 2 * math.pi * 2.0**-32  # the parts of an interval of length 1 that words count, and of a circle
MIDDLE = 0.5 + 2.0**-33  # of the part that the word 0 is, since words are signed

Words = tuple[torch.Tensor, torch.Tensor]  # two int32 tensors, each of which holds 32 bits


class Samples(Protocol):
    """An object that samples batches: the source of a noise."""

    def sample(self, draws: "Draws", draw: int) -> torch.Tensor:
        """Return one draw for the runs of ``draws``."""


class StepDraws(Protocol):
    """The random numbers of one step: ``Draws`` generates them, ``Given`` stores values of the user.

    >>> import samdyn as sd, torch
    >>> step: sd.noise.StepDraws = sd.noise.Draws(seed=0, runs=torch.arange(3), step=0)
    >>> step.normals(draw=0, count=2).shape
    torch.Size([2, 3])
    """

    def normals(self, draw: int, count: int) -> torch.Tensor:
        """Return the standard normal numbers of one draw: ``(count, N)``."""

    def batch(self, source: Samples, draw: int) -> torch.Tensor:
        """Return the batch of one draw, which the source samples."""


@dataclass(frozen=True)
class Draws:
    """The random numbers of one step, which are a function of the seed, the indices of the runs, and the step.

    >>> import samdyn as sd, torch
    >>> draws = sd.noise.Draws(seed=1, runs=torch.arange(3), step=7)
    >>> alone = sd.noise.Draws(seed=1, runs=torch.tensor([2]), step=7)
    >>> bool((draws.normals(0, 4)[:, 2] == alone.normals(0, 4)[:, 0]).all())  # run 2 is the same alone
    True

    Attributes:
        seed: in [0, 2³²), an integer or a tensor ``()`` of int64, as in a step that is compiled for all seeds.
        runs: the indices of the runs, ``(N,)``, int64.
        step: in [0, 2³²), as seed.
    """

    seed: int | torch.Tensor
    runs: torch.Tensor
    step: int | torch.Tensor

    def normals(self, draw: int, count: int) -> torch.Tensor:
        """Return the standard normal numbers of one draw: ``(count, N)``, float64."""
        return _normals(self.seed, self.runs, self.step, draw, count)

    def integers(self, draw: int, bounds: torch.Tensor) -> torch.Tensor:
        """Return uniform integers in [0, bound) for bounds ``(count,)`` up to 2³¹: ``(count, N)``, int64.

        An integer is 32 random bits times the bound over 2³². Probabilities differ by a fraction bound/2³² at most.
        """
        words = torch.stack(_bits(self.seed, self.runs, self.step, draw, len(bounds)), 1).flatten(0, 1)[: len(bounds)]
        return ((words.long() & LOW) * bounds.to(words.device)[:, None]) >> 32

    def batch(self, source: Samples, draw: int) -> torch.Tensor:
        """Return the batch of one draw, which the source samples."""
        return source.sample(self, draw)


def threefry(key: Words, counter: Words) -> Words:
    """Return 64 random bits for every key and counter, which broadcast: two words each, int32.

    All operations are on integers, with sums modulo 2³², so that every device returns the same bits.

    Source: Salmon, Moraes, Dror, Shaw, Parallel random numbers: as easy as 1, 2, 3 (2011), Threefry2x32-20.
    """
    keys = (key[0], key[1], key[0] ^ key[1] ^ PARITY)
    x, y = counter[0] + keys[0], counter[1] + keys[1]
    for group in range(ROUNDS // 4):
        for rotation in ROTATIONS[group % 2]:
            x = x + y
            # A right shift fills with the sign bit. The mask clears these bits.
            y = (y << rotation) | ((y >> (32 - rotation)) & ((1 << rotation) - 1))
            y = y ^ x
        x = x + keys[(group + 1) % 3]
        y = y + keys[(group + 2) % 3] + (group + 1)
    return x, y


def normals(
    seed: int | torch.Tensor, runs: torch.Tensor, step: int | torch.Tensor, draw: int, count: int
) -> torch.Tensor:
    """Return standard normal numbers for some runs: ``(count, N)``, float64.

    Each number is Box and Muller's transform of 32 random bits, so that none exceeds 6.8. The numbers of a run depend
    on its own index and not on the other runs.

    >>> import samdyn as sd, torch
    >>> [round(value, 4) for value in sd.noise.normals(0, torch.arange(2), 0, 0, 1)[0].tolist()]
    [-0.3329, -0.8913]

    Args:
        seed: in [0, 2³²).
        runs: the indices of the runs, ``(N,)``, int64, in [0, 2³²).
        step: in [0, 2³²).
        draw: the index of the draw in the step, in [0, 2¹⁶).
        count: how many numbers, at most 2¹⁷.

    Raises:
        InputError: the runs are not integers, or an argument is out of its range.
    """
    if not torch.is_tensor(runs) or runs.dtype != torch.int64 or runs.ndim != 1 or ((runs < 0) | (runs > LOW)).any():
        checks.reject("runs", runs, "must be int64, of shape (N,), in [0, 2**32)", "Use e.g. torch.arange(10)")
    for name, value in (("seed", seed), ("step", step)):
        # A tensor is checked by its number.
        plain = value.item() if torch.is_tensor(value) and value.ndim == 0 else value
        checks.word(name, plain, f"Use e.g. {name}=0")
    if isinstance(draw, bool) or not isinstance(draw, int) or not 0 <= draw < PAIRS:
        checks.reject("draw", draw, f"must be an integer in [0, {PAIRS})", "Use draw=0 for the first of a step")
    return _normals(seed, runs, step, draw, checks.count("count", count, "Use e.g. count=2"))


def _normals(
    seed: int | torch.Tensor, runs: torch.Tensor, step: int | torch.Tensor, draw: int, count: int
) -> torch.Tensor:
    x, y = _bits(seed, runs, step, draw, count)
    # This maps signed words to the middles of 2³² equal parts of (0, 1), so that no logarithm is that of 0.
    radius = ((x.double() * WORD + MIDDLE).log() * -2).sqrt()
    angle = TURN * y.double()
    both = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)  # (pairs, 2, N)
    return both.reshape(-1, *runs.shape)[:count]


def _bits(seed: int | torch.Tensor, runs: torch.Tensor, step: int | torch.Tensor, draw: int, count: int) -> Words:
    """Return at least ``count`` words of 32 random bits: two of ``(⌈count/2⌉, N)``."""
    if count > 2 * PAIRS:
        rule = f"is more than one draw has, {2 * PAIRS}"
        checks.reject("draws", count, rule, "Use smaller batches, or fewer coordinates times micro-batches")
    key = (_word(seed, runs.device), _words(runs))
    pairs = torch.arange(-(-count // 2), device=runs.device)[:, None]
    return threefry(key, (_word(step, runs.device), _words(draw * PAIRS + pairs)))


def _words(values: torch.Tensor) -> torch.Tensor:
    """Return the low 32 bits of int64 values, as int32."""
    low = values & LOW
    return torch.where(low >= 2**31, low - 2**32, low).int()


def _word(value: int | torch.Tensor, device: torch.device) -> torch.Tensor:
    return _words(value if torch.is_tensor(value) else torch.tensor(value, device=device))
