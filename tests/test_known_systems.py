"""The table of known systems: every number that it finds quickly agrees with the known one."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def known_systems(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("known_systems")


def test_critical_points_to_the_published_digits(known_systems: ModuleType) -> None:
    rows = list(known_systems.landscapes())
    assert len(rows) == 2 + 2 * 5 + 4 + 2 * 3
    for row in rows:
        digits = 1e-6 if row.system == "Müller–Brown" else 1e-8
        assert row.found == pytest.approx(row.known, abs=digits), row


def test_bifurcations_of_normal_forms(known_systems: ModuleType) -> None:
    rows = list(known_systems.normal_forms())
    assert [row.quantity for row in rows] == ["fold", "transcritical", "pitchfork", "Hopf", "Neimark–Sacker", "flip"]
    for row in rows:
        assert row.found == pytest.approx(row.known, abs=1e-10), row


@pytest.mark.slow
def test_cycles_and_period_doublings(known_systems: ModuleType) -> None:
    for row in [*known_systems.cycles(), *known_systems.logistic()]:
        tolerance = 5e-4 if "Aitken" in row.quantity or "exponent" in row.quantity else 1e-7
        assert row.found == pytest.approx(row.known, abs=tolerance), row
