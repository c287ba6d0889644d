"""A contract's error enters, a sentence with numbers and units leaves."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from eth_utils import keccak, to_hex

from hub.amounts import energy_text, money_text, price_text
from hub.chain.abi import market_abi
from hub.chain.records import ContractRefused

ROLES = {
    "administrator": bytes(32),
    "coordinator": keccak(text="COORDINATOR_ROLE"),
    "oracle": keccak(text="ORACLE_ROLE"),
}
ROLE_NAMES: dict[str, str] = {to_hex(role): name for name, role in ROLES.items()}
SIDES = ("seller", "buyer")
MECHANISMS = (
    "taken by peers",
    "cleared at one price",
    "cleared at each bid's price",
    "cleared halfway between each bid and offer",
    "cleared by McAfee's rule",
)
PEER_STATUSES = ("not registered", "registered", "approved", "suspended")
TRADE_STATUSES = ("unknown", "matched", "settled", "refunded", "disputed", "one-sided")

Values = dict[str, Any]


def time_text(time_s: int) -> str:
    """Return chain seconds as a UTC time, or as the number where no calendar reaches."""
    try:
        moment = datetime.datetime.fromtimestamp(time_s, datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return f"second {time_s}"
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _role(values: Values, name: str) -> str:
    role: str = values[name]
    return ROLE_NAMES.get(role, role)


_COUNTERS: dict[str, Callable[[Values], str]] = {
    "UnknownCounter": lambda v: f"There is no counter-offer {v['counter_id']} that stands.",
    "CounterNotYours": lambda v: (
        f"The terms of counter-offer {v['counter_id']} are not {v['sender']}'s to answer."
    ),
    "CounterChanged": lambda v: (
        f"Counter-offer {v['counter_id']} stands at {energy_text(v['energy_uwh'])} and "
        f"{price_text(v['price_gwei_per_kwh'])} by now."
    ),
}

_CLEARING: dict[str, Callable[[Values], str]] = {
    "NodeLimitExceeded": lambda v: (
        f"A node may hold {energy_text(v['limit_uwh'])} in this window; with this, "
        f"peer {v['peer']} would hold {energy_text(v['held_uwh'])}."
    ),
    "OnOtherSide": lambda v: (
        f"{v['peer']} has orders on the other side of window {v['window_id']}, whose book is "
        "cleared; cancel them first."
    ),
    "WindowPassed": lambda v: (
        f"The peer trades in window {v['newest_window_id']} already; "
        f"window {v['window_id']} is over for it."
    ),
    "WrongMechanism": lambda v: (
        f"Orders of window {v['window_id']} are {MECHANISMS[v['mechanism']]}."
    ),
    "BookFrozen": lambda v: (
        f"The book of window {v['window_id']} is frozen from {time_text(v['bid_end'])} "
        f"until before {time_text(v['clear_by'])}; it is {time_text(v['now_s'])}."
    ),
    "OrderNotApproved": lambda v: f"Order {v['order_id']} is not approved by the coordinator.",
    "NothingToReview": lambda v: f"Order {v['order_id']} waits for no approval.",
    "SellerNotAccepted": lambda v: (
        f"Order {v['bid_id']} is for energy of other sellers than {v['seller']}."
    ),
    "ClearingClosed": lambda v: (
        f"Window {v['window_id']} is cleared from {time_text(v['bid_end'])} "
        f"until before {time_text(v['clear_by'])}; it is {time_text(v['now_s'])}."
    ),
    "BookClosing": lambda v: f"The book of window {v['window_id']} is being closed.",
    "BookFinal": lambda v: f"Window {v['window_id']} is cleared already.",
    "WindowNotCleared": lambda v: f"Window {v['window_id']} is not cleared yet.",
    "BookPriceInvalid": lambda v: (
        f"The prices {price_text(v['sell_price'])} and {price_text(v['buy_price'])} are not within "
        f"{price_text(v['min_price'])} to {price_text(v['max_price'])}, or not allowed here."
    ),
    "PriceNotUniform": lambda v: (
        f"Window {v['window_id']} clears at {price_text(v['book_sell_price'])} and "
        f"{price_text(v['book_buy_price'])}, not at {price_text(v['sell_price'])} and "
        f"{price_text(v['buy_price'])}."
    ),
    "CapacityExceeded": lambda v: (
        f"The trades of window {v['window_id']} would hold {energy_text(v['filled_uwh'])}, "
        f"more than its capacity of {energy_text(v['capacity_uwh'])}."
    ),
    "OrderOfAnotherWindow": lambda v: (
        f"Order {v['order_id']} belongs to window {v['window_id']}."
        if v["window_id"]
        else f"There is no order {v['order_id']}."
    ),
    "WrongSide": lambda v: f"Order {v['order_id']} stands on the other side of the book.",
    "FeeTooHigh": lambda v: (
        f"The fee of {price_text(v['fee_gwei_per_kwh'])} on order {v['bid_id']} is above the "
        f"window's {price_text(v['max_fee'])}."
    ),
    "FillPriceRefused": lambda v: (
        f"At {price_text(v['price_gwei_per_kwh'])} and a fee of "
        f"{price_text(v['fee_gwei_per_kwh'])} order {v['bid_id']} "
        f"({price_text(v['bid_price'])}) and order {v['offer_id']} "
        f"({price_text(v['offer_price'])}) do not meet."
    ),
    "BetterOrderSkipped": lambda v: (
        f"In window {v['window_id']} a better {'offer' if v['is_offer'] else 'bid'} was skipped."
    ),
    "TradesLeft": lambda v: f"In window {v['window_id']} orders are left that meet.",
    "PriceNotByRule": lambda v: (
        f"Window {v['window_id']} must clear at {price_text(v['expected_price'])}, "
        f"not at {price_text(v['sell_price'])}."
    ),
    "GridNotAllowed": lambda v: (
        f"A window whose orders are {MECHANISMS[v['mechanism']]} has no grid account."
    ),
    "AttemptOutOfOrder": lambda v: (
        f"The report of trade {v['trade_id']} has attempt {v['number']} after {v['previous']}."
    ),
}

_SENTENCES: dict[str, Callable[[Values], str]] = {
    "ZeroAddress": lambda v: (
        "An account's address is missing: that of a role, or the one that gets a window's fees."
    ),
    "UnknownRole": lambda v: f"There is no role {v['role']}.",
    "RoleNotOffered": lambda v: (
        f"{v['account']} was not offered the role of the {_role(v, 'role')}."
    ),
    "RoleNeedsHolder": lambda v: (
        f"The role of the {_role(v, 'role')} is handed over, never left without a holder."
    ),
    "ZeroAmount": lambda v: "The amount must be more than zero.",
    "NotRegistered": lambda v: f"{v['account']} is not registered as a peer.",
    "AlreadyRegistered": lambda v: f"{v['account']} is registered already.",
    "RoleMayNotTrade": lambda v: (
        f"{v['account']} cannot be both a peer and the {_role(v, 'role')}: roles never trade."
    ),
    "PeerNotApproved": lambda v: (
        f"Peer {v['peer']} may not trade: it is {PEER_STATUSES[v['status']]}, not approved."
    ),
    "AlreadySuspended": lambda v: f"Peer {v['peer']} is suspended already.",
    "ZeroNodeId": lambda v: "The node's name is missing.",
    "NodeIdTaken": lambda v: f"Node {v['node_id']} belongs to peer {v['holder']}.",
    "NodeKeyTaken": lambda v: f"Node key {v['node_key']} belongs to peer {v['holder']}.",
    "MarketFull": lambda v: (
        f"With this deposit the market would hold {money_text(v['contract_wei'])}, "
        f"more than its limit of {money_text(v['limit_wei'])}."
    ),
    "BalanceTooLow": lambda v: (
        f"{money_text(v['needed_wei'])} needed, but peer {v['peer']} has "
        f"{money_text(v['balance_wei'])} in the market."
    ),
    "WindowTimesOutOfOrder": lambda v: (
        f"The window's {_text(v['field'])} ({time_text(v['later_s'])}) "
        f"comes too early, it must follow {time_text(v['earlier_s'])}."
    ),
    "WindowTimeTooLate": lambda v: f"The window's resolveBy ({v['resolve_by']}) is absurdly late.",
    "LossAllowanceTooLarge": lambda v: (
        f"The loss allowance must be at most {v['limit_permille']} permille, "
        f"not {v['loss_permille']}."
    ),
    "BiddingAlreadyOver": lambda v: (
        f"Bids would have ended at {time_text(v['bid_end'])}, but it is {time_text(v['now_s'])}."
    ),
    "EnergyLimitsInvalid": lambda v: (
        f"A window's energy limits must satisfy 0 < min <= max <= {energy_text(v['limit_uwh'])}; "
        f"they are {energy_text(v['min_energy_uwh'])} and {energy_text(v['max_energy_uwh'])}. "
        "By McAfee's rule both must be the same."
    ),
    "PriceLimitsInvalid": lambda v: (
        f"A window's price limits must satisfy 0 < min <= max <= {price_text(v['limit_price'])}; "
        f"they are {price_text(v['min_price'])} and {price_text(v['max_price'])}."
    ),
    "KInvalid": lambda v: f"A window's k must be from 0 to 1001 permille, not {v['k_permille']}.",
    "CapacityOrFeeInvalid": lambda v: (
        f"A window's capacity ({energy_text(v['capacity_uwh'])}) or highest fee "
        f"({price_text(v['max_fee'])}) is absurdly large; by McAfee's rule there is no capacity."
    ),
    **_CLEARING,
    **_COUNTERS,
    "UnknownWindow": lambda v: f"There is no window {v['window_id']}.",
    "UnknownOrder": lambda v: f"There is no order {v['order_id']}.",
    "UnknownTrade": lambda v: f"There is no trade {v['trade_id']}.",
    "BiddingClosed": lambda v: (
        f"Window {v['window_id']} accepts orders from {time_text(v['bid_start'])} "
        f"until before {time_text(v['bid_end'])}; it is {time_text(v['now_s'])}."
    ),
    "TakingClosed": lambda v: (
        f"Orders of window {v['window_id']} can be taken from {time_text(v['bid_start'])} "
        f"until before {time_text(v['clear_by'])}; it is {time_text(v['now_s'])}."
    ),
    "EnergyOutOfBounds": lambda v: (
        f"The energy must be from {energy_text(v['min_energy_uwh'])} to "
        f"{energy_text(v['max_energy_uwh'])}, not {energy_text(v['energy_uwh'])}."
    ),
    "PriceOutOfBounds": lambda v: (
        f"The price must be from {price_text(v['min_price'])} to {price_text(v['max_price'])}, "
        f"not {price_text(v['price_gwei_per_kwh'])}."
    ),
    "NotYourOrder": lambda v: f"Order {v['order_id']} is not one of {v['peer']}.",
    "OrderClosed": lambda v: f"Nothing is left of order {v['order_id']}.",
    "EnergyNotLeft": lambda v: (
        f"Only {energy_text(v['left_uwh'])} are left of order {v['order_id']}, "
        f"not {energy_text(v['asked_uwh'])}."
    ),
    "RemainderTooSmall": lambda v: (
        f"This would leave {energy_text(v['remainder_uwh'])} of order {v['order_id']}; take all "
        f"of it, or leave at least {energy_text(v['min_energy_uwh'])}."
    ),
    "LimitNotMet": lambda v: (
        f"Order {v['order_id']} is at {price_text(v['price_gwei_per_kwh'])}, "
        f"beyond your limit of {price_text(v['limit_price'])}."
    ),
    "SelfTrade": lambda v: f"Order {v['order_id']} is {v['peer']}'s own.",
    "NothingLocked": lambda v: (
        f"Order {v['order_id']} holds no money: it is an offer, or a bid that has ended already."
    ),
    "ReclaimTooEarly": lambda v: (
        f"The lock of order {v['order_id']} can be reclaimed from {time_text(v['clear_by'])} on; "
        f"it is {time_text(v['now_s'])}."
    ),
    "TradeClosed": lambda v: f"Trade {v['trade_id']} is {TRADE_STATUSES[v['status']]} already.",
    "ReportTooLate": lambda v: (
        f"Trade {v['trade_id']} could be reported until before {time_text(v['report_by'])}; "
        f"it is {time_text(v['now_s'])}."
    ),
    "RefundTooEarly": lambda v: (
        f"Trade {v['trade_id']} can be refunded from {time_text(v['report_by'])} on; "
        f"it is {time_text(v['now_s'])}."
    ),
    "SignatureInvalid": lambda v: (
        f"The report of trade {v['trade_id']} is not what the {SIDES[v['role']]}'s board signed."
    ),
    "NotDisputed": lambda v: (
        f"Trade {v['trade_id']} is {TRADE_STATUSES[v['status']]}, not disputed."
    ),
    "OutsideDispute": lambda v: (
        f"Trade {v['trade_id']} is disputed between {energy_text(v['low_uwh'])} and "
        f"{energy_text(v['high_uwh'])}; it cannot settle at {energy_text(v['settled_uwh'])}."
    ),
    "ResolveTooLate": lambda v: (
        f"The dispute of trade {v['trade_id']} could be resolved until before "
        f"{time_text(v['resolve_by'])}; it is {time_text(v['now_s'])}."
    ),
    "SplitTooEarly": lambda v: (
        f"The dispute of trade {v['trade_id']} is split from {time_text(v['resolve_by'])} on; "
        f"it is {time_text(v['now_s'])}."
    ),
    "AccessControlUnauthorizedAccount": lambda v: (
        f"{v['account']} is not the {_role(v, 'needed_role')}."
    ),
    "AccessControlBadConfirmation": lambda v: "A role can be renounced by its holder only.",
    "EnforcedPause": lambda v: "The market is paused.",
    "ExpectedPause": lambda v: "The market is not paused.",
    "ReentrancyGuardReentrantCall": lambda v: "A withdrawal called the market again.",
    "FailedCall": lambda v: "The receiving account refused the money.",
    "InsufficientBalance": lambda v: "The contract holds less than it should pay.",
    "Error": lambda v: f"The contract said: {v['reason']}",
    "Panic": lambda v: f"The contract failed with panic code 0x{v['code']:02x}.",
}


def _text(bytes32_hex: str) -> str:
    return bytes.fromhex(bytes32_hex[2:]).rstrip(b"\0").decode("ascii", "replace")


def refusal(revert: bytes) -> ContractRefused:
    """Turn revert bytes into the error with its sentence."""
    decoded = market_abi().decode_error(revert)
    if decoded is None:
        shown = f" (0x{revert.hex()})" if revert else ""
        return ContractRefused("", {}, f"The contract refused the call without a reason{shown}.")
    name, values = decoded
    sentence = _SENTENCES.get(name)
    if sentence is None:
        listed = ", ".join(f"{key} {value}" for key, value in values.items())
        return ContractRefused(name, values, f"The contract refused the call: {name} ({listed}).")
    return ContractRefused(name, values, sentence(values))
