"""What a plug tells, whatever its make; and what every make can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class PlugReading:
    """A member is None where the plug does not tell it. `device_uwh`: its own energy counter."""

    is_on: bool | None = None
    power_uw: int | None = None
    voltage_uv: int | None = None
    current_ua: int | None = None
    device_uwh: int | None = None


class Driver(Protocol):
    """Speaks with one plug. Both raise BridgeDown when it does not answer as it should."""

    async def read(self) -> PlugReading: ...
    async def switch(self, is_on: bool, /) -> None: ...
