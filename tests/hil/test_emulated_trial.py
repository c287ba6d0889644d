"""Firmware on trial starts on an emulated Pico W under its watchdog, with time to spare."""

import asyncio
from itertools import pairwise

from launcher import WATCHDOG_MS, Boots

from tests.hil import bare
from tests.hil.updating import release, row_of

LOAD = 0x04  # RP2040 data sheet, 4.7.6: what feeds the watchdog
SPARE_S = 3.3
"""How much longer a start may take that should not be bitten: as long as a whole one takes."""
START_S = 30
AT_WORK_S = 5


def on_trial(directory, content):
    """Return the file by which a board tries the firmware in slot a."""
    boots = Boots(f"{directory}/")
    boots.begin_trial("a", row_of(content).number)
    return (directory / "boots.1").read_bytes()


def test_firmware_on_trial_feeds_its_watchdog_in_time_when_its_start_takes_seconds_longer(
    image, tmp_path, record_property
):
    content = release(tmp_path, "armv6m")
    boots = on_trial(tmp_path, content)
    files = bare.firmware() | {"firmware-a.trq": content, "boots.1": boots}

    async def run():
        async with bare.board(image, files) as device:
            fed_s, write = [], device.mcu.watchdog.write_uint32

            def note(offset, value):
                if offset == LOAD:
                    fed_s.append(device.now_s)
                write(offset, value)

            device.mcu.watchdog.write_uint32 = note
            await bare.wait_until(lambda: fed_s, device, START_S)
            await bare.wait_until(lambda: device.converter.converted, device, START_S)
            started_s = device.now_s
            await device.run_for(AT_WORK_S)
            return fed_s, started_s, device.resets

    fed_s, started_s, resets = asyncio.run(run())
    longest_s = max(after_s - before_s for before_s, after_s in pairwise(fed_s))
    record_property("longest_unfed_s", longest_s)
    record_property("started_s", started_s - fed_s[0])
    print(longest_s, started_s - fed_s[0], resets, len(fed_s))
    assert resets == 0
    assert longest_s + SPARE_S < WATCHDOG_MS / 1000
