"""What docs/adding.md shows works as shown."""

import re
from pathlib import Path

import pytest
import torch

import samdyn as sd

PAGE = (Path(__file__).parent.parent / "docs" / "adding.md").read_text(encoding="utf-8")


def test_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) == len(re.findall(r"^## ", PAGE, flags=re.MULTILINE))  # imports; an experiment has none
    names: dict = {"__name__": "adding"}
    for block in blocks:
        exec(block, names)
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
