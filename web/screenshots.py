"""Takes the pictures of the explorer that README and docs show: ``python web/screenshots.py``, after ``make page``."""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import samdyn as sd

DOCS = Path(__file__).parents[1] / "docs" / "explorer"
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SIZE = {"width": 1400, "height": 900}
BASINS = "#l=Himmelblau&m=SAM&p.rho=0.3&lr=0.005&speed=100&w=-0.5,-4"
# Name, address, number of the preset (0: none), whether dark, and the steps after which particles have their outcomes.
SHOTS = [
    ("threshold", "", 2, False, 1500),
    ("trap", "", 3, False, 800),
    ("basins", BASINS, 0, True, 2500),
]


def main() -> None:
    """Take all pictures."""
    DOCS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = sd.explore().save(Path(folder) / "explorer.html")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, address, preset, dark, steps in SHOTS:
            page = browser.new_page(viewport=SIZE, color_scheme="dark" if dark else "light", bypass_csp=True)
            page.goto(f"{file.as_uri()}{address}")
            page.wait_for_function("window.samdyn !== undefined && samdyn.frames().length > 2")
            page.evaluate("samdyn.set({count: 60000, speed: 100})")
            if preset:
                page.keyboard.press(str(preset))
                page.evaluate("samdyn.set({count: 60000, speed: 100})")
            page.wait_for_function("steps => samdyn.engine().steps > steps", arg=steps, timeout=300_000)
            page.screenshot(path=DOCS / f"{name}.png")
            page.close()
        browser.close()


main()
