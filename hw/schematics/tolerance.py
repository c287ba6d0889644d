"""Component tolerances become the error budget that calibration has to remove, by Monte Carlo.

Each chain is a closed form of the drawn circuit (the tests hold it against ngspice). A tolerance is
drawn evenly between its limits; the figure is the error that 99.7 % of the boards stay within.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

DRAWS = 4_000
SEED = 20_240_607
RAIL_V = 3.3
CODES = 4096
Drawn = Mapping[str, float]


@dataclass(frozen=True)
class Tolerance:
    """A component's deviation: even between -limit and +limit, and what stays after calibration."""

    name: str
    limit: float
    remains: float
    source: str


@dataclass(frozen=True)
class Chain:
    """A measuring chain: its transfer from the quantity to the reading, at a high and low value."""

    name: str
    unit: str
    high: float
    low: float
    tolerances: tuple[Tolerance, ...]
    reading: Callable[[float, Drawn], float]


_ADC = (
    Tolerance("reference", 0.01, 0.002, "3V3 regulator 1 %, drift 100 ppm/K over 20 K"),
    Tolerance("reference sag", 0.009, 0.001, "30 mV over the 200 Ohm filter, board to board"),
    Tolerance("ADC INL", 7.85 / CODES, 2.0 / CODES, "RP2040: 7.85 LSB; spikes corrected"),
)


def divider_v(volts: float, drawn: Drawn) -> float:
    """Return what a board that believes 1:8 reads at `volts`; the drawn deviations are relative."""
    upper, lower = 30e3 * (1 + drawn["30k"]), 7.5e3 * (1 + drawn["7.5k"])
    across = 10e3 * (1 + drawn["10k across"])
    below = lower * across / (lower + across)
    source_ohm = upper * below / (upper + below) + 1e3
    pin_v = volts * below / (upper + below) + drawn["clamp leakage"] * source_ohm
    return _code_v(pin_v, drawn) * 8


def clamp_a(amperes: float, drawn: Drawn) -> float:
    """Return what a board reads at a sine of `amperes` rms through the SCT-013-010."""
    tip_v = amperes * 0.1 * (1 + drawn["core"])
    # The bias only moves the mean, which the meter subtracts; INL acts on the excursion.
    return _code_v(tip_v, drawn) * 10


def shunt_a(amperes: float, drawn: Drawn, shunt_ohm: float = 0.05) -> float:
    """Return what an INA226 reads at `amperes`."""
    across_v = amperes * shunt_ohm * (1 + drawn["shunt"]) * (1 + drawn["INA226 gain"])
    return (across_v + drawn["INA226 offset"]) / shunt_ohm


def _code_v(pin_v: float, drawn: Drawn) -> float:
    gain = (1 + drawn["reference"]) * (1 + drawn["reference sag"])
    return pin_v / gain + drawn["ADC INL"] * RAIL_V


CHAINS = (
    Chain(
        "PV and battery voltage (FZ0430, 1:8)",
        "V",
        20.0,
        4.2,
        (
            Tolerance("30k", 0.05, 0.001, "module, 5 %; ratio drift 50 ppm/K over 20 K"),
            Tolerance("7.5k", 0.05, 0.001, "module, 5 %"),
            Tolerance("10k across", 0.01, 0.001, "1 % metal film"),
            Tolerance(
                "clamp leakage", 1e-6, 0.3e-6, "BAT54S, A at 25 C; difference of the two diodes"
            ),
            *_ADC,
        ),
        divider_v,
    ),
    Chain(
        "AC current (SCT-013-010)",
        "A",
        10.0,
        1.0,
        (Tolerance("core", 0.01, 0.002, "SCT-013-010 1 %; position of the conductor"), *_ADC),
        clamp_a,
    ),
    Chain(
        "Bus current (INA226, 0.05 Ohm)",
        "A",
        0.5,
        0.05,
        (
            Tolerance("shunt", 0.01, 0.001, "1 %, 75 ppm/K over 20 K"),
            Tolerance("INA226 gain", 0.001, 0.0002, "TI SBOS547: 0.1 %, 10 ppm/K"),
            Tolerance("INA226 offset", 10e-6, 2e-6, "TI SBOS547: 10 uV, 0.1 uV/K"),
        ),
        shunt_a,
    ),
)


def spread(chain: Chain, value: float, names: tuple[str, ...], *, calibrated: bool) -> float:
    """Return the 99.7 % bound of the relative error at `value`, only `names` deviating."""
    source = random.Random(SEED)
    errors = []
    for _ in range(DRAWS):
        drawn = {}
        for part in chain.tolerances:
            limit = part.remains if calibrated else part.limit
            step = source.uniform(-limit, limit)
            drawn[part.name] = step if part.name in names else 0.0
        errors.append(abs(chain.reading(value, drawn) / value - 1))
    return sorted(errors)[round(0.997 * DRAWS) - 1]


def table() -> str:
    """Return the error budget as Markdown."""
    rows = [
        "# Error budget", "",
        f"{DRAWS} boards drawn per figure, tolerances even between their limits; the figure is the",
        "error that 99.7 % of them stay within. *As built* is what a two-point calibration has to",
        "remove, *left* is what drifts afterwards or is no gain and no offset.", "",
    ]  # fmt: skip
    for chain in CHAINS:
        rows += [f"## {chain.name}", "",
                 f"| Cause | as built at {chain.high:g} {chain.unit} | as built at {chain.low:g} "
                 f"{chain.unit} | left at {chain.high:g} {chain.unit} | left at {chain.low:g} "
                 f"{chain.unit} | Source |", "|---|---|---|---|---|---|"]  # fmt: skip
        everything = tuple(part.name for part in chain.tolerances)
        for part in chain.tolerances:
            rows.append(f"| {part.name} | {_cells(chain, (part.name,))} | {part.source} |")
        rows += [f"| **together** | {_cells(chain, everything)} | |", ""]
    return "\n".join(rows)


def _cells(chain: Chain, names: tuple[str, ...]) -> str:
    figures = [spread(chain, value, names, calibrated=calibrated)
               for calibrated in (False, True) for value in (chain.high, chain.low)]  # fmt: skip
    return " | ".join(f"{figure:.2%}".replace("%", " %") for figure in figures)
