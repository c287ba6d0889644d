"""The self-test of a board and its commissioning: each fault of the bench has its own line."""

import json

import pytest
from click.testing import CliRunner

from tests.host.node.rig import settings_members
from tools.bench.house import Wiring
from tools.board import verify_cli
from tools.board.alone import alone
from tools.board.checks import FAIL, NOTE, PASS, SKIP
from tools.board.commissioning import commission
from tools.board.errors import BoardError
from tools.board.on_prompt import BoardAtPrompt
from tools.board.verify_cli import BenchAssistant, Nobody, verify_command
from tools.board.virtual_port import VirtualPort


@pytest.fixture
def bench(provisioned):
    """A virtual board with settings."""
    with VirtualPort(provisioned) as port:
        yield port


def lines(report):
    return {check.part: check for check in report}


def commissioned(bench, assistant=None):
    with alone(bench.path) as (prompt, _):
        report = commission(BoardAtPrompt(prompt), assistant or BenchAssistant(bench))
        assert bench.closed_relays() == []
    return lines(report)


def edges(bench):
    return [(edge.relay, edge.closed) for edge in bench.world.watch.edges]


def test_both_relays_pass_when_they_are_sound(bench):
    found = commissioned(bench)
    assert {check.status for check in found.values()} == {PASS}
    assert "dead after" in found["relay OUT"].found
    closings = [relay for relay, closed in edges(bench) if closed]
    assert closings[0] == "out" and closings[-1] == "in"
    assert set(bench.world.watch.counts().values()) == {0}


@pytest.mark.parametrize(
    ("relay", "fault", "part", "found"),
    [
        ("out", "stuck_open", "relay OUT", "does not move"),
        ("in", "stuck_open", "relay IN", "does not move"),
    ],
)
def test_relay_that_does_not_close_is_named(bench, relay, fault, part, found):
    bench.break_relay(relay, fault)
    check = commissioned(bench)[part]
    assert check.status == FAIL and found in check.found


@pytest.mark.parametrize(("relay", "part"), [("out", "relay OUT"), ("in", "relay IN")])
def test_contact_that_welds_is_named_when_it_should_open(bench, relay, part):
    class WeldsWhenClosed(BenchAssistant):
        def may_close(self):
            _weld_when_closed(bench, relay)
            return True

    check = commissioned_with_weld(bench, WeldsWhenClosed(bench))[part]
    assert check.status == FAIL and "welded" in check.found


def _weld_when_closed(bench, relay):
    """Let the contact weld by its first closing, as an inrush does."""
    contact = bench.house.relays[relay]
    drive = contact.drive

    def weld(energised, now_s):
        drive(energised, now_s)
        if energised:
            contact.take_edge()
            contact._pending.clear()
            contact.is_closed = True
            contact._fault = "welded"
            setattr(bench.house.port, f"{relay}_closed", True)

    contact.drive = weld


def commissioned_with_weld(bench, assistant):
    with alone(bench.path) as (prompt, _):
        return lines(commission(BoardAtPrompt(prompt), assistant))


def test_inverted_polarity_is_told_from_a_welded_contact(bench):
    bench.house.wiring = Wiring(relay_active_low=True)  # the settings say false
    with alone(bench.path) as (prompt, _):
        found = lines(commission(BoardAtPrompt(prompt), BenchAssistant(bench)))
    check = found["relays at rest"]
    assert check.status == FAIL and "wrong way round" in check.found
    assert "relay_active_low must be true" in check.advice
    assert found["relay IN"].status == found["relay OUT"].status == SKIP


def test_no_relay_moves_when_the_bus_is_live(bench):
    bench.join_supply(True)
    found = commissioned(bench)
    assert "live" in found["relays at rest"].found
    assert edges(bench) == []


def test_no_relay_moves_when_the_technician_declines(bench):
    found = commissioned(bench, Nobody())
    assert {check.status for check in found.values()} == {SKIP}
    assert edges(bench) == []


def test_in_is_not_closed_when_there_is_no_supply(bench):
    class Alone(BenchAssistant):
        def join_supply(self, is_joined):
            return False

    found = commissioned(bench, Alone(bench))
    assert (found["relay OUT"].status, found["relay IN"].status) == (PASS, SKIP)
    assert "in" not in [relay for relay, _ in edges(bench)]


def test_dead_bus_meter_is_told_when_relays_are_tried(bench):
    bench.kill_sensor(0x40)
    found = commissioned(bench)
    assert found["relays at rest"].found == "the bus meter does not answer"
    assert edges(bench) == []


def run(directory, *words):
    return CliRunner().invoke(
        verify_command, ["--virtual", str(directory), *words], catch_exceptions=False
    )


def test_report_names_what_is_missing_when_a_board_is_new(provisioned):
    result = run(provisioned, "--json", "--no-network")
    report = json.loads(result.stdout)
    by_part = {check["part"]: check for check in report["checks"]}
    assert (report["node"], report["is_good"], result.exit_code) == ("house-1", False, 1)
    assert by_part["signing key"]["advice"] == "trueque board provision"
    assert by_part["calibration"]["status"] == NOTE
    for part in ("pv voltage", "load current", "sampling", "INA226 of bus", "relay IN", "memory"):
        assert by_part[part]["status"] == PASS, by_part[part]


def test_sensor_is_named_when_it_does_not_answer(provisioned, monkeypatch):
    class WithoutPv(VirtualPort):
        def __enter__(self):
            self.kill_sensor(0x41)
            return super().__enter__()

    monkeypatch.setattr("tools.board.target.VirtualPort", WithoutPv)
    result = run(provisioned, "--no-network", "--no-relays")
    assert result.exit_code == 1
    assert "no answer" in result.stdout and "0x41" in result.stdout


def test_board_runs_again_when_its_self_test_is_over(bench):
    with alone(bench.path):
        assert "maintenance" in bench.said
    assert not (bench.directory / "maintenance").exists()


def test_settings_are_asked_for_when_the_board_has_none(bench, provisioned):
    (provisioned / "settings.json").unlink()
    with alone(bench.path) as (prompt, _), pytest.raises(BoardError, match="board provision"):
        BoardAtPrompt(prompt)


def test_settings_are_named_when_they_are_wrong(bench, provisioned):
    (provisioned / "settings.json").write_text(json.dumps(settings_members(node="No!")))
    with alone(bench.path) as (prompt, _), pytest.raises(BoardError, match="node must be 1 to 31"):
        BoardAtPrompt(prompt)


def test_technician_is_asked_before_anything_closes(monkeypatch):
    asked = []
    monkeypatch.setattr(verify_cli.click, "confirm", lambda text, **more: asked.append(text))
    from rich.console import Console

    verify_cli.Technician(Console(quiet=True)).may_close()
    assert asked == ["Is that so?"]
