// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

contract WindowTest is MarketTest {
    function open(IEnergyMarket.WindowTerms memory terms) private returns (uint256) {
        vm.prank(COORDINATOR);
        return market.openWindow(terms);
    }

    function refuseTimes(
        IEnergyMarket.WindowTerms memory terms,
        bytes32 field,
        uint256 earlierS,
        uint256 laterS
    ) private {
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.WindowTimesOutOfOrder.selector, field, earlierS, laterS
            )
        );
        open(terms);
    }

    function test_OpenWindowKeepsItsTerms() public {
        IEnergyMarket.WindowTerms memory terms = windowTerms();
        expectEvent();
        emit IEnergyMarket.WindowOpened(2, terms);
        uint256 windowId = open(terms);
        assertEq(windowId, 2, "id");
        assertTrue(keccak256(abi.encode(market.window(2))) == keccak256(abi.encode(terms)), "terms");
    }

    function test_WindowMayTradeWhileItDelivers() public {
        IEnergyMarket.WindowTerms memory terms = windowTerms();
        terms.deliveryStart = terms.bidStart;
        terms.clearBy = terms.deliveryEnd;
        open(terms);
    }

    function test_RevertWhen_TimesAreOutOfOrder() public {
        IEnergyMarket.WindowTerms memory terms = windowTerms();
        terms.bidStart = terms.bidEnd;
        refuseTimes(terms, "bidEnd", BID_END, BID_END);

        terms = windowTerms();
        terms.clearBy = terms.bidEnd - 1;
        refuseTimes(terms, "clearBy", BID_END, BID_END - 1);

        terms = windowTerms();
        terms.deliveryStart = terms.bidStart - 1;
        refuseTimes(terms, "deliveryStart", T0, T0 - 1);

        terms = windowTerms();
        terms.deliveryEnd = terms.deliveryStart;
        refuseTimes(terms, "deliveryEnd", CLEAR_BY, CLEAR_BY);

        terms = windowTerms();
        terms.clearBy = terms.deliveryEnd + 1;
        refuseTimes(terms, "deliveryEnd", T0 + 501, T0 + 500);

        terms = windowTerms();
        terms.reportBy = terms.deliveryEnd;
        refuseTimes(terms, "reportBy", T0 + 500, T0 + 500);

        terms = windowTerms();
        terms.resolveBy = terms.reportBy - 1;
        refuseTimes(terms, "resolveBy", REPORT_BY, REPORT_BY - 1);
    }

    function test_RevertWhen_BiddingIsOver() public {
        vm.warp(BID_END);
        expectRefusal(
            abi.encodeWithSelector(IEnergyMarket.BiddingAlreadyOver.selector, BID_END, BID_END)
        );
        open(windowTerms());
    }

    function test_RevertWhen_TimesAreAbsurdlyLate() public {
        IEnergyMarket.WindowTerms memory terms = windowTerms();
        terms.resolveBy = type(uint64).max;
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.WindowTimeTooLate.selector, type(uint64).max, type(uint32).max
            )
        );
        open(terms);
    }

    function test_RevertWhen_TheLossAllowanceIsMoreThanHalf() public {
        IEnergyMarket.WindowTerms memory terms = windowTerms();
        terms.lossPermille = 501;
        expectRefusal(
            abi.encodeWithSelector(IEnergyMarket.LossAllowanceTooLarge.selector, 501, 500)
        );
        open(terms);
    }

    function test_RevertWhen_EnergyLimitsMakeNoSense() public {
        uint64 limit = uint64(market.MAX_ENERGY_UWH());
        uint64[2][3] memory cases = [[uint64(0), 1], [uint64(2), 1], [uint64(1), limit + 1]];
        for (uint256 i = 0; i < 3; i++) {
            IEnergyMarket.WindowTerms memory terms = windowTerms();
            (terms.minEnergyUwh, terms.maxEnergyUwh) = (cases[i][0], cases[i][1]);
            expectRefusal(
                abi.encodeWithSelector(
                    IEnergyMarket.EnergyLimitsInvalid.selector, cases[i][0], cases[i][1], limit
                )
            );
            open(terms);
        }
    }

    function test_RevertWhen_PriceLimitsMakeNoSense() public {
        uint64 limit = uint64(market.MAX_PRICE());
        uint64[2][3] memory cases = [[uint64(0), 1], [uint64(2), 1], [uint64(1), limit + 1]];
        for (uint256 i = 0; i < 3; i++) {
            IEnergyMarket.WindowTerms memory terms = windowTerms();
            (terms.minPrice, terms.maxPrice) = (cases[i][0], cases[i][1]);
            expectRefusal(
                abi.encodeWithSelector(
                    IEnergyMarket.PriceLimitsInvalid.selector, cases[i][0], cases[i][1], limit
                )
            );
            open(terms);
        }
    }

    function test_RevertWhen_KIsOutOfBounds() public {
        IEnergyMarket.WindowTerms memory terms = windowTerms();
        terms.kPermille = 1001;
        open(terms);
        terms.kPermille = 1002;
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.KInvalid.selector, 1002));
        open(terms);
    }

    function test_RevertWhen_CapacityOrFeeIsOutOfBounds() public {
        IEnergyMarket.WindowTerms memory terms = windowTerms();
        (terms.capacityUwh, terms.maxFee) = (type(uint48).max, uint64(market.MAX_PRICE()));
        terms.feeAccount = SELLER;
        open(terms);
        terms.capacityUwh += 1;
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.CapacityOrFeeInvalid.selector, terms.capacityUwh, terms.maxFee
            )
        );
        open(terms);
        (terms.capacityUwh, terms.maxFee) = (0, terms.maxFee + 1);
        expectRefusal(
            abi.encodeWithSelector(IEnergyMarket.CapacityOrFeeInvalid.selector, 0, terms.maxFee)
        );
        open(terms);
    }

    function test_RevertWhen_AFeeHasNoAccountOrAStrangers() public {
        IEnergyMarket.WindowTerms memory terms = windowTerms();
        terms.maxFee = 1;
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.ZeroAddress.selector));
        open(terms);
        terms.feeAccount = STRANGER;
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.NotRegistered.selector, STRANGER));
        open(terms);
    }

    function test_RevertWhen_OthersThanTheCoordinatorOpenAWindow() public {
        bytes32 role = market.COORDINATOR_ROLE();
        expectRefusal(
            abi.encodeWithSignature(
                "AccessControlUnauthorizedAccount(address,bytes32)", ADMINISTRATOR, role
            )
        );
        vm.prank(ADMINISTRATOR);
        market.openWindow(windowTerms());
    }

    function test_RevertWhen_MarketIsPaused() public {
        pause();
        expectRefusal(abi.encodeWithSignature("EnforcedPause()"));
        open(windowTerms());
    }

    function test_RevertWhen_WindowIsUnknown() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.UnknownWindow.selector, 2));
        market.window(2);
    }

    /// @notice The largest order at the highest price neither overflows nor loses a wei.
    function test_LargestOrderAtTheHighestPriceIsExact() public {
        IEnergyMarket.WindowTerms memory terms = windowTerms();
        terms.maxEnergyUwh = uint64(market.MAX_ENERGY_UWH());
        terms.maxPrice = uint64(market.MAX_PRICE());
        uint256 windowId = open(terms);
        uint256 costWei = market.MAX_ENERGY_UWH() * market.MAX_PRICE();
        vm.deal(BUYER, costWei);
        vm.startPrank(BUYER);
        market.deposit{value: costWei}();
        uint256 orderId = market.bid(windowId, terms.maxEnergyUwh, terms.maxPrice, false);
        assertEq(balanceOf(BUYER), DEPOSIT, "locked");
        market.cancel(orderId);
        vm.stopPrank();
        assertEq(balanceOf(BUYER), DEPOSIT + costWei, "freed");
    }
}
