"""Deploying the contract, and telling one deployment from every other."""

from __future__ import annotations

from eth_account.signers.local import LocalAccount
from eth_utils import keccak, to_checksum_address, to_hex

from hub.chain.abi import market_abi
from hub.chain.artefact import load_artefact
from hub.chain.records import ChainIdentity, WrongContract
from hub.chain.rpc import Rpc
from hub.chain.sending import GAS_LIMITS, Sender, contract_address

_ROLE_GRANTED = to_hex(keccak(text="RoleGranted(bytes32,address,address)"))
_ADVICE = (
    "Start the hub with the data directory that belongs to this chain, "
    "or move the data directory away and run trueque hub init for a new site."
)


def _address(account: LocalAccount | str) -> str:
    return account if isinstance(account, str) else account.address


def deploy(
    rpc_url: str,
    administrator: LocalAccount,
    coordinator: LocalAccount | str,
    oracle: LocalAccount | str,
) -> ChainIdentity:
    """Deploy the contract, paid by the administrator, and return its identity.

    Raises ChainUnavailable, and PartMissing when the artefact is not there.
    """
    rpc = Rpc(rpc_url)
    sender = Sender(rpc)
    arguments = [administrator.address, _address(coordinator), _address(oracle)]
    bytecode = load_artefact().bytecode + market_abi().encode_constructor(arguments)
    receipt = sender.execute(
        lambda: sender.sign(administrator, None, bytecode, gas=GAS_LIMITS["deploy"]), administrator
    )
    return read_identity(rpc, contract_address(rpc, receipt.transaction_hash))


def read_identity(rpc: Rpc, address: str) -> ChainIdentity:
    """Read the identity of the contract at an address.

    Raises WrongContract when its code is not that of the committed artefact.
    """
    code: str = rpc.request("eth_getCode", address, "latest")
    if bytes.fromhex(code.removeprefix("0x")) != load_artefact().deployed_bytecode:
        found = "no contract" if code in ("0x", "") else "another contract, or another version,"
        raise WrongContract(f"There is {found} at {address} on this chain. {_ADVICE}")
    # The constructor grants the roles, so the first grant stands in the contract's first block.
    grants = {"address": address, "topics": [_ROLE_GRANTED], "fromBlock": "0x0"}
    logs = rpc.request("eth_getLogs", {**grants, "toBlock": "latest"})
    genesis = rpc.block(0)
    if not logs or genesis is None:
        raise WrongContract(f"The chain does not know the deployment of {address}. {_ADVICE}")
    return ChainIdentity(
        chain_id=rpc.integer("eth_chainId"),
        genesis_hash=genesis["hash"],
        address=to_checksum_address(address),
        deployed_block_hash=logs[0]["blockHash"],
    )


def check_identity(rpc: Rpc, expected: ChainIdentity) -> None:
    """Raise WrongContract, naming what differs, unless the chain holds that deployment."""
    differing: list[str] = []
    if rpc.integer("eth_chainId") != expected.chain_id:
        differing.append("chain id")
    genesis = rpc.block(0)
    if genesis is None or genesis["hash"] != expected.genesis_hash:
        differing.append("genesis block")
    if not differing:
        found = read_identity(rpc, expected.address)
        if found.deployed_block_hash != expected.deployed_block_hash:
            differing.append("deployment")
    if differing:
        raise WrongContract(
            f"The chain is not the one contract {expected.address} was deployed on "
            f"({', '.join(differing)} differ). {_ADVICE}"
        )
