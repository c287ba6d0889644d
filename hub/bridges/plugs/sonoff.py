"""Sonoff plugs on the local network: mDNS `_ewelink._tcp` tells their state, HTTP switches them.

A device publishes its state in the TXT record of its service whenever it changes: `id`, `encrypt`,
`iv`, `data1` to `data4` (eWeLink, "LAN control"). Commands go to `/zeroconf/<command>`, port 8081.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from hub.bridges.config import Plug, Sonoff
from hub.bridges.errors import BridgeDown, NotYet
from hub.bridges.foreign import BadAnswer, read_object
from hub.bridges.parts import Parts
from hub.bridges.plugs.ewelink_params import read_params, switch_params
from hub.bridges.plugs.reading import PlugReading
from hub.bridges.plugs.sonoff_cipher import decrypt, encrypt
from hub.site_clock import wall_ms

SERVICE = "_ewelink._tcp.local."
ASK_MS = 3_000
OLD_AFTER_S = 60.0  # then the device is asked, instead of believing what it said last
OBEYS_WITHIN_S = 5.0
MOST_PARAMS = 200
PARTS_OF_DATA = ("data1", "data2", "data3", "data4")


class SonoffPlug:
    """One device: `hear` takes what its TXT record says."""

    def __init__(self, plug: Plug, parts: Parts, watch: SonoffWatch) -> None:
        self._plug = plug
        self._parts = parts
        self._watch = watch
        self._params: dict[str, Any] = {}
        self._heard_at_s: float | None = None
        self._address = ""
        self._changed = asyncio.Event()

    @property
    def device_id(self) -> str:
        return self._plug.device_id

    def hear(self, told: Mapping[str, str], address: str) -> None:
        """Take a TXT record. Raises BadAnswer for one that cannot be read."""
        data = "".join(told.get(name, "") for name in PARTS_OF_DATA)
        if told.get("encrypt") == "true":
            params = decrypt(data, told.get("iv", ""), self._key())
        else:
            params = read_object(data)
        # A record has what changed; a stranger's inventions are not gathered for ever.
        self._params = params if len(self._params) > MOST_PARAMS else self._params | params
        self._address = address
        self._heard_at_s = asyncio.get_running_loop().time()
        self._changed.set()

    async def read(self) -> PlugReading:
        if self._heard_at_s is None:
            raise NotYet(f"{self._plug.name} was not heard on the local network yet")
        if asyncio.get_running_loop().time() - self._heard_at_s > OLD_AFTER_S:
            await self._watch.ask(self)
        return read_params(self._params, self._plug)

    async def switch(self, is_on: bool) -> None:
        if not self._address:
            raise BridgeDown(f"{self._plug.name} was not heard on the local network yet")
        has_channels = "switches" in self._params
        params = switch_params(is_on, self._plug.channel, has_channels=has_channels)
        data, iv = encrypt(params, self._key())
        body = {
            "sequence": str(wall_ms()),
            "deviceid": self.device_id,
            "selfApikey": "123",
            "data": data,
            "encrypt": True,
            "iv": iv,
        }
        command = "switches" if has_channels else "switch"
        url = f"http://{self._address}/zeroconf/{command}"
        self._changed.clear()
        status, answer = await self._parts.http.ask("POST", url, body=json.dumps(body).encode(),
                                                    headers=_JSON)  # fmt: skip
        if status != 200 or read_object(answer).get("error") != 0:
            raise BridgeDown(f"{self._plug.name} refused: {answer[:80]!r}")
        await self._wait_for(is_on)

    async def _wait_for(self, is_on: bool) -> None:
        """Wait until the device says that it has obeyed."""
        try:
            async with asyncio.timeout(OBEYS_WITHIN_S):
                while read_params(self._params, self._plug).is_on is not is_on:
                    await self._changed.wait()
                    self._changed.clear()
        except TimeoutError:
            word = "on" if is_on else "off"
            raise BridgeDown(f"{self._plug.name} did not switch {word}") from None

    def _key(self) -> str:
        return self._parts.secret(f"sonoff.{self.device_id}.device_key")


class SonoffWatch:
    """A bridge that hears mDNS for all Sonoff plugs of the site."""

    name = "sonoff"
    longest_pause_s = 60.0

    def __init__(self, wanted: Sonoff, parts: Parts) -> None:
        self._wanted = wanted
        self._parts = parts
        self._plugs: dict[str, SonoffPlug] = {}
        self._names: dict[str, str] = {}  # device id to the service's name
        self._asking: set[asyncio.Task[None]] = set()
        self._zeroconf: AsyncZeroconf | None = None

    def plug(self, plug: Plug) -> SonoffPlug:
        """Return the driver of a plug; before `run`."""
        made = SonoffPlug(plug, self._parts, self)
        self._plugs[f"{plug.device_id}/{plug.channel}"] = made
        return made

    async def run(self) -> None:
        interfaces = [self._wanted.interface] if self._wanted.interface else None
        try:
            found = AsyncZeroconf(interfaces=interfaces) if interfaces else AsyncZeroconf()
        except OSError as problem:
            raise BridgeDown(f"mDNS cannot be heard: {problem}") from None
        self._zeroconf = found
        browser = AsyncServiceBrowser(found.zeroconf, SERVICE, handlers=[self._changed])
        try:
            await asyncio.Event().wait()
        finally:
            self._zeroconf = None
            await browser.async_cancel()
            for task in self._asking:
                task.cancel()
            await found.async_close()

    async def ask(self, plug: SonoffPlug) -> None:
        """Ask a device for its state. Raises BridgeDown when it is silent."""
        name = self._names.get(plug.device_id)
        if self._zeroconf is None or name is None or not await self._look(name):
            raise BridgeDown(f"{plug.device_id} does not answer on the local network")

    def _changed(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        """Called in the loop; keyword names are zeroconf's."""
        if state_change is ServiceStateChange.Removed or len(self._asking) > 50:
            return
        task = asyncio.get_running_loop().create_task(self._hear(name))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _hear(self, name: str) -> None:
        await self._look(name)

    async def _look(self, name: str) -> bool:
        """Learn what a service says now; tell whether it answered and was understood."""
        if self._zeroconf is None:
            return False
        info = AsyncServiceInfo(SERVICE, name)
        if not await info.async_request(self._zeroconf.zeroconf, ASK_MS):
            return False
        told = _texts(info.decoded_properties)
        addresses = info.parsed_addresses()
        if not addresses or "id" not in told:
            return False
        self._names[told["id"]] = name
        mine = [one for one in self._plugs.values() if one.device_id == told["id"]]
        for plug in mine:
            try:
                plug.hear(told, f"{addresses[0]}:{info.port or 8081}")
            except BadAnswer as problem:
                self._parts.say(f"bridge sonoff: {told['id']}: {problem}")
                return False
        return bool(mine)


def _texts(properties: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in properties.items() if value is not None}


_JSON = {"Content-Type": "application/json"}
