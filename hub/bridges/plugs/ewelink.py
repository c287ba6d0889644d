"""eWeLink's cloud, for Sonoff plugs that the local network does not reach, and their monthly use.

OAuth 2.0 as at eWeLink's developer site: a person signs in at their page, which leads back with a
code; it becomes a token of 30 days, renewed by another of 60. Everything is asked for at the
account's region. Monthly use (`hundredDaysKwh`) comes over their web socket only.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import urllib.parse
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from hub.bridges.config import EwelinkCloud, Plug
from hub.bridges.errors import BridgeDown
from hub.bridges.foreign import BadAnswer, read_object, table
from hub.bridges.parts import Parts
from hub.bridges.plugs.ewelink_params import read_params, switch_params
from hub.bridges.plugs.ewelink_usage import Usage, read_usage
from hub.bridges.plugs.reading import PlugReading
from hub.kept_file import write_whole
from hub.site_clock import wall_ms

REGIONS = ("us", "eu", "as", "cn")
RENEW_BEFORE_MS = 3 * 86_400_000
SIGN_IN_LIFE_MS = 600_000
SOCKET_TIMEOUT_S = 15.0
LONGEST_MESSAGE = 65_536
Record = dict[str, Any]


def sign(text: str, secret: str) -> str:
    """Return eWeLink's signature of a text: HMAC-SHA256 in base64."""
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), hashlib.sha256)).decode()


class EwelinkBridge:
    """The account's token, its devices' state, and their monthly use."""

    name = "ewelink"
    longest_pause_s = 300.0

    def __init__(self, wanted: EwelinkCloud, parts: Parts) -> None:
        self._wanted = wanted
        self._parts = parts
        self._path = parts.state_dir / "ewelink.json"
        self._plugs: list[Plug] = []
        self._states: dict[str, int] = {}  # sign-ins that were begun, and when
        self._usage: dict[str, Usage] = {}

    def plug(self, plug: Plug) -> EwelinkPlug:
        """Return the driver of a plug; before `run`."""
        self._plugs.append(plug)
        return EwelinkPlug(plug, self)

    def usage(self) -> dict[str, Usage]:
        """Return the use of each plug, by its name, as far as it was asked for."""
        return dict(self._usage)

    async def run(self) -> None:
        while True:
            token = await self._token()
            apikeys = await self._apikeys()
            for plug in self._plugs:
                if plug.device_id in apikeys:
                    hundred = await self._hundred_days(token, plug, apikeys[plug.device_id])
                    self._usage[plug.name] = read_usage(hundred)
            await asyncio.sleep(self._wanted.usage_period_s)

    # Signing in ---------------------------------------------------------------------------------

    def sign_in_url(self) -> str:
        """Return where a person signs in; it leads back with a code and the state made here."""
        now_ms = wall_ms()
        self._states = {one: at for one, at in self._states.items()
                        if at > now_ms - SIGN_IN_LIFE_MS}  # fmt: skip
        state, seq = secrets.token_urlsafe(16), str(now_ms)
        self._states[state] = now_ms
        app_id = self._parts.secret("ewelink.app_id")
        query = {
            "clientId": app_id,
            "seq": seq,
            "authorization": sign(f"{app_id}_{seq}", self._parts.secret("ewelink.app_secret")),
            "redirectUrl": self._wanted.redirect_url,
            "grantType": "authorization_code",
            "state": state,
            "nonce": _nonce(),
        }
        return f"{self._wanted.sign_in_url}?{urllib.parse.urlencode(query)}"

    async def take_code(self, code: str, region: str, state: str) -> None:
        """Turn the code of a sign-in into a token and keep it. Raises BridgeDown."""
        began_ms = self._states.pop(state, None)
        if began_ms is None or began_ms < wall_ms() - SIGN_IN_LIFE_MS:
            raise BridgeDown("this sign-in was not begun here, or long ago: begin again")
        if region not in REGIONS:
            raise BridgeDown("eWeLink leads back with a region that is unknown")
        body = {"code": code, "redirectUrl": self._wanted.redirect_url,
                "grantType": "authorization_code"}  # fmt: skip
        found = await self._signed("/v2/user/oauth/token", body, region)
        self._keep(found, region, ("accessToken", "refreshToken"))

    async def _token(self) -> Record:
        """Return the token that is valid now, renewed when it ends soon. Raises BridgeDown."""
        kept = self._kept()
        if kept.get("expires_at_ms", 0) > wall_ms() + RENEW_BEFORE_MS:
            return kept
        found = await self._signed("/v2/user/refresh", {"rt": kept["refresh"]}, kept["region"])
        self._keep(found, kept["region"], ("at", "rt"))
        return self._kept()

    async def _signed(self, path: str, body: Record, region: str) -> Record:
        text = json.dumps(body, separators=(",", ":"))
        signature = sign(text, self._parts.secret("ewelink.app_secret"))
        return await self._ask("POST", path, region, text, f"Sign {signature}")

    def _kept(self) -> Record:
        try:
            kept = read_object(self._path.read_bytes())
        except (OSError, BadAnswer):
            kept = {}
        if not isinstance(kept.get("refresh"), str) or kept.get("region") not in REGIONS:
            raise BridgeDown("nobody has signed in to eWeLink yet: open /ewelink/sign-in")
        return kept

    def _keep(self, found: Record, region: str, names: tuple[str, str]) -> None:
        access, refresh = (found.get(name) for name in names)
        if not isinstance(access, str) or not isinstance(refresh, str):
            raise BadAnswer("eWeLink gave no token")
        expires = found.get("atExpiredTime")
        expires_at_ms = expires if isinstance(expires, int) else wall_ms() + 30 * 86_400_000
        kept = {"access": access, "refresh": refresh, "region": region,
                "expires_at_ms": expires_at_ms}  # fmt: skip
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(self._path, json.dumps(kept))

    # Devices ------------------------------------------------------------------------------------

    async def params(self, device_id: str) -> Record:
        """Return a device's parameters. Raises BridgeDown."""
        query = urllib.parse.urlencode({"type": 1, "id": device_id})
        found = await self._authorised("GET", f"/v2/device/thing/status?{query}")
        return dict(table(found.get("params")))

    async def set_params(self, device_id: str, params: Record) -> None:
        body = json.dumps({"type": 1, "id": device_id, "params": params})
        await self._authorised("POST", "/v2/device/thing/status", body)

    async def _apikeys(self) -> dict[str, str]:
        """Return the key of each device in the account, by the device's id."""
        found = await self._authorised("GET", "/v2/device/thing?num=0")
        things = found.get("thingList")
        items = [table(table(one).get("itemData")) for one in things or ()
                 if isinstance(things, list)]  # fmt: skip
        return {
            one["deviceid"]: one["apikey"]
            for one in items
            if isinstance(one.get("deviceid"), str) and isinstance(one.get("apikey"), str)
        }

    async def _authorised(self, method: str, path: str, body: str | None = None) -> Record:
        token = await self._token()
        access = f"Bearer {token['access']}"
        return await self._ask(method, path, token["region"], body, access)

    async def _ask(
        self, method: str, path: str, region: str, body: str | None, authorization: str
    ) -> Record:
        url = self._wanted.api_url.format(region=region) + path
        headers = {
            "Content-Type": "application/json",
            "X-CK-Appid": self._parts.secret("ewelink.app_id"),
            "X-CK-Nonce": _nonce(),
            "Authorization": authorization,
        }
        raw = body.encode() if body is not None else None
        status, answer = await self._parts.http.ask(method, url, body=raw, headers=headers)
        found = read_object(answer)
        if status != 200 or found.get("error") != 0:
            where = path.split("?")[0]
            raise BridgeDown(f"eWeLink refused {where}: {status}, error {found.get('error')!r:.20}")
        return dict(table(found.get("data")))

    # Monthly use --------------------------------------------------------------------------------

    async def _hundred_days(self, token: Record, plug: Plug, apikey: str) -> str:
        """Return the hexadecimal text of a hundred days' use, over the web socket."""
        url = self._wanted.socket_url.format(region=token["region"])
        place = read_object(await self._parts.http.get(url))
        scheme = "ws" if url.startswith("http:") else "wss"
        where = f"{scheme}://{place.get('domain')}:{place.get('port')}/api/ws"
        hello = {
            "action": "userOnline",
            "version": 8,
            "ts": wall_ms() // 1000,
            "at": token["access"],
            "userAgent": "app",
            "apikey": apikey,
            "appid": self._parts.secret("ewelink.app_id"),
            "nonce": _nonce(),
            "sequence": str(wall_ms()),
        }
        wish = {
            "action": "update",
            "apikey": apikey,
            "deviceid": plug.device_id,
            "userAgent": "app",
            "sequence": str(wall_ms() + 1),
            "ts": 0,
            "params": {"hundredDaysKwh": "get"},
        }
        try:
            async with (
                asyncio.timeout(SOCKET_TIMEOUT_S),
                connect(where, max_size=LONGEST_MESSAGE, proxy=None) as socket,
            ):
                await socket.send(json.dumps(hello))
                _check(read_object(await socket.recv()))
                await socket.send(json.dumps(wish))
                while True:  # others' news may come between
                    found = read_object(await socket.recv())
                    hundred = table(found.get("config")).get("hundredDaysKwhData")
                    if isinstance(hundred, str):
                        return hundred
                    if found.get("sequence") == wish["sequence"]:
                        _check(found)
        except TimeoutError:
            raise BridgeDown("eWeLink's socket does not answer") from None
        except (WebSocketException, OSError, ValueError) as problem:
            raise BridgeDown(f"eWeLink's socket: {type(problem).__name__}") from None


class EwelinkPlug:
    """One device of the account."""

    def __init__(self, plug: Plug, cloud: EwelinkBridge) -> None:
        self._plug = plug
        self._cloud = cloud
        self._has_channels = False

    async def read(self) -> PlugReading:
        params = await self._cloud.params(self._plug.device_id)
        self._has_channels = "switches" in params
        return read_params(params, self._plug)

    async def switch(self, is_on: bool) -> None:
        wished = switch_params(is_on, self._plug.channel, has_channels=self._has_channels)
        await self._cloud.set_params(self._plug.device_id, wished)


def _nonce() -> str:
    return secrets.token_hex(4)


def _check(answer: Record) -> None:
    if answer.get("error") != 0:
        raise BridgeDown(f"eWeLink's socket refused: error {answer.get('error')!r:.20}")
