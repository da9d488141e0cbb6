"""A sweep on disk: what it writes, how it continues, and what it refuses."""

import importlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr

import samdyn as sd
from samdyn.sweep.store import manifest
from samdyn.sweep.store.journal import Journal
from samdyn.sweep.store.store import Store

GRID = {"rho": [0.1, 0.5, 1.0], ("name", "lr"): [("a", 1), ("b", 2)], "seed": 3}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "runs.zarr"


def measure(rho: float, name: str, lr: int, seed: int) -> dict[str, Any]:
    if (rho, name) == (0.5, "a"):
        raise ArithmeticError("no result")
    line = xr.DataArray([rho, lr], {"step": [0, 5], "time": ("step", [0, rho])}, "step", attrs={"units": "J"})
    sides = xr.DataArray([lr, seed], {"side": ["left", "right"]}, "side")
    return {"loss": rho * lr, "line": line, "text": name * lr, "z": rho * 1j, "sides": sides}


@pytest.mark.filterwarnings("ignore:1 of 6 cells failed")
def test_a_store_has_what_memory_has(place: Path) -> None:
    alone = sd.sweep(measure, GRID)
    for _ in range(2):  # the second start finds all cells there
        xr.testing.assert_identical(sd.sweep(measure, GRID, place).drop_attrs(deep=False), alone)
    opened = xr.open_zarr(place)
    assert opened.loss.sel(rho=0.5).values[1] == 1.0
    assert opened.line.sel(rho=1.0, step=5).values.tolist() == [1, 2]
    assert set(opened.coords) == set(alone.coords)
    assert "measure" in opened.provenance
    assert 'raise ArithmeticError("no result")' in opened.cell_error.sel(rho=0.5).values[0]
    assert not (place / "journal.samdyn").exists()


@pytest.mark.parametrize(
    ("function", "grid", "batch"),
    [
        (lambda: 3, {}, ()),
        (lambda a: np.zeros((0, 2)), {"a": [1, 2]}, ()),
        (lambda a: np.full((300, 1000), a), {"a": range(3)}, ()),  # more than a chunk
        (lambda a: {"x": np.float32(a), "z": np.complex64(a), "t": ["a", "bcd"], "b": True}, {"a": ["1", "2"]}, ()),
        (lambda a, b: xr.Dataset({}, {"lab": ("q", ["u", "vv"])}), {"a": ["p", "qq"], "b": [True, False]}, ()),
        (lambda a, b: f"{a}{b}", {("a", "b"): [(1, "x"), (2, "y")]}, ()),
        (lambda a, c: np.stack([a, c], -1) / 3, {("a", "c"): [(n, 2 * n) for n in range(300)]}, ("a", "c")),
        (lambda a, c: a * c, {"a": np.arange(300), "c": np.arange(7)}, "a"),
    ],
)
def test_results_of_every_shape(
    place: Path, function: Callable[..., Any], grid: dict[Any, Any], batch: tuple[str, ...]
) -> None:
    alone = sd.sweep(function, grid, batch=batch)
    assert (alone.cell_status == "done").all()
    for _ in range(2):
        stored = sd.sweep(function, grid, place, batch=batch)
        xr.testing.assert_identical(stored.drop_attrs(deep=False), alone)


def test_a_batch_may_return_a_simulation(place: Path) -> None:
    def runs(rho: Any, lr: Any) -> xr.Dataset:
        return sd.simulate(sd.Map(sd.landscapes.saddle(), sd.SAM(rho), lr=lr), (1, 0.1), steps=5)

    result = sd.sweep(runs, {"rho": [0.1, 0.2], "lr": [0.1, 0.2]}, place, batch=("rho", "lr"))
    one = runs(0.2, 0.1)
    assert result.w.dims == ("rho", "lr", "step", "coord")
    np.testing.assert_allclose(result.w.sel(rho=0.2, lr=0.1), one.w[0], rtol=1e-12)
    np.testing.assert_array_equal(result.time.sel(rho=0.1), np.array([[0.1], [0.2]]) * result.step.values)
    assert result.loss.attrs == one.loss.attrs


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_interrupted_sweep_continues(
    measures: ModuleType,
    place: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    processes: int,
) -> None:
    grid = {"lr": range(8), "folder": str(tmp_path)}
    stop = tmp_path / "stop"
    stop.write_text("5")
    if processes == 2:  # Ctrl-C arrives in this process, while another one is in a cell
        add = Store.add

        def interrupt(self: Store, outcomes: list[Any]) -> None:
            add(self, outcomes)
            if (self.status == "done").sum() >= 4:
                raise KeyboardInterrupt

        monkeypatch.setattr(Store, "add", interrupt)
    with pytest.raises(KeyboardInterrupt):
        sd.sweep(measures.counts_calls, grid, place, processes=processes)
    monkeypatch.undo()
    said = capsys.readouterr().err
    assert f"of 8 cells are in '{place}'; start the same sweep again to continue" in said
    partly = xr.open_zarr(place)
    done = partly.cell_status == "done"
    assert 0 < int(done.sum()) < 8
    np.testing.assert_array_equal(partly.value.values[done], np.arange(8.0)[done])
    assert set(partly.cell_status.values.tolist()) == {"done", "missing"}
    stop.unlink()
    before = {n: (tmp_path / str(n)).read_text() for n in range(8) if bool(done[n])}
    result = sd.sweep(measures.counts_calls, grid, place)
    np.testing.assert_array_equal(result.value, range(8))
    assert {n: (tmp_path / str(n)).read_text() for n in before} == before


def test_failed_cells_are_run_again_only_when_asked(measures: ModuleType, place: Path, tmp_path: Path) -> None:
    for batch in ((), "lr"):
        place, calls = tmp_path / f"runs{len(batch)}.zarr", tmp_path / f"calls{len(batch)}"
        calls.mkdir()
        (calls / "broken").touch()
        sweep = partial(sd.sweep, measures.fails_while_broken, {"lr": range(6), "folder": str(calls)}, place)
        for _ in range(2):
            with pytest.warns(RuntimeWarning, match="2 of 6 cells failed, the first at lr = "):
                result = sweep(batch=batch)
            assert result.cell_status.values.tolist() == ["done"] * 2 + ["failed"] * 2 + ["done"] * 2
        (calls / "broken").unlink()
        before = (calls / "calls").read_text()
        result = sweep(batch=batch, retry_failed=True)
        np.testing.assert_array_equal(result.value, range(6))
        assert (result.cell_error == "").all()
        assert (calls / "calls").read_text().removeprefix(before).split() == ["2", "3"]


def test_the_first_cell_decides_what_a_result_has(place: Path) -> None:
    """Also if it finishes last."""

    def shape(n: int) -> np.ndarray:
        time.sleep(0.3 if n == 2 else 0)
        return np.zeros(2 if n == 2 else 1)

    for store in (place, None):
        with ThreadPoolExecutor(4) as pool, pytest.warns(RuntimeWarning, match="3 of 4 cells failed"):
            result = sd.sweep(shape, {"n": [2, 1, 3, 4]}, store, pool)
        assert result.value.shape == (4, 2)
        assert result.cell_status.values.tolist() == ["done", "failed", "failed", "failed"]


def test_a_batch_is_stored_in_few_files(place: Path) -> None:
    grid = {"rho": np.arange(50), "n": ["a", "b"], "lr": np.arange(60)}
    result = sd.sweep(lambda rho, n, lr: {"sum": rho + lr}, grid, place, batch=("rho", "lr"))
    np.testing.assert_array_equal(result["sum"].sel(n="b"), np.add.outer(grid["rho"], grid["lr"]))
    assert len([path for path in place.rglob("*") if path.is_file()]) < 30


@pytest.mark.slow
def test_killed_sweeps_finish_as_others(tmp_path: Path) -> None:
    """A few kills here; for more: ``python tests/sweep/attacked.py FOLDER 100 SEED``."""
    script = Path(__file__).parent / "attacked.py"
    result = subprocess.run(
        [sys.executable, script, tmp_path, "4", "0"], capture_output=True, text=True, check=False, timeout=120
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("4 kills, ")


def test_a_record_that_is_not_whole_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append(b"first")
    journal.append(b"second")
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        again = Journal(path)
        again.append(b"third")
        assert list(again.records()) == [b"first", b"third"] if end >= 17 else [b"third"]
    path.write_bytes(whole[:-1] + b"X")  # as many bytes, and others
    assert list(Journal(path).records()) == [b"first"]


def test_a_full_disk_harms_nothing(place: Path) -> None:
    full = resource.getrlimit(resource.RLIMIT_FSIZE)
    grid = {"n": range(40)}

    def noise(n: int) -> np.ndarray:
        return np.random.default_rng(n).normal(size=1000)

    whole = sd.sweep(noise, grid)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, full[1]))  # bytes of a file: a dozen cells
        with pytest.raises(sd.InputError, match=r"cannot be written \(File too large\).*unharmed.*start again"):
            sd.sweep(noise, grid, place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, full)
    result = sd.sweep(noise, grid, place)
    xr.testing.assert_identical(result.drop_attrs(deep=False), whole)


def test_two_sweeps_do_not_write_to_one_store(place: Path) -> None:
    def again(n: int) -> str:
        try:
            sd.sweep(again, {"n": [1, 2]}, place, progress=False)
        except sd.InputError as error:
            return str(error)
        return ""

    result = sd.sweep(again, {"n": [1, 2]}, place)
    assert all("another sweep writes to it. Wait until it ends" in text for text in result.value.values)


def test_other_things_are_refused_and_stay(place: Path, tmp_path: Path) -> None:
    place.write_text("mine")
    with pytest.raises(sd.InputError, match="is a file"):
        sd.sweep(abs_of, {"x": [1]}, place)
    assert place.read_text() == "mine"
    with pytest.raises(sd.InputError, match="cannot be written"):
        sd.sweep(abs_of, {"x": [1]}, place / "below")
    with pytest.raises(sd.InputError, match="is a folder with other things"):
        sd.sweep(abs_of, {"x": [1]}, tmp_path)
    xr.Dataset({"a": ("x", [1.0])}).to_zarr(tmp_path / "other.zarr", consolidated=False)
    with pytest.raises(sd.InputError, match="is a Zarr store that no sweep has written"):
        sd.sweep(abs_of, {"x": [1]}, tmp_path / "other.zarr")
    with pytest.raises(sd.InputError, match="is no folder of this machine"):
        sd.sweep(abs_of, {"x": [1]}, "s3://bucket/runs.zarr")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.zarr", "runs.zarr"]


def abs_of(x: float) -> float:
    return abs(x)


def test_a_read_only_store_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sd.sweep(abs_of, {"x": [1]}, place)
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))  # root may write all
    with pytest.raises(sd.InputError, match=r"cannot be written \(Permission denied\)"):
        sd.sweep(abs_of, {"x": [1]}, place)


def test_a_store_of_another_sweep_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sd.sweep(partial(scaled, by=2), {"x": [1, 2]}, place)
    for function, grid, batch, message in (
        (abs_of, {"x": [1, 2]}, (), "a sweep of another function: scaled there, abs_of here"),
        (partial(scaled, by=3), {"x": [1, 2]}, (), "with other arguments of functools.partial"),
        (partial(scaled, by=2), {"x": [1, 3]}, (), r"another grid: x = \[1, 2\] there, \[1, 3\] here"),
        (scaled, {"x": [1, 2], "by": 2}, (), "another grid: by = no such axis there, 2 here|other arguments"),
        (partial(scaled, by=2), {"x": [1, 2]}, "x", r"other batches: \[\] there, \['x'\] here"),
    ):
        with pytest.raises(sd.InputError, match=message):
            sd.sweep(function, grid, place, batch=batch)
    monkeypatch.setattr(manifest, "version", lambda package: "9.9")
    with pytest.raises(sd.InputError, match=r"another version of samdyn: .* there, 9\.9 here"):
        sd.sweep(partial(scaled, by=2), {"x": [1, 2]}, place)
    assert xr.open_zarr(place).value.values.tolist() == [2, 4]


def scaled(x: float, by: float) -> float:
    return x * by


SOURCE = '''
from functools import cache
FACTOR = 2

class Doubled:
    def __call__(self, x):
        return helper(x)

@cache
def helper(x):
    """Explains."""
    return x * FACTOR  # twice

def measure(x, make=Doubled):
    return make()(x)
'''


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("x * FACTOR", "FACTOR * x", False),
        ("FACTOR = 2", "FACTOR = 3", False),
        ("return helper(x)", "return helper(x + 1)", False),
        ("return make()(x)", "return make()(x) + 1", False),
        ('"""Explains."""', '"""Explains more."""', True),
        ("# twice", "# doubled", True),
        ("return make()(x)", "return make()(\n        x\n    )", True),
    ],
)
def test_changes_of_the_source_are_noticed(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, same: bool
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    file = tmp_path / "changing_measure.py"

    def load(source: str) -> Callable[..., Any]:
        file.write_text(source)
        importlib.invalidate_caches()
        sys.modules.pop("changing_measure", None)
        import linecache

        linecache.clearcache()
        return importlib.import_module("changing_measure").measure

    sd.sweep(load(SOURCE), {"x": [1]}, place)
    changed = load(SOURCE.replace(old, new))
    if same:
        sd.sweep(changed, {"x": [1]}, place)
        return
    with pytest.raises(sd.InputError, match="a sweep of this function with other source"):
        sd.sweep(changed, {"x": [1]}, place)
