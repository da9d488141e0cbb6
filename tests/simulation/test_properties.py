"""Whatever it is given, simulate says what became of every run, and never shows a NaN."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import samdyn as sd
from samdyn import landscapes, methods
from samdyn.catalogues import is_published
from samdyn.methods import Ascent, Method

SCENES = {name: make() for name, make in landscapes.catalogue().items()}
PUBLISHED = [cls for cls in methods.catalogue().values() if is_published(cls) and methods.is_stateless(cls)]
STATUSES = {"settled", "diverged", "left the box", "undecided"}


@st.composite
def chosen_methods(draw: st.DrawFn) -> Method:
    cls = draw(st.sampled_from(PUBLISHED))
    if not issubclass(cls, Ascent):
        return cls()
    rho = draw(st.one_of(st.just(0.0), st.floats(1e-12, 10.0)))
    return cls(rho, ascent_steps=draw(st.integers(1, 3)), average=draw(st.booleans()))


@st.composite
def maps(draw: st.DrawFn) -> sd.Map:
    scene = SCENES[draw(st.sampled_from(sorted(SCENES)))]
    momentum = draw(st.one_of(st.just(0.0), st.floats(0.01, 0.99)))
    nesterov = draw(st.booleans()) if momentum else False
    lr = 10 ** draw(st.floats(-6, 0))
    return sd.Map(scene, draw(chosen_methods()), lr=lr, momentum=momentum, nesterov=nesterov)


# Starts of every size up to 1e3, on the axes and at the origin too, where gradients vanish and kinks are.
coordinates = st.one_of(st.just(0.0), st.floats(-1.0, 1.0), st.floats(-1e3, 1e3))
starts = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=4)


@settings(max_examples=50)
@given(
    map_=maps(),
    w0=starts,
    steps=st.integers(1, 25),
    dtype=st.sampled_from(["float64", "float32"]),
    box=st.one_of(st.none(), st.just([(-2.0, 2.0), (-1.5, 3.0)])),
)
def test_every_run_has_an_end(map_: sd.Map, w0: Any, steps: int, dtype: str, box: Any) -> None:
    runs = sd.simulate(map_, w0, steps, save_every=1, box=box, dtype=dtype, progress=False)
    w, status, end = runs.w.values, runs.status.values, runs.end.values
    assert np.isfinite(w).all()  # diverged runs hold their last finite state; NaN is nowhere
    assert set(status) <= STATUSES
    assert ((end >= 0) & (end <= steps)).all()
    assert (end[(status == "settled") | (status == "undecided")] == steps).all()
    assert (end[status == "diverged"] >= 1).all()

    # Where a run stopped it stays: the state at the step of leaving the box, or the one before divergence.
    for i in range(len(w)):
        held = end[i] - (status[i] == "diverged")
        assert (w[i, held:] == w[i, held]).all()

    if box is None:
        assert not (status == "left the box").any()
    else:
        low, high = np.array(box, dtype=w.dtype).T
        inside = ((w >= low) & (w <= high)).all(-1)
        assert (inside[:, -1] == (status != "left the box")).all()
        for i in np.flatnonzero(status == "left the box"):
            assert inside[i, : end[i]].all()


@settings(max_examples=25)
@given(map_=maps(), w0=starts, steps=st.integers(1, 25))
def test_what_is_saved_does_not_matter(map_: sd.Map, w0: Any, steps: int) -> None:
    every = sd.simulate(map_, w0, steps, save_every=1, progress=False)
    last = sd.simulate(map_, w0, steps, progress=False)
    np.testing.assert_array_equal(every.w.values[:, -1], last.w.values[:, -1])
    assert every.status.equals(last.status)
    assert every.end.equals(last.end)


@settings(max_examples=25)
@given(map_=maps(), w0=starts, steps=st.integers(1, 10))
def test_settled_means_that_it_stays(map_: sd.Map, w0: Any, steps: int) -> None:
    # Not a proof of rest, but one the certificate cannot bend: 200 steps later every settled run is still there.
    runs = sd.simulate(map_, w0, steps, progress=False)
    settled = (runs.status == "settled").values
    if not settled.any() or map_.momentum:  # a restart would lose the velocity
        return
    w = runs.w.values[settled, -1]
    later = sd.simulate(map_, w, 200, progress=False)  # an even number: 2-cycles come back
    # The resting point is within √ε·max(1, ‖w‖∞) of the state now, and later; it may be degenerate to FLAT.
    bound = 4 * 1.5e-8 * np.maximum(1, np.abs(w).max(1))
    assert (np.abs(later.w.values[:, -1] - w).max(1) <= bound).all()
