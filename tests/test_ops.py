"""Vector operations that no other test sees by itself."""

import pytest
import torch

from samdyn.ops import affine, halves, root


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_roots_of_covariances_of_every_rank(d: int) -> None:
    generator = torch.Generator().manual_seed(d)
    for rank in range(d + 1):
        a = torch.randn(d, rank, 100, dtype=torch.float64, generator=generator)
        c = torch.einsum("irn,jrn->ijn", a, a)
        b = root(c)
        torch.testing.assert_close(torch.einsum("irn,jrn->ijn", b, b), c, rtol=1e-10, atol=1e-12)
        assert (root(c[..., 3:5]) == b[..., 3:5]).all()


@pytest.mark.parametrize(
    "c", [[[-1.0]], [[0, 1], [1, 0]], [[1, 2], [2, 1]], [[-1, 0], [0, -1]], [[1, 0, 0], [0, 1, 0], [0, 0, -1e-3]]]
)
def test_an_indefinite_matrix_has_no_root(c: list[list[float]]) -> None:
    assert root(torch.tensor(c, dtype=torch.float64)[..., None]).isnan().any()


def test_sums_by_halves() -> None:
    for n in (1, 2, 7, 16, 33):
        x = torch.randn(3, n, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(n))
        torch.testing.assert_close(halves(x, 1), x.sum(1), rtol=1e-13, atol=1e-13)
        assert (halves(x[:, :, 1:3], 1) == halves(x, 1)[:, 1:3]).all()


def test_affine_functions_are_told_from_others() -> None:
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    found = affine(lambda w, n: a @ w + torch.cat([n, n]) + 5, 2, 1)
    assert found is not None
    torch.testing.assert_close(found[0][..., 0], a)
    torch.testing.assert_close(found[1][..., 0], torch.ones(2, 1, dtype=torch.float64))
    torch.testing.assert_close(found[2], torch.full((2, 1), 5.0, dtype=torch.float64))
    assert affine(lambda w, n: w + 1e-6 * w * w, 2, 0) is None
    assert affine(lambda w, n: w * (1 + n), 1, 1) is None
