"""Confidence intervals, rank correlations and survival curves from samples. They take arrays and no samdyn types."""

from .effects import count_resolved
from .intervals import mean_interval, median_interval, wilson
from .ranks import granulated, kendall, rank_correlations
from .survival import Survival, survival

__all__ = [
    "Survival",
    "count_resolved",
    "granulated",
    "kendall",
    "mean_interval",
    "median_interval",
    "rank_correlations",
    "survival",
    "wilson",
]
