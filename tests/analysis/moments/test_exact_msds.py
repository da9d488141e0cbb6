"""Exact mean squared displacements of iterates and of their diffusions."""

import numpy as np
import pytest

import samdyn as sd

LINE = sd.landscapes.quadratic([-1.0])
TIMES = [0.5, 1.0]


def test_each_is_that_of_its_own_system_and_nan_where_there_is_none() -> None:
    noise = sd.noise.Fisher((0.0,), 16, coupling="clean")
    map_ = sd.Map(LINE, sd.USAM(0.5), lr=0.01, noise=noise)
    data = sd.analysis.exact_msds(map_, [0.0], [1.0], TIMES)
    np.testing.assert_array_equal(data.exact, sd.analysis.exact_msd(map_, [0.0], [1.0], TIMES))
    for model in ("moments", "fisher"):
        diffusion = sd.Diffusion.of(map_, model)
        np.testing.assert_array_equal(data[model], sd.analysis.exact_msd(diffusion, [0.0], [1.0], TIMES))
    assert data.taylor.isnull().all()  # the ascent has no noise of the batch
    assert not np.allclose(data.moments, data.fisher)


@pytest.mark.parametrize("method", [sd.GD(), sd.SAM(0.1)], ids=str)  # of a linear step, and without one
def test_a_wrong_argument_is_not_taken_for_a_system_without_one(method: sd.methods.Method) -> None:
    map_ = sd.Map(LINE, method, lr=0.01, noise=sd.noise.Gaussian(1.0))
    with pytest.raises(sd.InputError, match="times = 0"):
        sd.analysis.exact_msds(map_, [0.0], [1.0], 0)  # type: ignore[arg-type]
    with pytest.raises(sd.InputError, match="direction"):
        sd.analysis.exact_msds(map_, [0.0], [1.0, 0.0], TIMES)
    with pytest.raises(sd.InputError, match="times"):
        sd.analysis.exact_msds(map_, [0.0], [1.0], [-1.0])
    with pytest.raises(sd.InputError, match="Did you mean 'taylor'"):
        sd.analysis.exact_msds(map_, [0.0], [1.0], TIMES, models=["tailor"])
