"""Data-parallel training: two processes on one machine do what one does with both halves of the batch."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import samdyn as sd
from samdyn.networks import Optimizer

WORKERS = """
import os
import sys
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel
sys.path.insert(0, {folder!r})
from test_distributed import SETTINGS, made, part, trained

torch.set_num_threads(1)
other = os.fork()  # both have imported everything, which takes longer than the rest
rank = 0 if other else 1
distributed.init_process_group("gloo", rank=rank, world_size=2)
half = part(slice(6 * rank, 6 * rank + 6))
ends = [trained(DistributedDataParallel(made(), gradient_as_bucket_view=True), *half, **each) for each in SETTINGS]
torch.save(ends, {out!r} + f"/{{rank}}.pt")
distributed.destroy_process_group()
if other:
    _, status = os.waitpid(other, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
"""


def made() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()


def part(which: slice) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(12, 4, generator=generator, dtype=torch.float64)
    return x[which], torch.randint(3, (12,), generator=generator)[which]


def closure_of(model: nn.Module, x: torch.Tensor, y: torch.Tensor):  # type: ignore[no-untyped-def]
    def closure() -> torch.Tensor:
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        return loss

    return closure


SETTINGS: list[dict[str, Any]] = [
    {"method": sd.SAM(0.2), "momentum": 0.9},
    {"method": sd.methods.LookSAM(0.2, every=2), "base": torch.optim.AdamW, "eps": 1e-3},
    {"method": sd.methods.SometimesSAM(0.2, probability=0.5), "seed": 4},
]


def trained(model: nn.Module, x: torch.Tensor, y: torch.Tensor, **settings: Any) -> list[torch.Tensor]:
    optimizer = Optimizer(model.parameters(), lr=0.1, **settings)
    for _ in range(5):
        optimizer.step(closure_of(model, x, y))
    return [p.detach() for p in model.parameters()]


@pytest.mark.slow
def test_two_processes_do_what_one_does(tmp_path: Path) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    code = WORKERS.format(folder=str(Path(__file__).parent), out=str(tmp_path))
    there = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    done = subprocess.run([sys.executable, "-c", code], env=there, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    # Both halves have as many samples: the mean of their mean gradients is that of all.
    expected = [trained(made(), *part(slice(None)), **each) for each in SETTINGS]
    halves = [trained(made(), *part(slice(0, 6)), **each) for each in SETTINGS]
    for rank in range(2):
        for of_each in zip(torch.load(tmp_path / f"{rank}.pt"), expected, halves, strict=True):
            for found, p, q in zip(*of_each, strict=True):
                torch.testing.assert_close(found, p, rtol=1e-11, atol=1e-13)
                assert not torch.allclose(found, q, rtol=1e-6)
