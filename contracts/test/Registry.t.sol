// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EnergyMarket} from "../src/EnergyMarket.sol";
import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

contract RegistryTest is MarketTest {
    address private constant KEY = address(0xE1);

    function register(address account) private {
        vm.prank(account);
        market.register();
    }

    function approve(address account, bytes32 nodeId, address nodeKey) private {
        vm.prank(ADMINISTRATOR);
        market.approve(account, nodeId, nodeKey);
    }

    function assertPeerStatus(address account, IEnergyMarket.PeerStatus expected) private view {
        assertEq(uint8(market.peer(account).status), uint8(expected), "peer status");
    }

    function test_RegisterMakesAPeerThatWaitsForApproval() public {
        expectEvent();
        emit IEnergyMarket.PeerRegistered(STRANGER);
        register(STRANGER);
        assertPeerStatus(STRANGER, IEnergyMarket.PeerStatus.Registered);
        (uint256 peers,,,,) = market.counts();
        assertEq(peers, 3, "peers");
        assertEq(market.peerAt(3).account, STRANGER, "third peer");
    }

    function test_RevertWhen_RegisteredTwice() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.AlreadyRegistered.selector, SELLER));
        register(SELLER);
    }

    function test_RevertWhen_ARoleRegisters() public {
        address[3] memory holders = [ADMINISTRATOR, COORDINATOR, ORACLE];
        bytes32[3] memory roles = [bytes32(0), market.COORDINATOR_ROLE(), market.ORACLE_ROLE()];
        for (uint256 i = 0; i < 3; i++) {
            expectRefusal(
                abi.encodeWithSelector(IEnergyMarket.RoleMayNotTrade.selector, holders[i], roles[i])
            );
            register(holders[i]);
        }
    }

    function test_RevertWhen_ARoleIsMissingAtDeployment() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.ZeroAddress.selector));
        new EnergyMarket(ADMINISTRATOR, COORDINATOR, address(0));
    }

    function test_ApproveBindsPeerNodeAndKey() public {
        register(STRANGER);
        expectEvent();
        emit IEnergyMarket.PeerApproved(STRANGER, "house-3", KEY);
        approve(STRANGER, "house-3", KEY);
        assertPeerStatus(STRANGER, IEnergyMarket.PeerStatus.Approved);
        assertTrue(market.peer(STRANGER).nodeId == "house-3", "node id");
        assertEq(market.peer(STRANGER).nodeKey, KEY, "node key");
    }

    function test_ApproveAgainReplacesTheBoardAndFreesTheOldOne() public {
        approve(SELLER, "house-9", KEY);
        approve(SELLER, "house-8", address(0));
        approve(BUYER, "house-9", KEY);
        assertTrue(market.peer(SELLER).nodeId == "house-8", "seller's node");
        assertTrue(market.peer(BUYER).nodeId == "house-9", "buyer's node");
    }

    function test_ApproveEndsASuspension() public {
        suspend(SELLER);
        approve(SELLER, "house-1", address(0));
        offer(ENERGY);
    }

    function test_RevertWhen_NodeBelongsToAnotherPeer() public {
        expectRefusal(
            abi.encodeWithSelector(IEnergyMarket.NodeIdTaken.selector, bytes32("house-1"), SELLER)
        );
        approve(BUYER, "house-1", address(0));
    }

    function test_RevertWhen_NodeKeyBelongsToAnotherPeer() public {
        approve(SELLER, "house-1", KEY);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.NodeKeyTaken.selector, KEY, SELLER));
        approve(BUYER, "house-2", KEY);
    }

    function test_RevertWhen_NodeHasNoName() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.ZeroNodeId.selector));
        approve(BUYER, 0, KEY);
    }

    function test_RevertWhen_AStrangerIsApproved() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.NotRegistered.selector, STRANGER));
        approve(STRANGER, "house-3", KEY);
    }

    function test_RevertWhen_OthersThanTheAdministratorApproveOrSuspend() public {
        bytes memory refused = abi.encodeWithSignature(
            "AccessControlUnauthorizedAccount(address,bytes32)", COORDINATOR, bytes32(0)
        );
        vm.startPrank(COORDINATOR);
        expectRefusal(refused);
        market.approve(SELLER, "house-1", KEY);
        expectRefusal(refused);
        market.suspend(SELLER);
        expectRefusal(refused);
        market.remove(SELLER);
        expectRefusal(refused);
        market.grantPriority(SELLER, 1);
        expectRefusal(refused);
        market.pause();
        expectRefusal(refused);
        market.unpause();
        vm.stopPrank();
    }

    function test_SuspendStopsOrdersAndKeepsMoneyReachable() public {
        uint256 orderId = bid(ENERGY);
        expectEvent();
        emit IEnergyMarket.PeerSuspended(BUYER);
        suspend(BUYER);
        vm.startPrank(BUYER);
        vm.expectRevert(
            abi.encodeWithSelector(
                IEnergyMarket.PeerNotApproved.selector, BUYER, IEnergyMarket.PeerStatus.Suspended
            )
        );
        market.bid(WINDOW, ENERGY, PRICE, false);
        market.cancel(orderId);
        market.withdraw(DEPOSIT);
        vm.stopPrank();
        assertEq(BUYER.balance, 10 ether, "the buyer has everything back");
    }

    function test_PriorityIsThatOfLaterOrders() public {
        uint256 before = offer(ENERGY);
        expectEvent();
        emit IEnergyMarket.PriorityGranted(SELLER, 7);
        vm.prank(ADMINISTRATOR);
        market.grantPriority(SELLER, 7);
        assertEq(market.order(before).priority, 0, "an order keeps its class");
        assertEq(market.order(offer(ENERGY)).priority, 7, "a later order has the new one");
    }

    function test_ASuspendedPeerMayDeposit() public {
        suspend(SELLER);
        vm.prank(SELLER);
        market.deposit{value: 1}();
        assertEq(balanceOf(SELLER), DEPOSIT + 1, "balance");
    }

    function test_RevertWhen_StrangersAcceptOrAreAccepted() public {
        bytes memory refused =
            abi.encodeWithSelector(IEnergyMarket.NotRegistered.selector, STRANGER);
        expectRefusal(refused);
        vm.prank(STRANGER);
        market.acceptSeller(SELLER, true);
        expectRefusal(refused);
        vm.prank(BUYER);
        market.acceptSeller(STRANGER, true);
    }

    function test_RevertWhen_SuspendedTwice() public {
        suspend(SELLER);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.AlreadySuspended.selector, SELLER));
        suspend(SELLER);
    }

    function test_RevertWhen_UnknownPeersAreRead() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.NotRegistered.selector, STRANGER));
        market.peer(STRANGER);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.NotRegistered.selector, address(0)));
        market.peerAt(0);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.NotRegistered.selector, address(0)));
        market.peerAt(3);
    }
}
