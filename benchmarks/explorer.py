"""How fast the explorer's page draws in the browser of this machine: frames and steps a second.

``python benchmarks/explorer.py`` prints a table. It needs Playwright and a Chromium; on a machine with a GPU give
``--gpu``, as headless Chromium draws in software otherwise. Close other programs first.
"""

import shutil
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated, Any

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table
from typer import Option

import samdyn as sd
from samdyn import checks, cli

SOFTWARE = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
GPU = ["--use-angle=vulkan", "--enable-features=Vulkan", "--ignore-gpu-blocklist"]
COUNTS = (10_000, 100_000)
CASES = (("saddle", "GD"), ("Himmelblau", "SAM"))
SECONDS = 4  # of each case


def main(
    browser: Annotated[str | None, Option(help="Path of Chromium; default: that in PATH.")] = None,
    gpu: Annotated[bool, Option("--gpu", help="Draw with the machine's GPU, and not in software.")] = False,
) -> None:
    """Measure the page's pace with WebGL2, and without it."""
    path = browser or shutil.which("chromium")
    if path is None:
        checks.reject("--browser", browser, "there is no Chromium in PATH", "Install it, or give its path")
    table = Table("engine", "landscape", "method", "particles", "frames/s", "slowest 5 %, ms", "million steps/s")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = sd.explore().save(Path(folder) / "explorer.html")
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *(GPU if gpu else SOFTWARE)])
        for renderer in ("any", "javascript"):
            page = chromium.new_page(viewport={"width": 1400, "height": 900}, bypass_csp=True)
            page.goto(f"{file.as_uri()}?renderer={renderer}")
            page.wait_for_function("window.samdyn !== undefined && samdyn.frames().length > 2")
            for landscape, method in CASES:
                for count in COUNTS:
                    table.add_row(*measured(page, landscape, method, count))
            page.close()
        chromium.close()
    Console().print(table)


def measured(page: Any, landscape: str, method: str, count: int) -> list[str]:
    """Return the row of a case."""
    page.evaluate(
        """([name, method, count]) => {
          const {formula, box} = samdyn.data.landscapes.find(l => l.name === name);
          samdyn.set({landscape: name, formula, view: box, method, lr: 0.001, count, speed: 100});
          samdyn.restart();
        }""",
        [landscape, method, count],
    )
    page.wait_for_timeout(1000)  # shaders are compiled meanwhile
    begin, steps = page.evaluate("[performance.now(), samdyn.engine().steps]")
    page.wait_for_timeout(1000 * SECONDS)
    end, now, kind, times = page.evaluate(
        "[performance.now(), samdyn.engine().steps, samdyn.engine().kind, samdyn.frames().map(f => f.interval)]"
    )
    slowest = sorted(times)[int(0.95 * len(times))]
    rate = count * (now - steps) / (end - begin) / 1000
    return [kind, landscape, method, f"{count:,}", f"{1000 / median(times):.0f}", f"{slowest:.0f}", f"{rate:.1f}"]


if __name__ == "__main__":
    cli.run(main)
