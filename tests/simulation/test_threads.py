"""Small tensors are one thread's, whatever torch was told; and afterwards torch has its threads again."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import threadpoolctl
import torch

import samdyn as sd
from samdyn.compiler import Kernel, kernel
from samdyn.simulation.iterates import advance, iterate
from samdyn.simulation.threads import (
    SMALL,
    one_blas_thread,
    one_thread,
    single_threaded_children,
    threads_for,
    user_threads,
)

WELL = sd.landscapes.double_well()


@pytest.fixture(autouse=True)
def three() -> Iterator[None]:
    """Tell torch to use three threads, which no machine's default is."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def of_a_map() -> None:
    sd.simulate(sd.Map(WELL, sd.GD(), lr=0.01), np.zeros((100, 2)) + 0.3, 5, backend="eager", device="cpu")


def of_a_flow() -> None:
    sd.integrate(sd.Flow(WELL, sd.GD()), np.zeros((100, 2)) + 0.3, 0.1, backend="eager", device="cpu")


def of_one_start() -> None:
    sd.integrate(sd.Flow(WELL, sd.GD()), (0.3, 0.4), 0.1)


def of_attractors() -> None:
    sd.attractors(sd.Map(WELL, sd.GD(), lr=0.1), starts=32)


def of_a_growth_rate() -> None:
    sd.analysis.growth_rate(sd.Map(WELL, sd.GD(), lr=0.1), sd.critical_points(WELL)[0])


def of_training() -> None:
    data = torch.zeros(8, 2), torch.zeros(8, 1)
    network = sd.networks.Network(torch.nn.Linear(2, 1), torch.nn.MSELoss(), *data)
    for _ in sd.networks.train(sd.Map(network, sd.GD(), lr=0.1), np.zeros((2, 3)), 3, save_every=1):
        assert torch.get_num_threads() == 3  # between the steps, in the user's own loop


@pytest.mark.parametrize(
    "work", [of_a_map, of_a_flow, of_one_start, of_attractors, of_a_growth_rate, of_training], ids=lambda f: f.__name__
)
def test_eager_steps_of_few_numbers_are_one_threads(work: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    step, seen = sd.GD.__call__, []

    def watched(self: sd.GD, w: Any, grad: Any) -> Any:
        seen.append(torch.get_num_threads())
        return step(self, w, grad)

    monkeypatch.setattr(sd.GD, "__call__", watched)
    monkeypatch.setattr(iterate, "choose", lambda _, *rest: advance.choose("eager", *rest))
    work()
    assert seen.count(1) > 0.7 * len(seen)  # all but what looks at the starts and at the ends
    assert torch.get_num_threads() == 3


def test_many_numbers_are_left_to_torch() -> None:
    with threads_for(SMALL + 1):
        assert torch.get_num_threads() == 3
    with threads_for(SMALL):
        assert torch.get_num_threads() == 1


def test_whatever_is_raised_torch_has_its_threads_again() -> None:
    def interrupted() -> None:
        with one_thread(), one_thread():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert torch.get_num_threads() == 3


def test_contexts_in_one_another() -> None:
    with one_thread():
        with one_thread():
            assert (torch.get_num_threads(), user_threads()) == (1, 3)
        assert (torch.get_num_threads(), user_threads()) == (1, 3)
    assert (torch.get_num_threads(), user_threads()) == (3, 3)


def test_contexts_of_two_threads_that_overlap() -> None:
    inside, over = threading.Event(), threading.Event()
    seen = []

    def other() -> None:
        with one_thread():
            seen.append(user_threads())
            inside.set()
            over.wait(30)
        seen.append(torch.get_num_threads())

    thread = threading.Thread(target=other)
    with one_thread():
        thread.start()
        inside.wait(30)
    assert torch.get_num_threads() == 3
    over.set()
    thread.join()
    assert seen == [3, 3]
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("flow", [False, True])
def test_compiled_steps_are_as_many_threads_as_the_user_said(flow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    run, seen = Kernel.run, []

    def watched(self: Kernel, per_run: Any, shared: Any, begin: int, steps: int, threads: int) -> None:
        seen.append((threads, torch.get_num_threads()))
        run(self, per_run, shared, begin, steps, threads)

    monkeypatch.setattr(Kernel, "run", watched)
    monkeypatch.setattr(kernel, "SHORT", 1e-9)
    w0 = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    if flow:
        sd.integrate(sd.Flow(WELL, sd.GD()), w0, 1.0, backend="compiled", device="cpu")
    else:
        sd.simulate(sd.Map(WELL, sd.GD(), lr=0.1), w0, 20, backend="compiled", device="cpu")
    assert seen[-1] == (3, 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_after_use_with_several_threads_does_not_hang() -> None:
    many = torch.ones(2**20)
    (many + many).sum()  # which starts torch's threads
    child = os.fork()
    if not child:
        try:
            (many + many).sum()
            done = sd.simulate(sd.Map(WELL, sd.GD(), lr=0.1), np.ones((2**16, 2)), 2, backend="eager", device="cpu")
            os._exit(0 if len(done.run) == 2**16 and torch.get_num_threads() == 1 else 1)
        finally:
            os._exit(2)
    for _ in range(600):
        process, status = os.waitpid(child, os.WNOHANG)
        if process:
            break
        time.sleep(0.1)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        pytest.fail("the child did not end within a minute")
    assert status == 0


def test_children_use_one_thread_in_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    count = "import numpy, threadpoolctl; print(*(pool['num_threads'] for pool in threadpoolctl.threadpool_info()))"

    def child() -> str:
        return subprocess.run([sys.executable, "-c", count], capture_output=True, text=True, check=True).stdout.strip()

    with single_threaded_children():
        assert child() == "1"
    assert (os.environ["OMP_NUM_THREADS"], os.environ.get("OPENBLAS_NUM_THREADS")) == ("3", None)


def test_blas_uses_one_thread_in_a_block() -> None:
    with threadpoolctl.threadpool_limits(3, user_api="blas"):
        with one_blas_thread():
            assert {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"} == {
                1
            }
        assert {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"} == {3}
