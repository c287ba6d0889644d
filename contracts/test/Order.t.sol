// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

/// @notice Offers and bids: placing them.
contract OrderTest is MarketTest {
    function test_OfferStandsInTheBookAndLocksNothing() public {
        expectEvent();
        emit IEnergyMarket.OrderPlaced(1, WINDOW, SELLER, true, ENERGY, PRICE, 0, false);
        uint256 orderId = offer(ENERGY);
        assertEq(orderId, 1, "ids count from 1");
        assertEq(balanceOf(SELLER), DEPOSIT, "balance");
        IEnergyMarket.Order memory placed = market.order(orderId);
        assertEq(placed.windowId, WINDOW, "window");
        assertEq(placed.peer, SELLER, "peer");
        assertTrue(placed.isOffer, "side");
        assertEq(placed.energyUwh, ENERGY, "energy");
        assertEq(placed.priceGweiPerKwh, PRICE, "price");
    }

    function test_BidLocksItsCost() public {
        expectEvent();
        emit IEnergyMarket.OrderPlaced(1, WINDOW, BUYER, false, ENERGY, PRICE, 0, false);
        uint256 orderId = bid(ENERGY);
        assertEq(balanceOf(BUYER), DEPOSIT - cost(ENERGY), "balance");
        assertTrue(!market.order(orderId).isOffer, "side");
    }

    function test_RevertWhen_BidCostsMoreThanTheBalance() public {
        vm.prank(BUYER);
        market.withdraw(DEPOSIT - cost(ENERGY) + 1);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.BalanceTooLow.selector, BUYER, cost(ENERGY), cost(ENERGY) - 1
            )
        );
        bid(ENERGY);
    }

    function test_RevertWhen_EnergyIsOutOfBounds() public {
        uint64[4] memory energies = [0, MIN_UWH - 1, MAX_UWH + 1, type(uint64).max];
        for (uint256 i = 0; i < energies.length; i++) {
            expectRefusal(
                abi.encodeWithSelector(
                    IEnergyMarket.EnergyOutOfBounds.selector, energies[i], MIN_UWH, MAX_UWH
                )
            );
            offer(energies[i]);
        }
    }

    function test_RevertWhen_PriceIsOutOfBounds() public {
        uint64[3] memory prices = [uint64(0), 1e12 + 1, type(uint64).max];
        for (uint256 i = 0; i < prices.length; i++) {
            expectRefusal(
                abi.encodeWithSelector(IEnergyMarket.PriceOutOfBounds.selector, prices[i], 1, 1e12)
            );
            vm.prank(BUYER);
            market.bid(WINDOW, ENERGY, prices[i], false);
        }
    }

    function test_OrdersArePlacedFromBidStartUntilBeforeBidEnd() public {
        vm.warp(T0);
        offer(ENERGY);
        vm.warp(BID_END - 1);
        offer(ENERGY);
    }

    function test_RevertWhen_PlacedOutsideTheBiddingTime() public {
        uint256[2] memory times = [T0 - 1, BID_END];
        for (uint256 i = 0; i < 2; i++) {
            vm.warp(times[i]);
            expectRefusal(
                abi.encodeWithSelector(
                    IEnergyMarket.BiddingClosed.selector, WINDOW, times[i], T0, BID_END
                )
            );
            bid(ENERGY);
        }
    }

    function test_RevertWhen_WindowIsUnknown() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.UnknownWindow.selector, 9));
        vm.prank(SELLER);
        market.offer(9, ENERGY, PRICE);
    }

    function test_RevertWhen_WindowIdDiffersOnlyAboveItsStoredBits() public {
        uint256 alias_ = WINDOW + (1 << 32);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.UnknownWindow.selector, alias_));
        vm.prank(SELLER);
        market.offer(alias_, ENERGY, PRICE);
    }

    function test_RevertWhen_PeerIsNotApprovedYet() public {
        vm.startPrank(STRANGER);
        market.register();
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.PeerNotApproved.selector,
                STRANGER,
                IEnergyMarket.PeerStatus.Registered
            )
        );
        market.offer(WINDOW, ENERGY, PRICE);
        vm.stopPrank();
    }

    function test_RevertWhen_SenderIsNoPeer() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.NotRegistered.selector, ORACLE));
        vm.prank(ORACLE);
        market.offer(WINDOW, ENERGY, PRICE);
    }

    function test_RevertWhen_MarketIsPaused() public {
        pause();
        expectRefusal(abi.encodeWithSignature("EnforcedPause()"));
        offer(ENERGY);
        expectRefusal(abi.encodeWithSignature("EnforcedPause()"));
        bid(ENERGY);
    }

    function testFuzz_BidLocksEnergyTimesPriceExactly(uint64 energyUwh, uint64 price) public {
        energyUwh = uint64(MIN_UWH + energyUwh % (MAX_UWH - MIN_UWH + 1));
        price = uint64(1 + price % 1e12);
        uint256 costWei = uint256(energyUwh) * price;
        vm.deal(BUYER, costWei);
        vm.startPrank(BUYER);
        market.deposit{value: costWei}();
        uint256 orderId = market.bid(WINDOW, energyUwh, price, false);
        vm.stopPrank();
        assertEq(balanceOf(BUYER), DEPOSIT, "balance");
        assertEq(market.order(orderId).energyUwh, energyUwh, "energy");
        assertEq(market.order(orderId).priceGweiPerKwh, price, "price");
    }
}
