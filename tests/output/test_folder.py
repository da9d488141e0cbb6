"""OutputFolder: results appear whole or not at all, and nothing of anybody else's is touched."""

import json
import os
import subprocess
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from PIL import Image

import samdyn as sd
from samdyn.output import OutputFolder, provenance

RESULT = ("whole", "files")  # what the manifest says of the result, beside what made it
PARAMETERS = {"rho": 0.5, "methods": "GD,SAM", "seed": 7}


def dataset(value: float = 1.5) -> xr.Dataset:
    return xr.Dataset(
        {
            "w": (("run", "coord"), np.array([[value, -1e-300], [np.inf, np.nan]])),
            "status": ("run", np.array(["settled", "left the box"])),
            "end": ("run", np.array([3, 10**12])),
        },
        coords={"coord": ["x", "ρ"], "run": [0, 1]},
        attrs={"landscape": "x**2"},
    )


def save(path: Path, experiment: str = "escape", value: float = 1.5, then: BaseException | None = None) -> None:
    """Save a dataset and, before the folder is closed, raise ``then``."""
    with OutputFolder(path, experiment, PARAMETERS) as folder:
        folder.save_dataset(dataset(value), "runs.zarr")
        if then:
            raise then


def read(path: Path) -> xr.Dataset:
    return xr.open_zarr(path / "runs.zarr", consolidated=False).load()


def tree(path: Path) -> dict[str, Any]:
    """Return everything below a folder: files with their contents, links with their targets, folders."""
    return {
        str(p.relative_to(path)): os.readlink(p) if p.is_symlink() else None if p.is_dir() else p.read_bytes()
        for p in path.rglob("*")
    }


# Whole or not at all.


def test_appears_at_the_end(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "er" / "out"
    with OutputFolder(out, "escape", PARAMETERS) as folder:
        folder.save_dataset(dataset(), "runs.zarr")
        assert not out.exists()
    assert {p.name for p in out.iterdir()} == {"runs.zarr", "provenance.json"}
    assert list(out.parent.iterdir()) == [out]
    assert os.access(out, os.R_OK | os.X_OK)


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        save(tmp_path / "out", then=ZeroDivisionError())
    assert tree(tmp_path) == {}


def test_a_failure_leaves_the_earlier_result(tmp_path: Path) -> None:
    save(tmp_path / "out")
    before = tree(tmp_path)
    with pytest.raises(ZeroDivisionError):
        save(tmp_path / "out", value=2.5, then=ZeroDivisionError())
    assert tree(tmp_path) == before


def test_control_c_keeps_what_is_finished(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "out", then=KeyboardInterrupt())
    xr.testing.assert_equal(read(tmp_path / "out"), dataset())
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_control_c_before_anything_is_finished_leaves_nothing(tmp_path: Path) -> None:
    save(tmp_path / "earlier")
    before = tree(tmp_path)
    for out in ("new", "earlier"):
        with pytest.raises(KeyboardInterrupt), OutputFolder(tmp_path / out, "escape", PARAMETERS):
            raise KeyboardInterrupt
    assert tree(tmp_path) == before


def test_control_c_in_the_middle_of_a_file_publishes_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = xr.Dataset.to_zarr

    def half(self: xr.Dataset, *arguments: Any, **options: Any) -> None:
        whole(self[["end"]], *arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(xr.Dataset, "to_zarr", half)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "out")
    if (tmp_path / "out" / "runs.zarr").exists():  # what is published is whole
        assert set(read(tmp_path / "out").data_vars) == {"w", "status", "end"}


# Whose place it is.


def test_an_earlier_result_is_replaced(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "out", "escape", PARAMETERS) as folder:
        folder.save_dataset(dataset(), "old.zarr")
    save(tmp_path / "out", value=2.5)
    assert read(tmp_path / "out").w.values[0, 0] == 2.5
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"runs.zarr", "provenance.json"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    save(tmp_path / "out")
    xr.testing.assert_equal(read(tmp_path / "out"), dataset())


def foreign_folder(out: Path) -> None:
    out.mkdir()
    (out / "thesis.tex").write_text("mine")


def foreign_file(out: Path) -> None:
    save(out)
    (out / "notes.txt").write_text("mine")


def file_in_the_store(out: Path) -> None:
    save(out)
    (out / "runs.zarr" / "notes.txt").write_text("mine")


def foreign_subfolder(out: Path) -> None:
    save(out)
    (out / "mine").mkdir()


def foreign_link(out: Path) -> None:
    save(out)
    (out.parent / "data").mkdir()
    (out / "link").symlink_to("../data")


def other_experiment(out: Path) -> None:
    save(out, "sweep")


def no_folder(out: Path) -> None:
    out.write_text("mine")


def damaged_manifest(out: Path) -> None:
    save(out)
    (out / "provenance.json").write_text("{")


def manifest_that_is_a_list(out: Path) -> None:
    foreign_folder(out)
    (out / "provenance.json").write_text('["thesis.tex"]')


TAKEN = [
    (foreign_folder, "thesis.tex"),
    (foreign_file, "notes.txt"),
    (file_in_the_store, "notes.txt"),
    (foreign_subfolder, "mine"),
    (foreign_link, "link"),
    (other_experiment, "provenance.json"),
    (no_folder, "is not a folder"),
    (damaged_manifest, "provenance.json"),
    (manifest_that_is_a_list, "thesis.tex"),
]


@pytest.mark.parametrize(("make", "named"), TAKEN, ids=[make.__name__ for make, _ in TAKEN])
def test_the_place_is_taken(make: Any, named: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(out)
    before = tree(tmp_path)
    with pytest.raises(sd.InputError) as error:
        save(out)
    for part in (str(out), named, "Choose another folder with --out"):
        assert part in str(error.value)
    assert tree(tmp_path) == before


def test_the_check_comes_before_the_work(tmp_path: Path) -> None:
    foreign_folder(tmp_path / "out")
    with pytest.raises(sd.InputError, match="holds other things"):
        OutputFolder(tmp_path / "out", "escape", PARAMETERS)


@pytest.mark.parametrize("out", ["file/out", "file/deep/out", "/proc/out", "n" * 300, "a\0b"])
def test_a_place_that_cannot_be_written(out: str, tmp_path: Path) -> None:
    # Permissions do not stop root, under whom tests may run; a file in the way, /proc and an impossible name do.
    (tmp_path / "file").write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(sd.InputError, match=r"cannot be written.*--out") as error:
        save(tmp_path / out)
    assert repr(str(tmp_path / out)) in str(error.value)
    assert tree(tmp_path) == before


def test_a_dangling_link_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("nowhere")
    with pytest.raises(sd.InputError), OutputFolder(tmp_path / "out", "escape", PARAMETERS):
        pytest.fail("the work began")


def test_a_link_to_a_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    save(tmp_path / "there")
    (tmp_path / "out").symlink_to("there")
    try:
        save(tmp_path / "out", value=2.5)
    except sd.InputError:
        assert read(tmp_path / "out").w.values[0, 0] == 1.5
    else:
        assert read(tmp_path / "out").w.values[0, 0] == 2.5
    assert {p.name for p in tmp_path.iterdir()} == {"there", "out"}


# What is written.


def test_dataset_comes_back(tmp_path: Path) -> None:
    original = dataset()
    save(tmp_path / "out")
    back = read(tmp_path / "out")
    xr.testing.assert_equal(back, original)  # NaN equal to NaN, every other number to the last bit
    assert back.w.dtype == np.float64
    assert back.end.dtype == np.int64
    assert back.attrs["landscape"] == "x**2"
    assert original.attrs == {"landscape": "x**2"}  # the caller's own is left as it was
    assert original.status.dtype.kind == "U"


def test_dataset_opens_without_a_warning(tmp_path: Path) -> None:
    save(tmp_path / "out")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = xr.open_zarr(tmp_path / "out" / "runs.zarr")  # as everybody calls it
    xr.testing.assert_equal(opened.load(), dataset())


def test_results_of_simulate_and_integrate_come_back(tmp_path: Path) -> None:
    scene = sd.landscapes.saddle()
    runs = sd.simulate(sd.Map(scene, sd.SAM(0.5), lr=0.1), [[1.0, 0.1], [0.0, 2.0]], 10, save_every=3)
    flow = sd.integrate(sd.Flow(scene, sd.USAM(0.1)), [[1.0, 0.1], [0.0, 2.0]], [0.5, 1.0])
    with OutputFolder(tmp_path / "out", "both", {}) as folder:
        folder.save_dataset(runs, "map.zarr")
        folder.save_dataset(flow, "flow.zarr")
    for name, original in (("map.zarr", runs), ("flow.zarr", flow)):
        back = xr.open_zarr(tmp_path / "out" / name, consolidated=False).load()
        xr.testing.assert_equal(back, original)
        assert original.attrs.items() <= back.attrs.items()


def test_figure_says_what_made_it(tmp_path: Path) -> None:
    figure, ax = plt.subplots()
    ax.plot([0, 1])
    with OutputFolder(tmp_path / "out", "escape", PARAMETERS) as folder:
        folder.save_figure(figure, "plot.png")
    with Image.open(tmp_path / "out" / "plot.png") as image:
        about = json.loads(image.info["Description"])
        image.load()  # a whole picture
    assert about == {k: v for k, v in manifest(tmp_path / "out").items() if k not in RESULT}
    assert not plt.fignum_exists(figure.number)


def manifest(path: Path) -> dict[str, Any]:
    return json.loads((path / "provenance.json").read_text())


def test_provenance_stands_in_every_file(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "out", "escape", PARAMETERS) as folder:
        folder.about["finished"] = "2 of 3 settings"
        folder.save_dataset(dataset(), "runs.zarr")
    about = json.loads(read(tmp_path / "out").attrs["provenance"])
    assert about["experiment"] == "escape"
    assert about["parameters"] == PARAMETERS
    assert about["finished"] == "2 of 3 settings"
    written = manifest(tmp_path / "out")
    assert {k: v for k, v in written.items() if k not in RESULT} == about
    on_disk = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert set(written["files"]) == on_disk - {"provenance.json"}


def test_provenance() -> None:
    about = provenance(PARAMETERS)
    assert about["parameters"]["seed"] == 7
    assert about["versions"]["numpy"] == np.__version__
    assert about["versions"]["matplotlib"] == matplotlib.__version__
    assert {"python", "samdyn", "torch", "scipy", "sympy", "xarray", "zarr"} <= set(about["versions"])
    # samdyn itself may run from a checkout that is not installed.
    assert "not installed" not in [version for name, version in about["versions"].items() if name != "samdyn"]
    date = datetime.fromisoformat(about["date"])
    assert timedelta(0) <= datetime.now(UTC) - date < timedelta(minutes=1)


def test_provenance_names_the_commit() -> None:
    root = Path(sd.__file__).parent.parent
    if not (root / ".git").exists():
        pytest.skip("not a checkout")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True)
    assert provenance({})["commit"].split()[0] == head.stdout.strip()


def test_provenance_of_odd_parameters_is_json(tmp_path: Path) -> None:
    parameters = {"out": Path("a/b"), "seed": np.int64(3), "rho": np.float64(0.5), "lrs": (0.1, 0.2)}
    with OutputFolder(tmp_path / "out", "escape", parameters) as folder:
        folder.save_dataset(dataset(), "runs.zarr")
    written = manifest(tmp_path / "out")["parameters"]
    assert (written["out"], float(written["rho"]), int(written["seed"])) == ("a/b", 0.5, 3)
