"""Intervals and curves from samples: functions of arrays that know nothing of dynamics."""

from .intervals import mean_interval, median_interval, wilson
from .survival import Survival, survival

__all__ = ["Survival", "mean_interval", "median_interval", "survival", "wilson"]
