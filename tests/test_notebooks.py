"""samdyn in a Jupyter kernel: the notebook of docs/ runs, and shows tables, figures and bars; Ctrl-C stops a cell."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow

# The bar appears at once: on a quick machine the work would be done before half a second.
SETTINGS = "from samdyn.simulation import progress; progress.FIRST_BAR = progress.NEXT_BAR = 0.0"
# What the notebook's button for an interrupt sends, a second after the start of the work.
INTERRUPT = """
import os, signal, threading
threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
"""
SIMULATION = "sd.simulate(sd.Map(loss, sd.SAM(0.1), lr=0.01), starts, steps=10**9)"
SWEEP = "sd.sweep(trapped, {'method': 'SAM', 'rho': [k / 10**6 for k in range(10**5)]})"


class Client(NotebookClient):
    """A client that keeps what a cell displayed and replaced later, as bars."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.displayed: list[str] = []

    def process_message(self, message: Any, *arguments: Any) -> Any:
        if message["msg_type"] in ("display_data", "update_display_data"):
            self.displayed.append(message["content"]["data"].get("text/html", ""))
        return super().process_message(message, *arguments)

    def run(self, source: str) -> Any:
        """Run a further cell, and return it."""
        self.nb.cells.append(nbformat.v4.new_code_cell(source))
        return self.execute_cell(self.nb.cells[-1], len(self.nb.cells) - 1)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The notebook after its run, with its kernel."""
    pages = nbformat.read(ROOT / "docs" / "notebooks" / "first_steps.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in pages.cells)
    pages.cells.insert(0, nbformat.v4.new_code_cell(SETTINGS))
    empty = str(tmp_path_factory.mktemp("notebook"))
    client = Client(pages, timeout=120, kernel_name="python3", resources={"metadata": {"path": empty}})
    with client.setup_kernel(env={**os.environ, "PYTHONPATH": str(ROOT)}):
        for index, cell in enumerate(pages.cells):
            client.execute_cell(cell, index)
        yield client


def outputs(notebook: Client, kind: str) -> list[str]:
    found = [output.get("data", {}).get(kind) for cell in notebook.nb.cells for output in cell.get("outputs", ())]
    return [data for data in found if data]


def test_results_are_tables_with_formulas(notebook: Client) -> None:
    tables = [text for text in outputs(notebook, "text/html") if "<table" in text]
    assert len(tables) >= 5
    assert any(r"$\rho &gt; \frac{1}{2}$" in text for text in tables)
    assert any("saddle" in text and "(0, 1.41421)" in text for text in tables)


def test_figures_are_in_the_page(notebook: Client) -> None:
    assert len(outputs(notebook, "image/png")) == 2


def test_nothing_else_is_written(notebook: Client) -> None:
    assert [
        o for cell in notebook.nb.cells for o in cell.get("outputs", ()) if o["output_type"] in ("stream", "error")
    ] == []


def test_long_work_shows_a_bar_that_goes_away(notebook: Client) -> None:
    bars = [text for text in notebook.displayed if "<progress" in text]
    assert any("trapped" in text and 'max="16"' in text for text in bars)
    assert not any("<progress" in text for text in outputs(notebook, "text/html"))


@pytest.mark.parametrize("work", [SIMULATION, SWEEP])
def test_an_interrupt_stops_the_cell_and_the_kernel_lives(notebook: Client, work: str) -> None:
    with pytest.raises(CellExecutionError, match="KeyboardInterrupt"):
        notebook.run(INTERRUPT + work)
    assert notebook.run("1 + 1").outputs[0]["data"]["text/plain"] == "2"
