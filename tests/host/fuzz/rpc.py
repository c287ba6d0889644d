"""Any body that a wallet, or whoever pretends to be one, may post to the hub's way to the chain."""

import json

from hub.services.wallet_rpc import WalletRpc
from tests.host.fuzz import mutate

CONTRACT = "0x" + "c0" * 20
OTHER = "0x" + "0d" * 20
# Written down apart from the list under test: what may ever reach a node.
HARMLESS = (
    "eth_chainId", "eth_blockNumber", "eth_gasPrice", "eth_maxPriorityFeePerGas", "eth_syncing",
    "net_version", "net_listening", "web3_clientVersion", "eth_feeHistory", "eth_getBalance",
    "eth_getTransactionCount", "eth_getCode", "eth_getBlockByNumber", "eth_getBlockByHash",
    "eth_getTransactionByHash", "eth_getTransactionReceipt", "eth_getLogs", "eth_call",
    "eth_estimateGas", "eth_sendRawTransaction",
)  # fmt: skip
ROOT = (
    "evm_increaseTime", "evm_setAccountBalance", "evm_mine", "evm_revert", "evm_snapshot",
    "evm_setAccountStorageAt", "evm_setTime", "evm_addAccount", "miner_stop", "miner_start",
    "miner_setEtherbase", "debug_traceTransaction", "debug_storageRangeAt", "personal_newAccount",
    "personal_unlockAccount", "personal_sendTransaction", "personal_importRawKey", "db_putString",
    "eth_sendTransaction", "eth_sign", "eth_signTransaction", "eth_signTypedData",
    "eth_signTypedData_v4", "eth_subscribe", "eth_newFilter", "eth_newBlockFilter",
    "eth_getFilterLogs", "eth_submitWork", "eth_getStorageAt", "shh_post", "txpool_content",
    "rpc_modules", "bzz_info", "admin_addPeer",
)  # fmt: skip
HASH = "0x" + "ab" * 32
CALL = {"to": CONTRACT, "data": "0x12345678"}
GOOD = (
    ("eth_call", [CALL, "latest"]),
    ("eth_estimateGas", [{**CALL, "from": OTHER, "value": "0x0"}]),
    ("eth_sendRawTransaction", ["0x02f8" + "ab" * 100]),
    ("eth_getBalance", [OTHER, "latest"]),
    ("eth_getBlockByNumber", ["0x1", False]),
    ("eth_getTransactionReceipt", [HASH]),
    ("eth_feeHistory", ["0x4", "latest", [25, 75]]),
    ("eth_getLogs", [{"address": CONTRACT, "fromBlock": "0x1", "toBlock": "0x40"}]),
    ("eth_chainId", []),
)


class Target:
    """One body an input; the node behind notes what reaches it and refuses nothing."""

    def __init__(self, rng):
        self.rng = rng
        self.now_s = 0.0
        self.taken = 0
        self._wallets = WalletRpc(self, CONTRACT, lambda: self.now_s)

    def close(self):
        """Nothing is kept."""

    def ask(self, method, params):
        """Be the node: what comes here must be harmless."""
        assert method in HARMLESS, method
        assert len(json.dumps(params)) < 30_000
        if method in ("eth_call", "eth_estimateGas"):
            call = params[0]
            assert call["to"].lower() == CONTRACT or call.get("data", "0x") == "0x"
            assert call["to"].lower() == CONTRACT or call.get("input", "0x") == "0x"
            assert int(call.get("gas", "0x0"), 16) <= 5_000_000
            assert len(params) <= 2  # a third would change the state it runs on
        if method == "eth_getLogs":
            assert params[0]["address"].lower() == CONTRACT
        self.taken += 1
        return "0x1"

    def one(self):
        """Post one body; look at the answer."""
        self.now_s += 1.0
        status, answer = self._wallets.answer(self._body(), "127.0.0.1")
        assert status in (200, 413)
        assert answer["jsonrpc"] == "2.0" and ("result" in answer) != ("error" in answer)
        json.dumps(answer, allow_nan=False)

    def _body(self):
        rng = self.rng
        path = rng.random()
        if path < 0.1:
            return mutate.any_bytes(rng, 400)
        request = self._request()
        if path < 0.2:
            request = [request, self._request()]
        body = json.dumps(request).encode()
        if path < 0.3:
            method = rng.choice(ROOT).encode()
            return body.replace(b'"id"', b'"method":"' + method + b'","id"')  # twice
        return mutate.damaged(rng, body) if path < 0.7 else body

    def _request(self):
        rng = self.rng
        method, params = rng.choice(GOOD)
        if rng.random() < 0.4:
            method = _disguised(rng, rng.choice(ROOT))
        if rng.random() < 0.3:
            params = [*params, mutate.any_value(rng)][rng.randrange(2) :]
        if rng.random() < 0.2:
            params = mutate.any_value(rng)
        if params and isinstance(params, list) and isinstance(params[0], dict):
            names = ("to", "data", "input", "gas", "address", "toBlock", "accessList", "x")
            if rng.random() < 0.5:
                values = (mutate.any_value(rng), OTHER, "0x" + "00" * 5000, "0xffffffffff")
                params = [params[0] | {rng.choice(names): rng.choice(values)}, *params[1:]]
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        if rng.random() < 0.2:
            request[rng.choice(("jsonrpc", "id", "method"))] = mutate.any_value(rng)
        return request


def _disguised(rng, method):
    """Return a root method as it is, or as something that a lax comparison might let pass."""
    ways = (
        lambda: method,
        lambda: method.upper(),
        lambda: " " + method,
        lambda: method + "\u0000",
        lambda: "eth_call\n" + method,
        lambda: method.replace("_", "\uff3f"),
        lambda: [method],
    )
    return rng.choice(ways)()
