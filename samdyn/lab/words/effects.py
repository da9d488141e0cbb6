"""Effects in many settings, in a few words."""

from typing import TYPE_CHECKING

from ...statistics import count_resolved, median_interval, wilson

if TYPE_CHECKING:
    import xarray


def effect(values: "xarray.DataArray", over: str, style: str = "+.1f") -> str:
    """Return the range of the medians of all settings and of their 95 % intervals, and how many intervals exclude 0.

    Args:
        values: effects, as differences between two methods: samples along ``over``, settings along the others.
        over: the dimension of samples, such as "seed".
        style: the number format.

    >>> import xarray as xr
    >>> from samdyn import lab
    >>> lab.effect(xr.DataArray([[1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]], dims=("rho", "seed")), "seed")
    '+0.0 to +2.0 [-1.0, +3.0], above 0 in 1 and below in 0 of 2 settings'
    """
    middle, low, high = median_interval(values, over)
    above, below = count_resolved(values, over)
    ends = f"{float(middle.min()):{style}} to {float(middle.max()):{style}}"
    reach = f"[{float(low.min()):{style}}, {float(high.max()):{style}}]".replace("inf", "∞")
    return f"{ends} {reach}, above 0 in {above} and below in {below} of {low.size} settings"


def share(hits: int, of: int) -> str:
    """Return a number of successes in some trials with Wilson's 95 % interval of their share in %, if there are any.

    >>> from samdyn import lab
    >>> lab.share(3, 30)
    '3/30 [3, 26]'
    """
    if not of:
        return "0/0"
    low, high = wilson(hits, of)
    return f"{hits}/{of} [{100 * low:.0f}, {100 * high:.0f}]"
