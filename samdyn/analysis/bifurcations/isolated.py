"""Equilibria that are on no branch known so far."""

from collections.abc import Iterator

import numpy as np
import torch

from .continuation import Branch
from .problem import RESIDUAL, Problem, has_jacobian

VALUES = 5  # of the parameter at which equilibria are searched for, both limits included
STARTS = 256  # of Newton's method, at every value
ITERATIONS = 40
ARRIVED = 1e-11  # of the box: the last step of Newton's method
REGULAR = 1e-9  # the least singular value of a regular zero's Jacobian, relative to the largest
NEAR = 1e-2  # of the box: a point this close to a straight piece of a branch may be on it
SAME = 1e-6  # of the box: it is, if the branch at this very parameter is as near as this


def isolated(problem: Problem, branches: list[Branch]) -> Iterator[np.ndarray]:
    """Yield equilibria on none of the branches, as scaled points; ``branches`` may grow in between."""
    low, high = problem.limits
    for value in np.linspace(low, high, VALUES):
        for u in _zeros(problem, float(value)):
            if has_jacobian(problem, u) and not any(lies_on(branch, problem, u) for branch in branches):
                yield u


def _zeros(problem: Problem, parameter: float) -> np.ndarray:
    """Return regular zeros in the box, of those without velocity, at one value of the parameter: ``(n, D + 1)``."""
    from scipy.stats import qmc

    d, scale = problem.d, problem.scale[:, 0].numpy()
    low, extent = problem.box[:, 0], problem.box[:, 1] - problem.box[:, 0]
    points = np.zeros((problem.size + 1, STARTS))
    points[:d] = ((low + extent * qmc.Sobol(d, rng=0).random(STARTS)) / extent).T
    points[-1] = parameter / scale[-1]
    u, found = torch.as_tensor(points), []
    middle = torch.as_tensor(problem.box.mean(1) / extent)[:, None]
    for _ in range(ITERATIONS):
        value, matrix = map(torch.as_tensor, problem.linearised(u.numpy()))
        step = torch.linalg.solve_ex(matrix[:, :, :-1], value.T)[0].T
        # Steps of more than a tenth of the box would leave where the field was linearised.
        step = step * (0.1 / step.abs().amax(0)).clamp(max=1)
        there = (step.abs() <= ARRIVED).all(0)
        found.append(torch.cat([u[:-1] - step, u[-1:]])[:, there])
        going = ~there & torch.isfinite(step).all(0) & ((u[:d] - middle).abs() <= 1).all(0)
        u = torch.cat([u[:-1] - step, u[-1:]])[:, going]
        if not u.shape[1]:
            break
    zeros = torch.cat(found, 1).numpy().T
    _, first = np.unique(zeros.round(7), axis=0, return_index=True)
    inside = [u for u in zeros[first] if (np.abs(u[:d] - middle[:, 0].numpy()) <= 0.5).all()]
    return np.array([u for u in inside if _is_regular(problem, u)]).reshape(-1, problem.size + 1)


def _is_regular(problem: Problem, u: np.ndarray) -> bool:
    matrix = problem.derivatives(u)
    singular = np.linalg.svd(matrix[:, :-1], compute_uv=False)
    exact = np.linalg.norm(problem.value(u)) <= RESIDUAL * max(1e-3, float(np.linalg.norm(matrix)))
    return bool(exact and singular[-1] > REGULAR * singular[0])


def lies_on(branch: Branch, problem: Problem, u: np.ndarray) -> bool:
    """Say whether a point lies on a branch of its own period or, as one that is not a cycle, of a smaller one."""
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
        apart = np.abs(((1 - share[i]) * here + share[i] * there - w) / scale[: problem.d]).max(axis=1)
        if apart.min() > NEAR + np.abs((there - here) / scale[: problem.d]).max() * (before[i] == after[i]):
            continue
        # Close to where they meet, two branches are told apart by where the known one is at this very parameter.
        z = (1 - share[i]) * branch.z[i] + share[i] * branch.z[i + 1]
        known = of_branch.correct(of_branch.scaled(z, p), np.append(np.zeros(problem.size), 1.0), u[-1])
        if known is not None:
            orbit = of_branch.orbit(known)
            if (np.abs((orbit - w) / scale[: problem.d]).max(axis=1) < SAME).any():
                return True
    return False
