"""What the tests of the pages share."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def blocks(page: Path | str, language: str = "python") -> list[str]:
    """Return the blocks of code of a page of the repository, without the cells that the build of the pages runs."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


@pytest.fixture(scope="session")
def run_page(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Run the blocks of a page in order, in an empty folder; return what they define.

    ``changes`` are texts to replace, such as a number of runs by a smaller one.
    """

    def run(page: Path | str, **changes: str) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": "page"}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path_factory.mktemp("page"))
            for block in blocks(page):
                for name, value in changes.items():
                    block = re.sub(rf"^{name} = .*$", f"{name} = {value}", block, flags=re.MULTILINE)
                exec(compile(block, str(page), "exec"), names)
            names["folder"] = Path.cwd()
        return names

    return run
