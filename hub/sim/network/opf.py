"""The optimal power flow: what peers would export enters, how much each must hold back leaves.

Linear about the empty network: voltages and branch flows are sums of what each peer injects
(`feeder.Response`). It minimises the largest share that any house holds back, then the energy,

    min  W t + sum(cut) / sum(surplus)
    s.t. cut_i <= t surplus_i,   0 <= cut_i <= what i generates,
         V0 + R (injected - cut) <= V max      at every bus,
         flow0 + F (injected - cut) >= -rating    of every branch (towards the grid),

with slack where even that is not enough. Taking energy cannot be curtailed, so nothing bounds it
here: what it violates is reported. A dynamic operating envelope in the sense of Petrou et al.
(2021), doi:10.1109/TSG.2021.3102173, with the day's positions as the forecast.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from hub.errors import TruequeError
from hub.sim.network.feeder import Response

Values = npt.NDArray[np.float64]

FAIRNESS = 1000.0  # weight of the largest share held back
SLACK = 1e6  # weight of one part of a limit that cannot be kept
SMALLEST_W = 1e-6


@dataclass(frozen=True)
class Bounds:
    """The limits as the linear model sees them; lower than the real ones after a miss."""

    max_voltage_pu: float
    max_loading: float


def held_back_w(
    response: Response, position_w: Values, can_cut_w: Values, bounds: Bounds
) -> Values:
    """Return how much each peer's export must shrink in one slot, in W."""
    surplus_w = np.maximum(-position_w, 0.0)
    can_cut_w = np.minimum(can_cut_w, surplus_w)
    voltage, flow = _excess(response, position_w, bounds)
    if max(voltage.max(initial=-1.0), flow.max(initial=-1.0)) <= 0:
        return np.zeros_like(position_w)
    # Rows in shares of their limits, so that voltages and flows weigh alike.
    rows = np.concatenate(
        [response.voltage_pu_per_w / bounds.max_voltage_pu,
         -response.flow_w_per_w / (response.rating_w * bounds.max_loading)[:, None]]
    )  # fmt: skip
    excess = np.concatenate([voltage, flow])
    needed = excess > -0.5  # far from any limit no cut can matter
    return _solve(rows[needed], excess[needed], surplus_w, can_cut_w)


def _excess(response: Response, position_w: Values, bounds: Bounds) -> tuple[Values, Values]:
    """Return by which share each limit is passed, negative where it is kept."""
    voltage_pu = response.empty.voltage_pu - response.voltage_pu_per_w @ position_w
    back_w = -(response.empty.flow_w - response.flow_w_per_w @ position_w)
    return (
        voltage_pu / bounds.max_voltage_pu - 1,
        back_w / (response.rating_w * bounds.max_loading) - 1,
    )


def _solve(rows: Values, excess: Values, surplus_w: Values, can_cut_w: Values) -> Values:
    """Solve for cuts in W: rows @ cut + slack >= excess."""
    peers = len(surplus_w)
    total_w = max(float(surplus_w.sum()), SMALLEST_W)
    columns = peers + 2  # cuts, t, slack
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = columns, len(rows) + peers
    model.col_cost_ = np.concatenate([np.full(peers, 1 / total_w), [FAIRNESS, SLACK]])
    model.col_lower_ = np.zeros(columns)
    model.col_upper_ = np.concatenate([can_cut_w, [1.0, highspy.kHighsInf]])
    matrix = np.zeros((len(rows) + peers, columns))
    matrix[: len(rows), :peers] = rows
    matrix[: len(rows), peers + 1] = 1.0
    matrix[len(rows) :, :peers] = -np.eye(peers)
    matrix[len(rows) :, peers] = surplus_w
    model.row_lower_ = np.concatenate([excess, np.zeros(peers)])
    model.row_upper_ = np.full(len(rows) + peers, highspy.kHighsInf)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.arange(0, matrix.size + 1, columns, dtype=np.int32)
    model.a_matrix_.index_ = np.tile(np.arange(columns, dtype=np.int32), len(matrix))
    model.a_matrix_.value_ = matrix.ravel()
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.passModel(model)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        word = solver.modelStatusToString(solver.getModelStatus())
        raise TruequeError(f"no limits for the feeder: {word}")
    return np.clip(np.array(solver.getSolution().col_value)[:peers], 0.0, can_cut_w)
