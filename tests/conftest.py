"""Settings shared by all tests."""

import matplotlib
import pytest
import torch
from hypothesis import settings

import samdyn as sd

matplotlib.use("Agg")
torch.set_num_threads(1)  # the tests run in as many processes as there are cores
settings.register_profile("samdyn", deadline=None, derandomize=True)
settings.load_profile("samdyn")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not torch.cuda.is_available():
        for item in items:
            if "gpu" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="no CUDA"))


@pytest.fixture(scope="session")
def saddle() -> sd.Landscape:
    """x² − y²."""
    return sd.landscapes.saddle()


@pytest.fixture(scope="session")
def origin(saddle: sd.Landscape) -> sd.analysis.CriticalPoint:
    """The saddle point of x² − y²."""
    (point,) = sd.critical_points(saddle)
    assert point.kind == "saddle"
    return point
