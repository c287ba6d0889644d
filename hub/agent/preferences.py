"""What a house wants from its agent: amounts, price limits and how its forecast is made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from hub.agent.strategies import STRATEGIES, TRUTHFUL
from hub.config import SiteConfig
from hub.config_tables import House
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
    battery_reserve_permille: int = 500
    floor_uwh: int = 0
    patience_s: int = 3
    grid_gwei_per_kwh: int | None = None
    strategy: str = TRUTHFUL
    best_gwei_per_kwh: int | None = None
    asking_gwei_per_kwh: int | None = None
    day_s: int = 2 * HALF_A_DAY_S
    event_reward_gwei_per_kwh: int = 0

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise BadInput(f"strategy: {self.strategy!r} is none of {', '.join(STRATEGIES)}")

    @property
    def posted_gwei_per_kwh(self) -> int:
        """The price of an order of its own."""
        if self.asking_gwei_per_kwh is None:
            return self.limit_gwei_per_kwh
        return self.asking_gwei_per_kwh


def preferences_of(house: House, config: SiteConfig) -> Preferences:
    """Return the default preferences of a house, stable over restarts.

    Its price limit is a point of the span between the tariffs that its name decides; its largest
    trade is one and a half times the smallest, so that turns on the bus stay short. With two
    delivery windows a day, what it buys must last half a day of the profile it replays. A site
    that runs one window only is there to show a trade: every house then trades at least once.
    """
    market, is_prosumer = config.market, house.kind == "prosumer"
    low, high = SELLER_SPAN_PERMILLE if is_prosumer else BUYER_SPAN_PERMILLE
    permille = low + _draw(house.name) % (high - low + 1)
    span = market.retail_gwei_per_kwh - market.feed_in_gwei_per_kwh
    price = market.feed_in_gwei_per_kwh + span * permille // 1_000
    price = max(price - price % PRICE_STEP_GWEI, market.feed_in_gwei_per_kwh)
    price = min(max(price, market.min_price_gwei_per_kwh), market.max_price_gwei_per_kwh)
    max_trade_uwh = min(market.min_energy_uwh * 3 // 2, market.max_energy_uwh)
    return Preferences(
        limit_gwei_per_kwh=price,
        min_trade_uwh=market.min_energy_uwh,
        max_trade_uwh=max_trade_uwh,
        is_prosumer=is_prosumer,
        model_scale=config.site.model_scale,
        need_horizon_s=HALF_A_DAY_S // config.clock.speed,
        battery_usable_uwh=BATTERY_TRADES * max_trade_uwh,
        grid_gwei_per_kwh=None
        if config.grid is None
        else market.feed_in_gwei_per_kwh
        if is_prosumer
        else market.retail_gwei_per_kwh,
        floor_uwh=market.min_energy_uwh if config.schedule.mode == "once" else 0,
        strategy=house.strategy,
        best_gwei_per_kwh=market.retail_gwei_per_kwh
        if is_prosumer
        else market.feed_in_gwei_per_kwh,
        day_s=2 * HALF_A_DAY_S // config.clock.speed,
    )


def _draw(peer: str) -> int:
    return int.from_bytes(hashlib.sha256(peer.encode()).digest()[:4], "big")
