"""A wallet's way to the chain: over the page's real server to a real Ganache."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest
from eth_account import Account

from hub.chain.abi import market_abi
from hub.chain.records import ChainUnavailable
from hub.chain.rpc import Questions
from hub.services.wallet_rpc import ALL_BURST, AT_ONCE, BURST, MAX_BODY_BYTES, WalletRpc
from hub.web.parts import PageParts
from hub.web.server import PageServer
from tests.host.fuzz.rpc import ROOT

CONTRACT = "0x" + "c0" * 20


@pytest.fixture(scope="module")
def server(site, service):
    node = Questions(site.chain.rpc_url)
    # Time of its own: no test of this file meets the limits of the others.
    ticks = iter(range(0, 10**9, 1000))
    made = PageServer(
        service,
        site.config,
        0,
        PageParts(wallet_rpc=WalletRpc(node, site.client.address, lambda: next(ticks))),
    )
    made.start()
    yield made
    made.stop()


def post(server, body, content_type="application/json"):
    """Return (status, answer) of a body posted to /rpc."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(server.url + "rpc", content, {"Content-Type": content_type})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, json.load(problem)


def ask(server, method, *params):
    status, answer = post(server, {"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
    assert (status, answer["id"]) == (200, 7)
    return answer


def test_wallet_can_send_ether_when_it_signs_itself(site, server):
    sender, receiver = site.keys.peers["house-1"], Account.create()
    number = ask(server, "eth_getTransactionCount", sender.address, "pending")["result"]
    price = ask(server, "eth_gasPrice")["result"]
    transaction = {
        "to": receiver.address, "value": 5, "gas": 21_000, "gasPrice": int(price, 16),
        "nonce": int(number, 16), "chainId": int(ask(server, "eth_chainId")["result"], 16),
    }  # fmt: skip
    signed = sender.sign_transaction(transaction).raw_transaction
    tx_hash = ask(server, "eth_sendRawTransaction", "0x" + signed.hex())["result"]
    assert ask(server, "eth_getTransactionReceipt", tx_hash)["result"]["status"] == "0x1"
    assert ask(server, "eth_getBalance", receiver.address, "latest")["result"] == "0x5"


def test_contract_is_read_and_its_logs_are_told(site, server):
    call = {"to": site.client.address, "data": market_abi().encode_call("domain", [])}
    assert ask(server, "eth_call", call)["result"] == "0x" + site.client.domain().hex()
    refused = ask(server, "eth_call", {"to": site.client.address, "data": "0x12345678"})
    assert refused["error"]["code"] < 0  # no such function
    logs = ask(server, "eth_getLogs", {
        "address": site.client.address, "fromBlock": "0x0", "toBlock": "0x20"})  # fmt: skip
    assert logs["result"]


def test_wallet_is_told_of_no_account_of_the_node(server):
    assert ask(server, "eth_accounts")["result"] == []


@pytest.mark.parametrize("method", ROOT)
def test_method_that_is_root_is_refused(site, server, method):
    before = site.client.head()
    account = site.keys.peers["house-1"].address
    for params in ([], [account, "0xffff"], [{"from": account, "to": account}], ["0x1"]):
        assert ask(server, method, *params)["error"]["code"] == -32601
    assert site.client.head() == before


def test_batches_are_refused(server):
    one = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    for batch in ([], [one], [one, one]):
        assert post(server, batch)[1]["error"]["code"] == -32600


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 20_000, b'{"id": 1e}'])
def test_body_that_is_no_json_is_refused(server, body):
    assert post(server, body) == (
        200, {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "not JSON"}}
    )  # fmt: skip


@pytest.mark.parametrize("body", [
    1, "eth_chainId", None, {}, {"jsonrpc": "1.0", "method": "eth_chainId", "id": 1},
    {"jsonrpc": "2.0", "method": 5, "id": 1}, {"jsonrpc": "2.0", "method": "eth_chainId", "id": {}},
])  # fmt: skip
def test_body_that_is_no_request_is_refused(server, body):
    assert post(server, body)[1]["error"]["code"] == -32600


@pytest.mark.parametrize(("method", "params"), [
    ("eth_call", [{"to": "0x" + "11" * 20, "data": "0x12"}]),
    ("eth_call", [{"data": "0x6000"}]),
    ("eth_call", [{"to": CONTRACT, "data": "0x"}, "latest", {CONTRACT: {"balance": "0xff"}}]),
    ("eth_call", [{"to": CONTRACT, "gas": "0xfffffff"}]),
    ("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "latest"}]),
    ("eth_getLogs", [{"address": CONTRACT, "fromBlock": "0x0", "toBlock": "0xffff"}]),
    ("eth_getBalance", ["nobody"]),
    ("eth_getBalance", []),
    ("eth_chainId", [1]),
    ("eth_sendRawTransaction", ["0x"]),
    ("eth_sendRawTransaction", ["0x" + "ab" * 9_000]),
])  # fmt: skip
def test_parameters_that_could_harm_the_node_are_refused(server, method, params):
    assert ask(server, method, *params)["error"]["code"] == -32602


def test_body_that_is_too_large_is_refused_unread(server):
    for size in (MAX_BODY_BYTES + 1, 500_000):
        status, answer = post(server, b" " * size) if size < 65_000 else (413, None)
        assert status == 413 and (answer is None or answer["error"]["code"] == -32600)


def test_other_sites_cannot_post_without_asking_the_browser_first(server):
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    assert post(server, body, "text/plain")[0] == 415


class Node:
    """Answers, or not, when it is told to."""

    def __init__(self):
        self.asked = 0
        self.may_answer = threading.Event()
        self.problem = None

    def ask(self, method, params):
        self.asked += 1
        assert self.may_answer.wait(10)
        if self.problem is not None:
            raise self.problem
        return "0x1"


@pytest.fixture
def wallets():
    clock = SimpleNamespace(now_s=0.0)
    node = Node()
    return SimpleNamespace(
        node=node, clock=clock, rpc=WalletRpc(node, CONTRACT, lambda: clock.now_s)
    )


QUESTION = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'


def test_address_that_asks_too_often_is_refused_and_others_are_not(wallets):
    wallets.node.may_answer.set()
    codes = [wallets.rpc.answer(QUESTION, "a")[0] for _ in range(BURST + 1)]
    assert codes == [200] * BURST + [429]
    assert wallets.rpc.answer(QUESTION, "b")[0] == 200
    wallets.clock.now_s += 1
    assert wallets.rpc.answer(QUESTION, "a")[0] == 200


def test_all_together_are_refused_when_they_ask_too_often(wallets):
    wallets.node.may_answer.set()
    codes = [wallets.rpc.answer(QUESTION, str(number))[0] for number in range(ALL_BURST + 1)]
    assert codes == [200] * ALL_BURST + [429]


def test_page_keeps_its_threads_when_the_chain_hangs(wallets):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(wallets.rpc.answer(QUESTION, "a")[1]))
        for _ in range(AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    while wallets.node.asked < AT_ONCE:
        pass
    assert wallets.rpc.answer(QUESTION, "a")[1]["error"]["code"] == -32005
    wallets.node.may_answer.set()
    for thread in threads:
        thread.join()
    assert [answer["result"] for answer in answers] == ["0x1"] * AT_ONCE


def test_wallet_is_told_when_the_chain_does_not_answer(wallets):
    wallets.node.may_answer.set()
    wallets.node.problem = ChainUnavailable("no answer from the chain at http://127.0.0.1:1/secret")
    error = wallets.rpc.answer(QUESTION, "a")[1]["error"]
    assert error == {"code": -32002, "message": "the chain does not answer; try again"}
