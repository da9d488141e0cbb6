"""The generator: published test vectors, reproducibility, and normality."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

import samdyn as sd
from samdyn.noise.generator import normals, threefry


def words(*values: int) -> tuple[torch.Tensor, torch.Tensor]:
    a, b = (torch.tensor(np.array([v], dtype=np.uint32).view(np.int32)) for v in values)
    return a, b


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_published_vectors(counter: tuple[int, int], key: tuple[int, int], expected: tuple[int, int]) -> None:
    """The known answers that come with Random123 for threefry2x32, 20 rounds."""
    got = threefry(words(*key), words(*counter))
    assert tuple(int(np.int32(part.item()).view(np.uint32)) for part in got) == expected


def test_a_run_has_its_numbers_whoever_else_runs() -> None:
    runs = torch.arange(1000)
    all_ = normals(7, runs, 3, 1, 3)
    for some in (slice(0, 1), slice(5, 6), slice(17, 900), slice(999, 1000)):
        assert torch.equal(normals(7, runs[some], 3, 1, 3), all_[:, some])
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(normals(7, runs[order], 3, 1, 3), all_[:, order])


def test_the_same_in_another_process() -> None:
    code = "import torch; from samdyn.noise.generator import normals; "
    code += "print(normals(2**32 - 1, torch.tensor([5, 2**32 - 1]), 2**31, 2, 3).numpy().tobytes().hex())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = normals(2**32 - 1, torch.tensor([5, 2**32 - 1]), 2**31, 2, 3)
    assert done.stdout.strip() == here.numpy().tobytes().hex()


def test_every_index_counts() -> None:
    base = {"seed": 1, "runs": torch.arange(8), "step": 2, "draw": 3, "count": 2}
    first = normals(**base)
    for name, value in {"seed": 2, "runs": torch.arange(8, 16), "step": 3, "draw": 4}.items():
        assert not (normals(**{**base, name: value}) == first).any()
    # A longer draw begins like a shorter one, and does not run into the next.
    longer = normals(**{**base, "count": 5})
    assert torch.equal(longer[:2], first)
    assert not np.isin(longer[2:].numpy(), normals(**{**base, "draw": 4, "count": 5}).numpy()).any()


def check_normal(z: np.ndarray, largest: float) -> None:
    """Moments and tails, each within ``largest`` standard errors of a normal distribution's."""
    n = z.size
    variances = {1: 1, 2: 2, 3: 15, 4: 96}  # of zᵏ
    for k, expected in ((1, 0), (2, 1), (3, 0), (4, 3)):
        assert abs(np.mean(z**k) - expected) < largest * np.sqrt(variances[k] / n), k
    for edge in (1, 2, 3, 4, 5):
        share = 2 * stats.norm.sf(edge)
        if n * share > 20:
            assert abs((np.abs(z) > edge).mean() - share) < largest * np.sqrt(share / n), edge


def test_normal_and_independent() -> None:
    z = normals(0, torch.arange(200_000), 0, 0, 4).numpy()
    check_normal(z, 4.5)
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
    neighbours = {
        "coordinate": (z[0], z[1]),
        "pair": (z[0], z[2]),
        "run": (z[0, :-1], z[0, 1:]),
        "step": (z[0], normals(0, torch.arange(200_000), 1, 0, 1).numpy()[0]),
        "draw": (z[0], normals(0, torch.arange(200_000), 0, 1, 1).numpy()[0]),
        "seed": (z[0], normals(1, torch.arange(200_000), 0, 0, 1).numpy()[0]),
    }
    for name, (a, b) in neighbours.items():
        for f in (lambda u: u, np.square):  # a correlation of squares would show dependence without correlation
            assert abs(np.corrcoef(f(a), f(b))[0, 1]) < 4.5 / np.sqrt(len(a)), name


@pytest.mark.slow
def test_normal_on_eight_million() -> None:
    runs, sums, tails, cross = torch.arange(1_000_000), np.zeros(4), np.zeros(4), np.zeros(3)
    previous, n, steps = None, 0, 4
    for step in range(steps):
        z = normals(11, runs, step, 0, 2)
        squares = z * z
        sums += [float(p.sum()) for p in (z, squares, squares * z, squares * squares)]
        tails += [float((squares > edge**2).sum()) for edge in (1, 2, 3, 4)]  # beyond 5 lie too few
        n += z.numel()
        cross[0] += float((z[0] * z[1]).sum())
        cross[1] += float((z[0, 1:] * z[0, :-1]).sum())
        cross[2] += float((z[0] * previous).sum()) if previous is not None else 0
        previous = z[0]
    assert n == 8 * 10**6
    moments, variances = np.array([0, 1, 0, 3]), np.array([1, 2, 15, 96])
    assert (np.abs(sums / n - moments) < 4.5 * np.sqrt(variances / n)).all()
    shares = 2 * stats.norm.sf([1, 2, 3, 4])
    assert (np.abs(tails / n - shares) < 4.5 * np.sqrt(shares / n)).all()
    assert (np.abs(cross) < 4.5 * np.sqrt(n / 2)).all()


@pytest.mark.parametrize(
    "changed",
    [
        *[{"runs": torch.ones(2)}, {"runs": 3}, {"runs": torch.tensor([-1])}, {"seed": 0.5}, {"step": torch.ones(2)}],
        *[{"draw": -1}, {"draw": 2**16}, {"count": 0}, {"count": 2**18}],
    ],
)
def test_normals_are_of_integers_in_range(changed: dict[str, Any]) -> None:
    given = {"seed": 0, "runs": torch.arange(3), "step": torch.tensor(1), "draw": 0, "count": 2}
    assert normals(**given).shape == (2, 3)
    with pytest.raises(sd.InputError, match=f"^{'draws' if changed == {'count': 2**18} else next(iter(changed))} = "):
        normals(**{**given, **changed})
