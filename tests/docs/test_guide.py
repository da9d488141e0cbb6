"""What the pages of docs/guide/ print is right, and the lists of the pages are complete."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.catalogues import is_published

from .conftest import ROOT

Run = Callable[..., dict[str, Any]]


@pytest.mark.slow
def test_simulating(run_page: Run, capsys: pytest.CaptureFixture[str]) -> None:
    names = run_page("docs/guide/simulate.md")
    assert "['settled' 'settled']" in capsys.readouterr().out
    assert names["path"].sizes == {"run": 1, "time": 3, "coord": 2}
    assert list(names["runs"].status.values[:2]) == ["left the box", "settled"]
    assert names["ends"].w.values[:, -1, 0] == pytest.approx([0.5, 1, 2])
    spread, noisy = names["spread"], names["noisy"]
    assert spread.backend == "compiled"
    mean, covariance = (m[100] for m in sd.analysis.linear_step(noisy).moments(names["starts"][0], steps=100))
    # Nobody left by then, so that the moments of runs without a box are theirs; within four standard errors.
    assert not spread.exited[1]
    assert (abs(spread["mean"][1] - mean) < 4 * spread.mean_error[1]).all()
    variances = spread.covariance.values[1].diagonal()
    np.testing.assert_allclose(variances, covariance.diagonal(), rtol=4 * (2 / 100_000) ** 0.5)


@pytest.mark.slow
def test_analysing(run_page: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run_page("docs/guide/analysis.md")
    printed = capsys.readouterr().out
    assert printed.count("minimum at") == 2
    assert "ρ > 4/111" in printed
    assert "no Jacobian" in printed
    assert printed.count("cycle of period 2 about") == 2
    assert printed.count("50.0 %") >= 2
    assert "rho = 1: branch point at (0, 0)" in printed
    assert re.search(r"^0\.036036", printed, re.MULTILINE)
    assert "w<0.05 w<0.25 w<0.55" in printed
    assert "a = 0: fold at (0, 0)" in printed
    assert "point" + " " * 30 + "ρ > 1/(2*sqrt(a))" in printed
    assert "rho > 1/4" in printed
    assert "[0.09531]" in printed
    assert {f"cycle of period {p} about" in printed for p in (4, 6, 8, 10)} == {True}
    assert printed.count("chaotic at") == 3
    assert "stable cycle of period 5.8653" in printed
    assert "Hopf 0.182136" in printed
    assert "[1.     1.5    1.7321 1.7321]\n[14.6]" in printed
    assert re.search(r"^cycles over rho from 0.182\d* to 0.183: .* stable; reached the limit$", printed, re.MULTILINE)


def test_noise(run_page: Run, capsys: pytest.CaptureFixture[str]) -> None:
    names = run_page("docs/guide/noise.md")
    printed = re.findall(r"^(.*?):\s+\[(.*?)\]", capsys.readouterr().out, re.MULTILINE)
    variances = {name: [float(value) for value in values.split()] for name, values in printed}
    for i, lam in enumerate((2, -2)):
        factor = 1 + 0.1 * lam
        q = (1 - 0.01 * lam * factor) ** 2
        expected = 0.01**2 * factor**2 * 2 / 16 * (1 - q**100) / (1 - q)
        assert variances["exact"][i] == pytest.approx(expected, rel=2e-5)  # as many digits as are printed
        assert variances["diffusion, exact"][i] == pytest.approx(expected, rel=0.05)  # of order η|λ|
        # Four standard errors of a variance from 1000 runs, and what the diffusion differs by.
        assert variances["simulated"][i] == pytest.approx(expected, rel=4 * (2 / 1000) ** 0.5)
        assert variances["diffusion, simulated"][i] == pytest.approx(expected, rel=4 * (2 / 1000) ** 0.5 + 0.05)
    w = sd.simulate(names["steps"], [(0.6, 0.6)] * 20_000, 10).w.values[:, -1].T
    for value, function in zip(names["expected"].values, names["functions"], strict=True):
        assert abs(function(w).mean() - value) < 4 * function(w).std() / 20_000**0.5


@pytest.mark.slow
def test_training(run_page: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        names = run_page("docs/guide/training.md")
    loss, data = names["loss"], names["data"]
    assert loss.dim == 2410
    assert names["ends"].shape == (2410, 12)
    # Linear classifiers reach 0.95 of these digits.
    assert float(loss.accuracy(names["w"], data.test_inputs, data.test_targets)) > 0.9
    assert capsys.readouterr().out.count("\n200 ") == 1


def test_every_experiment_is_listed() -> None:
    page = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    scripts = {path.name for path in (ROOT / "experiments").glob("*.py")}
    assert scripts == set(re.findall(r"^\| `(\w+\.py)` \|", page, re.MULTILINE))


def test_every_landscape_and_method_is_named() -> None:
    page = (ROOT / "docs" / "guide" / "simulate.md").read_text(encoding="utf-8")
    for name, entry in {**sd.landscapes.catalogue(), **sd.methods.catalogue()}.items():
        assert f"`{name}`" in page or not is_published(entry)  # other tests define methods of their own
