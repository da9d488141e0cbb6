"""Measure claims and judge them."""

import random
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from .. import checks
from ..simulation.progress import tracked
from .claim import Claim, case_text
from .judge import Judgement, judge
from .report import Report
from .values import Estimate, array
from .verdict import Verdict

MAX_REASON = 600  # largest number of characters of an error in a verdict; an InputError ends in its fix


def verify(
    claims: Claim | Iterable[Claim], budget: float = 1.0, seed: int = 0, limit: float = 60.0, progress: bool = True
) -> Report:
    """Measure claims, one after the other, and return their verdicts.

    A claim that raises an error, or that takes longer than the limit, is undecided; the others go on. The limit is
    looked at between cases. The command ``samdyn verify`` stops a claim at any time.

    >>> import samdyn as sd
    >>> report = sd.verify(sd.claims.named("usam-threshold"), progress=False)
    >>> print(report[0].verdict)
    holds

    Args:
        claims: a claim, or several.
        budget: a factor on the number of simulated runs.
        seed: the seed of the noise.
        limit: the time for a claim, in seconds.
        progress: whether to display progress on standard error.

    Returns:
        A sequence of judgements, with ``dataset``, ``json`` and ``junit``.

    Raises:
        InputError: an argument of the wrong kind, or two claims with one id.
    """
    fix = "Use e.g. samdyn.claims.catalogue().values()"
    try:
        claims = [claims] if isinstance(claims, Claim) else list(claims)
    except TypeError:
        checks.reject("claims", claims, "must be claims", fix)
    for claim in claims:
        if not isinstance(claim, Claim):
            checks.reject("claims", claim, "must be claims", fix)
    check_budget(budget, seed, limit)
    check_ids(claims)
    judgements = [measured(claim, budget, seed, limit)[0] for claim in tracked("claims", claims, progress)]
    return Report(claims, judgements, budget, seed)


def check_budget(budget: float, seed: int, limit: float) -> None:
    """Refuse a budget or limit that is no positive number, and a seed that is none."""
    checks.positive("budget", budget, "Use e.g. budget=1")
    checks.positive("limit", limit, "Use e.g. limit=60")
    checks.word("seed", seed, "Use e.g. seed=0")


def check_ids(claims: Sequence[Claim]) -> None:
    """Refuse two claims with one id."""
    seen: set[str] = set()
    for claim in claims:
        if claim.id in seen:
            checks.reject("id", claim.id, "two claims have it", "Give each claim an id of its own")
        seen.add(claim.id)


def measured(claim: Claim, budget: float, seed: int, limit: float) -> tuple[Judgement, list[Estimate]]:
    """Measure and judge one claim. Return also the measurements of its cases. An error makes it undecided."""
    start = time.monotonic()
    estimates: list[Estimate] = []
    try:
        with _own_settings(seed):
            for case in claim.cases:
                if estimates and time.monotonic() - start > limit:
                    return Judgement(claim.id, over_limit(limit), seconds=time.monotonic() - start), estimates
                estimates.append(measure(claim, case, budget, seed))
            judgement = judge(claim, estimates)
        return replace(judgement, seconds=time.monotonic() - start), estimates
    except (Exception, SystemExit) as error:  # whatever a user's function raises
        kind = "" if isinstance(error, checks.InputError) else f"{type(error).__name__}: "
        verdict = Verdict("undecided", reason=f"{kind}{str(error)[:MAX_REASON]}")
        seconds, text = time.monotonic() - start, traceback.format_exc()
        return Judgement(claim.id, verdict, seconds=seconds, traceback=text), estimates


@contextmanager
def _own_settings(seed: int) -> Iterator[None]:
    """Seed the global generators for one claim, and restore afterwards what a measurement may change globally.

    So a verdict does not depend on the claims before it, and not on the number of processes.
    """
    dtype, threads, state = torch.get_default_dtype(), torch.get_num_threads(), random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002  (the user's functions may draw from it)
    with torch.random.fork_rng(devices=[]), torch.set_grad_enabled(torch.is_grad_enabled()):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
            random.setstate(state)
            np.random.set_state(numpy_state)  # noqa: NPY002


def over_limit(limit: float) -> Verdict:
    """Return the verdict on a claim that takes too long."""
    return Verdict("undecided", reason=f"it takes longer than {limit:g} s")


def measure(claim: Claim, case: Any, budget: float, seed: int) -> Estimate:
    """Return the measurement of one case."""
    value: Any = claim.evaluate(claim.measure, case, budget=budget, seed=seed)
    if isinstance(value, Estimate):
        return value
    rule = f"claim {claim.id} measures this for {case_text(case)}"
    return Estimate(array("measured", value, rule, "Return a number, an array, a word or an Estimate"))
