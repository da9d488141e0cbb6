"""Measure claims in several processes, and stop those that take too long."""

import signal
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from .. import checks
from ..simulation.progress import silenced
from ..simulation.threads import single_threaded_children
from .catalogue import of_file
from .claim import Claim
from .judge import Judgement
from .mutation import Mutation, mutations
from .verdict import Verdict
from .verify import measured, over_limit

Outcome = tuple[Judgement, list[Mutation]]

START = 60.0  # seconds that a process may take to start and to run the file of a claim


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
        with single_threaded_children():
            self.process.start()
        other.close()
        self.task: int | None = None
        self.judgement: Judgement | None = None  # of the task, while its mutations are judged
        self.is_alive = True
        self.started, self.is_loading = 0.0, True

    def send(self, number: int, task: tuple[Any, ...]) -> None:
        self.connection.send(task)
        self.task, self.started, self.judgement = number, time.monotonic(), None
        self.is_loading = True

    def due(self, limit: float) -> float:
        """Return the seconds until the limit."""
        return self.started + limit + (START if self.is_loading else 0.0) - time.monotonic()

    def outcome(self, limit: float, claim_id: str) -> Outcome | None:
        """Return the outcome, if there is one or if there will be none."""
        seconds = time.monotonic() - self.started
        if self.connection.poll():
            try:
                judgement, found = self.connection.recv()
            except (EOFError, OSError):  # the process died, as when memory is out
                self.process.join()
                self.is_alive = False
                if self.judgement is not None:
                    return self.judgement, [Mutation("a mutation ends the process", None)]
                return Judgement(claim_id, _ended(self.process.exitcode), seconds=seconds), []
            if found is not None:
                return judgement, found
            # The claim is loaded, or it is judged and its mutations follow. The limit counts from here.
            self.is_loading, self.judgement, self.started = False, judgement, time.monotonic()
        if self.due(limit) > 0:
            return None
        self.is_alive = False
        if self.judgement is not None:
            return self.judgement, [Mutation(f"the mutations take longer than {limit:g} s", False)]
        return Judgement(claim_id, over_limit(limit), seconds=seconds), []

    def stop(self) -> bool:
        """End the process. Returns False."""
        self.process.kill()
        self.process.join()
        self.connection.close()
        return False


def _ended(status: int | None) -> Verdict:
    """Return the verdict on a claim whose process has ended."""
    reason = f"its process ended with status {status}"
    if status == -signal.SIGKILL:
        reason = "its process was killed, as when memory is out"
    elif status is not None and status < 0:
        reason = f"its process was ended by {signal.Signals(-status).name}"
    return Verdict("undecided", reason=reason)


def _serve(connection: Connection) -> None:
    """Measure the claims that arrive, until the connection is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes; the first one ends the others
    sys.stdout = sys.stderr  # what a claim prints is no part of the report
    loaded: dict[Path, list[Claim]] = {}
    while True:
        try:
            claim_id, path, budget, seed, limit, mutate = connection.recv()
        except EOFError:
            return
        with silenced():  # the first process displays the progress
            try:
                claim = _loaded(claim_id, path, loaded)
            except checks.InputError as error:
                connection.send((Judgement(claim_id, Verdict("undecided", reason=str(error))), []))
                continue
            connection.send((None, None))  # the claim is loaded
            judgement, estimates = measured(claim, budget, seed, limit)
            if not mutate or not judgement.rows:
                connection.send((judgement, []))
                continue
            connection.send((judgement, None))  # the judgement stays if a mutation does not end
            connection.send((judgement, mutations(claim, estimates)))


def _loaded(claim_id: str, path: Path, loaded: dict[Path, list[Claim]]) -> Claim:
    """Return a claim of a file, which runs once."""
    if path not in loaded:
        loaded[path] = of_file(path)
    claims = {claim.id: claim for claim in loaded[path]}
    if claim_id not in claims:
        rule = f"has no claim {claim_id} any more"
        checks.reject("file", str(path), rule, "Leave the file and its ids as they are while its claims are measured")
    return claims[claim_id]
