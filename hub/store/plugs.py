"""What bridges need of the store: readings by their number, and the series of smart plugs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.store.database import Database

PLUG_COLUMNS = (
    "plug",
    "at_ms",
    "house",
    "is_house_meter",
    "is_on",
    "power_uw",
    "voltage_uv",
    "current_ua",
    "energy_uwh",
    "device_uwh",
)
QUARTER_MS = 900_000
_LATEST = """
    SELECT p.* FROM plug_readings p
      JOIN (SELECT plug, max(at_ms) AS at_ms FROM plug_readings GROUP BY plug) newest
        ON p.plug = newest.plug AND p.at_ms = newest.at_ms
     ORDER BY p.plug
"""
_THIN = f"""
    DELETE FROM plug_readings WHERE at_ms < ? AND (plug, at_ms) NOT IN
        (SELECT plug, max(at_ms) FROM plug_readings
          WHERE at_ms < ? GROUP BY plug, at_ms / {QUARTER_MS})
"""


class PlugTables(Database):
    """Readings of boards by number, readings of plugs by time."""

    def readings_after(self, node: str, seq: int, limit: int) -> list[dict[str, Any]]:
        """Return up to `limit` readings of a node with a higher seq, in their order."""
        sql = "SELECT * FROM readings WHERE node = ? AND seq > ? ORDER BY seq LIMIT ?"
        return [dict(row) for row in self._rows(sql, (node, seq, limit))]

    def last_reading_seq(self, node: str) -> int:
        """Return the seq of a node's newest reading, 0 before the first."""
        row = self._one("SELECT max(seq) AS seq FROM readings WHERE node = ?", (node,))
        return 0 if row is None or row["seq"] is None else row["seq"]

    def store_plug(self, row: Mapping[str, Any]) -> None:
        """Store one reading of a plug; one at a time that is there already changes nothing."""
        marks = ", ".join("?" * len(PLUG_COLUMNS))
        values = [int(one) if isinstance(one, bool) else one
                  for one in (row[name] for name in PLUG_COLUMNS)]  # fmt: skip
        with self.transaction() as connection:
            connection.execute(
                f"INSERT INTO plug_readings ({', '.join(PLUG_COLUMNS)}) VALUES ({marks})"
                " ON CONFLICT DO NOTHING",
                values,
            )

    def latest_plugs(self) -> list[dict[str, Any]]:
        """Return the newest reading of every plug, by name."""
        return [dict(row) for row in self._rows(_LATEST)]

    def plug_readings(self, plug: str, since_ms: int) -> list[dict[str, Any]]:
        """Return a plug's readings from that time on, oldest first."""
        sql = "SELECT * FROM plug_readings WHERE plug = ? AND at_ms >= ? ORDER BY at_ms"
        return [dict(row) for row in self._rows(sql, (plug, since_ms))]

    def house_meter_between(self, house: str, start_ms: int, end_ms: int) -> list[dict[str, Any]]:
        """Return the readings of a house's meter in [start_ms, end_ms), oldest first."""
        sql = (
            "SELECT * FROM plug_readings WHERE house = ? AND is_house_meter = 1"
            " AND at_ms >= ? AND at_ms < ? ORDER BY at_ms"
        )
        return [dict(row) for row in self._rows(sql, (house, start_ms, end_ms))]

    def house_meter_uwh(self, house: str, before_ms: int) -> int | None:
        """Return what a house's plugs that meter it had counted before a time, None without any.

        Summed over plugs: where one was replaced by another, both have counted their part.
        """
        row = self._one(
            "SELECT sum(energy_uwh) AS energy_uwh FROM (SELECT max(energy_uwh) AS energy_uwh"
            " FROM plug_readings WHERE house = ? AND is_house_meter = 1 AND at_ms < ?"
            " GROUP BY plug) AS plugs",
            (house, before_ms),
        )
        return None if row is None or row["energy_uwh"] is None else int(row["energy_uwh"])

    def first_house_meter_ms(self, house: str) -> int | None:
        """Return when a house's smart plug was read first, None where there is none."""
        row = self._one(
            "SELECT min(at_ms) AS at_ms FROM plug_readings WHERE house = ? AND is_house_meter = 1",
            (house,),
        )
        return None if row is None else row["at_ms"]

    def first_reading_ms(self, node: str) -> int | None:
        """Return when a board was first metered, to the minute once its readings are removed."""
        row = self._one(
            "SELECT min(at_ms) AS at_ms FROM (SELECT min(received_at_ms) AS at_ms FROM readings"
            " WHERE node = ? UNION ALL SELECT min(start_ms) FROM periods WHERE node = ?"
            " AND length_s = 60 AND readings > 0) AS firsts",
            (node, node),
        )
        return None if row is None else row["at_ms"]

    def thin_plugs(self, before_ms: int) -> None:
        """Keep of what is older only the last reading of each plug and quarter of an hour."""
        with self.transaction() as connection:
            connection.execute(_THIN, (before_ms, before_ms))
