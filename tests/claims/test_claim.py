"""Claims refuse what cannot be tested, before any work."""

from typing import Any

import numpy as np
import pytest

import samdyn as sd
from samdyn.claims import HOLDS, Claim, fails, grid, in_range, leading_order
from samdyn.claims.claim import case_text


def claim(**changes: Any) -> Claim:
    """A claim that holds, w → (1 − ηλ)w, with some arguments changed."""
    arguments: dict[str, Any] = {
        "id": "decay",
        "statement": "Gradient descent multiplies w by 1 − ηλ.",
        "formula": r"1 - \eta\lambda",
        "source": "[K23, Theorem 1]; derived",
        "process": "map of GD",
        "cases": grid(lam=(1.0, 3.0), lr=0.1),
        "predict": lambda lam, lr: 1 - lr * lam,
        "measure": lambda lam, lr: 1 - lr * lam,
        "rival": lambda: 1.0,
        "mistake": "no decay",
        "tolerance": 1e-9,
        "reason": "rounding",
    }
    return Claim(**arguments | changes)


def test_a_claim_names_its_papers() -> None:
    assert claim().papers == ["K23"]
    assert claim(source="derived; corrects [CK25, Theorem 3.2] and [AF22]").papers == ["CK25", "AF22"]
    assert claim(source="derived").papers == []


def test_functions_take_what_they_name() -> None:
    assert claim().evaluate(lambda lr: lr, {"lam": 1.0, "lr": 0.1}) == 0.1
    assert claim().evaluate(lambda **parameters: parameters, {"lam": 1.0}, seed=3) == {"lam": 1.0, "seed": 3}
    assert claim().evaluate(lambda lam, seed: (lam, seed), {"lam": 1.0, "lr": 0.1}, seed=3, budget=1.0) == (1.0, 3)


def test_a_grid_is_a_product() -> None:
    assert grid(a=(1, 2), b=[3, 4], c=5) == [
        {"a": 1, "b": 3, "c": 5}, {"a": 1, "b": 4, "c": 5}, {"a": 2, "b": 3, "c": 5}, {"a": 2, "b": 4, "c": 5},
    ]  # fmt: skip


def test_cases_as_text() -> None:
    assert case_text({"x": np.arange(9.0), "y": np.float32(0.1)}) == "x=(0, 1, 2, 3, 4, 5, 6, 7, …), y=0.1"
    assert len(case_text({"x": "a" * 1000})) < 100
    assert case_text({"rho": 0.123456, "spectrum": (-1.0, 2.0), "n": 3, "t": float("inf")}) == (
        "rho=0.1235, spectrum=(-1, 2), n=3, t=inf"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "Two Words"}, "lower-case words joined by hyphens"),
        ({"id": 3}, "lower-case words joined by hyphens"),
        ({"statement": " "}, "statement = ' ': claim decay needs a text"),
        ({"source": None}, "source = None"),
        ({"tolerance": -1}, "tolerance = -1"),
        ({"absolute": float("nan")}, "absolute = nan"),
        ({"record": "holds"}, "must be a verdict"),
        ({"cases": []}, "one or more dictionaries"),
        ({"cases": [{}]}, "one or more dictionaries"),
        ({"cases": [{"lam": 1.0, "lr": 0.1}, {"lam": 1.0}]}, "has other parameters than the first: lam, lr"),
        ({"predict": 3.0}, "predict = 3.0: claim decay needs a function"),
        ({"predict": lambda lamda: lamda}, "'lamda': no case of claim decay has this parameter, which predict takes"),
        ({"rival": lambda seed: seed}, "which rival takes"),
        ({"measure": lambda gamma: gamma}, "which measure takes"),
        ({"cases": grid(lam=1.0, lr=0.1, rho=1.0)}, "'rho': neither predict nor measure"),
        ({"small": "lamda"}, "Did you mean 'lam'"),
        ({"small": "lam"}, "needs three or more values"),
        ({"small": "lam", "cases": grid(lam=(0.0, 1.0, 2.0), lr=0.1)}, "needs positive numbers"),
        ({"scan": "lr"}, "needs three or more values"),
        (
            {"scan": "lam", "cases": grid(lam=("a", "b", "c"), lr=0.1)},
            "lam = 'a': scan='lam' of claim decay needs finite",
        ),
        ({"small": "lam", "cases": [{"lam": [x], "lr": 0.1} for x in range(3)]}, "needs positive numbers"),
        ({"small": "lr", "scan": "lr", "cases": grid(lam=1.0, lr=(1.0, 2.0, 3.0))}, "has small='lr', too"),
        ({"cases": [{1: 2.0}]}, "parameter = 1: must be a name of an argument"),
        ({"predict": max}, "needs a function that names its arguments"),
        ({"predict": np.sin}, "takes it by position"),
    ],
)
def test_what_cannot_be_tested_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(sd.InputError) as error:
        claim(**changes)
    assert words in str(error.value)


def test_verdicts_agree_with_records() -> None:
    order = leading_order(1)
    assert leading_order(1.1).agrees(order)
    assert not leading_order(1.2).agrees(order)
    assert not HOLDS.agrees(order)
    assert in_range(0, 0.5).agrees(in_range(0, 0.5))
    assert not in_range(0, 0.6).agrees(in_range(0, 0.5))
    assert fails(2.01).agrees(fails(2.0), 0.01)
    assert not fails(2.01).agrees(fails(2.0), 0.001)
    assert fails(2.0).agrees(fails())
    assert not HOLDS.agrees(fails(2.0))
    assert not fails(2.0).agrees(HOLDS)
    assert str(fails(1 + 1e-8)) == "fails: measured is (1 + 1e-08) × predicted"


@pytest.mark.parametrize("arguments", [("foo",), ("holds in a range",), ("holds in a range", 1.0, (2.0, 1.0))])
def test_what_is_no_verdict_is_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(sd.InputError):
        sd.claims.Verdict(*arguments)
