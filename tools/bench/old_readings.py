"""A site's directory enters; its store has readings that become due for removal, one after another.

As many as the nodes will send meanwhile: so a hub stands that has run for longer than it keeps
readings.
"""

from __future__ import annotations

from pathlib import Path

from hub import config as configuration
from hub.retention import DAY_MS
from hub.site_clock import wall_ms
from hub.store import Store, Verified
from tools.bench.load_nodes import FIRST_SEQ, prosumer_reading


def fill(data_dir: Path, seconds: int, period_ms: int) -> None:
    """Store what `seconds` of every node's readings were, as long ago as the site keeps them."""
    config = configuration.load(data_dir)
    store: Store = Store.open(config.store_path)
    try:
        start_ms = wall_ms() - config.store.keep_readings_days * DAY_MS
        count = min(seconds * 1000 // period_ms, FIRST_SEQ - 1)
        for number in range(count):
            at_ms = start_ms + number * period_ms
            record = prosumer_reading() | {"seq": number + 1, "t_ms": at_ms}
            store.store_batch(
                [Verified(one.name, "reading", record, at_ms, at_ms) for one in config.houses]
            )
        store.close_periods(wall_ms())
    finally:
        store.close()
