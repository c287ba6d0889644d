"""Small servers that speak what the real other sides speak, each in a thread of the test."""

from __future__ import annotations

import asyncio
import threading

from aiohttp import web

from hub.processes import free_port


class Server:
    """An HTTP server on loopback: `routes` are (method, path, coroutine of a request)."""

    def __init__(self, routes):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self._app = web.Application()
        for method, path, handler in routes:
            self._app.router.add_route(method, path, handler)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self._app, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        self._loop.run_until_complete(site.start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()


class ThingSpeakServer(Server):
    """Bulk-write with its key, its 15 s limit (shortened) and its `0`; the feed read back."""

    def __init__(self, write_key="WRITEKEY", call_period_s=0.2):
        self.write_key = write_key
        self.entries = []
        self.calls_at = []
        self.too_soon = 0
        self.is_away = False
        self.refused = lambda updates: False
        self._call_period_s = call_period_s
        super().__init__(
            [
                ("POST", "/channels/{channel}/bulk_update.json", self._bulk),
                ("GET", "/channels/{channel}/feeds.json", self._feed),
            ]
        )

    async def _bulk(self, request):
        if self.is_away:
            return web.Response(status=503)
        body = await request.json()
        now = asyncio.get_running_loop().time()
        if self.calls_at and now - self.calls_at[-1] < self._call_period_s:
            self.too_soon += 1
            return web.json_response({"status": "429"}, status=429)
        self.calls_at.append(now)
        if body["write_api_key"] != self.write_key:
            return web.json_response({"status": "401"}, status=401)
        assert len(body["updates"]) <= 960
        if self.refused(body["updates"]):
            return web.Response(text="0")  # with HTTP 200, as the service does
        self.entries += body["updates"]
        return web.json_response({"success": True}, status=202)

    async def _feed(self, request):
        count = int(request.query["results"])
        feeds = [
            {"entry_id": n, **{key: str(value) for key, value in one.items()}}
            for n, one in enumerate(self.entries, 1)
        ]
        return web.json_response({"channel": {"id": 1}, "feeds": feeds[-count:]})


class EmoncmsServer(Server):
    """`input/bulk` with a Bearer key; keeps what came as (time, node, name, value)."""

    def __init__(self, key="EMONKEY"):
        self.key = key
        self.rows = []
        self.is_away = False
        super().__init__([("POST", "/input/bulk", self._bulk)])

    async def _bulk(self, request):
        import json

        if self.is_away:
            return web.Response(status=502)
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return web.Response(text="Invalid API key", status=200)
        form = await request.post()
        start = int(form["time"])
        for offset, node, *values in json.loads(form["data"]):
            for value in values:
                self.rows += [(start + offset, node, name, one) for name, one in value.items()]
        return web.Response(text="ok")


class TasmotaServer(Server):
    """`/cm?cmnd=`: Status 8, Power1, Power1 On; the words are those of version 13."""

    def __init__(self, watts=56.0, total_kwh=514.153):
        self.watts, self.total_kwh, self.is_on = watts, total_kwh, True
        self.answer = None
        super().__init__([("GET", "/cm", self._command)])

    async def _command(self, request):
        if self.answer is not None:
            return web.Response(body=self.answer)
        words = request.query["cmnd"].split()
        if words == ["Status", "8"]:
            watts = self.watts if self.is_on else 0
            energy = {"TotalStartTime": "2023-01-01T00:00:00", "Total": self.total_kwh,
                      "Yesterday": 0.1, "Today": 0.537, "Power": watts, "ApparentPower": 92,
                      "ReactivePower": 73, "Factor": 0.61, "Voltage": 234,
                      "Current": round(watts / 234, 3)}  # fmt: skip
            return web.json_response({"StatusSNS": {"Time": "2023-05-19T20:52:56",
                                                    "ENERGY": energy}})  # fmt: skip
        if words[0] == "Power1":
            if len(words) == 2:
                self.is_on = words[1] == "On"
            return web.json_response({"POWER": "ON" if self.is_on else "OFF"})
        return web.json_response({"Command": "Unknown"})


class ShellyGen1Server(Server):
    """A Shelly Plug S: `/status`, `/relay/0?turn=`; its counter is in watt-minutes."""

    def __init__(self, watts=40.5, total=6_000):
        self.watts, self.total, self.is_on = watts, total, False
        super().__init__([("GET", "/status", self._status), ("GET", "/relay/0", self._relay)])

    async def _status(self, request):
        watts = self.watts if self.is_on else 0.0
        return web.json_response(
            {
                "wifi_sta": {"connected": True},
                "relays": [{"ison": self.is_on, "has_timer": False, "source": "http"}],
                "meters": [{"power": watts, "overpower": 0.0, "is_valid": True,
                            "timestamp": 1, "counters": [0, 0, 0], "total": self.total}],
            }
        )  # fmt: skip

    async def _relay(self, request):
        turn = request.query.get("turn")
        self.is_on = {"on": True, "off": False}.get(turn, self.is_on)
        return web.json_response({"ison": self.is_on, "has_timer": False, "source": "http"})


class ShellyGen2Server(Server):
    """A Plus Plug S and a Pro EM in one: Switch.GetStatus, Switch.Set, EM1, EM1Data."""

    def __init__(self, watts=12.3, total_wh=11.679):
        self.watts, self.total_wh, self.is_on = watts, total_wh, True
        self.is_deaf = False
        super().__init__([("GET", "/rpc/{method}", self._call)])

    async def _call(self, request):
        method, number = request.match_info["method"], int(request.query["id"])
        if method == "Switch.Set":
            was_on, wanted = self.is_on, request.query["on"] == "true"
            self.is_on = was_on if self.is_deaf else wanted
            return web.json_response({"was_on": was_on})
        if method == "Switch.GetStatus":
            watts = self.watts if self.is_on else 0.0
            return web.json_response(
                {"id": number, "source": "init", "output": self.is_on, "apower": watts,
                 "voltage": 225.9, "current": 0.055,
                 "aenergy": {"total": self.total_wh, "by_minute": [0, 0, 0], "minute_ts": 1},
                 "temperature": {"tC": 53.3, "tF": 127.9}}
            )  # fmt: skip
        if method == "EM1.GetStatus":
            return web.json_response(
                {"id": number, "current": 4.029, "voltage": 236.1, "act_power": 951.2,
                 "aprt_power": 951.9, "pf": 1, "freq": 50, "calibration": "factory"}
            )  # fmt: skip
        if method == "EM1Data.GetStatus":
            return web.json_response(
                {"id": number, "total_act_energy": 2776.175, "total_act_ret_energy": 571.584}
            )
        return web.json_response({"code": 404, "message": f"No handler for {method}"}, status=404)
