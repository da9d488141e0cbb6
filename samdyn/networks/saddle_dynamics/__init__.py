"""What methods do near saddles of networks: growth rates, widths of capture, times of escape, stalls and noise."""

from .capture import capture_widths, first_rise, relative_widths
from .escapes import escape_times, relative_times
from .examples import Places, exact_saddles, linear_teacher
from .growth import rates_along
from .look import look_at
from .mean_step import MeanStep, SampleStep, effective_dim, hidden_units, mean_step, predicted_stalls, sample_step
from .stalls import ESCAPED, HELD, OUTCOMES, STALLED, follow, held_settings, outcomes, stall_radii
from .zero_weights import ZeroWeights

__all__ = [
    "ESCAPED",
    "HELD",
    "OUTCOMES",
    "STALLED",
    "MeanStep",
    "Places",
    "SampleStep",
    "ZeroWeights",
    "capture_widths",
    "effective_dim",
    "escape_times",
    "exact_saddles",
    "first_rise",
    "follow",
    "held_settings",
    "hidden_units",
    "linear_teacher",
    "look_at",
    "mean_step",
    "outcomes",
    "predicted_stalls",
    "rates_along",
    "relative_times",
    "relative_widths",
    "sample_step",
    "stall_radii",
]
