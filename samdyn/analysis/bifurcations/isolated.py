"""Searches for equilibria that lie on none of the branches."""

from collections.abc import Iterator

import numpy as np
import torch

from ..sobol import sobol
from .continuation import Branch
from .problem import RESIDUAL, Problem, has_jacobian

VALUES = 5  # number of values of the parameter at which the search runs, both limits included
STARTS = 256  # number of starts of Newton's method at every value
ITERATIONS = 40  # number of Newton steps
CONVERGED = 1e-11  # in units of the box; length of the last Newton step
REGULAR = 1e-9  # least singular value over the largest; the Jacobian of a regular zero has a larger one
NEAR_BRANCH = 1e-2  # in units of the box; a point closer than this to a chord of a branch may lie on the branch
SAME_POINT = 1e-6  # in units of the box; it does if the branch's point at the same parameter is closer than this


def isolated(problem: Problem, branches: list[Branch]) -> Iterator[np.ndarray]:
    """Yield the scaled points of equilibria on none of the branches; the caller may append branches meanwhile."""
    low, high = problem.limits
    for value in np.linspace(low, high, VALUES):
        for u in _zeros(problem, float(value)):
            if has_jacobian(problem, u) and not any(lies_on(branch, problem, u) for branch in branches):
                yield u


def _zeros(problem: Problem, parameter: float) -> np.ndarray:
    """Return regular zeros in the box at one value of the parameter, from starts at rest: ``(n, D + 1)``."""

    d, scale = problem.d, problem.scale[:, 0].numpy()
    low, extent = problem.box[:, 0], problem.box[:, 1] - problem.box[:, 0]
    points = np.zeros((problem.size + 1, STARTS))
    points[:d] = ((low + extent * sobol(STARTS, d, 0)) / extent).T
    points[-1] = parameter / scale[-1]
    u, ends = torch.as_tensor(points), []
    middle = torch.as_tensor(problem.box.mean(1) / extent)[:, None]
    for _ in range(ITERATIONS):
        value, matrix = map(torch.as_tensor, problem.linearised(u.numpy()))
        step = torch.linalg.solve_ex(matrix[:, :, :-1], value.T)[0].T
        # A step is at most a tenth of the box, as the linearisation is wrong farther away.
        step = step * (0.1 / step.abs().amax(0)).clamp(max=1)
        converged = (step.abs() <= CONVERGED).all(0)
        ends.append(torch.cat([u[:-1] - step, u[-1:]])[:, converged])
        active = ~converged & torch.isfinite(step).all(0) & ((u[:d] - middle).abs() <= 1).all(0)
        u = torch.cat([u[:-1] - step, u[-1:]])[:, active]
        if not u.shape[1]:
            break
    zeros = torch.cat(ends, 1).numpy().T
    _, first = np.unique(zeros.round(7), axis=0, return_index=True)
    inside = [u for u in zeros[first] if (np.abs(u[:d] - middle[:, 0].numpy()) <= 0.5).all()]
    return np.array([u for u in inside if _is_regular(problem, u)]).reshape(-1, problem.size + 1)


def _is_regular(problem: Problem, u: np.ndarray) -> bool:
    """Return whether u is a zero of G with a regular Jacobian."""
    matrix = problem.derivatives(u)
    singular = np.linalg.svd(matrix[:, :-1], compute_uv=False)
    exact = np.linalg.norm(problem.value(u)) <= RESIDUAL * max(1e-3, float(np.linalg.norm(matrix)))
    return bool(exact and singular[-1] > REGULAR * singular[0])


def lies_on(branch: Branch, problem: Problem, u: np.ndarray) -> bool:
    """Return whether a point lies on a branch, whose period must divide that of the problem."""
    if problem.period % branch.period:
        return False
    scale = problem.scale[:, 0].numpy()
    of_branch = problem.of_period(branch.period)
    w, p = u[: problem.d] * scale[: problem.d], u[-1] * scale[-1]
    before, after = branch.parameter[:-1], branch.parameter[1:]
    margin = 1e-3 * scale[-1]
    spans = (np.minimum(before, after) - margin <= p) & (p <= np.maximum(before, after) + margin)
    width = np.where(after == before, 1.0, after - before)
    share = np.where(after == before, 0.5, np.clip((p - before) / width, 0, 1))
    for i in np.flatnonzero(spans):
        here, there = branch.w[i], branch.w[i + 1]
        distances = np.abs(((1 - share[i]) * here + share[i] * there - w) / scale[: problem.d]).max(axis=1)
        if distances.min() > NEAR_BRANCH + np.abs((there - here) / scale[: problem.d]).max() * (before[i] == after[i]):
            continue
        # Two branches are close where they meet; the branch's point at the same parameter distinguishes them.
        z = (1 - share[i]) * branch.z[i] + share[i] * branch.z[i + 1]
        on_branch = of_branch.correct(of_branch.scaled(z, p), np.append(np.zeros(problem.size), 1.0), u[-1])
        if on_branch is not None:
            orbit = of_branch.orbit(on_branch)
            if (np.abs((orbit - w) / scale[: problem.d]).max(axis=1) < SAME_POINT).any():
                return True
    return False
