"""Claims in tests."""

from collections.abc import Callable

from .claim import Claim
from .report import cases_text, is_as_recorded
from .verify import verify


def verifier() -> Callable[..., None]:
    """Return a function that fails the test of a claim whose verdict is undecided or not the recorded one.

    The pytest fixture ``verify`` is this function. It takes a claim, and the arguments of ``samdyn.verify``.

    >>> import samdyn as sd
    >>> verifier()(sd.claims.named("usam-threshold"))
    """

    def check(claim: Claim, budget: float = 1.0, seed: int = 0) -> None:
        __tracebackhide__ = True
        (judgement,) = verify(claim, budget, seed, progress=False)
        if judgement.verdict.kind == "undecided" or not is_as_recorded(claim, judgement):
            message = f"claim {claim.id}: {judgement.verdict}. Recorded: {claim.record}"
            raise AssertionError(f"{message}\n{claim.statement}\n{cases_text(judgement)}")

    return check
