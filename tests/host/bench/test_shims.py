"""The shims under MicroPython itself: they do what the hardware does and refuse what it refuses."""

import asyncio
import json
import os
import signal

import pytest

REFUSALS = {
    "radio pin": ("machine.Pin(25)", "ValueError"),
    "pin 30": ("machine.Pin(30)", "ValueError"),
    "SDA on 5": ("machine.I2C(0, scl=machine.Pin(5), sda=machine.Pin(6))", "ValueError"),
    "I2C 2": ("machine.I2C(2)", "ValueError"),
    "absent part": ("machine.I2C(0).readfrom_mem(0x4F, 0, 2)", "OSError"),
    "part on other pins": (
        "machine.I2C(0, scl=machine.Pin(9), sda=machine.Pin(8)).readfrom_mem(0x40, 0, 2)",
        "OSError",
    ),
    "long watchdog": ("machine.WDT(timeout=8389)", "ValueError"),
    "ADC on a plain pin": ("machine.ADC(machine.Pin(22))", "ValueError"),
    "ADC channel 3": ("machine.ADC(3)", "ValueError"),
    "foreign register": ("machine.mem32[0x40014000]", "OSError"),
    "radio's ADC channel": ("start(0x0F << 16)", "ValueError"),
    "first channel outside": ("start(1 << 12 | 5 << 16)", "ValueError"),
    "read_u16 while free-running": ("start(7 << 16); machine.ADC(0).read_u16()", "OSError"),
    "long transfer": ("transfer(count=11)", "ValueError"),
    "transfer of words": ("transfer(size=2)", "ValueError"),
    "unpaced transfer": ("transfer(treq_sel=0x3F)", "ValueError"),
    "closed channel": ("d = rp2.DMA(); d.close(); d.active()", "ValueError"),
    "joining with the radio off": ("network.WLAN(0).connect('site', 'key')", "OSError"),
    "access point mode": ("network.WLAN(network.AP_IF)", "ValueError"),
    "13th channel": ("[rp2.DMA() for _ in range(13)]", "OSError"),
}
PREAMBLE = """
import machine, network, rp2, array
BASE = 0x4004C000
def start(bits):
    machine.mem32[BASE] = 1
    machine.mem32[BASE] = bits | 1 | 1 << 3
def transfer(count=10, size=1, treq_sel=36):
    d = rp2.DMA()
    ctrl = d.pack_ctrl(size=size, inc_read=False, inc_write=True, treq_sel=treq_sel)
    try:
        d.config(read=BASE + 0x0C, write=array.array("H", bytes(20)), count=count, ctrl=ctrl,
                 trigger=True)
    finally:
        d.close()
"""


def test_shims_refuse_when_the_hardware_would(player):
    cases = json.dumps([(name, code) for name, (code, _) in REFUSALS.items()])
    lines = player.play(
        PREAMBLE
        + f"""
import json
for name, code in json.loads({cases!r}):
    try:
        exec(code)
        print(name, "-> accepted")
    except Exception as error:
        print(name, "->", type(error).__name__)
""",
    )
    said = dict(line.split(" -> ") for line in lines if " -> " in line)
    assert said == {name: error for name, (_, error) in REFUSALS.items()}


STREAM = """
import machine, rp2, array, time
BASE, FRAMES = 0x4004C000, 800
def arm(k, chain_to, trigger=False):
    d = dmas[k]
    ctrl = d.pack_ctrl(size=1, inc_read=False, inc_write=True, treq_sel=36,
                       chain_to=dmas[chain_to].channel)
    d.config(read=BASE + 0x0C, write=buffers[k], count=3 * FRAMES, ctrl=ctrl, trigger=trigger)
for pin in (26, 27, 28):
    machine.ADC(machine.Pin(pin))
buffers = [array.array("H", bytes(6 * FRAMES)) for _ in range(2)]
dmas = [rp2.DMA(), rp2.DMA()]
machine.mem32[BASE] = 1
machine.mem32[BASE + 0x10] = 1999 << 8
machine.mem32[BASE + 0x08] = 1 | 1 << 3 | 1 << 24
arm(1, 0)
arm(0, 1, True)
machine.mem32[BASE] = 1 | 1 << 3 | 7 << 16
started = time.ticks_us()
"""


def test_sampling_is_gapless_when_two_dma_channels_are_chained(player):
    lines = player.play(
        STREAM
        + """
for block in range(10):
    k = block % 2
    while dmas[k].active():
        time.sleep_ms(2)
    sums = [sum(buffers[k][i] for i in range(place, 3 * FRAMES, 3)) for place in (0, 2)]
    print("block", sums[0] // FRAMES, sums[1] // FRAMES, buffers[k][1], buffers[k][3 * FRAMES - 2])
    arm(k, 1 - k)
print("took", time.ticks_diff(time.ticks_us(), started), machine.mem32[BASE + 0x08] >> 11 & 1)
""",
    )
    blocks = [line.split() for line in lines if line.startswith("block")]
    # The channels never swap places: PV and battery keep their levels in every block.
    for place in (1, 2):
        levels = [int(block[place]) for block in blocks]
        assert max(levels) - min(levels) <= 2
    # Load current runs on: between the last sample of a block and the first of the next 1/8000 s
    # passes, so at most 2 pi 50 / 8000 = 4 % of the amplitude, plus noise.
    for before, after in zip(blocks, blocks[1:], strict=False):
        assert abs(int(after[3]) - int(before[4])) < 0.06 * 1800 + 8
    _, took_us, overflowed = next(line for line in lines if line.startswith("took")).split()
    assert 1_000_000 <= int(took_us) < 1_100_000
    assert overflowed == "0"


def test_stream_stops_and_flags_overflow_when_a_buffer_is_not_given_back(player):
    lines = player.play(
        STREAM
        + """
time.sleep_ms(350)
print("active", dmas[0].active(), dmas[1].active())
dmas[0].active(0)
arm(0, 0, True)
print("over", machine.mem32[BASE + 0x08] >> 11 & 1)
""",
    )
    assert "active False False" in lines
    assert "over 1" in lines
    assert any("DMA chain stopped" in line for line in lines)


def test_board_restarts_with_watchdog_cause_when_it_is_not_fed(player):
    lines = player.play(
        """
        import machine, time
        print("cause", machine.reset_cause())
        if machine.reset_cause() == machine.WDT_RESET:
            raise SystemExit
        dog = machine.WDT(timeout=400)
        for _ in range(10):
            time.sleep_ms(100)
            dog.feed()
        print("fed for a second")
        time.sleep(30)
        """,
        last_line="cause 3",
    )
    assert lines[:2] == ["cause 1", "fed for a second"]


def test_reset_runs_no_finally_when_the_board_resets_itself(player):
    lines = player.play(
        """
        import machine
        print("cause", machine.reset_cause())
        if machine.reset_cause() == machine.PWRON_RESET:
            try:
                machine.reset()
            finally:
                print("finally")
        """,
    )
    assert "finally" not in lines
    assert lines.count("cause 3") == 1


def test_flash_survives_when_the_board_is_reset(player):
    lines = player.play(
        """
        import machine
        try:
            boots = int(open("boots").read())
        except OSError:
            boots = 0
        with open("boots", "w") as file:
            file.write(str(boots + 1))
        print("boot", boots)
        if boots < 2:
            machine.reset()
        """,
    )
    assert [line for line in lines if line.startswith("boot ")] == ["boot 0", "boot 1", "boot 2"]


CLOSE_IN = """
import machine, time
machine.Pin(14, machine.Pin.OUT, value=1)
print("closed")
time.sleep(60)
"""


@pytest.mark.parametrize("ending", ["kill", "power_off"])
def test_relays_open_when_the_boards_process_is_gone(player, ending):
    async def run():
        async with player.lab(CLOSE_IN) as lab:
            relay = lab.houses["house-1"].relays["in"]
            await player.until(lambda: relay.is_closed, "closing")
            if ending == "kill":
                os.kill(lab.boards["house-1"].pid, signal.SIGKILL)
            else:
                lab.power_off("house-1")
            await player.until(lambda: not relay.is_closed, "opening")
            return [(edge["relay"], edge["closed"]) for edge in lab.report()["relay_edges"][:2]]

    edges = asyncio.run(run())
    assert edges[0] == ("in", True)


def test_pins_keep_their_levels_when_the_program_raised(player):
    async def run():
        source = "import machine\nmachine.Pin(14, machine.Pin.OUT, value=1)\n1 / 0\n"
        async with player.lab(source) as lab:
            ended = player.END
            await player.until_printed(ended)
            assert any("ZeroDivisionError" in line for line in player.printed())
            relay = lab.houses["house-1"].relays["in"]
            await player.until(lambda: relay.is_closed, "closing")

    asyncio.run(run())


def test_board_ends_when_the_bench_is_gone(player):
    async def run():
        source = """
        import machine, time
        while True:
            machine.Pin(16, machine.Pin.OUT, value=1)
            time.sleep_ms(5)
        """
        async with player.lab(source) as lab:
            board = lab.boards["house-1"]
            await player.until(lambda: bool(lab.server.links), "connecting")
            await lab.server.stop()
            await player.until(lambda: board.restarts > 0, "the end of the process")

    asyncio.run(run())


def test_wifi_is_lost_and_found_when_the_bench_cuts_it(player):
    async def run():
        source = """
        import network, time
        wlan = network.WLAN(network.STA_IF)
        wlan.active(True)
        wlan.connect("site", "key")
        was = None
        while True:
            if wlan.isconnected() is not was:
                was = wlan.isconnected()
                print("connected", was)
            time.sleep_ms(10)
        """
        async with player.lab(source) as lab:
            said = ["connected False"]
            for is_cut in (False, True, False):
                lab.cut_wifi("house-1", cut=is_cut)
                said.append(f"connected {not is_cut}")
                await player.until(lambda: player.printed() == said, said[-1])

    asyncio.run(run())


def test_i2c_register_is_one_quick_round_trip_when_read(player):
    lines = player.play(
        """
        import machine, time
        bus = machine.I2C(0, scl=machine.Pin(5), sda=machine.Pin(4), freq=400_000)
        print("found", bus.scan())
        bus.writeto_mem(0x40, 0, b"\\x45\\x27")
        print("config", bus.readfrom_mem(0x40, 0, 2))
        started = time.ticks_us()
        for _ in range(200):
            bus.readfrom_mem(0x40, 2, 2)
        print("us", time.ticks_diff(time.ticks_us(), started) // 200)
        """,
    )
    assert "found [64, 65, 68]" in lines
    assert 'config b"E\'"' in lines
    assert int(next(line for line in lines if line.startswith("us")).split()[1]) < 2000
