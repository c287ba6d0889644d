-- The hub's store, version 8 (PRAGMA user_version, hub/store/migrations.py). An older store is
-- brought to it by making what it lacks and rebuilding what the chain's events tell.
-- Units stand in the column names. Wei are decimal text: they pass 64 bits. Times in _ms are Unix
-- milliseconds of the hub's clock, times in _s are the chain's block timestamps.

CREATE TABLE IF NOT EXISTS hub_state (
    name  TEXT PRIMARY KEY,  -- epoch, identity, ports, clock
    value TEXT NOT NULL      -- JSON
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS nodes (
    node    TEXT PRIMARY KEY,
    kind    TEXT NOT NULL,   -- prosumer or consumer
    segment TEXT NOT NULL,
    peer    TEXT             -- chain address
) WITHOUT ROWID;

-- Messages ------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS last_seq (      -- the highest accepted; stored in one transaction with its record
    node TEXT NOT NULL,
    kind TEXT NOT NULL,
    seq  INTEGER NOT NULL,
    PRIMARY KEY (node, kind)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS message_counts (
    word TEXT PRIMARY KEY,   -- received, stored, duplicate, will, rejected:<reason>
    n    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS readings (      -- cumulative registers and instantaneous values as the node sent them
    node TEXT NOT NULL,
    received_at_ms INTEGER NOT NULL,
    site_at_ms INTEGER NOT NULL,         -- site time (hub/site_clock.py), equal on a real site
    boot_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    t_ms INTEGER,
    bus_voltage_uv INTEGER, bus_current_ua INTEGER, bus_power_uw INTEGER,
    bus_import_uwh INTEGER, bus_export_uwh INTEGER,
    pv_voltage_uv INTEGER, pv_current_ua INTEGER, pv_power_uw INTEGER,
    pv_import_uwh INTEGER, pv_export_uwh INTEGER,
    battery_voltage_uv INTEGER, battery_current_ua INTEGER, battery_power_uw INTEGER,
    battery_import_uwh INTEGER, battery_export_uwh INTEGER,
    load_voltage_uv INTEGER, load_current_ua INTEGER, load_power_uw INTEGER,
    load_import_uwh INTEGER, load_export_uwh INTEGER,
    load_apparent_uva INTEGER, load_apparent_uvah INTEGER, load_frequency_uhz INTEGER,
    quality_flags INTEGER NOT NULL,
    PRIMARY KEY (node, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS readings_by_time ON readings (node, received_at_ms);

CREATE TABLE IF NOT EXISTS periods (       -- minutes and quarters of an hour of a node: kept for good
    node TEXT NOT NULL,
    length_s INTEGER NOT NULL,           -- 60 or 900
    start_ms INTEGER NOT NULL,
    readings INTEGER NOT NULL,           -- 0: what a board metered while away, or its beginning
    boot_id INTEGER,
    bases TEXT NOT NULL,                 -- JSON; total less register, of boards that were replaced
    -- At the end; a register's total never falls (hub/store/metered.py).
    bus_import_uwh INTEGER, bus_export_uwh INTEGER,
    pv_import_uwh INTEGER, pv_export_uwh INTEGER,
    battery_import_uwh INTEGER, battery_export_uwh INTEGER,
    load_import_uwh INTEGER, load_export_uwh INTEGER,
    load_apparent_uvah INTEGER,
    -- Means over the readings.
    bus_voltage_uv INTEGER, bus_power_uw INTEGER,
    pv_voltage_uv INTEGER, pv_power_uw INTEGER,
    battery_voltage_uv INTEGER, battery_power_uw INTEGER,
    load_power_uw INTEGER, load_apparent_uva INTEGER,
    quality_flags INTEGER NOT NULL,      -- all that were seen
    PRIMARY KEY (node, length_s, start_ms)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS late_minutes (  -- to be made again: something of them came late
    node TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    PRIMARY KEY (node, start_ms)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS anchors (       -- hashes of closed windows for an outside chain
    window_id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    made_at_ms INTEGER NOT NULL,
    chain_id INTEGER,                    -- of the outside chain; this and below once it is sent
    transaction_hash TEXT,
    raw BLOB,                            -- the signed transaction, kept before it is sent
    block_number INTEGER                 -- once it is in a block
);

CREATE TABLE IF NOT EXISTS node_status (   -- the newest of each node
    node TEXT PRIMARY KEY,
    received_at_ms INTEGER NOT NULL,
    is_offline INTEGER NOT NULL DEFAULT 0,  -- by the unsigned last will: a hint only
    boot_id INTEGER, seq INTEGER, t_ms INTEGER,
    uptime_ms INTEGER, nonce TEXT, state TEXT, relay TEXT, delivery_id TEXT, fault TEXT,
    firmware TEXT, reset_cause TEXT, free_bytes INTEGER
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS aggregates (        -- what a node metered while it could not reach the hub
    node TEXT NOT NULL,
    received_at_ms INTEGER NOT NULL,     -- long after: t_ms says when, where its clock was set
    boot_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    t_ms INTEGER,
    uptime_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    bus_import_uwh INTEGER, bus_export_uwh INTEGER,
    pv_import_uwh INTEGER, pv_export_uwh INTEGER,
    battery_import_uwh INTEGER, battery_export_uwh INTEGER,
    load_import_uwh INTEGER, load_export_uwh INTEGER,
    load_apparent_uvah INTEGER,
    bus_voltage_uv INTEGER, bus_power_uw INTEGER,
    pv_voltage_uv INTEGER, pv_power_uw INTEGER,
    battery_voltage_uv INTEGER, battery_power_uw INTEGER,
    load_power_uw INTEGER, load_apparent_uva INTEGER,
    quality_flags INTEGER NOT NULL,
    PRIMARY KEY (node, boot_id, seq)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS node_events (
    node TEXT NOT NULL,
    received_at_ms INTEGER NOT NULL,
    boot_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    t_ms INTEGER,
    code TEXT NOT NULL,
    reason TEXT,
    delivery_id TEXT,
    value INTEGER,
    PRIMARY KEY (node, seq)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS delivery_reports (  -- the last progress and the final of each side of a delivery
    delivery_id TEXT NOT NULL,
    node TEXT NOT NULL,
    role TEXT NOT NULL,
    phase TEXT NOT NULL,         -- closed, progress or final
    received_at_ms INTEGER NOT NULL,
    energy_uwh INTEGER NOT NULL,
    counterparty_uwh INTEGER NOT NULL,
    elapsed_ms INTEGER NOT NULL,
    register_uwh INTEGER NOT NULL,
    reason TEXT,
    PRIMARY KEY (delivery_id, node, role, phase)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS delivery_signatures (  -- by the boards' own keys, over the figures beside them
    delivery_id TEXT NOT NULL,
    node TEXT NOT NULL,
    role TEXT NOT NULL,
    received_at_ms INTEGER NOT NULL,
    energy_uwh INTEGER NOT NULL,
    counterparty_uwh INTEGER NOT NULL,
    signature TEXT NOT NULL,     -- 128 hex digits, r | vs of EIP-2098
    PRIMARY KEY (delivery_id, node, role)  -- nobody's words replace another's
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS snapshots (         -- registers, signed by the board's own key
    node TEXT NOT NULL,
    received_at_ms INTEGER NOT NULL,
    boot_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    t_ms INTEGER,
    uptime_ms INTEGER NOT NULL,
    bus_import_uwh INTEGER, bus_export_uwh INTEGER,
    pv_import_uwh INTEGER, pv_export_uwh INTEGER,
    battery_import_uwh INTEGER, battery_export_uwh INTEGER,
    load_import_uwh INTEGER, load_export_uwh INTEGER,
    load_apparent_uvah INTEGER,
    signature TEXT NOT NULL,
    PRIMARY KEY (node, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS snapshots_by_time ON snapshots (received_at_ms);

CREATE TABLE IF NOT EXISTS plug_readings (     -- smart plugs: never used to settle energy
    plug TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    house TEXT NOT NULL,
    is_house_meter INTEGER NOT NULL,     -- it meters the whole house, not one appliance
    is_on INTEGER,
    power_uw INTEGER, voltage_uv INTEGER, current_ua INTEGER,
    energy_uwh INTEGER NOT NULL,         -- counted by the hub since it knows the plug
    device_uwh INTEGER,                  -- the device's own counter; none: power was integrated
    PRIMARY KEY (plug, at_ms)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS plug_readings_by_house ON plug_readings (house, is_house_meter, at_ms);

-- Chain: everything below is rebuilt from chain_events ----------------------------------------

CREATE TABLE IF NOT EXISTS chain_cursor (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    block_number INTEGER NOT NULL,
    block_hash TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS chain_events (
    block_number INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    block_hash TEXT NOT NULL,
    transaction_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    args TEXT NOT NULL,          -- JSON; integers beyond 64 bits stay exact
    seen_at_ms INTEGER NOT NULL,
    PRIMARY KEY (block_number, log_index)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS peers (
    peer TEXT PRIMARY KEY,       -- checksummed address
    node TEXT,
    state TEXT NOT NULL,         -- registered, approved, suspended
    balance_wei TEXT NOT NULL,
    deposited_wei TEXT NOT NULL,
    withdrawn_wei TEXT NOT NULL,
    node_key TEXT                -- address of the board's own key, when it was approved with one
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS windows (
    window_id INTEGER PRIMARY KEY,
    bid_start_s INTEGER NOT NULL, bid_end_s INTEGER NOT NULL, clear_by_s INTEGER NOT NULL,
    delivery_start_s INTEGER NOT NULL, delivery_end_s INTEGER NOT NULL,
    report_by_s INTEGER NOT NULL,
    min_energy_uwh INTEGER NOT NULL, max_energy_uwh INTEGER NOT NULL,
    min_price_gwei_per_kwh INTEGER NOT NULL, max_price_gwei_per_kwh INTEGER NOT NULL,
    resolve_by_s INTEGER NOT NULL,
    mechanism INTEGER NOT NULL,      -- as in hub.chain.records
    needs_approval INTEGER NOT NULL, is_strict INTEGER NOT NULL,
    k_permille INTEGER NOT NULL, capacity_uwh INTEGER NOT NULL,
    max_fee_gwei_per_kwh INTEGER NOT NULL,
    sell_gwei_per_kwh INTEGER, buy_gwei_per_kwh INTEGER,  -- of its book, once published
    is_cleared INTEGER NOT NULL DEFAULT 0                 -- its trades are final
);

CREATE TABLE IF NOT EXISTS orders (
    order_id INTEGER PRIMARY KEY,
    window_id INTEGER NOT NULL,
    peer TEXT NOT NULL,
    is_offer INTEGER NOT NULL,
    energy_uwh INTEGER NOT NULL,
    remaining_uwh INTEGER NOT NULL,
    price_gwei_per_kwh INTEGER NOT NULL,
    is_cancelled INTEGER NOT NULL DEFAULT 0,
    placed_at_ms INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    only_accepted INTEGER NOT NULL,
    is_approved INTEGER NOT NULL DEFAULT 0,
    surplus_wei TEXT NOT NULL DEFAULT '0'  -- saved by fills below a bid's price, still locked
);
CREATE INDEX IF NOT EXISTS orders_by_window ON orders (window_id);

CREATE TABLE IF NOT EXISTS trades (
    trade_id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL,
    window_id INTEGER NOT NULL,
    seller TEXT NOT NULL,
    buyer TEXT NOT NULL,
    taker TEXT NOT NULL,
    energy_uwh INTEGER NOT NULL,
    price_gwei_per_kwh INTEGER NOT NULL,  -- what the buyer pays: the seller's price and the fee
    matched_at_ms INTEGER NOT NULL,
    chain_state TEXT NOT NULL,   -- provisional, matched, settled, refunded, disputed
    seller_metered_uwh INTEGER, buyer_metered_uwh INTEGER, settled_uwh INTEGER,
    paid_wei TEXT, refunded_wei TEXT,
    closed_at_ms INTEGER,        -- when the hub saw it settled or refunded
    signatures INTEGER,          -- whose the contract checked: 1 the seller's, 2 the buyer's
    fee_gwei_per_kwh INTEGER NOT NULL DEFAULT 0,
    fee_wei TEXT NOT NULL DEFAULT '0'  -- of what the buyer paid (paid_wei), not the seller's
);
CREATE INDEX IF NOT EXISTS trades_by_window ON trades (window_id);

CREATE TABLE IF NOT EXISTS counters (  -- counter-offers that stand
    counter_id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL,
    peer TEXT NOT NULL,          -- who answered the order
    is_makers INTEGER NOT NULL,  -- the terms are those of the order's maker
    energy_uwh INTEGER NOT NULL,
    price_gwei_per_kwh INTEGER NOT NULL,
    locked_wei TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS accepted_sellers (  -- whom a buyer's bids may name
    buyer TEXT NOT NULL,
    seller TEXT NOT NULL,
    PRIMARY KEY (buyer, seller)
) WITHOUT ROWID;

-- The hub's own journal: never rebuilt, written before the hub acts ---------------------------

CREATE TABLE IF NOT EXISTS deliveries (
    delivery_id TEXT PRIMARY KEY,
    trade_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    state TEXT NOT NULL,         -- queued, armed, delivering, reported, settled, refunded, abandoned
    step TEXT NOT NULL,          -- JSON of hub.delivery.State
    reason TEXT,                 -- why it ended other than by its energy
    queued_at_ms INTEGER NOT NULL,
    commanded_at_ms INTEGER,
    relay_closed_at_ms INTEGER,
    finished_at_ms INTEGER,
    reported_at_ms INTEGER,
    settled_at_ms INTEGER,
    raw_report BLOB,             -- the signed transaction, kept before it is sent
    report_hash TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deliveries_by_trade ON deliveries (trade_id, attempt, epoch);

CREATE TABLE IF NOT EXISTS window_plans (  -- what the coordinator opened a window for
    window_id INTEGER PRIMARY KEY,
    stage TEXT NOT NULL,         -- as in hub.coordinator.kinds
    community TEXT               -- whose members trade in it; none: everyone's
);

CREATE TABLE IF NOT EXISTS transactions (      -- other signed transactions, each sent at most once per key
    key TEXT PRIMARY KEY,        -- such as window:2022-06-21T10:30 or refund:7
    raw BLOB NOT NULL,
    hash TEXT NOT NULL,
    signed_at_ms INTEGER NOT NULL,
    is_done INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Firmware over the air: the journal of rollouts ----------------------------------------------

CREATE TABLE IF NOT EXISTS update_packages (
    package_id TEXT PRIMARY KEY, -- half of the digest that the technician signed
    number INTEGER NOT NULL,
    version TEXT NOT NULL,
    size INTEGER NOT NULL,
    content BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS updates (
    rollout INTEGER NOT NULL,
    place INTEGER NOT NULL,      -- the order of the nodes
    node TEXT NOT NULL,
    package_id TEXT NOT NULL,
    at_once INTEGER NOT NULL,    -- so many nodes together
    state TEXT NOT NULL,         -- waiting, offered, sending, staged, trial, done, failed, stopped
    reason TEXT,                 -- why it failed
    sent_bytes INTEGER NOT NULL DEFAULT 0,
    began_at_ms INTEGER,         -- when it was offered first
    heard_at_ms INTEGER,         -- when the node last asked for or said something
    PRIMARY KEY (rollout, node)
) WITHOUT ROWID;

-- Alarms and the letters that tell of them and of the market ------------------------------------

CREATE TABLE IF NOT EXISTS alarms (
    alarm_id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,          -- such as silent or fault
    subject TEXT NOT NULL,       -- of which node, trade or part
    severity TEXT NOT NULL,      -- notice, warning, fault
    sentence TEXT NOT NULL,
    raised_at_ms INTEGER NOT NULL,
    cleared_at_ms INTEGER,       -- none: it holds
    acknowledged_at_ms INTEGER,
    acknowledged_by TEXT
);

CREATE TABLE IF NOT EXISTS letters (
    target TEXT NOT NULL,        -- name in [[notify]]
    topic TEXT NOT NULL,         -- such as alarm:7:raised or trade:3:settled: each told once
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    posted_at_ms INTEGER NOT NULL,
    next_at_ms INTEGER NOT NULL, -- not tried before
    attempts INTEGER NOT NULL DEFAULT 0,
    sent_at_ms INTEGER,
    given_up_at_ms INTEGER,
    problem TEXT,                -- why the last attempt failed
    PRIMARY KEY (target, topic)
) WITHOUT ROWID;
