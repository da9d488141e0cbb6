"""Flows follow the iterates: the global error falls with the order that the flow claims."""

import numpy as np
import pytest

import samdyn as sd

# A regular region of Beale: a slope away from critical points, smooth enough that these rates are asymptotic.
START = (1.0, 0.3)
TIME = 0.4
RATES = TIME / np.array([150, 600])


def error(method: sd.Method, order: int, lr: float) -> float:
    """Return how far the flow is from the iterates at t = TIME."""
    beale = sd.landscapes.beale()
    flow = sd.Flow(beale, method, order=order, lr=lr if order == 2 else None)
    runs = sd.simulate(sd.Map(beale, method, lr=lr), START, round(TIME / lr))
    # The tolerance is far below the smallest error fitted, 8e-8. A lone start is not compiled.
    path = sd.integrate(flow, [START, START], TIME, rtol=1e-10, atol=1e-12, backend="compiled")
    return float(np.linalg.norm(runs.w.values[0, -1] - path.w.values[0, -1]))


@pytest.mark.parametrize("method", [sd.GD(), sd.USAM(0.02), sd.SAM(0.2)], ids=lambda m: type(m).__name__)
@pytest.mark.parametrize(("order", "band"), [(1, 0.1), (2, 0.15)])
def test_global_error_has_the_order_claimed(method: sd.Method, order: int, band: float) -> None:
    errors = [error(method, order, lr) for lr in RATES]
    slope = np.polyfit(np.log(RATES), np.log(errors), 1)[0]
    assert min(errors) > 1e-9  # a slope fitted to rounding says nothing
    assert abs(slope - order) < band
