"""The complementarity problem over positive semi-definite matrices that keeps a flow at the edge."""

import numpy as np

ITERATIONS = 400  # of the projection; the polish ends most problems before
TOLERANCE = 1e-9  # relative error of a solution
RANK = 1e-6  # eigenvalue of X, relative to the largest, from which a direction counts as active


def solve(slack: np.ndarray, response: np.ndarray, guess: np.ndarray) -> np.ndarray | None:
    """Return X ⪰ 0 with S = slack + response[X] ⪰ 0 and ⟨X, S⟩ = 0, or None if the response does not push back.

    For gradient descent ``response`` is a Gram operator, and the problem a convex quadratic programme over the cone,
    which has a solution; its S is unique. Extragradient steps (Korpelevich 1976) find the directions that are active,
    and a linear system then gives X on them.

    Args:
        slack: S at X = 0, symmetric ``(k, k)``.
        response: ∂S/∂X, ``(k, k, k, k)``: response[X]ᵢⱼ = Σ response[i, j, m, n] X[m, n].
        guess: where the search begins, such as the X of the step before, ``(k, k)``.

    >>> solve(np.diag([-1.0, 2.0]), np.einsum("im,jn->ijmn", np.eye(2), np.eye(2)), np.zeros((2, 2))).round(6).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    k = len(slack)
    if np.linalg.eigvalsh(slack)[0] >= 0:
        return np.zeros((k, k))
    operator = response.reshape(k * k, k * k)
    size = float(np.linalg.norm(operator, 2))
    if size == 0 or not np.isfinite(size):
        return None

    def s(x: np.ndarray) -> np.ndarray:
        return _symmetric(slack + (operator @ x.ravel()).reshape(k, k))

    x, step = _projected(guess), 0.9 / size
    for number in range(ITERATIONS):
        if number % 20 == 0 and (polished := _polished(x, slack, response)) is not None:
            return polished
        ahead = _projected(x - step * s(x))
        x = _projected(x - step * s(ahead))
    rest = np.linalg.eigvalsh(s(x))[0]
    return x if np.isfinite(x).all() and rest >= 0.1 * np.linalg.eigvalsh(slack)[0] else None


def _polished(x: np.ndarray, slack: np.ndarray, response: np.ndarray) -> np.ndarray | None:
    """Return the solution whose range is that of x, or None if it has another."""
    values, vectors = np.linalg.eigh(x)
    v = vectors[:, values > RANK * max(values[-1], 0.0)] if values[-1] > 0 else vectors[:, :0]
    if not v.shape[1]:  # the steps start at zero: try the direction that violates the most
        v = np.linalg.eigh(slack)[1][:, :1]
    r = v.shape[1]
    rows, columns = np.triu_indices(r)
    basis = np.zeros((len(rows), r, r))
    basis[np.arange(len(rows)), rows, columns] = basis[np.arange(len(rows)), columns, rows] = 1
    inside = np.einsum("ia,pab,jb->pij", v, basis, v)
    images = np.einsum("ijmn,pmn->pij", response, inside)
    matrix = np.einsum("ia,pij,jb->pab", v, images, v)[:, rows, columns].T
    try:
        weights = np.linalg.solve(matrix, -(v.T @ slack @ v)[rows, columns])
    except np.linalg.LinAlgError:
        return None
    found = np.einsum("p,pij->ij", weights, inside)
    s = _symmetric(slack + np.einsum("ijmn,mn->ij", response, found))
    largest = np.abs(slack).max()
    is_positive = np.linalg.eigvalsh(found)[0] >= -TOLERANCE * np.abs(found).max()
    return found if is_positive and np.linalg.eigvalsh(s)[0] >= -TOLERANCE * largest else None


def _symmetric(x: np.ndarray) -> np.ndarray:
    return (x + x.T) / 2


def _projected(x: np.ndarray) -> np.ndarray:
    """Return the nearest positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(_symmetric(x))
    return (vectors * values.clip(min=0)) @ vectors.T
