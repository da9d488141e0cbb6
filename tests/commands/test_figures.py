"""``samdyn figures`` and ``lab.draw_figure``, with short scripts in place of the figures, and what every script has."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from samdyn import lab, plot
from samdyn.lab.drawing import figure_folder, save_drawing

FOLDER = Path(__file__).parents[2] / "paper_figs"
SCRIPT = '''"""{title}

Source: ours.
"""
from matplotlib import pyplot as plt

from samdyn import lab


def draw():
    print("{name} drawn")
    {line}
    figure, ax = plt.subplots()
    ax.plot([0, 1])
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)
'''


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout with three scripts, of which the second fails."""
    folder = tmp_path / "checkout" / "paper_figs"
    folder.mkdir(parents=True)
    for name, line in {"fig_one": "", "fig_two": "raise ValueError('no data')", "fig_three": ""}.items():
        (folder / f"{name}.py").write_text(SCRIPT.format(title=f"Figure {name}.", name=name, line=line))
    scripts = {path.stem: path for path in sorted(folder.glob("*.py"))}
    monkeypatch.setattr(lab.scripts, "__defaults__", ("experiments", (folder.parent,)))
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in scripts:
        sys.modules.pop(name, None)


def test_named_figures(places: Path, samdyn: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    before = dict(matplotlib.rcParams)
    assert samdyn("figures", "fig_three", "fig_one", "fig_three") == 0
    assert dict(matplotlib.rcParams) == before
    assert sorted(path.name for path in places.glob("fig_*.p[nd]*")) == [
        "fig_one.pdf",
        "fig_one.png",
        "fig_three.pdf",
        "fig_three.png",
    ]
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["1 of 2, fig_three: Figure fig_three.", "fig_three drawn"]
    assert re.fullmatch(r"checkout/paper_figs/fig_three\.png and PDF, \d+ s", lines[2].replace("\\", "/"))
    assert lines[3].startswith("2 of 2, fig_one")


def test_all_figures_in_another_folder_and_one_fails(
    places: Path, samdyn: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (places / "fig_three.py").unlink()  # each is a process, which takes four seconds
    assert samdyn("figures", "--out", "new/folder") == 1
    names = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    assert names == {"fig_one.png", "fig_one.pdf"}
    assert not list(places.glob("*.png"))
    printed, told = capsys.readouterr()
    assert "fig_two drawn" in printed
    assert "ValueError: no data" in told
    assert told.endswith("error: failed: fig_two\n")


def test_a_wrong_name(places: Path, samdyn: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert samdyn("figures", "fig_one", "fig_thre") == 2
    printed, told = capsys.readouterr()
    assert "Did you mean 'fig_three'?" in told
    assert printed == ""  # nothing is drawn before all names are read


def test_a_folder_that_cannot_be(places: Path, samdyn: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert samdyn("figures", "fig_one", "--out", str(places / "fig_one.py")) == 2
    assert capsys.readouterr().err.startswith("error: --out = ")


def test_the_same_figure_is_the_same_file(
    places: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = import_module("fig_one").draw
    files = []
    for number in (1, 2):
        monkeypatch.setattr(sys, "argv", ["fig_one.py", "--out", str(tmp_path / str(number))])
        with pytest.raises(SystemExit) as stopped:
            lab.draw_figure(draw)
        assert not stopped.value.code
        files.append([(tmp_path / str(number) / f"fig_one.{kind}").read_bytes() for kind in ("png", "pdf")])
    assert files[0] == files[1]
    assert not any(word in file for word in (b"CreationDate", b"Software", b"Producer") for file in files[0])
    assert capsys.readouterr().out == "fig_one drawn\n" * 2
    monkeypatch.setattr(sys, "argv", ["fig_one.py", "--help"])
    with pytest.raises(SystemExit):
        lab.draw_figure(draw)
    assert "Figure fig_one." in capsys.readouterr().out


def test_a_script_inside_samdyn_writes_to_results(
    places: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("samdyn.lab.drawing.PACKAGE", places.parent)
    folder = figure_folder(places / "fig_one.py")
    assert folder == Path("results", "figures")
    assert save_drawing(import_module("fig_one").draw, folder) == folder / "fig_one.png"
    assert (tmp_path / "results" / "figures" / "fig_one.pdf").exists()


def test_figures_are_drawn_in_the_style(places: Path, tmp_path: Path) -> None:
    draw = import_module("fig_one").draw

    def styled() -> object:
        assert matplotlib.rcParams["savefig.dpi"] == plot.STYLE["savefig.dpi"]
        return draw()

    assert save_drawing(styled, tmp_path).name == "test_figures.png"


def test_a_large_png_is_reduced(tmp_path: Path) -> None:
    def noisy() -> object:
        figure, ax = plt.subplots()
        ax.imshow(np.random.default_rng(0).random((400, 600, 3)))
        return figure

    with Image.open(save_drawing(noisy, tmp_path)) as image:
        assert image.mode == "P"
        assert image.info["Description"] == '{"script": "test_figures.py"}'
        assert image.info["dpi"] == pytest.approx((150, 150), abs=0.1)  # PNG counts dots per metre


def test_figures_and_experiments_have_different_names() -> None:
    """One module of each name can be imported."""
    assert not set(lab.scripts()) & set(lab.scripts("paper_figs"))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_what_a_script_has(path: Path) -> None:
    """A title, the source, whether it agrees, ``draw``, a last block of one line, and a small PNG beside it."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80
    tree = ast.parse(text)
    title, *paragraphs = (ast.get_docstring(tree) or "").split("\n\n")
    assert re.fullmatch(r"[^\n]{20,110}[.?]", title)
    starts = [paragraph.split(maxsplit=1)[0] for paragraph in paragraphs]
    assert starts.count("Source:") == 1
    assert sum(start in ("Agrees:", "Differs:", "Ours:") for start in starts) == 1
    assert len(paragraphs) >= 3  # what it shows is one of them
    assert any(isinstance(node, ast.FunctionDef) and node.name == "draw" for node in tree.body)
    last = tree.body[-1]
    assert isinstance(last, ast.If)
    assert [ast.unparse(line) for line in last.body] == ["lab.draw_figure(draw)"]
    assert 5_000 < path.with_suffix(".png").stat().st_size < 200_000
