"""Flows whose parameters differ from run to run: runs with the same parameters are integrated together."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from ...dynamics import Flow
from ...dynamics.settings import Path, filled


def by_setting(flow: Flow, parameters: Mapping[Path, torch.Tensor], number: int) -> Iterator[tuple[Flow, torch.Tensor]]:
    """Yield the flow at every setting of its parameters, with the indices ``(n,)`` of the runs that have it.

    Args:
        flow: the flow.
        parameters: its parameters with one value per run, ``(N,)`` each, by their paths.
        number: the number N of runs.
    """
    if not parameters:
        yield flow, torch.arange(number)
        return
    table = np.stack([values.numpy() for values in parameters.values()], axis=1)
    rows, row_of_run = np.unique(table, axis=0, return_inverse=True)
    for index, row in enumerate(rows.tolist()):
        runs = np.flatnonzero(row_of_run.ravel() == index)
        yield filled(flow, dict(zip(parameters, row, strict=True))), torch.as_tensor(runs)
