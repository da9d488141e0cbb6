"""Confidence intervals and survival curves from samples. The functions take arrays and no samdyn types."""

from .intervals import mean_interval, median_interval, wilson
from .survival import Survival, survival

__all__ = ["Survival", "mean_interval", "median_interval", "survival", "wilson"]
