"""Records in flash against power that fails in the middle of a write."""

import asyncio


def test_records_survive_when_power_fails_within_any_write(image):
    from tools.emulation import outages

    assert asyncio.run(outages.survived_torn_writes(image, print)) == outages.TORN


def test_node_loses_nothing_when_power_fails_at_random_moments(image):
    from tools.emulation import outages

    cuts = 10  # all fifty are a bar of the bench
    assert asyncio.run(outages.survived_cuts(image, print, cuts)) == cuts
