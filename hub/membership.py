"""Makes the site's houses peers of the contract: registered, approved with their node, funded."""

from __future__ import annotations

from collections.abc import Callable

from eth_account.signers.local import LocalAccount

from hub.board_keys import FILE_NAME, addresses
from hub.chain.client import MarketClient
from hub.config import SiteConfig
from hub.coordinator.kinds import needs_account
from hub.keys import Keys

WEI_PER_GWEI = 10**9
# An account's own ETH pays the gas of a life of orders on a dev chain.
GAS_MONEY_WEI = 10 * 10**18


def admit_houses(
    config: SiteConfig, keys: Keys, client: MarketClient, say: Callable[[str], None]
) -> None:
    """Bring every house as far as it is not yet; each step is one transaction and done once.

    Peer, node and the board's own key are approved together; a key that became known or changed
    is approved again. On a bench every peer also gets its demo deposit, with its registration; on a
    real site with a chain of others everybody brings his own money.
    """
    board_keys = addresses(config.data_dir / FILE_NAME)
    known = {peer.peer: peer for peer in client.peers()}
    is_real_money = bool(config.chain.url) and config.site.kind == "real"
    for house in config.houses:
        account = keys.peers[house.name]
        deposit_wei = config.chain.deposit_gwei * WEI_PER_GWEI
        found = known.get(account.address)
        if found is None:
            if is_real_money and not client.wallet_wei(account.address):
                say(f"{house.name} cannot become a peer yet: {account.address} has no ETH to pay "
                    "for transactions; send it some and start the hub again")  # fmt: skip
                continue
            if not is_real_money:
                _fund(client, keys, account.address, deposit_wei)
            client.register(account)
        if config.site.kind == "bench" and deposit_wei and _has_nothing(client, account.address):
            _fund(client, keys, account.address, deposit_wei)
            client.deposit(account, deposit_wei)
        board = board_keys.get(house.name)
        is_new = found is None or found.status == "registered"
        if is_new or (found is not None and board not in (None, found.node_key)):
            client.approve(keys.administrator, account.address, house.name, board)
            signs = f"its board signs as {board}" if board else "its board does not sign"
            say(f"{house.name} is a peer: {account.address}, {signs}")
    _grant_priorities(config, keys, client, say)
    if _needs_own(config) and keys.grid.address not in known:
        # It receives and withdraws; it orders nothing, so it needs no approval.
        if not is_real_money:
            _fund(client, keys, keys.grid.address, 0)
        client.register(keys.grid)


def _grant_priorities(
    config: SiteConfig, keys: Keys, client: MarketClient, say: Callable[[str], None]
) -> None:
    """Grant each house the class that the site's file gives it, where it has another one."""
    granted = client.priorities()
    for house in config.houses:
        address = keys.peers[house.name].address
        if granted.get(address, 0) != house.priority:
            client.grant_priority(keys.administrator, address, house.priority)
            say(f"the orders of {house.name} are of priority class {house.priority} from now on")


def market_account(config: SiteConfig, keys: Keys) -> LocalAccount:
    """Return the account that windows name: the peer of the board at the grid's side, if any."""
    return keys.grid if config.grid is None else keys.peers[config.grid.name]


def _needs_own(config: SiteConfig) -> bool:
    return config.grid is None and needs_account(config.market.kind)


def _has_nothing(client: MarketClient, address: str) -> bool:
    """A peer that spent everything is funded again: a demo's money is play money."""
    return client.balance_wei(address) == 0


def _fund(client: MarketClient, keys: Keys, address: str, deposit_wei: int) -> None:
    """Give an account ETH of its own when the chain's first block did not."""
    if client.wallet_wei(address) < deposit_wei + GAS_MONEY_WEI // 10:
        client.transfer(keys.administrator, address, deposit_wei + GAS_MONEY_WEI)
