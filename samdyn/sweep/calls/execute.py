"""The calls of a sweep on an executor."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial
from itertools import islice
from queue import SimpleQueue
from typing import Any

from ... import checks
from ..cells.blocks import Block
from .call import Outcome, call_all, failure
from .processes import Processes, call_here

TASK = 0.2  # seconds that a task of several blocks should take, so that sending it is cheap beside
MOST_BLOCKS = 1000  # in a task
PER_PROCESS = 3  # tasks that wait or run for each process
IN_FLIGHT = 1000  # tasks that wait or run on an executor whose size is unknown


def in_this_process(function: Callable[..., Any], blocks: Iterable[Block]) -> Iterator[list[Outcome]]:
    """Yield the outcomes of each block."""
    for block in blocks:
        yield call_all(function, [block])


def in_processes(function: Callable[..., Any], blocks: Iterable[Block], number: int) -> Iterator[list[Outcome]]:
    """Yield the outcomes of blocks as processes finish them.

    A block whose process dies fails, and other processes replace those that died.
    """
    processes = Processes(function, number)
    try:
        yield from _tasks(processes, call_here, blocks, PER_PROCESS * number, processes.restart)
    finally:
        processes.close()


def on_executor(function: Callable[..., Any], blocks: Iterable[Block], executor: Executor) -> Iterator[list[Outcome]]:
    """Yield the outcomes of blocks as an executor of the user finishes them.

    Raises:
        InputError: the executor is broken or shut down.
    """

    def stop() -> None:
        rule = "its workers died"
        checks.reject("executor", executor, rule, "Start another; with a store the sweep continues where it stopped")

    yield from _tasks(executor, partial(call_all, function), blocks, IN_FLIGHT, stop)


def _tasks(
    executor: Executor,
    work: Callable[[list[Block]], list[Outcome]],
    blocks: Iterable[Block],
    in_flight: int,
    restart: Callable[[], None],
) -> Iterator[list[Outcome]]:
    """Yield the outcomes of tasks, each of which has one block or several short ones.

    Args:
        executor: the executor.
        work: the function of a task.
        blocks: the blocks.
        in_flight: the number of tasks that wait or run at once.
        restart: what to do when the executor is broken.
    """
    coming = iter(blocks)
    # Blocks whose task ended without outcomes. Each runs alone, so that the guilty one is recorded and no other.
    suspects: deque[Block] = deque()
    waiting: dict[Future[list[Outcome]], list[Block]] = {}
    ready: SimpleQueue[Future[list[Outcome]]] = SimpleQueue()
    size, began, finished = 1, time.monotonic(), 0

    def submit(task: list[Block]) -> None:
        try:
            future = executor.submit(work, task)
        except BrokenExecutor:
            suspects.extend(task)
            restart()
            return
        waiting[future] = task
        future.add_done_callback(ready.put)

    try:
        while True:
            if suspects:
                if not waiting:
                    submit([suspects.popleft()])
            else:
                while len(waiting) < in_flight and not suspects and (task := list(islice(coming, size))):
                    submit(task)
            if not waiting:
                if suspects:
                    continue
                return
            future = ready.get()
            task = waiting.pop(future)
            try:
                outcomes = future.result()
            except BrokenExecutor as error:
                alone = len(task) == 1 and not waiting
                for other in waiting:
                    other.cancel()
                lost = [block for blocks in waiting.values() for block in blocks]
                waiting.clear()
                ready = SimpleQueue()
                suspects.extend(lost if alone else [*task, *lost])
                restart()
                outcomes = [failure(task[0], f"its process died, as when memory is out: {error}")] if alone else []
            except Exception as error:
                # Such as dask's KilledWorker.
                if len(task) > 1:
                    suspects.extend(task)
                    continue
                outcomes = [failure(task[0], error)]
            if outcomes:
                finished += len(task)
                size = max(1, min(MOST_BLOCKS, int(TASK * finished / (time.monotonic() - began))))
                yield outcomes
    finally:
        for future in waiting:
            future.cancel()
