"""What a Sonoff device calls its values, on the local network and in eWeLink's cloud alike.

POWR2 and S31 tell volts, amperes and watts; POWR3 and DualR3 hundredths of them, which
`scale_permille = 10` in site.toml says. Devices with channels number them: `actPow_00`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hub.bridges.config import Plug
from hub.bridges.foreign import item, scaled, switch_state, table
from hub.bridges.plugs.reading import PlugReading


def read_params(params: Mapping[str, Any], plug: Plug) -> PlugReading:
    """Return what the parameters of a device tell of a plug's channel."""
    factor = Decimal(10**6) * plug.scale_permille / 1000

    def member(*names: str) -> int | None:
        numbered = [f"{name}_0{plug.channel}" for name in names]
        found = next((params[name] for name in (*names, *numbered) if name in params), None)
        return scaled(found, factor)

    return PlugReading(
        is_on=_is_on(params, plug.channel),
        power_uw=member("power", "actPow"),
        voltage_uv=member("voltage"),
        current_ua=member("current"),
    )


def _is_on(params: Mapping[str, Any], channel: int) -> bool | None:
    if "switches" not in params:
        return switch_state(params.get("switch"))
    outlets = params["switches"] if isinstance(params["switches"], list) else []
    found = [one for one in outlets if table(one).get("outlet") == channel]
    return switch_state(table(item(found, 0)).get("switch"))


def switch_params(is_on: bool, channel: int, *, has_channels: bool) -> dict[str, Any]:
    """Return the parameters that switch a device."""
    word = "on" if is_on else "off"
    if has_channels:
        return {"switches": [{"outlet": channel, "switch": word}]}
    return {"switch": word}
