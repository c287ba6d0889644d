"""eWeLink's cloud: sign-in, tokens, devices and monthly use, with a server that checks it all."""

from __future__ import annotations

import datetime
import json
import urllib.parse

import pytest
from aiohttp import web

from hub.bridges.errors import BridgeDown
from hub.bridges.foreign import BadAnswer
from hub.bridges.part import BridgesPart
from hub.bridges.plugs.ewelink import sign
from hub.bridges.plugs.ewelink_usage import read_usage
from hub.site_clock import wall_ms
from tests.host.bridges.doubles import checked, wait_for
from tests.host.bridges.servers import Server

APP, SECRET = "app", "the secret"
DAY_MS = 86_400_000
HUNDRED = "000002000207010003" + "000000" * 97


class EwelinkServer(Server):
    """OAuth, devices and the socket; refuses wrong signatures, tokens and ids."""

    def __init__(self):
        self.token, self.refreshes, self.life_ms = "first", 0, 30 * DAY_MS
        self.params = {"switch": "on", "power": "76.62", "voltage": "222.60", "current": "0.42"}
        super().__init__(
            [
                ("POST", "/v2/user/oauth/token", self._code),
                ("POST", "/v2/user/refresh", self._refresh),
                ("GET", "/v2/device/thing", self._things),
                ("GET", "/v2/device/thing/status", self._status),
                ("POST", "/v2/device/thing/status", self._set),
                ("GET", "/dispatch/app", self._dispatch),
                ("GET", "/api/ws", self._socket),
            ]
        )

    async def _code(self, request):
        text = await request.text()
        is_signed = request.headers["Authorization"] == f"Sign {sign(text, SECRET)}"
        body = json.loads(text)
        if not is_signed or body["code"] != "the-code" or request.headers["X-CK-Appid"] != APP:
            return self._answer(401, None)
        return self._answer(0, {"accessToken": self.token, "refreshToken": "r1",
                                "atExpiredTime": wall_ms() + self.life_ms,
                                "rtExpiredTime": wall_ms() + 60 * DAY_MS})  # fmt: skip

    async def _refresh(self, request):
        text = await request.text()
        if request.headers["Authorization"] != f"Sign {sign(text, SECRET)}":
            return self._answer(401, None)
        self.refreshes += 1
        self.token = f"renewed {self.refreshes}"
        return self._answer(0, {"at": self.token, "rt": "r2"})

    def _answer(self, error, data):
        return web.json_response({"error": error, "msg": "", "data": data or {}})

    def _is_allowed(self, request):
        return request.headers["Authorization"] == f"Bearer {self.token}"

    async def _things(self, request):
        thing = {
            "itemType": 1,
            "itemData": {"deviceid": "1000abcdef", "apikey": "key", "name": "p"},
        }
        if not self._is_allowed(request):
            return self._answer(401, None)
        return self._answer(0, {"thingList": [thing, {"itemType": 3}, None], "total": 1})

    async def _status(self, request):
        if not self._is_allowed(request) or request.query["id"] != "1000abcdef":
            return self._answer(4002, None)
        return self._answer(0, {"params": self.params})

    async def _set(self, request):
        if not self._is_allowed(request):
            return self._answer(401, None)
        self.params |= (await request.json())["params"]
        return self._answer(0, None)

    async def _dispatch(self, request):
        return web.json_response({"domain": "127.0.0.1", "port": self.port, "error": 0})

    async def _socket(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        hello = await socket.receive_json()
        is_good = hello["at"] == self.token and hello["action"] == "userOnline"
        await socket.send_json({"error": 0 if is_good else 406, "sequence": hello["sequence"]})
        wish = await socket.receive_json()
        assert wish["params"] == {"hundredDaysKwh": "get"} and wish["apikey"] == "key"
        await socket.send_json({"action": "update", "deviceid": "other", "params": {}})
        await socket.send_json({"error": 0, "sequence": wish["sequence"],
                                "config": {"hundredDaysKwhData": HUNDRED}})  # fmt: skip
        await socket.close()
        return socket


@pytest.fixture
def cloud(site, serve):
    server = serve(EwelinkServer())
    tables = {
        "ewelink": {"api_url": server.url, "socket_url": f"{server.url}/dispatch/app"},
        "plugs": [{"name": "pow", "house": "house-1", "kind": "ewelink", "device_id": "1000abcdef",
                   "period_s": 1}],
    }  # fmt: skip
    secrets = {"ewelink.app_id": APP, "ewelink.app_secret": SECRET}
    parts = []

    def begin():
        made = BridgesPart(checked(**tables), site.parts(secrets=secrets), site.path)
        # Its failures before the sign-in are no reason to wait a second each.
        made._runner._first_pause_s = 0.05
        parts.append(made)
        made.start()
        return made, server

    yield begin
    for one in parts:
        one.stop()


def sign_in(part):
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(part.ewelink_sign_in()).query))
    assert query["authorization"] == sign(f"{APP}_{query['seq']}", SECRET)
    assert query["redirectUrl"] == "http://127.0.0.1:8000/redirectUrl"
    part.take_ewelink_code("the-code", "us", query["state"])


def test_plug_is_read_switched_and_billed_when_somebody_signed_in(site, cloud):
    part, server = cloud()
    sign_in(part)
    wait_for(lambda: site.store.latest_plugs())
    assert site.store.latest_plugs()[0]["power_uw"] == 76_620_000
    assert part.switch_plug("pow", False, "house-1")["is_on"] is False
    assert server.params["switch"] == "off"
    wait_for(lambda: part.usage())
    assert part.usage()["pow"]["days_uwh"][:3] == [20_000_000, 270_000_000, 1_030_000_000]
    assert (site.path / "ewelink.json").stat().st_mode & 0o777 == 0o600


def test_token_is_renewed_when_it_ends_soon(site, cloud):
    part, server = cloud()
    server.life_ms = DAY_MS
    sign_in(part)
    wait_for(lambda: site.store.latest_plugs())
    assert server.refreshes >= 1


def test_sign_in_is_refused_when_it_was_not_begun_here(site, cloud):
    part, _ = cloud()
    with pytest.raises(BridgeDown, match="not begun here"):
        part.take_ewelink_code("the-code", "us", "forged")
    assert not (site.path / "ewelink.json").exists()


def test_sign_in_is_refused_when_the_region_is_unknown(site, cloud):
    part, _ = cloud()
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(part.ewelink_sign_in()).query)
    with pytest.raises(BridgeDown, match="region"):
        part.take_ewelink_code("the-code", "evil.example/", query["state"][0])


def test_bridge_says_where_to_sign_in_when_nobody_did(site, cloud):
    cloud()
    wait_for(lambda: any("open /ewelink/sign-in" in text for text in site.said))


def test_month_is_summed_when_days_are_known():
    usage = read_usage(HUNDRED)
    assert usage.month_uwh(datetime.date(2026, 11, 1)) == 20_000_000
    assert usage.month_uwh(datetime.date(2026, 11, 3)) == 1_320_000_000


@pytest.mark.parametrize("text", ["0", "00000", "zz0000", "00000x", "00000²", "-10000"])
def test_usage_is_refused_when_it_is_damaged(text):
    with pytest.raises(BadAnswer):
        read_usage(text)
