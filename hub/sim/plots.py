"""Draws a run: an `Outcome` enters, PNG files leave.

flows.png (load, generation and grid, with and without trading), prices.png, charge.png (state of
charge), costs.png (per peer, with and without trading), trades.png (who trades with whom),
network.png (voltages of the feeder).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt

matplotlib.use("Agg")
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hub.sim.clock import MINUTES_OF_DAY, Clock
from hub.sim.community import W_PER_KW
from hub.sim.outcome import Outcome
from hub.sim.outputs import mean_prices, trade_price
from hub.sim.trades import Trades

Values = npt.NDArray[np.float64]

# Colour-blind safe (Okabe and Ito, 2008), darkest for what matters most.
LOAD, PV, IMPORT, EXPORT, TRADE, MUTED = (
    "#1a1a1a", "#e69f00", "#0072b2", "#009e73", "#cc79a7", "#999999",
)  # fmt: skip
MAX_LINES, MAX_BARS = 12, 40  # of peers in one plot
MAX_POINTS, LONG_DAYS = 1500, 14
DPI = 120
MANY_PAIRS, MOST_PAIRS = 100, 400  # of sellers and buyers in the matrix of trades
SHORTEST_KWH = 0.01


def draw_all(directory: Path, outcome: Outcome, summary: dict[str, Any]) -> list[Path]:
    """Draw what the run has to show; return the paths."""
    drawn = [_draw_flows(directory, outcome), _draw_prices(directory, outcome)]
    if outcome.details and outcome.community.storage.highest_wh.any():
        drawn.append(_draw_charge(directory, outcome))
    if outcome.community.size <= MAX_BARS:
        drawn.append(_draw_costs(directory, summary))
    is_shown = outcome.details and 2 <= outcome.community.size <= MAX_BARS
    if is_shown and outcome.slots["bought"].any():
        drawn.append(_draw_trades(directory, outcome))
    if outcome.guard is not None:
        drawn.append(_draw_network(directory, outcome))
    return drawn


def _draw_network(directory: Path, outcome: Outcome) -> Path:
    """Draw the highest and lowest voltage of every slot between their limits."""
    assert outcome.guard is not None
    watched, limits = outcome.guard.watched, outcome.guard.network
    clock = outcome.community.clock
    figure, axes = _axes(_titled("Voltages on the feeder", clock), "share of nominal")
    for values, name, colour in (
        (watched.highest_pu, "highest", PV),
        (watched.lowest_pu, "lowest", IMPORT),
    ):
        _step(axes, clock, np.array(values), color=colour, linewidth=1.5, label=name)
    for limit, label in ((limits.max_voltage_pu, "limits"), (limits.min_voltage_pu, None)):
        axes.axhline(limit, color=LOAD, linewidth=1, linestyle="--", label=label)
    _time_axis(axes, clock)
    _legend(axes)
    return _save(figure, directory / "network.png")


def _axes(title: str, unit: str, *, height: float = 3.6) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_ylabel(unit)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e5e5e5", linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, dpi=DPI)
    return path


def _legend(axes: Axes) -> None:
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _time_axis(axes: Axes, clock: Clock) -> None:
    locator = dates.AutoDateLocator(minticks=4, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    last = dates.date2num(clock.local_times[-1]) + clock.slot_minutes / MINUTES_OF_DAY
    axes.set_xlim(dates.date2num(clock.local_times[0]), last)


def _span(clock: Clock) -> int:
    """Return how many slots one point of a plot stands for: one, or a day of a long run."""
    if clock.slots <= MAX_POINTS:
        return 1
    day = MINUTES_OF_DAY // clock.slot_minutes
    return day if clock.slots >= LONG_DAYS * day else -(-clock.slots // MAX_POINTS)


def _thin(clock: Clock, values: Values, weights: Values | None = None) -> tuple[Any, Values]:
    """Return times and values, as (weighted) means where there are more than can be seen.

    A value without weight is not drawn: a price at which nobody trades.
    """
    span = _span(clock)
    kept = clock.slots // span * span
    if weights is None:
        weights = np.ones(clock.slots)
    weighted = np.where(weights > 0, np.nan_to_num(values) * weights, 0.0)
    sums = weighted[:kept].reshape(-1, span).sum(axis=1)
    total = weights[:kept].reshape(-1, span).sum(axis=1)
    means = np.divide(sums, total, out=np.full(len(sums), np.nan), where=total > 0)
    return dates.date2num(clock.local_times[:kept:span]), means


def _to_the_end(clock: Clock, times: Any, values: Values) -> tuple[Any, Values]:
    """Repeat the last value at its slot's end: a slot's mean holds until then."""
    last = times[-1] + _span(clock) * clock.slot_minutes / MINUTES_OF_DAY
    return np.append(times, last), np.append(values, values[-1])


def _step(
    axes: Axes, clock: Clock, values: Values, weights: Values | None = None, **style: Any
) -> None:
    """Draw means of slots, each from its slot's beginning to its end."""
    axes.step(*_to_the_end(clock, *_thin(clock, values, weights)), where="post", **style)


def _at_ends(clock: Clock, values: Values) -> tuple[Any, Values]:
    """Return times and values of what is known at each slot's end."""
    times, shown = _thin(clock, values)
    return times + clock.slot_minutes / MINUTES_OF_DAY, shown


def _titled(title: str, clock: Clock) -> str:
    minutes = _span(clock) * clock.slot_minutes
    if minutes == clock.slot_minutes:
        return title
    return f"{title} ({'daily' if minutes == MINUTES_OF_DAY else f'{minutes} min'} means)"


def _draw_flows(directory: Path, outcome: Outcome) -> Path:
    slots, clock = outcome.slots, outcome.community.clock
    figure, axes = _axes(_titled("Load, generation and exchange with the grid", clock), "kW")
    without = (slots["need"] / W_PER_KW, -slots["offer"] / W_PER_KW)
    label = "grid without trading"
    for values, name in zip(without, (label, None), strict=True):
        _step(axes, clock, values, color=MUTED, linestyle="--", linewidth=1.2, label=name)
    for values, colour, name in (
        (slots["import"], IMPORT, "import"),
        (-slots["export"], EXPORT, "export (below 0)"),
    ):
        times, shown = _to_the_end(clock, *_thin(clock, values / W_PER_KW))
        axes.fill_between(times, shown, color=colour, alpha=0.35, step="post", label=name)
    lines = [("load", LOAD, "load"), ("generation", PV, "generation")]
    lines += [("bought", TRADE, "between peers")] if slots["bought"].any() else []
    for flow, colour, name in lines:
        _step(axes, clock, slots[flow] / W_PER_KW, color=colour, linewidth=1.5, label=name)
    axes.axhline(0, color=LOAD, linewidth=0.8)
    _time_axis(axes, clock)
    _legend(axes)
    return _save(figure, directory / "flows.png")


def _draw_prices(directory: Path, outcome: Outcome) -> Path:
    tariff, clock = outcome.community.tariff, outcome.community.clock
    figure, axes = _axes(_titled("Prices", clock), "EUR/kWh")
    slots = outcome.slots
    buy, sell = mean_prices(outcome)
    lines: list[tuple[str, Values, Values | None, dict[str, Any]]] = [
        ("retail", tariff.retail, None, {"color": IMPORT}),
        ("feed-in", tariff.feed_in, None, {"color": EXPORT}),
    ]
    if slots["bought"].any():
        dotted = {"linestyle": ":"}
        lines += [
            ("buyers' mean, grid included", buy, slots["need"], {"color": IMPORT, **dotted}),
            ("sellers' mean, grid included", sell, slots["offer"], {"color": EXPORT, **dotted}),
        ]
        shown = {"color": TRADE, "linewidth": 2}
        lines.append(("between peers", trade_price(outcome), slots["bought"], shown))
    for label, values, weights, style in lines:
        _step(axes, clock, values, weights, label=label, **style)
    axes.set_ylim(bottom=min(0.0, float(tariff.feed_in.min())))
    _time_axis(axes, clock)
    _legend(axes)
    return _save(figure, directory / "prices.png")


def _draw_charge(directory: Path, outcome: Outcome) -> Path:
    community = outcome.community
    owners = np.flatnonzero(community.storage.highest_wh > 0)
    figure, axes = _axes("Energy stored", "kWh")
    shown = owners if owners.size <= MAX_LINES else owners[:0]
    alike = _alike(outcome.details["stored"][:, shown] if shown.size else np.zeros((0, 0)))
    palette = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, max(len(alike), 1)))
    for members, colour in zip(alike, palette, strict=False):
        names = [community.names[shown[one]] for one in members]
        stored_kwh = outcome.details["stored"][:, shown[members[0]]] / W_PER_KW
        label = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} alike"
        axes.plot(*_at_ends(community.clock, stored_kwh), color=colour, label=label)
    if not shown.size:
        axes.plot(
            *_at_ends(community.clock, outcome.slots["stored"] / W_PER_KW),
            color=LOAD,
            label=f"all {owners.size} batteries",
        )
    axes.set_ylim(bottom=0)
    _time_axis(axes, community.clock)
    _legend(axes)
    return _save(figure, directory / "charge.png")


def _alike(columns: npt.NDArray[np.float64]) -> list[list[int]]:
    """Return the columns that show as one line together: batteries that do the same."""
    found: list[list[int]] = []
    scale = float(columns.max(initial=0.0)) / 1000
    for column in range(columns.shape[1]):
        for members in found:
            if np.abs(columns[:, column] - columns[:, members[0]]).max(initial=0.0) <= scale:
                members.append(column)
                break
        else:
            found.append([column])
    return found


def _draw_costs(directory: Path, summary: dict[str, Any]) -> Path:
    peers = summary["peers"]
    names = list(peers)
    places = np.arange(len(names))
    figure, axes = _axes("Cost per peer (negative: income)", "EUR")
    without = [peers[name]["grid_only_cost_eur"] for name in names]
    cost = [peers[name]["cost_eur"] for name in names]
    axes.bar(places - 0.2, without, 0.38, color=MUTED, label="grid only")
    axes.bar(places + 0.2, cost, 0.38, color=IMPORT, label="with trading")
    axes.axhline(0, color=LOAD, linewidth=0.8)
    is_long = max(map(len, names)) * len(names) > 80
    axes.set_xticks(
        places,
        names,
        rotation=60 if is_long else 0,
        fontsize=8,
        ha="right" if is_long else "center",
    )
    _legend(axes)
    return _save(figure, directory / "costs.png")


def _draw_trades(directory: Path, outcome: Outcome) -> Path:
    community = outcome.community
    matrix = Trades.of(outcome).matrix_kwh(community.size)
    sellers = np.flatnonzero(matrix.sum(axis=1) > 0)
    buyers = np.flatnonzero(matrix.sum(axis=0) > 0)
    shown = matrix[np.ix_(sellers, buyers)]
    figure, axes = _axes("Who sold to whom", "seller", height=1.6 + 0.32 * len(sellers))
    axes.grid(visible=False)
    image = axes.imshow(shown, cmap="Blues", vmin=0, aspect="auto")
    axes.set_yticks(range(len(sellers)), [community.names[one] for one in sellers], fontsize=8)
    axes.set_xticks(
        range(len(buyers)),
        [community.names[one] for one in buyers],
        fontsize=8,
        rotation=60 if len(buyers) > 8 else 0,
        ha="right" if len(buyers) > 8 else "center",
    )
    axes.set_xlabel("buyer")
    # Where everybody meets everybody, figures below a hundredth of the largest say nothing.
    least = shown.max() / 100 if shown.size > MANY_PAIRS else 0.0
    for row, column in np.argwhere(shown > least) if shown.size <= MOST_PAIRS else []:
        is_dark = shown[row, column] > 0.6 * shown.max()
        axes.text(
            column,
            row,
            _short(shown[row, column]),
            ha="center",
            va="center",
            fontsize=7,
            color="white" if is_dark else LOAD,
        )
    figure.colorbar(image, ax=axes, label="kWh", shrink=0.9)
    return _save(figure, directory / "trades.png")


def _short(energy_kwh: float) -> str:
    """Return two digits that count, and never an exponent for what people read in kWh."""
    if energy_kwh >= 10:
        return f"{energy_kwh:,.0f}"
    return f"{energy_kwh:.2g}" if energy_kwh >= SHORTEST_KWH else f"<{SHORTEST_KWH}"
