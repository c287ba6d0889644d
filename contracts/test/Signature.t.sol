// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EnergyMarket} from "../src/EnergyMarket.sol";
import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

/// @notice Reports signed by the boards' own keys. The digest is built here from its description,
/// not with the contract's library.
contract SignatureTest is MarketTest {
    uint256 private constant SELLER_KEY = 0x51;
    uint256 private constant BUYER_KEY = 0x52;
    uint32 private constant ATTEMPT = 2;
    uint32 private constant EPOCH = 7;

    uint256 private tradeId;

    function setUp() public override {
        super.setUp();
        giveKey(SELLER, "house-1", SELLER_KEY);
        giveKey(BUYER, "house-2", BUYER_KEY);
        tradeId = tradeWhole(ENERGY);
    }

    function giveKey(address account, bytes32 nodeId, uint256 key) private {
        vm.prank(ADMINISTRATOR);
        market.approve(account, nodeId, vm.addr(key));
    }

    function signed(uint256 key, uint8 role, uint64 energyUwh, uint64 acknowledgedUwh)
        private
        view
        returns (IEnergyMarket.Meter memory)
    {
        return signedFor(ATTEMPT, key, role, energyUwh, acknowledgedUwh);
    }

    function signedFor(
        uint32 attempt,
        uint256 key,
        uint8 role,
        uint64 energyUwh,
        uint64 acknowledgedUwh
    ) private view returns (IEnergyMarket.Meter memory) {
        bytes16 id = bytes16(
            sha256(
                abi.encodePacked(
                    "trueque-delivery", market.domain(), uint64(tradeId), attempt, EPOCH
                )
            )
        );
        bytes32 digest =
            sha256(abi.encodePacked("trueque-report", id, role, energyUwh, acknowledgedUwh));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        bytes32 vs = bytes32(uint256(s) | (uint256(v - 27) << 255));
        return IEnergyMarket.Meter(energyUwh, acknowledgedUwh, r, vs);
    }

    function bothSigned(uint64 sellerUwh, uint64 buyerUwh)
        private
        view
        returns (IEnergyMarket.DeliveryReport memory delivered)
    {
        delivered.tradeId = tradeId;
        delivered.attempts = new IEnergyMarket.Attempt[](1);
        delivered.attempts[0] = IEnergyMarket.Attempt({
            number: ATTEMPT,
            epoch: EPOCH,
            seller: signed(SELLER_KEY, 0, sellerUwh, buyerUwh),
            buyer: signed(BUYER_KEY, 1, buyerUwh, sellerUwh)
        });
    }

    function refuse(IEnergyMarket.DeliveryReport memory delivered) private {
        vm.prank(ORACLE);
        vm.expectPartialRevert(IEnergyMarket.SignatureInvalid.selector);
        market.report(delivered);
    }

    function test_SignedReportSettlesAndSaysWhoSigned() public {
        IEnergyMarket.DeliveryReport memory delivered = bothSigned(49_000, 48_500);
        expectEvent();
        emit IEnergyMarket.TradeSettled(
            tradeId, 49_000, 48_500, 48_500, cost(48_500), cost(1_500), 3
        );
        vm.prank(ORACLE);
        market.report(delivered);
    }

    function test_DeliveryIdIsTheOneBoardsAreTold() public view {
        bytes16 expected = bytes16(
            sha256(abi.encodePacked("trueque-delivery", market.domain(), uint64(9), ATTEMPT, EPOCH))
        );
        assertTrue(market.deliveryId(9, ATTEMPT, EPOCH) == expected, "delivery id");
    }

    function test_OneBoardWithoutAKeyIsTakenAtTheOraclesWord() public {
        giveNone(BUYER, "house-2");
        IEnergyMarket.DeliveryReport memory delivered = bothSigned(ENERGY, ENERGY);
        delivered.attempts[0].buyer = IEnergyMarket.Meter(40_000, 0, 0, 0);
        delivered.attempts[0].seller = signed(SELLER_KEY, 0, 40_000, ENERGY);
        expectEvent();
        emit IEnergyMarket.TradeSettled(
            tradeId, 40_000, 40_000, 40_000, cost(40_000), cost(10_000), 1
        );
        vm.prank(ORACLE);
        market.report(delivered);
    }

    /// @dev The key is the board's at the time of the report: administrator and oracle together can
    /// take it away, as docs/contract.md says, and every event of the trade shows it.
    function test_TheKeyIsTheOneTheBoardHasWhenTheReportComes() public {
        IEnergyMarket.DeliveryReport memory delivered = bothSigned(ENERGY, ENERGY);
        giveKey(SELLER, "house-1", 0x53);
        refuse(delivered);
        vm.prank(ADMINISTRATOR);
        market.remove(SELLER);
        expectEvent();
        emit IEnergyMarket.TradeSettled(tradeId, ENERGY, ENERGY, ENERGY, cost(ENERGY), 0, 2);
        vm.prank(ORACLE);
        market.report(delivered);
    }

    function giveNone(address account, bytes32 nodeId) private {
        vm.prank(ADMINISTRATOR);
        market.approve(account, nodeId, address(0));
    }

    function test_RevertWhen_TheHubChangesAnyFigure() public {
        IEnergyMarket.DeliveryReport memory delivered = bothSigned(49_000, 48_500);
        delivered.attempts[0].seller.energyUwh = 49_001;
        refuse(delivered);
        delivered = bothSigned(49_000, 48_500);
        delivered.attempts[0].buyer.energyUwh = 48_499;
        refuse(delivered);
        delivered = bothSigned(49_000, 48_500);
        delivered.attempts[0].buyer.acknowledgedUwh = 1;
        refuse(delivered);
    }

    function test_RevertWhen_TheReportIsOfAnotherTradeAttemptOrEpoch() public {
        IEnergyMarket.DeliveryReport memory delivered = bothSigned(49_000, 48_500);
        delivered.tradeId = tradeWhole(ENERGY);
        refuse(delivered);
        delivered = bothSigned(49_000, 48_500);
        delivered.attempts[0].number = ATTEMPT + 1;
        refuse(delivered);
        delivered = bothSigned(49_000, 48_500);
        delivered.attempts[0].epoch = EPOCH - 1;
        refuse(delivered);
    }

    function test_RevertWhen_TheReportIsForAnotherContract() public {
        EnergyMarket other = new EnergyMarket(ADMINISTRATOR, COORDINATOR, ORACLE);
        assertTrue(other.domain() != market.domain(), "domains differ");
    }

    function test_RevertWhen_OneBoardSignsForTheOther() public {
        IEnergyMarket.DeliveryReport memory delivered = bothSigned(ENERGY, ENERGY);
        delivered.attempts[0].buyer = delivered.attempts[0].seller;
        refuse(delivered);
        delivered.attempts[0].buyer = signed(SELLER_KEY, 1, ENERGY, ENERGY);
        refuse(delivered);
    }

    function test_RevertWhen_TheSignatureIsMissing() public {
        IEnergyMarket.DeliveryReport memory delivered = unsigned(tradeId, ENERGY, ENERGY);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.SignatureInvalid.selector, tradeId, 0, vm.addr(SELLER_KEY), address(0)
            )
        );
        vm.prank(ORACLE);
        market.report(delivered);
    }

    function test_RevertWhen_NoAttemptIsReported() public {
        IEnergyMarket.DeliveryReport memory none;
        none.tradeId = tradeId;
        expectRefusal(
            abi.encodeWithSelector(IEnergyMarket.AttemptOutOfOrder.selector, tradeId, 0, 0)
        );
        vm.prank(ORACLE);
        market.report(none);
    }

    function test_RevertWhen_AnAloneReportIsNotSigned() public {
        IEnergyMarket.DeliveryReport memory delivered = bothSigned(30_000, 29_000);
        delivered.attempts[0].seller.r = 0;
        vm.prank(ORACLE);
        vm.expectPartialRevert(IEnergyMarket.SignatureInvalid.selector);
        market.reportAlone(delivered, true);
        vm.prank(ORACLE);
        market.reportAlone(delivered, false);
    }

    function twoAttempts() private view returns (IEnergyMarket.DeliveryReport memory delivered) {
        delivered.tradeId = tradeId;
        delivered.attempts = new IEnergyMarket.Attempt[](2);
        delivered.attempts[0] = bothSigned(10_000, 9_900).attempts[0];
        delivered.attempts[1] = IEnergyMarket.Attempt(
            ATTEMPT + 1,
            EPOCH,
            signedFor(ATTEMPT + 1, SELLER_KEY, 0, 30_000, 29_900),
            signedFor(ATTEMPT + 1, BUYER_KEY, 1, 29_900, 30_000)
        );
    }

    function test_AttemptsAddUp() public {
        IEnergyMarket.DeliveryReport memory delivered = twoAttempts();
        expectEvent();
        emit IEnergyMarket.TradeSettled(
            tradeId, 40_000, 39_800, 39_800, cost(39_800), cost(10_200), 3
        );
        vm.prank(ORACLE);
        market.report(delivered);
    }

    function test_RevertWhen_AnAttemptIsCountedTwice() public {
        IEnergyMarket.DeliveryReport memory delivered = twoAttempts();
        delivered.attempts[1] = delivered.attempts[0];
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.AttemptOutOfOrder.selector, tradeId, ATTEMPT, ATTEMPT
            )
        );
        vm.prank(ORACLE);
        market.report(delivered);
    }

    /// @notice No bit of a signature can be changed.
    function testFuzz_AForgedSignatureIsRefused(bytes32 r, bytes32 vs) public {
        IEnergyMarket.DeliveryReport memory delivered = bothSigned(ENERGY, ENERGY);
        vm.assume(r != delivered.attempts[0].seller.r || vs != delivered.attempts[0].seller.vs);
        (delivered.attempts[0].seller.r, delivered.attempts[0].seller.vs) = (r, vs);
        refuse(delivered);
    }
}
