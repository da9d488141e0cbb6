"""The closed form of growth rates against the measured ones, for every method that has one."""

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import analysis, theory
from samdyn.analysis import CriticalPoint

METHODS = [
    sd.GD(),
    sd.USAM(0.3),
    sd.USAM(0.7),
    sd.USAM(1.4, ascent_steps=2),
    sd.USAM(2.5, ascent_steps=3),
    sd.USAM(0.9, ascent_steps=3, average=True),
    sd.ExactSAM(0.3),
    sd.ExactSAM(0.6, ascent_steps=2),
]


@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.6, False), (0.6, True)])
def test_closed_form_and_measurement_agree(
    saddle: sd.Landscape, origin: CriticalPoint, method: sd.Method, momentum: float, nesterov: bool
) -> None:
    map_ = sd.Map(saddle, method, lr=0.02, momentum=momentum, nesterov=nesterov)
    predicted = float(theory.predicted_growth(map_, torch.as_tensor(origin.eigenvalues)))
    measured = analysis.growth_rate(map_, origin)
    # Complex multipliers: the distance is read at a phase, which costs up to ln(10)/(500 η).
    assert measured == pytest.approx(predicted, rel=1e-6, abs=0.25 if predicted < 0 else 1e-6)
    assert np.sign(measured) == np.sign(predicted)


@pytest.mark.parametrize("method", [sd.SAM(0.1), sd.ASAM(0.1), sd.ExactSAM(0.1, ascent_steps=2, average=True)], ids=str)
def test_without_a_closed_form_there_is_none(saddle: sd.Landscape, method: sd.Method) -> None:
    assert theory.predicted_growth(sd.Map(saddle, method, lr=0.1), torch.tensor([-1.0, 1.0])) is None


def test_a_subclass_is_another_method(saddle: sd.Landscape) -> None:
    class Mine(sd.USAM):
        """Not USAM."""

    assert theory.predicted_growth(sd.Map(saddle, Mine(0.1), lr=0.1), torch.tensor([-1.0, 1.0])) is None
    del Mine
