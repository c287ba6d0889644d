"""Community prices as arrays: surplus, deficit and tariffs of each slot enter, prices leave.

What peers exchange inside has one internal price; the rest trades with the grid at its tariffs,
shared in proportion. With p inside, buyers pay (T p + import r) / D on average and sellers get
(T p + export f) / G, T = min(G, D): with the p below these are the published formulas, tested
equal to the exact ones of `hub.market`.

- mid-market rate, p = (r + f) / 2: Long et al. (2017), doi:10.1109/PESGM.2017.8274546.
- supply-demand ratio s = G / D, p = r g / ((r - g) s + g) with g = f + compensation while s <= 1,
  else g: Liu et al. (2017), doi:10.1109/TPWRS.2017.2649558; compensation: Zhou et al. (2018),
  doi:10.1016/j.apenergy.2018.02.089.
- bill sharing, p = 0: the same two sources; here the bill is shared slot by slot.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


def internal_price(
    mechanism: str, ratio: Values, retail: Values, feed_in: Values, compensation: float = 0.0
) -> Values:
    """Return the price inside in EUR/kWh; `ratio` is surplus / deficit, inf without deficit."""
    if mechanism == "mid-market-rate":
        return (retail + feed_in) / 2
    if mechanism == "bill-sharing":
        return np.zeros_like(retail)
    if mechanism != "supply-demand-ratio":
        raise ValueError(f"{mechanism} is not a community price")
    scarce = np.minimum(ratio, 1.0)
    # A compensation must not lift the sellers' price above retail, or buyers would leave.
    base = np.minimum(feed_in + compensation, retail)
    below = (retail - base) * scarce + base
    price = np.divide(retail * base, below, out=np.array(base), where=below != 0)
    return np.where(ratio <= 1.0, price, base)
