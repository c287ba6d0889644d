// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

/// @notice Roles change hands in two steps, and a peer that leaves frees its node.
contract RolesTest is MarketTest {
    address private constant NEXT = address(0xD1);

    bytes32 private coordinatorRole;

    function setUp() public override {
        super.setUp();
        coordinatorRole = market.COORDINATOR_ROLE();
    }

    function grant(bytes32 role, address account) private {
        vm.prank(ADMINISTRATOR);
        market.grantRole(role, account);
    }

    function accept(address account, bytes32 role) private {
        vm.prank(account);
        market.acceptRole(role);
    }

    function test_RoleMovesWhenItIsAccepted() public {
        expectEvent();
        emit IEnergyMarket.RoleOffered(coordinatorRole, NEXT);
        grant(coordinatorRole, NEXT);
        assertTrue(market.hasRole(coordinatorRole, COORDINATOR), "still the old one");
        assertTrue(!market.hasRole(coordinatorRole, NEXT), "not yet the next one");
        accept(NEXT, coordinatorRole);
        assertTrue(!market.hasRole(coordinatorRole, COORDINATOR), "not the old one");
        assertTrue(market.hasRole(coordinatorRole, NEXT), "the next one");
    }

    function test_AdministratorHandsItselfOver() public {
        grant(0, NEXT);
        accept(NEXT, 0);
        expectRefusal(
            abi.encodeWithSignature(
                "AccessControlUnauthorizedAccount(address,bytes32)", ADMINISTRATOR, bytes32(0)
            )
        );
        vm.prank(ADMINISTRATOR);
        market.pause();
    }

    function test_RevertWhen_ARoleIsAcceptedThatWasNotOffered() public {
        bytes memory refused = abi.encodeWithSelector(
            IEnergyMarket.RoleNotOffered.selector, coordinatorRole, STRANGER
        );
        expectRefusal(refused);
        accept(STRANGER, coordinatorRole);
        grant(coordinatorRole, NEXT);
        expectRefusal(refused);
        accept(STRANGER, coordinatorRole);
        grant(coordinatorRole, address(0));
        vm.expectPartialRevert(IEnergyMarket.RoleNotOffered.selector);
        accept(NEXT, coordinatorRole);
    }

    function test_RevertWhen_AnOfferIsAcceptedTwice() public {
        grant(coordinatorRole, NEXT);
        accept(NEXT, coordinatorRole);
        vm.expectPartialRevert(IEnergyMarket.RoleNotOffered.selector);
        accept(NEXT, coordinatorRole);
    }

    function test_RevertWhen_OthersOfferARole() public {
        expectRefusal(
            abi.encodeWithSignature(
                "AccessControlUnauthorizedAccount(address,bytes32)", COORDINATOR, bytes32(0)
            )
        );
        vm.prank(COORDINATOR);
        market.grantRole(coordinatorRole, NEXT);
    }

    function test_RevertWhen_TheRoleIsUnknown() public {
        bytes32 role = keccak256("KING_ROLE");
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.UnknownRole.selector, role));
        grant(role, NEXT);
    }

    function test_RevertWhen_APeerAcceptsARole() public {
        grant(coordinatorRole, SELLER);
        expectRefusal(
            abi.encodeWithSelector(IEnergyMarket.RoleMayNotTrade.selector, SELLER, coordinatorRole)
        );
        accept(SELLER, coordinatorRole);
    }

    function test_RevertWhen_ARoleIsDropped() public {
        bytes memory refused = abi.encodeWithSelector(
            IEnergyMarket.RoleNeedsHolder.selector, coordinatorRole, COORDINATOR
        );
        expectRefusal(refused);
        vm.prank(COORDINATOR);
        market.renounceRole(coordinatorRole, COORDINATOR);
        expectRefusal(refused);
        vm.prank(ADMINISTRATOR);
        market.revokeRole(coordinatorRole, COORDINATOR);
    }

    function test_RemoveFreesTheNodeAndKeepsTheMoneyReachable() public {
        uint256 tradeId = tradeWhole(ENERGY);
        expectEvent();
        emit IEnergyMarket.PeerRemoved(SELLER);
        vm.prank(ADMINISTRATOR);
        market.remove(SELLER);
        assertEq(uint256(market.peer(SELLER).nodeId), 0, "node id");
        makePeer(address(0xB3), "house-1");
        report(tradeId, ENERGY, ENERGY);
        vm.prank(SELLER);
        market.withdraw(DEPOSIT + cost(ENERGY));
        vm.expectPartialRevert(IEnergyMarket.PeerNotApproved.selector);
        offer(ENERGY);
    }
}
