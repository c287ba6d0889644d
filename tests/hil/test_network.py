"""The link of real firmware: who may be its broker, and what an outage leaves behind."""

import pytest

from hub.certificates import ensure

pytestmark = pytest.mark.usefixtures("at_rest")

NODE = "house-1"


def test_board_stays_away_when_another_authority_signed_for_the_broker(rig, wait_for, tmp_path):
    other, _ = ensure(tmp_path / "other", [])
    told = len(rig.console(NODE))
    rig.put_authority(NODE, other.authority_der.read_bytes())
    try:
        wait_for(lambda: "certificate refused" in rig.console(NODE)[told:], 30, "the refusal")
        # Retained messages aside, nothing of this board since it restarted.
        statuses = len(rig.hub.all(NODE, "status"))
        refusals = rig.console(NODE).count("certificate refused")
        assert refusals >= 1
        assert len(rig.hub.all(NODE, "status")) == statuses
    finally:
        rig.put_authority(NODE)
    rig.wait_online(NODE)


def test_records_stay_in_order_when_wifi_was_lost_and_returned(rig, wait_for):
    seen = len(rig.hub.all(NODE, "reading"))
    rig.do(rig.lab.cut_wifi, NODE)
    try:
        rig.let_pass(2)
        before = len(rig.hub.all(NODE, "reading"))
        rig.let_pass(4)
        assert len(rig.hub.all(NODE, "reading")) == before
    finally:
        rig.do(rig.lab.cut_wifi, NODE, cut=False)
    rig.wait_online(NODE)
    wait_for(lambda: len(rig.hub.all(NODE, "reading")) >= before + 5, 30, "readings")
    numbers = [each["seq"] for each in rig.hub.all(NODE, "reading")[seen:]]
    assert numbers == sorted(set(numbers))
    assert {reason for _, reason in rig.hub.rejected} <= {"will"}
