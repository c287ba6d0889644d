"""Any bytes from the other side: every reader answers with a reading or with BadAnswer."""

from __future__ import annotations

import asyncio
import datetime
import json
import random

import pytest

from hub.bridges.errors import BridgeDown
from hub.bridges.foreign import LARGEST, BadAnswer, read_object, scaled, switch_state
from hub.bridges.http import LONGEST_ANSWER, Http
from hub.bridges.part import BridgesPart
from hub.bridges.plugs.ewelink_params import read_params
from hub.bridges.plugs.ewelink_usage import read_usage
from hub.bridges.plugs.meter import PlugMeter
from hub.bridges.plugs.shelly import read_em1, read_gen1, read_switch
from hub.bridges.plugs.sonoff_cipher import decrypt
from hub.bridges.plugs.tasmota import TasmotaMqtt, read_energy, read_power
from hub.bridges.thingspeak import read_history
from tests.host.bridges.doubles import checked, wait_for
from tests.host.bridges.servers import TasmotaServer

LEAVES = (
    *(None, True, False, 0, -1, 1, 10**30, -(10**30), 0.1, -0.0, 1e308, float("nan"), float("inf")),
    *("", "on", "OFF", "56.5", "1e999", "-0", "nan", "0x1", "1_000", "٣", "1" * 5_000, " 7 "),
    *("2023-05-19T20:52:56Z", "0001-01-01T00:00:00", "9999-12-31T23:59:59+23:59", "\ud800"),
)
NAMES = (
    *("ENERGY", "Power", "Total", "Voltage", "Current", "POWER1", "POWER", "StatusSNS", "relays"),
    *("meters", "emeters", "ison", "power", "total", "is_valid", "output", "apower", "aenergy"),
    *("act_power", "total_act_energy", "switch", "switches", "outlet", "actPow_00", "voltage"),
    *("feeds", "created_at", "field1", "field5", "current"),
)
RECORDS = 800


def invent(draw, depth=0):
    """Return a value as JSON could hold it, with members that readers look for."""
    kind = draw.random()
    if depth > 2 or kind < 0.45:
        return draw.choice((*LEAVES, draw.uniform(-1e6, 1e6), draw.randrange(-(2**70), 2**70)))
    if kind < 0.6:
        return [invent(draw, depth + 1) for _ in range(draw.randrange(4))]
    return {draw.choice(NAMES): invent(draw, depth + 1) for _ in range(draw.randrange(7))}


def invent_record(draw):
    return {draw.choice(NAMES): invent(draw) for _ in range(draw.randrange(7))}


def invent_bytes(draw):
    """Return a record's text, whole, cut or with a byte changed, or noise."""
    text = bytearray(json.dumps(invent_record(draw)).encode())
    kind = draw.randrange(4)
    if kind == 1:
        del text[draw.randrange(len(text) + 1) :]
    elif kind == 2 and text:
        text[draw.randrange(len(text))] = draw.randrange(256)
    return draw.randbytes(draw.randrange(200)) if kind == 3 else bytes(text)


PLUG = checked(plugs=[{"name": "p", "house": "house-1", "address": "x"}]).plugs[0]
READERS = [
    lambda record: read_energy(record, 0),
    lambda record: read_gen1(record, 0),
    read_switch,
    lambda record: read_em1(record, record),
    lambda record: read_params(record, PLUG),
]


def check(reading):
    """A reading has integers of a size the store can keep, and the meter takes it."""
    for name in ("power_uw", "voltage_uv", "current_ua", "device_uwh"):
        value = getattr(reading, name)
        assert value is None or (type(value) is int and abs(value) <= LARGEST)
    assert reading.is_on in (None, True, False)
    meter = PlugMeter(PLUG, None)
    first = meter.take(reading, 1_000)
    again = meter.take(reading, 6_000)
    assert first.energy_uwh <= again.energy_uwh < 2**63


@pytest.mark.parametrize("seed", [1, 2])
def test_readers_never_raise_but_bad_answer_when_records_are_invented(seed):
    draw, taken = random.Random(seed), 0
    for _ in range(RECORDS):
        record = invent_record(draw)
        read_power(record, 0)
        for read in READERS:
            try:
                check(read(record))
                taken += 1
            except BadAnswer:
                continue
    assert taken > RECORDS  # the invented ones are near enough to be taken, too


@pytest.mark.parametrize("value", LEAVES)
def test_numbers_are_whole_and_small_when_anything_is_sent(value):
    found = scaled(value)
    assert found is None or (type(found) is int and abs(found) <= LARGEST)
    assert switch_state(value) in (None, True, False)


@pytest.mark.parametrize("seed", [3, 4])
def test_bytes_become_a_record_or_bad_answer_when_they_are_read(seed):
    draw, taken = random.Random(seed), 0
    plug = TasmotaMqtt(PLUG, None)

    async def hear(body):
        plug.hear(f"tele/x/{draw.choice(('SENSOR', 'STATE', 'STATUS8', 'LWT'))}", body)

    with asyncio.Runner() as runner:
        for _ in range(RECORDS):
            body = invent_bytes(draw)
            runner.run(hear(body))
            text = body.decode("latin-1")
            readers = (
                lambda body=body: read_object(body),
                lambda body=body: read_history(body, ("pv_voltage_v",)),
                lambda text=text: decrypt(text, text[:24], "key"),
                lambda text=text: read_usage(text),
            )
            for read in readers:
                try:
                    read()
                    taken += 1
                except BadAnswer:
                    continue
    assert taken > RECORDS // 4


def test_month_is_never_more_than_was_told_when_usage_is_short():
    assert read_usage("000207").month_uwh(datetime.date(2026, 1, 31)) == 270_000_000


def test_plug_bridge_goes_on_when_its_plug_answers_anything(site, serve):
    """A server that answers with noise, then a good one again: the same bridge, no restart of it
    but by its supervisor, and the others untouched."""
    found = serve(TasmotaServer())
    draw = random.Random(7)
    noise = [b"", b"null", b"[]", b"{", b'{"StatusSNS":{"ENERGY":[]}}', b"\x00" * 10_000]
    noise += [b"[" * 100_000, b'{"a":' * 5_000, *(draw.randbytes(300) for _ in range(5))]
    plugs = [{"name": "p", "house": "house-1", "address": found.address, "period_s": 1}]
    part = BridgesPart(checked(plugs=plugs), site.parts(), site.path)
    part._runner._first_pause_s = 0.02
    bridge = part._plugs["p"]
    part.start()
    try:
        for answer in noise:
            found.answer = answer
            with pytest.raises(BridgeDown):
                part._runner.call(bridge.read(), 10)
        found.answer = None
        part._runner.call(bridge.read(), 10)
        wait_for(lambda: part.record()["plugs"][0]["is_online"])
        assert all(one["power_uw"] is not None for one in site.store.plug_readings("p", 0))
    finally:
        part.stop()


def test_answer_is_refused_when_it_is_endless(serve):
    found = serve(TasmotaServer())
    found.answer = b" " * (LONGEST_ANSWER + 1)
    with pytest.raises(BridgeDown, match="longer than"):
        asyncio.run(Http().get(f"{found.url}/cm", {"cmnd": "Status 8"}))
