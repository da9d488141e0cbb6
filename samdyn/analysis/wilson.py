"""The interval of a share that was counted."""


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share, from ``hits`` of ``of`` independent trials."""
    from scipy.stats import binomtest

    ci = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    return float(ci.low), float(ci.high)
