// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {
    ACCEPTED_ONLY,
    APPROVED,
    BookSlot,
    Extremes,
    FILLED,
    MarketState,
    OrderSlot
} from "./MarketState.sol";
import {TradingWindow} from "./TradingWindow.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title What a cleared book must not have skipped: all its orders enter, a revert leaves or nothing
/// @dev A rank orders one side of a book, higher is better: price first, where a lower offer is the
/// better one, then priority class. Not the class first: at one price for all, a higher class may
/// stand behind a bid that pays what it does not, and then no clearing would pass. No rank is zero.
library SkippedOrders {
    /// @dev How good the order is, of those filled and of those that could have been.
    function remember(
        MarketState storage state,
        TradingWindow.Slots memory window,
        Extremes memory seen,
        OrderSlot memory slot,
        bool isOffer
    ) internal view {
        uint48 rank = _rank(slot, isOffer);
        if (slot.flags & FILLED != 0) {
            uint48 worst = isOffer ? seen.worstOffer : seen.worstBid;
            if (worst == 0 || rank < worst) {
                if (isOffer) seen.worstOffer = rank;
                else seen.worstBid = rank;
            }
        }
        // What is left of these could not have been filled, or the contract cannot tell.
        if (slot.energyUwh < window.minEnergyUwh || slot.flags & ACCEPTED_ONLY != 0) return;
        if (window.needsApproval && slot.flags & APPROVED == 0) return;
        if (state.accounts[slot.peer].status != IEnergyMarket.PeerStatus.Approved) return;
        if (isOffer) {
            if (rank > seen.offerLeft) {
                (seen.offerLeft, seen.nextOfferLeft) = (rank, seen.offerLeft);
            } else if (rank > seen.nextOfferLeft) {
                seen.nextOfferLeft = rank;
            }
        } else {
            if (rank > seen.bidLeft) (seen.bidLeft, seen.nextBidLeft) = (rank, seen.bidLeft);
            else if (rank > seen.nextBidLeft) seen.nextBidLeft = rank;
        }
    }

    /// @dev The grid takes what is left: nothing that the book's prices would have sold to a peer, or
    /// bought from one.
    function checkGrid(uint256 windowId, BookSlot memory book, Extremes memory seen) internal pure {
        uint256 buyPrice = uint256(book.sellPrice) + book.spread;
        bool bidWaits = seen.bidLeft != 0 && _bidPrice(seen.bidLeft) >= buyPrice;
        // Books without one price for all have zero here.
        bool offerWaits = seen.offerLeft != 0
            && (book.sellPrice == 0 || _offerPrice(seen.offerLeft) <= book.sellPrice);
        if ((seen.gridBuys && bidWaits) || (seen.gridSells && offerWaits)) {
            revert IEnergyMarket.TradesLeft(windowId);
        }
    }

    /// @dev Reverts when a better order was left than one that was filled, when two that were left
    /// would have met, or when the price is not the one of the window's rule.
    function checkNoneSkipped(
        uint256 windowId,
        TradingWindow.Slots memory window,
        BookSlot memory book,
        Extremes memory seen
    ) internal pure {
        if (seen.worstBid != 0 && seen.bidLeft > seen.worstBid) {
            revert IEnergyMarket.BetterOrderSkipped(windowId, false);
        }
        if (seen.worstOffer != 0 && seen.offerLeft > seen.worstOffer) {
            revert IEnergyMarket.BetterOrderSkipped(windowId, true);
        }
        if (window.mechanism == IEnergyMarket.Mechanism.McAfee) {
            return _checkMcAfee(windowId, book, seen);
        }
        bool hasRoom = window.capacityUwh == 0
            || uint256(window.capacityUwh) - book.filledUwh >= window.minEnergyUwh;
        if (hasRoom && _meet(seen.bidLeft, seen.offerLeft)) {
            revert IEnergyMarket.TradesLeft(windowId);
        }
        bool hasRule = window.kPermille != TradingWindow.NO_PRICE_RULE;
        if (hasRule && seen.worstBid != 0 && book.sellPrice != 0) {
            uint256 low = _offerPrice(seen.worstOffer);
            uint256 high = _bidPrice(seen.worstBid) - book.spread;
            _requirePrice(windowId, book, low + (high - low) * window.kPermille / 1000);
        }
    }

    /// @dev McAfee's double auction (doi:10.1016/0022-0531(92)90091-U). With k trades possible, the
    /// price is halfway between the (k+1)th bid and offer where that suits the k-th ones. Otherwise
    /// the k-th pair is left out: its bid is what buyers pay, its offer what sellers get.
    function _checkMcAfee(uint256 windowId, BookSlot memory book, Extremes memory seen)
        private
        pure
    {
        bool hasFills = seen.worstBid != 0;
        if (_meet(seen.bidLeft, seen.offerLeft)) {
            uint256 bidPrice = _bidPrice(seen.bidLeft);
            uint256 offerPrice = _offerPrice(seen.offerLeft);
            bool couldTrade = seen.nextBidLeft != 0 && seen.nextOfferLeft != 0
                && _isHalfwayWithin(seen.nextBidLeft, seen.nextOfferLeft, offerPrice, bidPrice);
            if (couldTrade || _meet(seen.nextBidLeft, seen.nextOfferLeft)) {
                revert IEnergyMarket.TradesLeft(windowId);
            }
            if (!hasFills) return;
            _requirePrice(windowId, book, offerPrice);
            if (book.spread != bidPrice - offerPrice) {
                revert IEnergyMarket.PriceNotByRule(
                    windowId, uint256(book.sellPrice) + book.spread, bidPrice
                );
            }
        } else if (hasFills) {
            bool isHalfway = seen.bidLeft != 0 && seen.offerLeft != 0 && book.spread == 0
                && _isHalfwayWithin(
                    seen.bidLeft,
                    seen.offerLeft,
                    _offerPrice(seen.worstOffer),
                    _bidPrice(seen.worstBid)
                );
            // Zero stands for: no price would do, a pair must be left out.
            uint256 sum = _bidPrice(seen.bidLeft) + _offerPrice(seen.offerLeft);
            _requirePrice(windowId, book, isHalfway ? sum / 2 : 0);
        }
    }

    function _requirePrice(uint256 windowId, BookSlot memory book, uint256 price) private pure {
        if (price != book.sellPrice) {
            revert IEnergyMarket.PriceNotByRule(windowId, book.sellPrice, price);
        }
    }

    function _meet(uint48 bid, uint48 offer) private pure returns (bool) {
        return bid != 0 && offer != 0 && _bidPrice(bid) >= _offerPrice(offer);
    }

    function _isHalfwayWithin(uint48 bid, uint48 offer, uint256 low, uint256 high)
        private
        pure
        returns (bool)
    {
        uint256 sum = _bidPrice(bid) + _offerPrice(offer);
        return 2 * low <= sum && sum <= 2 * high;
    }

    /// @dev Above zero, as the lowest price is.
    function _rank(OrderSlot memory slot, bool isOffer) private pure returns (uint48) {
        uint40 merit = isOffer ? type(uint40).max - slot.price : slot.price;
        return (uint48(merit) << 8) | slot.priority;
    }

    function _bidPrice(uint48 rank) private pure returns (uint256) {
        return rank >> 8;
    }

    function _offerPrice(uint48 rank) private pure returns (uint256) {
        return type(uint40).max - (rank >> 8);
    }
}
