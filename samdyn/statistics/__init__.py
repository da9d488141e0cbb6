"""Confidence intervals, exponents, rank correlations and survival curves from samples. They take arrays alone."""

from .batch_means import batch_means
from .effects import count_resolved
from .intervals import mean_interval, median_interval, wilson
from .monotone import rises_up_to
from .ranks import granulated, kendall, rank_correlations
from .selection import best_by_others
from .slopes import exponent
from .survival import Survival, censored_median, survival

__all__ = [
    "Survival",
    "batch_means",
    "best_by_others",
    "censored_median",
    "count_resolved",
    "exponent",
    "granulated",
    "kendall",
    "mean_interval",
    "median_interval",
    "rank_correlations",
    "rises_up_to",
    "survival",
    "wilson",
]
