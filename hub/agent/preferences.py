"""What a house wants from its agent: amounts, price limits and how its forecast is made."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.agent.house_wishes import SELL_FIRST, USUAL, HouseWishes
from hub.agent.partners import Neighbour, buyers_among, houses_of, producers_among
from hub.agent.strategies import STRATEGIES, TRUTHFUL
from hub.config import SiteConfig
from hub.config_tables import GRID, House
from hub.errors import BadInput

# Where in the span from feed-in to retail tariff an agent's limit lies, in permille. Sellers stay
# below the middle and buyers above it, so any two agents can agree; people may of course differ.
SELLER_SPAN_PERMILLE = (300, 450)
BUYER_SPAN_PERMILLE = (550, 700)
HALF_A_DAY_S = 43_200
# Rest voltages of three lithium cells in series, nearly empty and nearly full, as on the bench.
LITHIUM_EMPTY_UV = 10_200_000
LITHIUM_FULL_UV = 12_350_000
BATTERY_TRADES = 4  # an agent does not know its battery's size: it counts on so many large trades
PRICE_STEP_GWEI = 1_000_000  # 0.001 ETH/kWh: prices a person can read
USUAL_RESERVE_PERMILLE = 500


@dataclass(frozen=True)
class Preferences:
    """One house's limits.

    Energies in uWh, prices in gwei/kWh, durations in seconds of wall time, voltages in uV.
    `limit_gwei_per_kwh` is the lowest price a prosumer sells at, the highest a consumer pays.
    `grid_gwei_per_kwh` is what the grid pays or asks for what no house takes; None: it takes none.
    `floor_uwh` is traded even when the forecast shows less; 0 trusts the forecast alone.
    `strategy`: how prices of its own orders come from the limit (`hub.agent.strategies`), towards
    `best_gwei_per_kwh`, the grid's price on the other side; `asking_gwei_per_kwh` is what came of
    it for this window (None: the limit). `day_s`: how long the day takes whose habits it learns.
    `event_reward_gwei_per_kwh`: for less its agent away takes part in no demand-response event.
    `partners`: the only houses a prosumer sells to, a consumer buys from, the first ones first at
    equal prices; None: all. `order`: `hub.agent.house_wishes`. `has_own_limit`: people chose the
    limit, so neither a community's price nor the grid's goes beyond it.
    """

    limit_gwei_per_kwh: int
    min_trade_uwh: int
    max_trade_uwh: int
    is_prosumer: bool
    model_scale: int = 1
    averaging_s: int = 60
    need_horizon_s: int = HALF_A_DAY_S
    battery_usable_uwh: int = 0
    battery_empty_uv: int = LITHIUM_EMPTY_UV
    battery_full_uv: int = LITHIUM_FULL_UV
    battery_reserve_permille: int = USUAL_RESERVE_PERMILLE
    floor_uwh: int = 0
    patience_s: int = 3
    grid_gwei_per_kwh: int | None = None
    strategy: str = TRUTHFUL
    best_gwei_per_kwh: int | None = None
    asking_gwei_per_kwh: int | None = None
    day_s: int = 2 * HALF_A_DAY_S
    event_reward_gwei_per_kwh: int = 0
    is_automatic: bool = True
    order: str = SELL_FIRST
    partners: tuple[str, ...] | None = None
    has_own_limit: bool = False

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise BadInput(f"strategy: {self.strategy!r} is none of {', '.join(STRATEGIES)}")

    @property
    def posted_gwei_per_kwh(self) -> int:
        """The price of an order of its own."""
        if self.asking_gwei_per_kwh is None:
            return self.limit_gwei_per_kwh
        return self.asking_gwei_per_kwh


def preferences_of(
    house: House,
    config: SiteConfig,
    wishes: HouseWishes = USUAL,
    neighbours: Sequence[Neighbour] = (),
) -> Preferences:
    """Return a house's preferences: what it wishes, and the usual ones, stable over restarts.

    The usual price limit is a point of the span between the tariffs that its name decides; its
    largest trade is one and a half times the smallest, so that turns on the bus stay short. With
    two delivery windows a day, what it buys must last half a day of the profile it replays. A site
    that runs one window only is there to show a trade: every house then trades at least once.
    `neighbours`: whom its producers and buyers name.
    """
    market, is_prosumer = config.market, house.kind == "prosumer"
    max_trade_uwh = min(market.min_energy_uwh * 3 // 2, market.max_energy_uwh)
    chosen = wishes.buyers if is_prosumer else wishes.producers
    among = buyers_among(neighbours) if is_prosumer else producers_among(neighbours)
    partners = houses_of(chosen, among, house.name) if chosen else None
    own_limit = (
        wishes.lowest_selling_gwei_per_kwh if is_prosumer else wishes.highest_buying_gwei_per_kwh
    )
    limit = _usual_limit(house, config) if own_limit is None else own_limit
    reserve = wishes.reserve_permille
    return Preferences(
        limit_gwei_per_kwh=limit,
        min_trade_uwh=market.min_energy_uwh,
        max_trade_uwh=max_trade_uwh,
        is_prosumer=is_prosumer,
        model_scale=config.site.model_scale,
        need_horizon_s=HALF_A_DAY_S // config.clock.speed,
        battery_usable_uwh=BATTERY_TRADES * max_trade_uwh,
        battery_reserve_permille=USUAL_RESERVE_PERMILLE if reserve is None else reserve,
        grid_gwei_per_kwh=_grid_price(config, is_prosumer, own_limit, partners),
        floor_uwh=market.min_energy_uwh if config.schedule.mode == "once" else 0,
        strategy=wishes.bidding or house.strategy,
        best_gwei_per_kwh=market.retail_gwei_per_kwh
        if is_prosumer
        else market.feed_in_gwei_per_kwh,
        day_s=2 * HALF_A_DAY_S // config.clock.speed,
        is_automatic=wishes.is_automatic,
        order=wishes.order or SELL_FIRST,
        partners=partners,
        has_own_limit=own_limit is not None,
    )


def buying_side(
    house: House,
    config: SiteConfig,
    wishes: HouseWishes,
    neighbours: Sequence[Neighbour] = (),
) -> Preferences | None:
    """Return what a prosumer buys by: as a consumer would, once a highest price is set for it."""
    if house.kind != "prosumer" or wishes.highest_buying_gwei_per_kwh is None:
        return None
    as_consumer = dataclasses.replace(house, kind="consumer")
    return preferences_of(as_consumer, config, wishes, neighbours)


def with_own(usual: Preferences, own: Mapping[str, Any]) -> Preferences:
    """Return preferences with what the file of an agent away has of its own."""
    found = dataclasses.replace(usual, **own)
    limit = found.limit_gwei_per_kwh if "limit_gwei_per_kwh" in own else None
    is_chosen = found.partners is None or GRID in found.partners
    price = found.grid_gwei_per_kwh if is_chosen else None
    if price is not None and _is_beyond(price, limit, found.is_prosumer):
        price = None
    return dataclasses.replace(found, has_own_limit=limit is not None, grid_gwei_per_kwh=price)


def _usual_limit(house: House, config: SiteConfig) -> int:
    market = config.market
    low, high = SELLER_SPAN_PERMILLE if house.kind == "prosumer" else BUYER_SPAN_PERMILLE
    permille = low + _draw(house.name) % (high - low + 1)
    span = market.retail_gwei_per_kwh - market.feed_in_gwei_per_kwh
    price = market.feed_in_gwei_per_kwh + span * permille // 1_000
    price = max(price - price % PRICE_STEP_GWEI, market.feed_in_gwei_per_kwh)
    return min(max(price, market.min_price_gwei_per_kwh), market.max_price_gwei_per_kwh)


def _grid_price(
    config: SiteConfig, is_prosumer: bool, own_limit: int | None, partners: Sequence[str] | None
) -> int | None:
    """Return what the grid pays or asks for, None where it takes nothing of this house.

    A house that chose its limit does not go beyond it for the grid; one that chose its partners
    comes to the grid's price only where the grid is among them.
    """
    if config.grid is None or (partners is not None and config.grid.name not in partners):
        return None
    market = config.market
    price = market.feed_in_gwei_per_kwh if is_prosumer else market.retail_gwei_per_kwh
    return None if _is_beyond(price, own_limit, is_prosumer) else price


def _is_beyond(price: int, limit: int | None, is_prosumer: bool) -> bool:
    return limit is not None and (price < limit if is_prosumer else price > limit)


def _draw(peer: str) -> int:
    return int.from_bytes(hashlib.sha256(peer.encode()).digest()[:4], "big")
