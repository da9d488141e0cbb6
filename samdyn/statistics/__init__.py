"""Confidence intervals, exponents and survival curves from samples. The functions take arrays and no samdyn types."""

from .intervals import mean_interval, median_interval, wilson
from .slopes import exponent
from .survival import Survival, survival

__all__ = ["Survival", "exponent", "mean_interval", "median_interval", "survival", "wilson"]
