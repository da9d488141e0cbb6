"""What the README shows works as shown."""

import builtins
import dis
import re
from pathlib import Path
from types import CodeType

import numpy as np
import pytest
import torch

import samdyn as sd

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
LIBRARY, PLANE, SETTINGS, NOISE, LARGE, BATCHES, NETWORKS, LANDSCAPE, METHOD = BLOCKS


def test_library_example(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict = {}
    exec(LIBRARY, names)
    assert names["threshold"] == pytest.approx(4 / 111, rel=1e-3)
    assert names["path"].sizes == {"run": 1, "time": 3, "coord": 2}
    assert "undecided" in capsys.readouterr().out


@pytest.mark.slow
def test_phase_plane_example(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict = {}
    exec(PLANE, names)
    printed = capsys.readouterr().out
    assert printed.count("minimum at") == 2
    assert "4/111" in printed
    assert "no Jacobian" in printed
    assert printed.count("cycle of period 2 about") == 2
    assert printed.count("50.0 %") == 2
    assert "rho = 1: branch point at (0, 0)" in printed


def test_settings_example(capsys: pytest.CaptureFixture[str]) -> None:
    exec(SETTINGS, {})
    statuses, boundaries = capsys.readouterr().out.strip().splitlines()
    assert statuses.startswith("[0.05 0.25 0.55] ['left the box'")
    assert boundaries == "w<0.05 w<0.25 w<0.55"


def test_large_example(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict = {}
    exec(NOISE.partition("print")[0], names)  # as the block's comment says
    exec(LARGE, names)
    spread, noisy = names["spread"], names["noisy"]
    assert spread.backend == "compiled"
    mean, covariance = (m[100] for m in sd.analysis.linear_step(noisy).moments(names["starts"][0], steps=100))
    # Nobody left by then, so that the moments of runs without a box are theirs; within four standard errors.
    assert not spread.exited[1]
    assert (abs(spread["mean"][1] - mean) < 4 * spread.mean_error[1]).all()
    variances = spread.covariance.values[1].diagonal()
    np.testing.assert_allclose(variances, covariance.diagonal(), rtol=4 * (2 / 100_000) ** 0.5)


def test_networks_example(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        exec(NETWORKS, names)
    loss, data, w, ends = (names[name] for name in ("loss", "data", "w", "ends"))
    assert loss.dim == 2410
    assert ends.shape == (2410, 12)
    # Linear classifiers reach 0.95 of these digits.
    assert float(loss.accuracy(w, data.test_inputs, data.test_targets)) > 0.9
    assert capsys.readouterr().out.count("\n200 ") == 1


def test_noise_example(capsys: pytest.CaptureFixture[str]) -> None:
    exec(NOISE, {})
    printed = capsys.readouterr().out
    of_runs, of_sde_runs = (
        [float(v) for v in values.split(",")] for values in re.findall(r"array\(\[(.*?)\]\)", printed)
    )
    exact, of_sde = (
        [[float(v) for v in row.split()] for row in re.findall(r"\[([^\[\]]+)\]", matrix)]
        for matrix in re.findall(r"^\[\[.*?\]\]", printed, flags=re.DOTALL | re.MULTILINE)
    )
    for i, lam in enumerate((2, -2)):
        factor = 1 + 0.1 * lam
        q = (1 - 0.01 * lam * factor) ** 2
        expected = 0.01**2 * factor**2 * 2 / 16 * (1 - q**100) / (1 - q)
        assert exact[i][i] == pytest.approx(expected, rel=2e-5)  # as many digits as are printed
        assert of_sde[i][i] == pytest.approx(expected, rel=0.05)  # of order η|λ|
        # Four standard errors of a variance from 1000 runs, and what the diffusion differs by.
        assert of_runs[i] == pytest.approx(expected, rel=4 * (2 / 1000) ** 0.5)
        assert of_sde_runs[i] == pytest.approx(expected, rel=4 * (2 / 1000) ** 0.5 + 0.05)


def test_mini_batch_example(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict = {}
    exec(BATCHES, names)
    printed = [float(v) for v in capsys.readouterr().out.partition("]")[0].strip("[").split()]
    w = sd.simulate(names["steps"], [(0.6, 0.6)] * 20_000, 10).w.values[:, -1].T
    for value, function in zip(printed, names["functions"], strict=True):
        assert abs(function(w).mean() - value) < 4 * function(w).std() / 20_000**0.5


def test_a_landscape_added() -> None:
    names: dict = {}
    exec(LANDSCAPE, names)
    kinds = [p.kind for p in sd.critical_points(names["camel"]())]
    assert (kinds.count("minimum"), kinds.count("saddle")) == (3, 2)  # as its docstring says


def test_a_method_added() -> None:
    names: dict = {}
    exec(METHOD, names)
    method = names["Lookahead"](0.1)
    saddle = sd.landscapes.saddle()
    w = torch.tensor([0.3, -0.4], dtype=torch.float64)
    assert method(w, saddle.grad).tolist() == pytest.approx([2 * (0.3 - 0.06), 2 * (0.4 + 0.08)])
    formula, _ = method(np.array(saddle.symbols, dtype=object), saddle.grad)
    assert float(formula.subs(dict(zip(saddle.symbols, (0.3, -0.4), strict=True)))) == pytest.approx(0.48)
    assert sd.methods.named("lookahead") is names["Lookahead"]


@pytest.mark.parametrize("block", BLOCKS)
def test_every_name_comes_from_the_block_itself(block: str) -> None:
    """Also those in parts that a test leaves out; what a comment names is from the block before."""
    code = compile(block, "README.md", "exec")
    said = set(" ".join(re.findall(r"# with (.*) from the block before", block)).split())
    assert not free_names(code, set()) - said - set(dir(builtins))


def free_names(code: CodeType, outer: set[str]) -> set[str]:
    """Return the global names that a piece of code reads and nothing in it or around it makes."""
    made, read = set(outer), set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("STORE_NAME", "STORE_GLOBAL"):
            made.add(instruction.argval)
        elif instruction.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
            read.add(instruction.argval)
    inner = [free_names(part, made) for part in code.co_consts if isinstance(part, CodeType)]
    return (read - made - {"__name__"}).union(*inner)


def test_every_experiment_is_listed() -> None:
    scripts = {path.name for path in (Path(__file__).parent.parent / "experiments").glob("*.py")}
    assert scripts == set(re.findall(r"experiments/(\w+\.py)", README))


def test_every_landscape_and_method_is_named() -> None:
    for name in [*sd.landscapes.catalogue(), "GD", "USAM", "SAM", "DNSAM", "ASAM", "ExactSAM"]:
        assert f"`{name}`" in README
