"""A board whose node fails while it is built: it starts again, and a technician gets at it."""

from tests.host.board.conftest import wait_for
from tools.board.alone import alone

STARTS_AGAIN_S = 60
"""The watchdog takes 8 s, a crowded machine its time."""
LONGER_THAN_THE_WATCHDOG = "import time\ntime.sleep(9)\nprint('still here')"


def test_board_starts_again_and_can_be_worked_on_when_its_start_fails(provisioned, bench):
    # No key can be kept: where its file is written there is a directory.
    (provisioned / "identity.new").mkdir()
    wait_for(lambda: bench.said.count("OSError") >= 2, STARTS_AGAIN_S, "a second start")
    assert bench.closed_relays() == []
    with alone(bench.path) as (prompt, state):
        assert state.node == "house-1"
        assert "still here" in prompt.run(LONGER_THAN_THE_WATCHDOG)
        (provisioned / "identity.new").rmdir()
    wait_for(lambda: list(provisioned.glob("identity.[01]")), STARTS_AGAIN_S, "a start")
