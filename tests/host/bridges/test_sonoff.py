"""Sonoff plugs on the local network: a real mDNS responder, the makers' cipher, HTTP commands."""

from __future__ import annotations

import socket

import pytest
from aiohttp import web
from zeroconf import ServiceInfo, Zeroconf

from hub.bridges.foreign import BadAnswer
from hub.bridges.part import BridgesPart
from hub.bridges.plugs.ewelink_params import read_params
from hub.bridges.plugs.sonoff import SERVICE
from hub.bridges.plugs.sonoff_cipher import decrypt, encrypt
from tests.host.bridges.doubles import checked, wait_for
from tests.host.bridges.servers import Server

KEY = "00000000-1111-2222-3333-444444444444"
IV = "AAECAwQFBgcICQoLDA0ODw=="
DATA = "FYgFgBEMpbPdlZ+iHRhjZ+v+c3exB1QMaTE3IWRuVz3gUjims9cQAGgH0fT5JgkEI5CTuaF64ylZWl6BuaeNeg=="
TOLD = {"switch": "on", "power": 76.62, "voltage": 222.6, "current": 0.42}


def plug(**changes):
    found = {"name": "pow", "house": "house-1", "kind": "sonoff", "device_id": "1000abcdef"}
    return checked(plugs=[found | changes]).plugs[0]


# The cipher ---------------------------------------------------------------------------------------


def test_record_is_read_when_a_plug_encrypted_it():
    assert decrypt(DATA, IV, KEY) == TOLD


def test_record_comes_back_when_it_was_encrypted_here():
    data, iv = encrypt({"switch": "off"}, KEY)
    assert decrypt(data, iv, KEY) == {"switch": "off"}
    assert encrypt({"switch": "off"}, KEY) != (data, iv)  # never the same bytes twice


@pytest.mark.parametrize(
    "data, iv, key",
    [(DATA, IV, "another key"), (DATA[:-4], IV, KEY), ("", IV, KEY), ("!", IV, KEY),
     (DATA, "AAEC", KEY), (DATA, "", KEY)],
)  # fmt: skip
def test_record_is_refused_when_it_cannot_be_read(data, iv, key):
    with pytest.raises(BadAnswer):
        decrypt(data, iv, key)


# The parameters -----------------------------------------------------------------------------------


def test_parameters_are_read_in_micro_units_when_a_powr2_tells_them():
    found = read_params(TOLD, plug())
    assert (found.is_on, found.power_uw, found.voltage_uv, found.current_ua) == (
        *(True, 76_620_000, 222_600_000, 420_000),
    )


def test_parameters_are_hundredths_of_a_channel_when_a_dualr3_tells_them():
    told = {"switches": [{"outlet": 0, "switch": "off"}, {"outlet": 1, "switch": "on"}],
            "actPow_00": 1, "actPow_01": 7_662, "voltage_01": 22_260, "current_01": 42}  # fmt: skip
    found = read_params(told, plug(channel=1, scale_permille=10))
    assert found.power_uw == 76_620_000 and found.voltage_uv == 222_600_000
    assert (found.is_on, found.current_ua) == (True, 420_000)


# On the network -----------------------------------------------------------------------------------


class SonoffDevice(Server):
    """A POWR2: announces itself by mDNS, and says what changed after a command."""

    def __init__(self, key=KEY):
        self.key, self.is_on, self.commands, self.seq = key, True, [], 0
        super().__init__([("POST", "/zeroconf/switch", self._command)])
        self.zeroconf = Zeroconf(interfaces=["127.0.0.1"])
        self.info = self._info()

    def start(self):
        self.zeroconf.register_service(self.info, cooperating_responders=True)
        return super().start()

    def stop(self):
        self.zeroconf.close()
        super().stop()

    def _info(self):
        word = "on" if self.is_on else "off"
        data, iv = encrypt(TOLD | {"switch": word}, self.key)
        self.seq += 1
        properties = {"txtvers": "1", "id": "1000abcdef", "type": "plug", "apivers": "1",
                      "seq": str(self.seq), "encrypt": "true", "iv": iv, "data1": data[:40],
                      "data2": data[40:]}  # fmt: skip
        name = f"eWeLink_1000abcdef.{SERVICE}"
        return ServiceInfo(SERVICE, name, self.port, properties=properties,
                           addresses=[socket.inet_aton("127.0.0.1")],
                           server="eWeLink_1000abcdef.local.")  # fmt: skip

    async def _command(self, request):
        body = await request.json()
        command = decrypt(body["data"], body["iv"], self.key)
        self.commands.append(command)
        if body["deviceid"] != "1000abcdef" or not body["encrypt"]:
            return web.json_response({"seq": 1, "error": 400})
        self.is_on = command["switch"] == "on"
        await self.zeroconf.async_update_service(self._info())
        return web.json_response({"seq": 2, "sequence": body["sequence"], "error": 0})


@pytest.fixture
def part(site):
    tables = {
        "sonoff": {"interface": "127.0.0.1"},
        "plugs": [{"name": "pow", "house": "house-1", "kind": "sonoff", "device_id": "1000abcdef",
                   "period_s": 1}],
    }  # fmt: skip
    secrets = {"sonoff.1000abcdef.device_key": KEY}
    made = BridgesPart(checked(**tables), site.parts(secrets=secrets), site.path)
    made.start()
    yield made
    made.stop()


def test_plug_is_found_read_and_switched_when_it_is_on_the_network(site, serve, part):
    device = serve(SonoffDevice())
    wait_for(lambda: site.store.latest_plugs(), 20)
    row = site.store.latest_plugs()[0]
    assert (row["power_uw"], row["voltage_uv"], row["current_ua"], row["device_uwh"]) == (
        *(76_620_000, 222_600_000, 420_000, None),
    )
    assert part.switch_plug("pow", False, "house-1")["is_on"] is False
    assert device.commands == [{"switch": "off"}]


def test_wrong_device_key_is_said_when_a_plug_cannot_be_read(site, serve, part):
    serve(SonoffDevice(key="another"))
    wait_for(lambda: any("device key right?" in text for text in site.said), 20)
    assert site.store.latest_plugs() == []
