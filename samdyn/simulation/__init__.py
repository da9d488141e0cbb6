"""Ensembles of trajectories on a device."""

from .iterates.ensemble import simulate
from .ode import integrate
from .schemes.euler_maruyama import EulerMaruyama
from .schemes.milstein import Milstein
from .schemes.platen import Platen
from .schemes.scheme import Scheme
from .statistics import MSD, Accumulator, Covariance, ExitTimes, Histogram, Mean, Statistic, StatusCounts
from .status import Status

__all__ = ["EulerMaruyama", "Milstein", "Platen", "Scheme", "Status", "integrate", "simulate"]
__all__ += ["MSD", "Accumulator", "Covariance", "ExitTimes", "Histogram", "Mean", "Statistic", "StatusCounts"]
