"""Vector operations that no other test sees by itself."""

import math

import pytest
import torch

from samdyn.ops import affine, directional_derivative, halves, jacobian, norm, root, unit


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


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_norms_and_their_derivatives_at_every_size(d: int, size: float) -> None:
    a = torch.randn(d, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(d))
    expected, direction = size * torch.linalg.vector_norm(a, dim=0), a / torch.linalg.vector_norm(a, dim=0)
    a = a * size
    torch.testing.assert_close(norm(a), expected, rtol=1e-15, atol=0)
    torch.testing.assert_close(jacobian(lambda w: norm(w)[None], a)[0], direction, rtol=1e-15, atol=1e-15)
    along = directional_derivative(norm, a, torch.ones_like(a))
    torch.testing.assert_close(along, direction.sum(0), rtol=1e-15, atol=1e-15)


def test_second_derivatives_of_a_norm() -> None:
    a = torch.tensor([0.3, -1.2, 0.4], dtype=torch.float64)
    found = torch.func.hessian(lambda w: norm(w[:, None]).sum())(a)
    expected = (torch.eye(3) - torch.outer(a, a) / a.dot(a)) / a.norm()
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-15)


def test_derivatives_at_zero_are_numbers() -> None:
    """What a perturbation is made of has a value and a derivative where the gradient vanishes, in every mode."""
    zero, axes = torch.zeros(2, 1, dtype=torch.float64), torch.eye(2, dtype=torch.float64)
    bounded = {  # functions of a with the derivative I, I, 0 and 0 at 0
        "saturated": (lambda a: a / (1 + norm(a)), axes),
        "clipped": (lambda a: 2 * a / (1 + norm(a) + abs(1 - norm(a))), axes),
        "norm": (lambda a: norm(a) * torch.ones_like(a), 0 * axes),
        "unit of another": (lambda a: unit(1 + 0 * a, of=a), 0 * axes),
    }
    for function, expected in bounded.values():
        backward = jacobian(function, zero)[..., 0]
        forward = torch.cat([directional_derivative(function, zero, axis[:, None]) for axis in axes], 1)
        assert torch.equal(backward, expected)
        assert torch.equal(forward, expected)
        twice = torch.func.jacrev(torch.func.jacrev(function))(zero)
        assert torch.isfinite(twice).all()
    assert norm(torch.full((3, 1), torch.inf)).isinf().all()
    assert norm(torch.full((3, 1), torch.nan)).isnan().all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_vectors_of_any_length_have_a_norm_and_a_direction(dtype: torch.dtype) -> None:
    """From the smallest positive number to the largest vector whose norm is in range."""
    range_ = torch.finfo(dtype)
    smallest = range_.tiny * range_.eps
    exponents = range(round(math.log2(smallest)), round(math.log2(range_.max)) - 1)
    a = torch.tensor([[0.8 * 2.0**e, -0.6 * 2.0**e, 0.0] for e in exponents], dtype=dtype).T
    size = a.abs().amax(0).double()
    exact = (a.double() / size).norm(dim=0)
    error = (norm(a).double() / size - exact).abs()
    assert (error <= 3 * range_.eps + smallest / size).all()
    assert ((unit(a).double() - a.double() / size / exact).abs() <= 3 * range_.eps).all()
