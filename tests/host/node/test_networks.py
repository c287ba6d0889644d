"""WiFi and Ethernet: one interface, plain sentences; the LED's codes."""

import asyncio
import re
from pathlib import Path

import pytest
from node import ethernet, led_codes, wifi
from node.carriers import W5500EvbPico
from node.ethernet import Ethernet
from node.led_codes import CODES, StatusLed, code_of
from node.profiles import PROFILES
from node.wifi import Wifi

from tests.host.fakes.machine import FakeMachine
from tests.host.fakes.network import FakeNetwork
from tests.host.fakes.ticks import Ticks
from tests.host.node.rig import Rig


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Poll a thousand times as fast."""
    for module in (wifi, ethernet):
        monkeypatch.setattr(module, "JOIN_MS", 300)
    monkeypatch.setattr(wifi, "AGAIN_MS", 0)
    real = asyncio.sleep
    monkeypatch.setattr(wifi.asyncio, "sleep", lambda seconds: real(seconds / 1000))


@pytest.fixture
def network():
    return FakeNetwork()


@pytest.fixture
def machine():
    return FakeMachine(Ticks())


def made(kind, network, machine):
    if kind == "wifi":
        return Wifi(network, ("site", "secret"), "house-1")
    return Ethernet(network, machine, W5500EvbPico, "house-1")


@pytest.mark.parametrize("kind", ["wifi", "ethernet"])
def test_network_is_up_with_its_hostname_when_joined(kind, network, machine):
    interface = made(kind, network, machine)
    assert not interface.is_up()
    asyncio.run(interface.join())
    assert interface.is_up()
    assert interface.name_server() == "192.0.2.53"
    assert network.history[0] == ("hostname", "house-1")


@pytest.mark.parametrize("kind", ["wifi", "ethernet"])
def test_joining_does_nothing_when_the_network_is_up(kind, network, machine):
    interface = made(kind, network, machine)
    asyncio.run(interface.join())
    before = list(network.history)
    asyncio.run(interface.join())
    assert network.history == before


@pytest.mark.parametrize("kind", ["wifi", "ethernet"])
def test_network_joins_anew_when_it_was_switched_off_and_on(kind, network, machine):
    interface = made(kind, network, machine)
    asyncio.run(interface.join())
    del network.history[:]
    interface.restart()
    assert network.history[:2] == [("active", False), ("active", True)]
    if kind == "wifi":  # the radio's power saving is on again after each start
        assert network.history[2] == ("config", {"pm": network.WLAN.PM_NONE})
        assert not interface.is_up()
    asyncio.run(interface.join())
    assert interface.is_up()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (-3, "wifi: wrong password for site"),
        (-2, "wifi: no access point called site in reach"),
        (-1, "wifi: site does not let the board in"),
        (2, r"wifi: site gives no address \(DHCP\)"),
    ],
)
def test_wifi_says_why_when_it_cannot_join(answer, sentence, network, machine):
    network.answer = answer
    with pytest.raises(OSError, match=sentence):
        asyncio.run(made("wifi", network, machine).join())


def test_wifi_tries_again_when_the_access_point_comes_back(network, machine, monkeypatch):
    monkeypatch.setattr(wifi, "JOIN_MS", 60_000)
    network.is_in_reach = False

    async def scenario():
        joining = asyncio.create_task(made("wifi", network, machine).join())
        while network.history.count(("connect", "site")) < 2:
            await asyncio.sleep(0.001)
        network.is_in_reach = True
        await asyncio.wait_for(joining, 60)

    asyncio.run(scenario())


def test_wifi_does_not_hammer_on_a_wrong_password(network, machine):
    network.answer = network.STAT_WRONG_PASSWORD
    interface = made("wifi", network, machine)
    for _ in range(3):
        with pytest.raises(OSError):
            asyncio.run(interface.join())
    assert network.history.count(("connect", "site")) <= 6


@pytest.mark.parametrize(
    ("lacking", "sentence"),
    [("has_cable", "ethernet: no cable"), ("has_dhcp", r"gives no address \(DHCP\)")],
)
def test_ethernet_says_why_when_it_is_not_up(lacking, sentence, network, machine):
    setattr(network, lacking, False)
    interface = made("ethernet", network, machine)
    with pytest.raises(OSError, match=sentence):
        asyncio.run(interface.join())
    setattr(network, lacking, True)
    asyncio.run(interface.join())
    assert interface.is_up()


def test_ethernet_takes_no_pin_that_a_profile_uses():
    taken = {getattr(W5500EvbPico, name) for name in ("MISO", "CS", "SCK", "MOSI", "RESET", "LED")}
    for profile in PROFILES.values():
        used = {profile.RELAY_IN, profile.RELAY_OUT, profile.SDA, profile.SCL, *profile.ADC_PINS}
        assert not taken & used


class Lamp:
    def __init__(self):
        self.history = []

    def value(self, level):
        self.history.append(level)


@pytest.mark.parametrize("code", sorted(CODES))
def test_led_shows_a_code_and_writes_its_pin_only_at_changes(code):
    lamp = Lamp()
    led = StatusLed(lamp)
    led.show(code)
    shown = []
    for _ in range(2 * len(CODES[code])):
        led.step()
        shown.append(str(lamp.history[-1]))
    assert "".join(shown) == 2 * CODES[code]
    assert all(one != two for one, two in zip(lamp.history, lamp.history[1:], strict=False))


def test_regulator_is_switched_once_and_only_when_the_settings_ask(ticks, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert "WL_GPIO1" not in Rig(ticks, monkeypatch).machine.levels
    rig = Rig(ticks, monkeypatch, regulator_pwm=True)
    assert [edge[2] for edge in rig.machine.edges("WL_GPIO1")] == [1]


def test_each_code_of_the_guide_is_one_that_is_shown():
    """What the node shows: code_of, and program.show_no_settings."""
    cases = [("fault", "open"), ("idle", "in"), ("idle", "out"), ("trial", "open")]
    cases.append(("idle", "open"))
    links = ("joining", "connecting", "connected")
    shown = {code_of(*case, link) for case in cases for link in links} | {"no_settings"}
    page = (Path(__file__).parents[3] / "docs" / "link.md").read_text(encoding="utf-8")
    table = page.split("## LED codes")[1].split("\n## ")[0]
    told = re.findall(r"^\| [^|]* \| `(\w+)` \|", table, re.MULTILINE)
    assert set(told) == set(CODES) == shown


def test_codes_are_all_different():
    assert len(set(CODES.values())) == len(CODES)
    assert CODES["delivering"] == "1" and led_codes.STEP_MS == 100


@pytest.mark.parametrize(
    ("state", "relay", "code"),
    [
        ("fault", "open", "fault"),
        ("delivering", "in", "delivering"),
        ("delivering", "out", "delivering"),
        ("trial", "open", "update_trial"),
        ("updating", "open", "update_trial"),
        ("armed", "open", "connecting"),
        ("idle", "open", "connecting"),
    ],
)
def test_code_tells_what_matters_most(state, relay, code):
    assert code_of(state, relay, "connecting") == code
