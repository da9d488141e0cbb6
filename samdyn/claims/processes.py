"""Measure claims in several processes, and stop those that take too long."""

import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from .catalogue import from_file, located
from .claim import Claim
from .judge import Judgement
from .mutation import Mutation, mutations
from .verdict import Verdict
from .verify import measured, over_limit

Outcome = tuple[Judgement, list[Mutation]]

START = 60.0  # seconds that a process may take to import the library, beside the limit of a claim


def judgements(
    claims: Sequence[tuple[Claim, Path]],
    budget: float,
    seed: int,
    limit: float,
    processes: int,
    report: Callable[[int], None] = lambda count: None,
    mutate: bool = False,
) -> list[tuple[Judgement, list[Mutation]]]:
    """Measure claims in parallel. A claim over its limit is undecided, and its process is replaced.

    Args:
        claims: the claims, each with its file, from which a process loads it again.
        budget: a factor on the number of simulated runs.
        seed: the seed of the noise.
        limit: the time for a claim, in seconds.
        processes: the number of processes.
        report: a function that receives the number of judged claims.
        mutate: whether to judge mutations of the predictions too.

    Returns:
        The judgement of each claim with its mutations. They do not depend on the number of processes.
    """
    results: dict[int, Outcome] = {}
    waiting = list(range(len(claims)))[::-1]
    workers: list[_Worker] = []
    try:
        while len(results) < len(claims):
            while waiting and len(workers) < processes:
                workers.append(_Worker())
            for worker in workers:
                if worker.task is None and waiting:
                    claim, path = claims[waiting[-1]]
                    worker.send(waiting.pop(), (claim.id, path, budget, seed, limit, mutate))
            busy = [worker for worker in workers if worker.task is not None]
            wait([worker.connection for worker in busy], timeout=max(0.0, min(w.due(limit) for w in busy)))
            for worker in busy:
                assert worker.task is not None
                outcome = worker.outcome(limit, claims[worker.task][0].id)
                if outcome is not None:
                    results[worker.task] = outcome
                    worker.task = None
                    report(len(results))
            workers = [worker for worker in workers if worker.is_alive or worker.stop()]
    finally:
        for worker in workers:
            worker.stop()
    return [results[number] for number in range(len(claims))]


class _Worker:
    """A process that measures one claim at a time."""

    def __init__(self) -> None:
        context = get_context("spawn")  # a copy of a process with threads, such as a progress bar's, may hang
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other,), daemon=True)
        self.process.start()
        other.close()
        self.task: int | None = None
        self.is_alive = True
        self.started, self.is_new = 0.0, True

    def send(self, number: int, task: tuple[Any, ...]) -> None:
        self.connection.send(task)
        self.task, self.started = number, time.monotonic()

    def due(self, limit: float) -> float:
        """Return the seconds until the limit."""
        return self.started + limit + (START if self.is_new else 0.0) - time.monotonic()

    def outcome(self, limit: float, claim_id: str) -> Outcome | None:
        """Return the outcome, if there is one or if there will be none."""
        seconds = time.monotonic() - self.started
        if self.connection.poll():
            try:
                outcome: Outcome = self.connection.recv()
            except EOFError:  # the process died, as when memory is out
                self.process.join()
                self.is_alive = False
                reason = f"its process ended with status {self.process.exitcode}"
                return Judgement(claim_id, Verdict("undecided", reason=reason), seconds=seconds), []
            self.is_new = False
            return outcome
        if self.due(limit) > 0:
            return None
        self.is_alive = False
        return Judgement(claim_id, over_limit(limit), seconds=seconds), []

    def stop(self) -> bool:
        """End the process. Returns False."""
        self.process.kill()
        self.process.join()
        self.connection.close()
        return False


def _serve(connection: Connection) -> None:
    """Measure the claims that arrive, until the connection is closed."""
    import torch

    torch.set_num_threads(1)  # the processes share the processors
    while True:
        try:
            claim_id, path, budget, seed, limit, mutate = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        known = [claim for claim, file in located() if file == path and claim.id == claim_id]
        claim = known[0] if known else next(claim for claim, _ in from_file(path) if claim.id == claim_id)
        judgement, estimates = measured(claim, budget, seed, limit)
        connection.send((judgement, mutations(claim, estimates) if mutate and judgement.rows else []))
