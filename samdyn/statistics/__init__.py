"""Confidence intervals and survival curves from samples. The functions take arrays and no samdyn types."""

from .intervals import mean_interval, median_interval, wilson
from .survival import Survival, censored_median, survival

__all__ = ["Survival", "censored_median", "mean_interval", "median_interval", "survival", "wilson"]
