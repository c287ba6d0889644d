"""Schedules that cannot be: the peer and the field are named, and the command ends with 2."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from hub.errors import BadInput, TruequeError
from hub.sim.community import build
from hub.sim.optimal import NoSchedule
from hub.sim.reachable import explained
from hub.sim.responding import simulate
from tools.sim_cli import sim

TEXT = """
[scenario]
slot_minutes = 60
slots = 24
[tariffs]
retail_eur_per_kwh = RETAIL
[market]
pooling = POOLING
[[peer]]
name = "fine"
load_w = 300
battery_wh = 5000
strategy = "optimal"
[[peer]]
name = "leaky"
load_w = 300
battery_wh = 5000
strategy = "optimal"
"""
LEAKY = "battery_charge_w = 50\nself_discharge = 0.05\nsoc_initial = 0.9\n"
AT_LEAST = 'final_soc = "at_least_initial"\n'


def text_of(fields: str, *, retail: str = "0.3", pooling: str = "false") -> str:
    return TEXT.replace("RETAIL", retail).replace("POOLING", pooling) + fields


@pytest.mark.parametrize("pooling", ["false", "true"])
@pytest.mark.parametrize(
    ("fields", "retail", "words"),
    [
        # 5 % of 4500 Wh are 225 Wh an hour, 50 W put in 50: it sinks towards 1000 Wh.
        (LEAKY + AT_LEAST, "0.3", ("final_soc", "of 4500 Wh", "battery_charge_w 50")),
        (LEAKY + "soc_min = 0.8\n", "0.3", ("soc_min", "slot 3 ", "self_discharge 0.05")),
        (LEAKY + "preferences = { reserve_soc = 0.8 }\n", "0.3", ("reserve_soc",)),
        (
            "charge_efficiency = 0.9\n",
            '{ "00:00" = 0.3, "10:00" = -0.1, "12:00" = 0.2 }',
            ("battery_charge_w", "below zero in slot 10 "),
        ),
    ],
)
def test_schedule_is_refused_by_peer_and_field_when_it_cannot_be(
    read, fields, retail, words, pooling
):
    with pytest.raises(BadInput) as caught:
        simulate(read(text_of(fields, retail=retail, pooling=pooling)))
    for word in ("scenario.toml, [[peer]] leaky, ", *words):
        assert word in str(caught.value)


def test_home_of_a_group_is_named_when_it_has_no_schedule(read):
    group = '[[group]]\ncount = 3\nbattery_wh = 5000\nstrategy = "optimal"\n'
    with pytest.raises(BadInput, match=r"\[\[group\]\], home home-1, final_soc"):
        simulate(read(text_of("") + group + LEAKY + AT_LEAST))


def test_command_ends_with_2_when_a_schedule_cannot_be(tmp_path):
    path = tmp_path / "scenario.toml"
    path.write_text(text_of(LEAKY + AT_LEAST))
    result = CliRunner().invoke(sim, ["run", str(path), "--out", str(tmp_path), "--no-plots"])
    assert isinstance(result.exception, TruequeError) and result.exception.exit_code == 2


def test_peers_are_named_when_the_solver_gives_up_for_another_reason(read):
    community = build(read(text_of("")))
    (planned,) = community.storage.is_optimal.nonzero()
    found = explained(community, planned, NoSchedule("the solver says 'Time limit'"))
    assert isinstance(found, NoSchedule) and found.exit_code == 1
    assert "scenario.toml, fine, leaky: the solver says 'Time limit'" in str(found)
