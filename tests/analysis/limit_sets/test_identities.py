"""Which attractor continues which: by state, by basin, on return, and none where it is open."""

import numpy as np
import pytest

from samdyn.analysis.limit_sets.along.identities import Identities


def points(*x: float) -> list[np.ndarray]:
    return [np.array([[value, 0.0]]) for value in x]


@pytest.fixture
def two() -> Identities:
    """Return the numbers after a value with attractors 0 and 1 at x = 0 and x = 1, in a box of size 10."""
    identities = Identities(np.array([10.0, 10.0]))
    assert identities.assign(points(0, 1), np.zeros((0, 2), dtype=int), np.zeros(0, dtype=int)) == [0, 1]
    return identities


NO_BASINS = np.zeros((2, 2), dtype=int), np.array([1, 1])


def test_the_order_of_the_list_does_not_matter(two: Identities) -> None:
    assert two.assign(points(1.2, 0.2), *NO_BASINS) == [1, 0]
    assert two.assign(points(0.4, 1.4), *NO_BASINS) == [0, 1]


def test_the_nearest_counts_only_if_the_pair_is_clear(two: Identities) -> None:
    """At 0.3 it is more than twice as near to 0 as to 1; at 0.35 it is not."""
    assert two.assign(points(0.35), np.zeros((2, 1), dtype=int), np.array([1, 1])) == [2]
    other = Identities(np.array([10.0, 10.0]))
    other.assign(points(0, 1), np.zeros((0, 2), dtype=int), np.zeros(0, dtype=int))
    assert other.assign(points(0.3), np.zeros((2, 1), dtype=int), np.array([1, 1])) == [0]


def test_far_moves_are_decided_by_the_basins(two: Identities) -> None:
    """Both moved by a third of the box: only the basins tell which is which."""
    moves = np.array([[10, 90], [80, 20]])
    assert two.assign(points(4.0, 3.0), moves, np.array([100, 100])) == [1, 0]


@pytest.mark.parametrize("moves", [[[60, 40], [0, 0]], [[90, 0], [90, 0]], [[66, 0], [0, 66]]])
def test_basins_that_decide_nothing(two: Identities, moves: list[list[int]]) -> None:
    """A basin that splits; one that takes over two of one size; two thirds that are not reached."""
    assert two.assign(points(4.0, 3.0), np.array(moves), np.array([100, 100])) == [2, 3]


def test_a_basin_that_goes_to_an_old_attractor_is_no_identity(two: Identities) -> None:
    """Attractor 1 ends, and 0 takes over its basin; what emerges beside is new."""
    assert two.assign(points(0.1, 5.0), np.array([[100, 0], [80, 20]]), np.array([100, 100])) == [0, 2]


def test_twins_are_both_new(two: Identities) -> None:
    """A fixed point splits symmetrically: neither half is nearer, nor has more of the basin."""
    identities = Identities(np.array([10.0, 10.0]))
    identities.assign(points(0), np.zeros((0, 1), dtype=int), np.zeros(0, dtype=int))
    assert identities.assign(points(0.2, -0.2), np.array([[50, 50]]), np.array([101])) == [1, 2]


@pytest.mark.parametrize(("place", "number"), [(1.05, 1), (1.2, 2)])
def test_an_attractor_comes_back_at_its_place(two: Identities, place: float, number: int) -> None:
    """That is within a hundredth of the box, 0.1."""
    for _ in range(2):
        two.assign(points(0), np.zeros((len(two.present), 1), dtype=int), np.ones(len(two.present), dtype=int))
    assert two.present == [0]
    assert two.assign(points(0, place), np.zeros((1, 2), dtype=int), np.array([1])) == [0, number]


def test_sets_are_compared_by_the_hausdorff_distance() -> None:
    """Two rings about one centre keep their numbers, which centres alone could not tell."""
    angle = np.arange(40) * 2 * np.pi / 40
    ring = np.stack([np.cos(angle), np.sin(angle)], 1)
    identities = Identities(np.array([10.0, 10.0]))
    identities.assign([ring, 2 * ring], np.zeros((0, 2), dtype=int), np.zeros(0, dtype=int))
    assert identities.assign([2.1 * ring, 1.1 * ring], *NO_BASINS) == [1, 0]
