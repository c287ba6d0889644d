// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title What the energy market promises
/// @notice Peers sell and buy energy of trading windows. The buyer's money is held by the contract
/// from the bid (or the take) on, and is paid for what both meters saw, or given back.
///
/// Units: energy in microwatt-hours (`Uwh`), prices in gwei per kilowatt-hour, money in wei. Since
/// 1 gwei/kWh is 1 wei/uWh, a cost is `energyUwh * priceGweiPerKwh` wei, exact, without division.
/// Times are seconds of the chain's clock since 1970; every interval `[start, end)` is half open.
///
/// Every wei in the contract is at any moment in one of three places: a peer's balance, the lock of
/// an open bid (energy left times its price), or the escrow of a trade (energy times price until it
/// is reported, then what of it is disputed).
/// Only `deposit` takes money in and only `withdraw` lets it out; ether sent otherwise is refused. The
/// contract holds at most 2^88 - 1 wei, 309 million ETH (`MarketFull`).
///
/// Three roles have one holder each and are handed over in two steps: `grantRole` by the
/// administrator offers one, `acceptRole` by the one it was offered to takes it from its holder.
/// Administrators, coordinators and oracles never trade.
///
/// Boards sign what their meters saw (see `DeliveryReports` for the digest). Of a board without a
/// key the oracle's word counts, and every event says whose signature was checked: bit 0 of
/// `signatures` is the seller's, bit 1 the buyer's.
///
/// Ids of windows, orders and trades count from 1. All state can be rebuilt from the events.
///
/// Pausing stops `register`, `deposit`, `openWindow`, `offer`, `bid`, `amend`,
/// `take`, `counter`, `counterAgain`, `accept` and `clear`, with `EnforcedPause`. It never stops
/// `cancel`, `reclaim`, `withdrawCounter`, the reports, `refund`, `resolve`, `split` or `withdraw`,
/// nor what roles do besides: `review`, `closeBook`, `approve`, `suspend`, `remove`, handing over.
///
/// Whoever lacks a function's role is refused with `AccessControlUnauthorizedAccount`.
interface IEnergyMarket {
    // ---------------------------------------------------------------------------------- records

    /// @notice All peers may deposit, cancel, withdraw and receive what their running trades owe
    /// them; only `Approved` ones may place, amend, take and answer orders (`PeerNotApproved`).
    enum PeerStatus {
        None,
        Registered,
        Approved,
        Suspended
    }

    /// @notice A trade is `Open` until a report of both meters makes it `Settled`, or `Disputed` when
    /// they differ by more than the window's loss allowance; a report of one meter makes it
    /// `OneSided`. From the window's reportBy on, what is still open is `Refunded` in full, what is
    /// one-sided settles at its floor, and from resolveBy on disputes are split.
    enum TradeStatus {
        None,
        Open,
        Settled,
        Refunded,
        Disputed,
        OneSided
    }

    /// @notice A peer and its board. `nodeId` is the ASCII name of the board, padded with zeros;
    /// `nodeKey` is the address of the board's own signing key, zero for a board without one.
    struct Peer {
        address account;
        PeerStatus status;
        uint256 balanceWei;
        bytes32 nodeId;
        address nodeKey;
    }

    /// @notice How a window's orders become trades: peers take each other's, or the coordinator
    /// clears the book after bidEnd: at one price for all, at each bid's own, halfway between each
    /// bid and its offer, or by McAfee's rule.
    enum Mechanism {
        Bilateral,
        Uniform,
        PayAsBid,
        Midpoint,
        McAfee
    }

    /// @notice The terms of a trading window, fixed when it is opened.
    /// @dev Times: bidStart < bidEnd <= clearBy <= deliveryEnd < reportBy <= resolveBy and
    /// bidStart <= deliveryStart < deliveryEnd. Orders are placed in [bidStart, bidEnd), taken in
    /// [bidStart, clearBy), reported before reportBy and refunded from reportBy on; disputes are
    /// resolved before resolveBy and split from resolveBy on.
    /// resolveBy < 2^32 (the year 2106); bidding must not be over when a window is opened.
    ///
    /// `minEnergyUwh` bounds every order, every take and fill, and what a take leaves of an order.
    /// `maxEnergyUwh` bounds every order, and what one node's orders, takes and standing
    /// counter-offers hold together; what is cancelled, rejected or withdrawn no longer counts.
    /// Zero < minEnergyUwh <= maxEnergyUwh <= 1e14 (100 MWh). `minPrice` and `maxPrice` are gwei per
    /// kWh, zero < minPrice <= maxPrice <= 1e12 (1000 ETH/kWh). Meters that differ by no more than
    /// `lossPermille` of the greater one, at most 500, are not disputed.
    ///
    /// A book that is cleared has bidEnd < clearBy and is frozen between them; in it, a peer's open
    /// orders stand on one side. With `needsApproval` each order waits for the coordinator's
    /// approval. All fills together hold at most `capacityUwh` (0: unlimited; below 2^48). Each fill
    /// may charge the buyer a fee of at most `maxFee` gwei per kWh (at most 1e12), which goes to
    /// `feeAccount`, a registered peer: a network operator, or the grid account that balances a
    /// community's prices. A window with a fee must name it (`ZeroAddress`).
    ///
    /// Where the window `isStrict`, no better order may be skipped (the better price, then the higher
    /// priority class), and the prices follow a rule. Uniform: sellers get low + (high - low) *
    /// kPermille / 1000, rounded down, where low is the dearest offer filled and high the poorest bid
    /// filled less the spread (1001, the greatest k: no such rule). McAfee: with k trades possible, all at the price
    /// halfway between bid and offer k + 1, rounded down, where offer k and bid k allow it; else one
    /// trade less, and buyers pay what bid k would, sellers get what offer k asks. Its orders have
    /// one quantity: minEnergyUwh = maxEnergyUwh, and there is no capacity. Midpoint, strict or not: each buyer pays
    /// (bid + offer + fee) / 2, rounded down; who meets whom is the coordinator's word.
    ///
    /// A window may name a `gridAccount`, a registered peer: the grid behind the bus, for what finds
    /// no peer. In a book that is cleared it needs no orders: fills name it by the id 0. It buys at
    /// `minPrice` (the feed-in tariff) from offers at that price, sells at `maxPrice` (the retail
    /// tariff) to bids at that price, without a fee, whatever the book's price. It takes what is left:
    /// it stands on one side only, and a book whose grid bought (sold) is not closed while a bid
    /// (an offer) is left that the book's price would have served. Which of those left it takes is the
    /// coordinator's word. Where peers take each other's orders, the grid account takes them as any
    /// peer does. In both, the limit of a node does not bind it. Its trades are delivered, reported and
    /// settled as all others: by both meters where a board stands at the grid's side; where none does
    /// it is approved without a key, so that the signature of the peer's board is checked and for the
    /// grid's side the oracle's word counts, which every event of the trade shows.
    struct WindowTerms {
        uint64 bidStart;
        uint64 bidEnd;
        uint64 clearBy;
        uint64 deliveryStart;
        uint64 deliveryEnd;
        uint64 reportBy;
        uint64 resolveBy;
        uint64 minEnergyUwh;
        uint64 maxEnergyUwh;
        uint64 minPrice;
        uint64 maxPrice;
        uint64 lossPermille;
        Mechanism mechanism;
        bool needsApproval;
        bool isStrict;
        uint64 kPermille;
        uint64 capacityUwh;
        uint64 maxFee;
        address feeAccount;
        address gridAccount;
    }

    /// @notice A trade of one bid with one offer; the fee is charged on top of the seller's price. An
    /// id of 0 stands for the window's grid account.
    struct Fill {
        uint256 bidId;
        uint256 offerId;
        uint64 energyUwh;
        uint64 feeGweiPerKwh;
    }

    /// @notice Some fills of a window's book. In uniform and McAfee windows sellers get `sellPrice` and buyers
    /// pay `buyPrice`, both within the window's limits and the same in all batches; what lies between
    /// (a community's spread, McAfee's surplus) counts as fee. Other windows leave both zero.
    struct Batch {
        uint256 windowId;
        uint64 sellPrice;
        uint64 buyPrice;
        Fill[] fills;
    }

    /// @notice An offer (to sell) or a bid (to buy). `energyUwh` is what is left of it: zero when it
    /// was taken whole, cancelled or reclaimed.
    struct Order {
        uint256 windowId;
        address peer;
        bool isOffer;
        uint64 energyUwh;
        uint64 priceGweiPerKwh;
        uint8 priority;
        bool onlyAccepted;
        bool isApproved;
        uint256 lockedWei;
    }

    /// @notice Other terms for an order, on which its maker and `peer` have not agreed yet: the last
    /// word is the maker's (`isMakers`) or the peer's, whose cost is locked where it would buy.
    struct CounterOffer {
        uint256 orderId;
        address peer;
        bool isMakers;
        uint64 energyUwh;
        uint64 priceGweiPerKwh;
        uint256 lockedWei;
    }

    /// @notice An agreement. `energyUwh` is the energy agreed.
    struct Trade {
        uint256 windowId;
        address seller;
        address buyer;
        uint64 energyUwh;
        uint64 priceGweiPerKwh;
        uint64 feeGweiPerKwh;
        TradeStatus status;
    }

    /// @notice What one board says about a delivery: the energy its meter saw, the energy it last
    /// heard from the other board, and its signature as in EIP-2098: `r`, and `s` with the parity of
    /// y in its top bit. The signature of a board without a key is not looked at. The key is the one
    /// the peer's board has when the report comes, not when the trade was made.
    struct Meter {
        uint64 energyUwh;
        uint64 acknowledgedUwh;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice What both boards say about one attempt, in one epoch of the hub, at a trade's
    /// delivery.
    struct Attempt {
        uint32 number;
        uint32 epoch;
        Meter seller;
        Meter buyer;
    }

    /// @notice Attempts at a trade's delivery in the order of their numbers, none twice and at least
    /// one (`AttemptOutOfOrder`): their energies add up. That nothing moved is signed, too.
    struct DeliveryReport {
        uint256 tradeId;
        Attempt[] attempts;
    }

    // ----------------------------------------------------------------------------------- events

    event RoleOffered(bytes32 indexed role, address indexed account);
    event PeerRegistered(address indexed peer);
    event PeerApproved(address indexed peer, bytes32 indexed nodeId, address nodeKey);
    event PeerSuspended(address indexed peer);
    event PeerRemoved(address indexed peer);
    event PriorityGranted(address indexed peer, uint8 priority);
    event SellerAccepted(address indexed buyer, address indexed seller, bool isAccepted);
    event Deposited(address indexed peer, uint256 amountWei);
    event Withdrawn(address indexed peer, uint256 amountWei);
    event WindowOpened(uint256 indexed windowId, WindowTerms terms);

    /// @notice A bid locks `energyUwh * priceGweiPerKwh` wei of its peer's balance.
    event OrderPlaced(
        uint256 indexed orderId,
        uint256 indexed windowId,
        address indexed peer,
        bool isOffer,
        uint64 energyUwh,
        uint64 priceGweiPerKwh,
        uint8 priority,
        bool onlyAccepted
    );

    /// @notice The order holds these now; a bid's lock changed with them.
    event OrderAmended(uint256 indexed orderId, uint64 energyUwh, uint64 priceGweiPerKwh);

    /// @notice An order that was rejected is cancelled, too.
    event OrderReviewed(uint256 indexed orderId, bool isApproved);

    /// @notice `energyUwh` were left and are withdrawn, by the peer (`cancel`) or, once the window
    /// has closed, by anyone (`reclaim`); `refundedWei` went back to the peer's balance.
    event OrderCancelled(uint256 indexed orderId, uint64 energyUwh, uint256 refundedWei);

    /// @notice The taker is the seller or the buyer; or, where a counter-offer was accepted
    /// (`CounterAccepted` comes just before), the peer that was not the order's maker. The buyer pays
    /// `energyUwh * priceGweiPerKwh` wei; where the order is a bid, its lock of that energy is freed.
    event TradeMade(
        uint256 indexed tradeId,
        uint256 indexed orderId,
        uint256 indexed windowId,
        address seller,
        address buyer,
        address taker,
        uint64 energyUwh,
        uint64 priceGweiPerKwh
    );

    /// @notice These terms stand now, proposed by the order's maker or by the peer that answered it;
    /// those before are gone, with their lock. Terms of a peer that would buy lock their cost.
    event CounterOffered(
        uint256 indexed counterId,
        uint256 indexed orderId,
        address indexed peer,
        bool isMakers,
        uint64 energyUwh,
        uint64 priceGweiPerKwh
    );

    /// @notice The standing terms became a trade; their lock is freed, and the trade paid as any.
    event CounterAccepted(uint256 indexed counterId, uint256 indexed tradeId);
    event CounterWithdrawn(uint256 indexed counterId, uint256 refundedWei);

    /// @notice The prices of a window's book, with its first fills.
    event BookPriced(uint256 indexed windowId, uint64 sellPrice, uint64 buyPrice);

    /// @notice Of the bid's lock `energyUwh * (priceGweiPerKwh + feeGweiPerKwh)` are the trade's
    /// escrow now; where the grid buys, `bidId` is 0 and they come from its balance, where it sells,
    /// `offerId` is 0. Final once its window is cleared; void if it is not until clearBy.
    event TradeCleared(
        uint256 indexed tradeId,
        uint256 indexed bidId,
        uint256 indexed offerId,
        address seller,
        address buyer,
        uint64 energyUwh,
        uint64 priceGweiPerKwh,
        uint64 feeGweiPerKwh
    );

    /// @notice The closing pass returned what a bid still locked; `energyUwh` of it were not filled.
    event SurplusReturned(uint256 indexed orderId, uint64 energyUwh, uint256 refundedWei);

    /// @notice The closing pass has seen every order: the window's trades are final.
    event WindowCleared(uint256 indexed windowId, uint64 filledUwh);

    /// @notice Of the buyer's money, beside what the seller got.
    event FeePaid(uint256 indexed tradeId, address indexed account, uint256 feeWei);

    /// @notice `paidWei` went to the seller's balance, `refundedWei` to the buyer's; together they
    /// and the fee (`FeePaid`) are the agreed cost. `settledUwh` is the least of both meters and the
    /// energy agreed. Of a one-sided trade all three energies are its floor.
    event TradeSettled(
        uint256 indexed tradeId,
        uint64 sellerUwh,
        uint64 buyerUwh,
        uint64 settledUwh,
        uint256 paidWei,
        uint256 refundedWei,
        uint8 signatures
    );

    /// @notice One meter reported. Unless the other one does in time, `floorUwh` will be paid: the
    /// least of what it saw, of what the other board had last acknowledged, and of the energy agreed.
    event MeterReportedAlone(
        uint256 indexed tradeId, bool isSeller, uint64 energyUwh, uint64 floorUwh, uint8 signatures
    );

    /// @notice The cost of `lowUwh` was paid, that of what exceeds `highUwh` was refunded; what lies
    /// between is held until the dispute is resolved or split.
    event TradeDisputed(
        uint256 indexed tradeId,
        uint64 sellerUwh,
        uint64 buyerUwh,
        uint64 lowUwh,
        uint64 highUwh,
        uint256 paidWei,
        uint256 refundedWei,
        uint8 signatures
    );

    /// @notice A disputed trade settled at `settledUwh`; the amounts are those that were held.
    event DisputeResolved(
        uint256 indexed tradeId, uint64 settledUwh, uint256 paidWei, uint256 refundedWei
    );
    event TradeRefunded(uint256 indexed tradeId, uint256 refundedWei);

    // ----------------------------------------------------------------------------------- errors

    error ZeroAddress();
    error UnknownRole(bytes32 role);
    error RoleNotOffered(bytes32 role, address account);
    /// @notice Roles are handed over with `grantRole` and `acceptRole`, never dropped.
    error RoleNeedsHolder(bytes32 role, address holder);
    error ZeroAmount();
    error NotRegistered(address account);
    error AlreadyRegistered(address account);
    /// @notice Administrators, coordinators and oracles never trade, and peers never hold a role.
    error RoleMayNotTrade(address account, bytes32 role);
    error PeerNotApproved(address peer, PeerStatus status);
    error AlreadySuspended(address peer);
    error ZeroNodeId();
    error NodeIdTaken(bytes32 nodeId, address holder);
    error NodeKeyTaken(address nodeKey, address holder);
    error MarketFull(uint256 contractWei, uint256 limitWei);
    error BalanceTooLow(address peer, uint256 neededWei, uint256 balanceWei);
    /// @notice `laterS` must come after `earlierS`; `field` names the later one.
    error WindowTimesOutOfOrder(bytes32 field, uint256 earlierS, uint256 laterS);
    error WindowTimeTooLate(uint256 resolveBy, uint256 limitS);
    error LossAllowanceTooLarge(uint256 lossPermille, uint256 limitPermille);
    error BiddingAlreadyOver(uint256 bidEnd, uint256 nowS);
    error EnergyLimitsInvalid(uint256 minEnergyUwh, uint256 maxEnergyUwh, uint256 limitUwh);
    error PriceLimitsInvalid(uint256 minPrice, uint256 maxPrice, uint256 limitPrice);
    error KInvalid(uint256 kPermille);
    error CapacityOrFeeInvalid(uint256 capacityUwh, uint256 maxFee);
    /// @notice McAfee's rule leaves out pairs that could have traded: no grid account takes those.
    error GridNotAllowed(address gridAccount, Mechanism mechanism);
    error UnknownWindow(uint256 windowId);
    error UnknownOrder(uint256 orderId);
    error UnknownTrade(uint256 tradeId);
    error UnknownCounter(uint256 counterId);
    /// @notice Neither side of the counter-offer, or the one whose own terms stand.
    error CounterNotYours(uint256 counterId, address sender);
    /// @notice Other terms stand by now.
    error CounterChanged(uint256 counterId, uint256 energyUwh, uint256 priceGweiPerKwh);
    error BiddingClosed(uint256 windowId, uint256 nowS, uint256 bidStart, uint256 bidEnd);
    error TakingClosed(uint256 windowId, uint256 nowS, uint256 bidStart, uint256 clearBy);
    error EnergyOutOfBounds(uint256 energyUwh, uint256 minEnergyUwh, uint256 maxEnergyUwh);
    error PriceOutOfBounds(uint256 priceGweiPerKwh, uint256 minPrice, uint256 maxPrice);
    /// @notice The node's orders and takes would hold more than one node may in this window.
    error NodeLimitExceeded(address peer, uint256 heldUwh, uint256 limitUwh);
    /// @notice A peer's orders in a book that is cleared stand on one side of it.
    /// @dev The grid account's fills, too.
    error OnOtherSide(uint256 windowId, address peer);
    /// @notice The peer has traded in a newer window already.
    error WindowPassed(uint256 windowId, uint256 newestWindowId);
    /// @notice Cleared in a window of peers' takes, or taken in one that is cleared.
    error WrongMechanism(uint256 windowId, Mechanism mechanism);
    error BookFrozen(uint256 windowId, uint256 nowS, uint256 bidEnd, uint256 clearBy);
    error OrderNotApproved(uint256 orderId);
    /// @notice Its window needs no approval, or it was approved already.
    error NothingToReview(uint256 orderId);
    error SellerNotAccepted(uint256 bidId, address seller);
    error ClearingClosed(uint256 windowId, uint256 nowS, uint256 bidEnd, uint256 clearBy);
    error BookClosing(uint256 windowId);
    error BookFinal(uint256 windowId);
    error WindowNotCleared(uint256 windowId);
    error BookPriceInvalid(uint256 sellPrice, uint256 buyPrice, uint256 minPrice, uint256 maxPrice);
    error PriceNotUniform(
        uint256 windowId,
        uint256 sellPrice,
        uint256 buyPrice,
        uint256 bookSellPrice,
        uint256 bookBuyPrice
    );
    error CapacityExceeded(uint256 windowId, uint256 filledUwh, uint256 capacityUwh);
    error OrderOfAnotherWindow(uint256 orderId, uint256 windowId);
    error WrongSide(uint256 orderId);
    error FeeTooHigh(uint256 bidId, uint256 feeGweiPerKwh, uint256 maxFee);
    error FillPriceRefused(
        uint256 bidId,
        uint256 offerId,
        uint256 bidPrice,
        uint256 offerPrice,
        uint256 priceGweiPerKwh,
        uint256 feeGweiPerKwh
    );
    /// @notice A better order was left than one that was filled.
    error BetterOrderSkipped(uint256 windowId, bool isOffer);
    /// @notice Two orders were left that meet, or a pair that McAfee's rule would have traded; or the
    /// grid account was filled before them.
    error TradesLeft(uint256 windowId);
    error PriceNotByRule(uint256 windowId, uint256 sellPrice, uint256 expectedPrice);
    error NotYourOrder(uint256 orderId, address peer);
    /// @notice Nothing is left of the order: it was taken whole, cancelled or reclaimed.
    error OrderClosed(uint256 orderId);
    error EnergyNotLeft(uint256 orderId, uint256 askedUwh, uint256 leftUwh);
    error RemainderTooSmall(uint256 orderId, uint256 remainderUwh, uint256 minEnergyUwh);
    error LimitNotMet(uint256 orderId, uint256 priceGweiPerKwh, uint256 limitPrice);
    error SelfTrade(uint256 orderId, address peer);
    /// @notice It is an offer, which locks nothing, or a bid that was taken whole or ended already.
    error NothingLocked(uint256 orderId);
    error ReclaimTooEarly(uint256 orderId, uint256 nowS, uint256 clearBy);
    error TradeClosed(uint256 tradeId, TradeStatus status);
    error ReportTooLate(uint256 tradeId, uint256 nowS, uint256 reportBy);
    error RefundTooEarly(uint256 tradeId, uint256 nowS, uint256 reportBy);
    /// @notice The report is not what the board of the seller (role 0) or buyer (role 1) signed.
    error SignatureInvalid(uint256 tradeId, uint8 role, address nodeKey, address signer);
    /// @notice Numbers do not grow, or (0 after 0) no attempt is named.
    error AttemptOutOfOrder(uint256 tradeId, uint256 number, uint256 previous);
    error NotDisputed(uint256 tradeId, TradeStatus status);
    error OutsideDispute(uint256 tradeId, uint256 settledUwh, uint256 lowUwh, uint256 highUwh);
    error ResolveTooLate(uint256 tradeId, uint256 nowS, uint256 resolveBy);
    error SplitTooEarly(uint256 tradeId, uint256 nowS, uint256 resolveBy);

    // --------------------------------------------------------------------------------- registry

    /// @notice Makes the sender the only holder of a role that was offered to it. Peers are refused.
    function acceptRole(bytes32 role) external;

    /// @notice The sender becomes a peer. Accounts that hold a role are refused.
    function register() external;

    /// @notice Lets a peer trade with this board; also ends a suspension and replaces the board.
    /// @dev Administrator only. A node id, and a node key other than zero, belongs to one peer.
    function approve(address peerAccount, bytes32 nodeId, address nodeKey) external;

    /// @notice Stops a peer from placing and taking orders, and its open orders from being taken.
    /// @dev Administrator only. Running trades are still reported, settled and refunded.
    function suspend(address peerAccount) external;

    /// @notice Undoes an approval and frees the node's id and key for another peer.
    /// @dev Administrator only. The peer stays registered (also a suspended one) and may withdraw and
    /// be approved again; its running trades go on.
    function remove(address peerAccount) external;

    /// @notice Gives a peer's later orders a priority class, the higher the better; orders keep
    /// theirs. In a strict window it decides between equal prices; elsewhere the coordinator serves
    /// higher classes first. Administrator only.
    function grantPriority(address peerAccount, uint8 priority) external;

    /// @notice Adds a seller to those the sender's bids may name as the only ones, or removes it; also
    /// for bids that stand. Both are registered peers.
    function acceptSeller(address seller, bool isAccepted) external;

    /// @notice Stops new business, see the contract's description. Administrator only.
    function pause() external;

    /// @notice Ends a pause. Administrator only.
    function unpause() external;

    // --------------------------------------------------------------------------------- balances

    /// @notice Adds the wei sent to the sender's balance. For registered peers, whatever their status.
    function deposit() external payable;

    /// @notice Sends `amountWei` of the sender's balance to the sender, whatever its status.
    function withdraw(uint256 amountWei) external;

    // ---------------------------------------------------------------------------------- windows

    /// @notice Opens a trading window whose terms never change. Coordinator only.
    function openWindow(WindowTerms calldata terms) external returns (uint256 windowId);

    /// @notice Approves pending orders of windows that need it, or rejects them, which cancels them.
    /// Coordinator only, before clearBy.
    function review(uint256[] calldata orderIds, bool isApproved) external;

    /// @notice Makes trades of a frozen book, in [bidEnd, clearBy). Coordinator only.
    /// @dev Checks of each fill: both orders of this window, approved where needed, with energy left
    /// of at least the fill's; different approved peers; seller accepted where the bid asks for it;
    /// offer <= price and price + fee <= bid; fee and capacity within the window's. A fill with the
    /// grid account (id 0) is at its price, see `WindowTerms`, and on the side of its other fills.
    function clear(Batch calldata batch) external;

    /// @notice Goes over the next `count` orders of the book, returns what bids still lock, and makes
    /// the window's trades final after the last. Coordinator only, in [bidEnd, clearBy).
    /// @dev In a strict window, reverts at the end with `BetterOrderSkipped`, `TradesLeft` or
    /// `PriceNotByRule`; in any window with `TradesLeft` when the grid was filled before peers that
    /// the book's price would have served. A bid and an offer meet where bid >= offer, whatever fee a
    /// fill of them would charge. Left out of the comparison: orders that are not approved, whose peer
    /// is not, whose rest is below the smallest fill, or that accept certain sellers only.
    function closeBook(uint256 windowId, uint256 count) external;

    // ----------------------------------------------------------------------------------- orders

    /// @notice Offers energy at a price; takers may take parts of it. Approved peers only, in
    /// [bidStart, bidEnd), and in no older window than one the peer has ordered, taken or answered in.
    function offer(uint256 windowId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        returns (uint256 orderId);

    /// @notice Asks for energy at a price and locks its cost; takers may sell parts of it.
    /// @param onlyAccepted Only sellers the peer accepts (`acceptSeller`) may sell to it.
    function bid(uint256 windowId, uint64 energyUwh, uint64 priceGweiPerKwh, bool onlyAccepted)
        external
        returns (uint256 orderId);

    /// @notice Changes what is left of the sender's own order, its price and its lock, under the
    /// conditions of a new order. Where orders need approval, it needs a new one.
    function amend(uint256 orderId, uint64 energyUwh, uint64 priceGweiPerKwh) external;

    /// @notice Withdraws what is left of the sender's own order and frees its lock, at any time but
    /// while a book that is cleared is frozen.
    function cancel(uint256 orderId) external;

    /// @notice Trades `energyUwh` at the order's price: buys of an offer, sells to a bid.
    /// @param limitPrice gwei per kWh: the most a buyer pays, the least a seller accepts.
    function take(uint256 orderId, uint64 energyUwh, uint64 limitPrice)
        external
        returns (uint256 tradeId);

    /// @notice Ends a bid and frees what it still locks, from the window's clearBy on, by anyone.
    function reclaim(uint256 orderId) external;

    // --------------------------------------------------------------------------- counter-offers

    /// @notice Answers another peer's order with other terms. A peer that would buy locks their cost.
    /// @dev While the order can be taken, and with what a take of it must fulfil but the price.
    function counter(uint256 orderId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        returns (uint256 counterId);

    /// @notice Replaces the standing terms by the sender's, as often as it wants: by the order's
    /// maker, or by the peer that answered it.
    function counterAgain(uint256 counterId, uint64 energyUwh, uint64 priceGweiPerKwh) external;

    /// @notice Trades at the standing terms, by the side that did not propose them, which names them:
    /// what changed meanwhile reverts. The energy comes out of the order. A buyer pays what its locks
    /// do not cover out of its balance.
    function accept(uint256 counterId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        returns (uint256 tradeId);

    /// @notice Ends a counter-offer and frees its lock: by either side at any time, by anyone from
    /// the window's clearBy on.
    function withdrawCounter(uint256 counterId) external;

    // ------------------------------------------------------------------------------- settlement

    /// @notice Settles a trade at once by what both meters saw. Oracle only, before reportBy.
    /// @dev Pays the least of both meters and the energy agreed. The greater meter, no more than the
    /// energy agreed and less the loss allowance, is the upper figure: what exceeds it is refunded,
    /// what lies between is disputed. Reverts with `SignatureInvalid` when a board with a key signed
    /// something else.
    function report(DeliveryReport calldata delivered) external;

    /// @notice Reports many trades; reverts as a whole when one of them would.
    function reportBatch(DeliveryReport[] calldata delivered) external;

    /// @notice Keeps what one meter saw while the other one is silent, whose figures are not looked
    /// at. Oracle only, before reportBy, once for a trade; a report of both meters may still follow.
    function reportAlone(DeliveryReport calldata delivered, bool isSeller) external;

    /// @notice From reportBy on, by anyone: gives the buyer the whole cost of a trade that was not
    /// reported (from clearBy on when its window was not cleared); settles a trade that one meter
    /// reported at its floor.
    function refund(uint256 tradeId) external;

    /// @notice Settles a dispute at a figure between the two meters', both included. Coordinator
    /// only, before resolveBy.
    function resolve(uint256 tradeId, uint64 settledUwh) external;

    /// @notice Settles a dispute halfway, rounded down, from resolveBy on, by anyone.
    function split(uint256 tradeId) external;

    // ------------------------------------------------------------------------------------ views

    /// @notice The peer of an account; reverts with `NotRegistered`.
    function peer(address account) external view returns (Peer memory);

    /// @notice The peer that registered as the `number`-th, counted from 1; reverts with
    /// `NotRegistered` of the zero address when there are not that many.
    function peerAt(uint256 number) external view returns (Peer memory);

    /// @notice Tells this contract on this chain from every other, in what boards sign.
    function domain() external view returns (bytes32);

    /// @notice The id of one attempt at a trade's delivery in one epoch of the hub.
    function deliveryId(uint256 tradeId, uint32 attempt, uint32 epoch)
        external
        view
        returns (bytes16);

    /// @notice Between which two figures a trade is disputed; reverts with `NotDisputed`.
    function dispute(uint256 tradeId) external view returns (uint64 lowUwh, uint64 highUwh);

    /// @notice Whether a window's book was cleared: its trades are final.
    function isCleared(uint256 windowId) external view returns (bool);

    /// @notice A window's terms; reverts with `UnknownWindow`.
    function window(uint256 windowId) external view returns (WindowTerms memory);

    /// @notice An order, also one that has ended; reverts with `UnknownOrder`.
    function order(uint256 orderId) external view returns (Order memory);

    /// @notice A trade, also one that is closed; reverts with `UnknownTrade`.
    function trade(uint256 tradeId) external view returns (Trade memory);

    /// @notice A counter-offer that stands; reverts with `UnknownCounter` once it is none any more.
    function counterOffer(uint256 counterId) external view returns (CounterOffer memory);

    /// @notice How many there are of each; the newest id is the count.
    function counts()
        external
        view
        returns (uint256 peers, uint256 windows, uint256 orders, uint256 trades, uint256 counters);
}
