"""The link of any kind of board: the hub's time, TLS, an access point that goes and comes back."""

import time

from wire.records import QUALITY


def test_records_carry_the_hubs_time_when_the_board_is_online(rig, wait_for):
    rig.wait_online("house-1")
    reading = wait_for(
        lambda: (last := rig.hub.last("house-1", "reading"))["t_ms"] is not None and last,
        10,
        "a reading with its time",
    )
    assert not reading["quality_flags"] & QUALITY["clock_not_set"]
    now_ms = time.time_ns() // 1_000_000
    # An emulated board's clock waits while its processor is simulated.
    assert abs(now_ms - reading["t_ms"]) < 2_000 * rig.slowness


def test_board_comes_back_by_itself_when_its_access_point_was_away(rig, wait_for):
    rig.wait_online("house-2")
    before = len(rig.hub.all("house-2", "status"))
    rig.do(rig.lab.cut_wifi, "house-2")
    try:
        wait_for(lambda: _is_silent(rig, "house-2"), 20, "silence")
        heard = len(rig.hub.all("house-2", "reading"))
    finally:
        rig.do(rig.lab.cut_wifi, "house-2", cut=False)
    rig.wait_online("house-2")
    wait_for(lambda: len(rig.hub.all("house-2", "reading")) > heard, 20, "a reading after it")
    numbers = [one["seq"] for one in rig.hub.all("house-2", "status")[before:]]
    assert numbers == sorted(set(numbers))
    assert {reason for _, reason in rig.hub.rejected} <= {"will"}  # the broker's own word


def _is_silent(rig, node):
    """Tell whether a board has said nothing for a nonce's period and a bit."""
    heard = len(rig.hub.all(node, "status"))
    time.sleep(3)  # there is no other sign of a silence than its length
    return len(rig.hub.all(node, "status")) == heard
