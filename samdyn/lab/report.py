"""What an experiment tells: texts and tables on the console, figures and data in its folder."""

from collections.abc import Iterator, Sized
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..output import OutputFolder
from ..output.terminal import Console

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


class Report:
    """The report of an experiment. ``run`` makes it and passes it to ``main``.

    >>> from samdyn import lab
    >>> from samdyn.output import OutputFolder
    >>> with OutputFolder("results", "my experiment", {"rho": 0.1}) as folder:
    ...     lab.Report(folder).print("ρ = 0.1")
    ρ = 0.1
    """

    def __init__(self, folder: OutputFolder) -> None:
        self._folder = folder
        self._console = Console()

    @property
    def about(self) -> dict[str, Any]:
        """The provenance, which every file contains. The experiment may add to it what it chose by itself."""
        return self._folder.about

    def print(self, *things: Any) -> None:
        """Print texts and tables, each on a line of its own."""
        self._console.print(*things, sep="\n")

    def data(self, dataset: "xarray.Dataset", name: str) -> None:
        """Save a dataset as the Zarr store ``NAME.zarr``."""
        self._folder.save_dataset(dataset, f"{name}.zarr")

    def figure(self, figure: "Figure", name: str) -> None:
        """Save a figure as ``NAME.png``, and close it."""
        self._folder.save_figure(figure, f"{name}.png")

    def datasets(self, **datasets: "xarray.Dataset") -> None:
        """Save datasets, each as the Zarr store of its name."""
        for name, dataset in datasets.items():
            self.data(dataset, name)

    def figures(self, **figures: "Figure") -> None:
        """Save figures, each as the PNG of its name, and close them."""
        for name, figure in figures.items():
            self.figure(figure, name)

    def file(self, name: str) -> AbstractContextManager[Path]:
        """Yield the path to write another file to. The file joins the results when the block ends."""
        return self._folder.writing(name)

    @contextmanager
    def stoppable(self, finished: Sized, total: int, what: str = "settings") -> Iterator[None]:
        """Let Ctrl-C end only the block, so that the experiment goes on with what is finished.

        The result is marked as partial, and the exit status is 130. While nothing is finished, Ctrl-C ends the
        experiment.

        Args:
            finished: the list of finished results, which the block fills.
            total: how many there will be.
            what: what they are.
        """
        try:
            yield
        except KeyboardInterrupt:
            if not len(finished):
                raise
            self._folder.interrupted = True
            self.print(f"stopped after {len(finished)} of {total} {what}; what is finished is saved")
        self.about["finished"] = f"{len(finished)} of {total} {what}"
