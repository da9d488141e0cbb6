"""Ensembles of trajectories on a device."""

from .iterates.ensemble import simulate
from .ode import integrate
from .schemes import EulerMaruyama, Milstein, Platen, Scheme
from .statistics import MSD, Accumulator, Covariance, ExitTimes, Histogram, Mean, Statistic, StatusCounts
from .status import Status

__all__ = ["EulerMaruyama", "Milstein", "Platen", "Scheme", "Status", "integrate", "simulate"]
__all__ += ["MSD", "Accumulator", "Covariance", "ExitTimes", "Histogram", "Mean", "Statistic", "StatusCounts"]
