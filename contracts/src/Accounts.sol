// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Account, MarketState, PeerSlot} from "./MarketState.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title What a peer has in the market: its money, and the energy it may still trade
/// @dev For the market and for the libraries it calls.
library Accounts {
    /// @dev Returns the address of a peer that may trade.
    function approved(MarketState storage state, uint32 number) internal view returns (address) {
        Account storage account = state.accounts[number];
        if (account.status != IEnergyMarket.PeerStatus.Approved) {
            revert IEnergyMarket.PeerNotApproved(account.account, account.status);
        }
        return account.account;
    }

    function debit(MarketState storage state, uint32 number, uint256 amountWei) internal {
        Account storage account = state.accounts[number];
        uint256 balanceWei = account.balanceWei;
        if (amountWei > balanceWei) {
            revert IEnergyMarket.BalanceTooLow(account.account, amountWei, balanceWei);
        }
        account.balanceWei = uint88(balanceWei - amountWei);
    }

    /// @dev What is credited was debited or deposited before, so it never exceeds MAX_TOTAL_WEI.
    function credit(MarketState storage state, uint32 number, uint256 amountWei) internal {
        if (amountWei != 0) state.accounts[number].balanceWei += uint88(amountWei);
    }

    /// @dev Counts energy towards what a peer's node may hold in a window. One window is counted, the
    /// newest the peer traded in, so an older one is over for it. The grid account has no such limit.
    function hold(
        MarketState storage state,
        address account,
        uint32 windowId,
        uint256 energyUwh,
        uint256 limitUwh
    ) internal returns (PeerSlot storage peerSlot) {
        peerSlot = state.peers[account];
        uint32 counted = peerSlot.windowId;
        if (windowId < counted) revert IEnergyMarket.WindowPassed(windowId, counted);
        uint256 heldUwh = energyUwh + (windowId == counted ? peerSlot.placedUwh : 0);
        if (
            heldUwh > limitUwh
                && (heldUwh > type(uint48).max
                    || state.windows[windowId].gridPeer != peerSlot.number)
        ) {
            revert IEnergyMarket.NodeLimitExceeded(account, heldUwh, limitUwh);
        }
        (peerSlot.windowId, peerSlot.placedUwh) = (windowId, uint48(heldUwh));
    }

    /// @dev That much no longer counts for a peer.
    function release(MarketState storage state, address account, uint32 windowId, uint256 energyUwh)
        internal
    {
        PeerSlot storage peerSlot = state.peers[account];
        if (peerSlot.windowId == windowId) peerSlot.placedUwh -= uint48(energyUwh);
    }
}
