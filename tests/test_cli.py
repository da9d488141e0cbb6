"""What the command lines of the experiments share."""

import numpy as np
import pytest
import xarray as xr

from samdyn import InputError, checks, cli


def test_parts_in_this_process_come_in_their_order() -> None:
    assert list(cli.in_processes(divmod, [(7, 2), (9, 4)], 1)) == [(0, (3, 1)), (1, (2, 1))]


@pytest.mark.slow
def test_parts_in_other_processes_come_with_their_number_and_their_errors() -> None:
    fix = "Use e.g. --lr 0.1"
    parts = [("--lr", 0.1, fix), ("--lr", 0.2, fix), ("--lr", -1.0, fix)]
    found = {}
    with pytest.raises(InputError, match=r"--lr = -1.0: must be a finite number > 0"):  # noqa: PT012
        for number, result in cli.in_processes(checks.positive, parts, 2):
            found[number] = result
    assert all(found[number] == parts[number][1] for number in found)


def test_an_interval_is_written_with_its_ends() -> None:
    ends = [xr.DataArray(value) for value in (0.25, -0.04, np.inf)]
    assert cli.with_interval(ends, "+.1f") == "+0.2 [-0.0, +∞]"
