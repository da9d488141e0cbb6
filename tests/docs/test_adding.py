"""What docs/adding.md shows works as shown."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import lab

from .conftest import ROOT, blocks


def test_the_page_runs(
    run_page: Callable[..., dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    titles = re.findall(r"^## ", (ROOT / "docs" / "adding.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(blocks("docs/adding.md")) == len(titles)  # the first has the imports, the last title none
    names = run_page("docs/adding.md")
    printed = capsys.readouterr().out
    assert "minimum" in printed
    assert "settled" in printed
    assert "True\n" in printed
    for verdict in ("two-cycle: holds", "spread-of-sgd: holds", "heavy-ball-escapes: holds to leading order"):
        assert f"\n{verdict}" in printed
    assert "usam-has-the-edge-of-gd: fails: measured is 0.526 × predicted" in printed
    batch = names["Signs"](0.5).on(names["cubic"]()).sample(sd.noise.Draws(0, torch.arange(10_000), 1), 0)
    assert batch.abs().unique().tolist() == [0.5]
    assert abs(batch.mean()) < 4 * 0.5 / 20_000**0.5  # standard errors
    (line, _) = names["draw"]().axes[0].lines
    np.testing.assert_allclose(line.get_ydata(), line.get_xdata(), rtol=0.05)
    plt.close("all")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["width.py", "--rho", "0.1,0.3", "--out", "results"])
    with pytest.raises(SystemExit) as stopped:
        lab.run(names["main"])
    assert stopped.value.code == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    widths = {row[0]: float(row[1]) for row in rows if row[0] in ("0.1", "0.3")}
    assert widths == {"0.1": pytest.approx(0.1, rel=0.05), "0.3": pytest.approx(0.3, rel=0.05)}
    assert {"provenance.json", "widths.png", "widths.zarr"} == {p.name for p in (tmp_path / "results").iterdir()}
