"""The optimal power flow: what peers would feed in and take enters, how much each gives leaves.

Linear about the empty network: voltages and branch flows are sums of what each peer injects or
takes (`feeder.Response`). With g_i >= 0 for what peer i feeds in less, or takes less, it minimises
the largest share that any house gives of what it could, then the energy,

    min  W t + sum(g) / sum(can) + P slack
    s.t. g_i <= t can_i,   0 <= g_i <= can_i,
         V min <= V(position, g) <= V max        at every bus,
         -rating <= flow(position, g) <= rating  of every branch,

with slack at each limit where even that is not enough: load that cannot wait is not limited here,
and what it violates is reported. A dynamic operating envelope in the sense of Petrou et al. (2021),
doi:10.1109/TSG.2021.3102173, with the slot's positions as the forecast.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from hub.errors import TruequeError
from hub.sim.network.feeder import Response

Values = npt.NDArray[np.float64]

FAIRNESS = 100.0  # weight of the largest share given
SLACK = 1e8  # weight of one part of a limit that cannot be kept
SMALLEST_W = 1e-6


@dataclass(frozen=True)
class Bounds:
    """The limits as the linear model sees them; moved from the real ones after a miss.

    Loading of branches whose power flows towards the houses, and back towards the grid.
    """

    max_voltage_pu: float
    min_voltage_pu: float
    max_loading_back: float
    max_loading_forth: float


def given_w(response: Response, position_w: Values, can_w: Values, bounds: Bounds) -> Values:
    """Return by how much each peer must bring its position nearer to zero in one slot, in W."""
    can_w = np.minimum(can_w, np.abs(position_w))
    excess, gain = _limits(response, position_w, bounds)
    # What peers give for one limit may bring another one nearer.
    worst = excess + np.maximum(-gain, 0.0) @ can_w
    needed = worst > 0
    if excess.max(initial=-1.0) <= 0 or not can_w.any():
        return np.zeros_like(position_w)
    return _solve(gain[needed], excess[needed], can_w)


def _limits(response: Response, position_w: Values, bounds: Bounds) -> tuple[Values, Values]:
    """Return by which share each limit is passed (negative where it is kept), and how much of that
    a watt given by each peer takes away. All in shares of the limits, so that they weigh alike."""
    fed_w, taken_w = np.maximum(-position_w, 0.0), np.maximum(position_w, 0.0)
    voltage = (
        response.empty.voltage_pu
        + response.fed.voltage_pu_per_w @ fed_w
        + response.taken.voltage_pu_per_w @ taken_w
    )
    flow = (
        response.empty.flow_w
        + response.fed.flow_w_per_w @ fed_w
        + response.taken.flow_w_per_w @ taken_w
    )
    is_feeding = position_w < 0
    per_voltage = -np.where(
        is_feeding, response.fed.voltage_pu_per_w, response.taken.voltage_pu_per_w
    )
    per_flow = -np.where(is_feeding, response.fed.flow_w_per_w, response.taken.flow_w_per_w)
    back_w = response.rating_w * bounds.max_loading_back
    forth_w = response.rating_w * bounds.max_loading_forth
    excess = (
        voltage / bounds.max_voltage_pu - 1,
        1 - voltage / bounds.min_voltage_pu,
        -flow / back_w - 1,
        flow / forth_w - 1,
    )
    gain = (
        -per_voltage / bounds.max_voltage_pu,
        per_voltage / bounds.min_voltage_pu,
        per_flow / back_w[:, None],
        -per_flow / forth_w[:, None],
    )
    return np.concatenate(excess), np.concatenate(gain)


def _solve(gain: Values, excess: Values, can_w: Values) -> Values:
    """Solve for what is given in W: gain @ given + slack >= excess."""
    peers, limits = len(can_w), len(excess)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = peers + 1 + limits, limits + peers
    total_w = max(float(can_w.sum()), SMALLEST_W)
    model.col_cost_ = np.concatenate(
        [np.full(peers, 1 / total_w), [FAIRNESS], np.full(limits, SLACK)]
    )
    model.col_lower_ = np.zeros(model.num_col_)
    model.col_upper_ = np.concatenate([can_w, [1.0], np.full(limits, highspy.kHighsInf)])
    matrix = np.zeros((model.num_row_, model.num_col_))
    matrix[:limits, :peers] = gain
    matrix[:limits, peers + 1 :] = np.eye(limits)
    matrix[limits:, :peers] = -np.eye(peers)
    matrix[limits:, peers] = can_w
    model.row_lower_ = np.concatenate([excess, np.zeros(peers)])
    model.row_upper_ = np.full(model.num_row_, highspy.kHighsInf)
    row, column = np.nonzero(matrix)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.searchsorted(row, np.arange(len(matrix) + 1)).astype(np.int32)
    model.a_matrix_.index_ = column.astype(np.int32)
    model.a_matrix_.value_ = matrix[row, column]
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.passModel(model)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        word = solver.modelStatusToString(solver.getModelStatus())
        raise TruequeError(f"no limits for the feeder: {word}")
    return np.clip(np.array(solver.getSolution().col_value)[:peers], 0.0, can_w)
