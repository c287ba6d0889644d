"""Deploying the contract, and telling one deployment from every other."""

from __future__ import annotations

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress, HexStr
from eth_utils import to_checksum_address, to_hex
from web3 import Web3
from web3.exceptions import BlockNotFound
from web3.types import TxParams, TxReceipt

from hub.chain.abi import market_abi
from hub.chain.artefact import load_artefact
from hub.chain.gas import GAS_LIMITS
from hub.chain.records import ChainIdentity, Cursor, WrongContract
from hub.chain.rpc import connect
from hub.chain.sending import Sender

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
    web3 = connect(rpc_url)
    sender = Sender(web3)
    roles = (administrator.address, _address(coordinator), _address(oracle))
    artefact = load_artefact()

    def create(code: bytes) -> TxReceipt:
        transaction: TxParams = {"data": code, "gas": GAS_LIMITS["deploy"]}
        receipt = sender.execute(lambda: sender.sign(administrator, transaction), administrator)
        return web3.eth.get_transaction_receipt(HexStr(receipt.transaction_hash))

    addresses = {
        name: bytes.fromhex(_created(create(library.bytecode))[2:])
        for name, library in artefact.libraries.items()
    }
    factory = web3.eth.contract(abi=artefact.abi, bytecode=artefact.market.linked(addresses))
    constructor = factory.constructor(*roles).data_in_transaction
    market = create(bytes.fromhex(constructor.removeprefix("0x")))
    _require_market(web3, _created(market))
    return _identity(web3, _created(market), to_hex(market["blockHash"]))


def read_identity(web3: Web3, address: str) -> ChainIdentity:
    """Read the identity of the contract at an address; looks for its first block in all of them.

    Raises WrongContract when its code is not that of the committed artefact.
    """
    where = to_checksum_address(address)
    _require_market(web3, where)
    logs = web3.eth.get_logs({"address": where, "topics": [_granted()], "fromBlock": 0})
    if not logs:
        raise WrongContract(f"The chain does not know the deployment of {address}. {_ADVICE}")
    return _identity(web3, where, to_hex(logs[0]["blockHash"]))


def block_before(web3: Web3, identity: ChainIdentity) -> Cursor | None:
    """Return the block before the one a contract was deployed in: its events begin after it.

    None when the chain does not hold that deployment (any more).
    """
    try:
        block = web3.eth.get_block(HexStr(identity.deployed_block_hash))
        number = block["number"]
        is_canonical = to_hex(web3.eth.get_block(number)["hash"]) == identity.deployed_block_hash
    except BlockNotFound:
        return None
    logs = is_canonical and web3.eth.get_logs(
        {
            "address": to_checksum_address(identity.address),
            "topics": [_granted()],
            "fromBlock": number,
            "toBlock": number,
        }
    )
    return Cursor(number - 1, to_hex(block["parentHash"])) if logs else None


def _created(mined: TxReceipt) -> ChecksumAddress:
    assert mined["contractAddress"] is not None
    return mined["contractAddress"]


def _granted() -> HexStr:
    """The constructor grants the roles, so the first grant stands in the contract's first block."""
    return market_abi().topic("RoleGranted")


def _identity(web3: Web3, where: ChecksumAddress, deployed_block_hash: str) -> ChainIdentity:
    genesis_hash = _genesis_hash(web3)
    if genesis_hash is None:
        raise WrongContract(f"The chain does not know its own first block. {_ADVICE}")
    return ChainIdentity(web3.eth.chain_id, genesis_hash, where, deployed_block_hash)


def _require_market(web3: Web3, where: ChecksumAddress) -> None:
    """Raise WrongContract unless the code at an address is that of the committed artefact."""
    code = bytes(web3.eth.get_code(where))
    if not _is_market(web3, code):
        found = "another contract, or another version," if code else "no contract"
        raise WrongContract(f"There is {found} at {where} on this chain. {_ADVICE}")


def _is_market(web3: Web3, code: bytes) -> bool:
    """Tell whether code is the artefact's, and that of every library it calls, too."""
    artefact = load_artefact()
    return artefact.market.is_deployed(code) and all(
        artefact.libraries[name].is_deployed(bytes(web3.eth.get_code(to_checksum_address(address))))
        for name, address in artefact.market.libraries_in(code).items()
    )


def _genesis_hash(web3: Web3) -> str | None:
    try:
        return to_hex(web3.eth.get_block(0)["hash"])
    except BlockNotFound:
        return None


def check_identity(web3: Web3, expected: ChainIdentity) -> None:
    """Raise WrongContract, naming what differs, unless the chain holds that deployment."""
    differing: list[str] = []
    if web3.eth.chain_id != expected.chain_id:
        differing.append("chain id")
    if _genesis_hash(web3) != expected.genesis_hash:
        differing.append("genesis block")
    if not differing:
        _require_market(web3, to_checksum_address(expected.address))
        if block_before(web3, expected) is None:
            differing.append("deployment")
    if differing:
        raise WrongContract(
            f"The chain is not the one contract {expected.address} was deployed on "
            f"({', '.join(differing)} differ). {_ADVICE}"
        )
