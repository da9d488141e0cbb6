"""Every claim of the literature is complete. ``samdyn verify`` measures them."""

import importlib
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

from samdyn.claims import AtLeast, AtMost, catalogue
from samdyn.claims.catalogue import ROOMS, located
from samdyn.claims.page import formula

CLAIMS = catalogue()
REFERENCES = Path(__file__).parents[2] / "docs" / "references.bib"


def test_the_coverage() -> None:
    assert len(CLAIMS) >= 60
    assert len({paper for claim in CLAIMS.values() for paper in claim.papers}) >= 20
    assert {path.parent.name for _, path in located()} == set(ROOMS)


@pytest.mark.parametrize("name", CLAIMS)
def test_it_is_complete(name: str) -> None:
    claim = CLAIMS[name]
    known = set(re.findall(r"^@\w+\{(\w+),", REFERENCES.read_text(), re.M))
    assert set(claim.papers) <= known
    assert claim.papers or "derived" in claim.source
    assert not claim.instead or CLAIMS[claim.instead].record.holds
    assert bool(claim.instead) <= (claim.record.kind == "fails")
    assert "<svg" in formula(claim.formula)
    assert claim.record.kind != "undecided"


@pytest.mark.parametrize("name", CLAIMS)
def test_prediction_and_rival_have_values_that_differ(name: str) -> None:
    claim, different = CLAIMS[name], False
    for case in claim.cases:
        values = [claim.evaluate(function, case) for function in (claim.predict, claim.rival)]
        plain = [value.bound if isinstance(value, AtLeast | AtMost) else value for value in values]
        for value in map(np.asarray, plain):
            assert value.dtype.kind == "U" or not np.isnan(value.astype(float)).any()
        different |= type(values[0]) is not type(values[1]) or not np.array_equal(*map(np.asarray, plain))
    assert different


def test_a_file_is_short() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for _, path in located()}
    assert not {name: length for name, length in lengths.items() if length > 90}


def test_the_files_that_come_first_exist() -> None:
    for room in ROOMS:
        folder = importlib.import_module(f"samdyn.claims.literature.{room}")
        assert set(getattr(folder, "FIRST", ())) <= {info.name for info in pkgutil.iter_modules(folder.__path__)}
    assert next(iter(CLAIMS)) in {claim.id for claim, path in located() if path.stem == "sam_trap"}
