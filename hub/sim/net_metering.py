"""A baseline without any market: each peer's energies and the tariffs enter, its cost leaves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.sim.community import Tariff

Values = npt.NDArray[np.float64]


def net_metering_cost(totals: dict[str, Values], tariff: Tariff) -> Values:
    """Return each peer's cost if exports offset imports one to one over the run, the rest fed in.

    Where tariffs vary, their means over the run count.
    """
    imported = totals["import"] + totals["bought"]
    exported = totals["export"] + totals["sold"]
    retail, feed_in = float(tariff.retail.mean()), float(tariff.feed_in.mean())
    net = imported - exported
    return np.where(net > 0, net * retail, net * feed_in)
