"""The report as people read it: every trade a row, what is missing a dash, a sum in sentences."""

import io

from rich.console import Console

from hub import report_text

SETTLED = {
    "trade_id": 7,
    "seller": "house-1",
    "buyer": "house-2",
    "agreed_uwh": 39_931,
    "seller_metered_uwh": 39_967,
    "buyer_metered_uwh": 39_871,
    "settled_uwh": 39_871,
    "price_gwei_per_kwh": 214_000_000,
    "paid_wei": 8_532_394_000_000,
    "state": "settled",
    "signed": True,
    "reason": None,
}
EXPIRED = SETTLED | {
    "trade_id": 8,
    "buyer_metered_uwh": None,
    "settled_uwh": None,
    "paid_wei": None,
    "state": "expired",
    "signed": False,
    "reason": "lease_expired",
}


def shown(trades, violations=0, rejected=None):
    report = {
        "trades": trades,
        "gain": {"energy_uwh": 39_871, "gained_wei": 7_974_000_000_000},
        "relays": {"violations": violations},
        "messages": {"received": 908, "rejected": rejected or {}},
    }
    console = Console(file=io.StringIO(), width=80)
    report_text.show(report, console)
    return console.file.getvalue().splitlines()


def test_report_has_each_trade_and_what_it_comes_to_when_some_settled():
    told = shown([SETTLED, EXPIRED], rejected={"bad_mac": 2, "old_seq": 1})
    row = [
        "7",
        "house-1,",
        "house-2",
        "39.931",
        "39.967",
        "39.871",
        "39.871",
        "0.214",
        "8532",
        "settled",
    ]
    assert row in [line.split() for line in told]
    (expired,) = (line.split() for line in told if "expired:" in line)
    assert expired[:9] == ["8", "house-1,", "house-2", "39.931", "39.967", "-", "-", "0.214", "-"]
    assert told[-4:] == [
        "1 of 2 trades settled, 1 of them signed by both boards; 39.871 mWh paid for",
        "Gain over trading with the grid alone: 0.000007974 ETH",
        "Relay violations: 0",
        "Messages: 908 received, 3 refused",
    ]


def test_report_says_so_when_nothing_was_traded_and_no_bench_watched():
    told = shown([], violations=None)
    assert told[0].startswith("0 of 0 trades settled")
    assert "Relay violations: not watched, no bench ran" in told


def test_report_shows_the_last_trades_when_there_are_too_many():
    told = shown([SETTLED | {"trade_id": number} for number in range(1, 51)])
    rows = [line.split()[0] for line in told if "house-1," in line]
    assert rows == [str(number) for number in range(11, 51)]
    assert "The last 40 of 50 trades; all are in the JSON report." in told
