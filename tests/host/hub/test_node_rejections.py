"""What boards refuse of the hub's messages, where a technician looks for it."""

import json

import pytest
from click.testing import CliRunner

from hub import config, keys
from hub.cli import hub as command
from hub.store import NodeRow, Store
from tests.host.hub.samples import status


def told(seq, reason, value, boot_id=1):
    header = {"boot_id": boot_id, "seq": seq, "t_ms": None}
    members = {"code": "message_rejected", "reason": reason, "delivery_id": None, "value": value}
    return header | members


@pytest.fixture
def site(tmp_path):
    houses = config.bench_houses(2)
    keys.create(tmp_path / "keys.json", [house.name for house in houses])
    config.write(tmp_path, houses, clock={"zone": "UTC"})
    site = config.load(tmp_path)
    store = Store(site.store_path)
    store.set_nodes([NodeRow(house.name, house.kind, "bus-1", None) for house in houses])
    for seq, record in enumerate((status(1), status(2)), start=1):
        store.store_record(f"house-{seq}", "status", record, (1, 1))
    events = [told(1, "bad_mac", 1, boot_id=9), told(2, "old_nonce", 1), told(3, "bad_mac", 1),
              told(4, "bad_mac", 2), told(5, "bad_mac", 4), told(6, "bad_mac", None)]  # fmt: skip
    for record in events:
        store.store_record("house-1", "event", record, (1, 1))
    store.close()
    return site


def run(site, *words):
    answer = CliRunner().invoke(command, [*words, "--data", str(site.data_dir)])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_node_list_tells_what_each_node_has_refused_since_its_boot(site):
    rows = json.loads(run(site, "node", "list", "--json"))
    assert [row["refused"] for row in rows] == [{"bad_mac": 4, "old_nonce": 1}, {}]
    assert "4 bad_mac" in run(site, "node", "list")


def test_status_names_the_node_that_refuses_messages(site):
    found = json.loads(run(site, "status", "--json"))
    assert [node["refused"] for node in found["nodes"]] == [{"bad_mac": 4, "old_nonce": 1}, {}]
    said = run(site, "status")
    assert "house-1 has refused messages since it started: 4 bad_mac, 1 old_nonce" in said
    assert "house-2 has refused" not in said
