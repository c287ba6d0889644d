"""Prometheus: what the hub's views show now, as metrics in its text format.

A scrape reads the store once; nothing is counted in between. Base units as Prometheus wants them:
volts, amperes, watts, watt-hours, seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hub.bridges.supervisor import BridgeState
from hub.bridges.views import Views
from hub.site_clock import wall_ms

PORTS = ("pv", "load", "battery", "bus")
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MICRO = 1e6


class HubCollector(Collector):
    """Collects from the views and the bridges' states at each scrape."""

    def __init__(self, views: Views, states: Iterable[BridgeState]) -> None:
        self._views = views
        self._states = list(states)

    def collect(self) -> Iterator[Metric]:
        yield from self._boards()
        yield from self._plugs()
        yield from self._messages()
        yield from self._market()
        yield from self._bridges()

    def _boards(self) -> Iterator[Metric]:
        readings, now_ms = self._views.latest_readings(), wall_ms()
        gauges = {
            unit: GaugeMetricFamily(f"trueque_{what}", f"{what} now", labels=["node", "port"])
            for unit, what in _INSTANT.items()
        }
        energy = CounterMetricFamily(
            "trueque_energy_watt_hours",
            "Energy register of a board",
            labels=["node", "port", "way"],
        )
        age = GaugeMetricFamily(
            "trueque_reading_age_seconds", "Age of a board's newest reading", labels=["node"]
        )
        for node, reading in readings.items():
            age.add_metric([node], max(0, now_ms - reading["received_at_ms"]) / 1000)
            for port in PORTS:
                for unit, gauge in gauges.items():
                    value = reading.get(f"{port}_{unit}")
                    if value is not None:
                        gauge.add_metric([node, port], value / MICRO)
                for way in ("import", "export"):
                    value = reading.get(f"{port}_{way}_uwh")
                    if value is not None:
                        energy.add_metric([node, port, way], value / MICRO)
        yield from (*gauges.values(), energy, age)
        yield from self._statuses()

    def _statuses(self) -> Iterator[Metric]:
        uptime = GaugeMetricFamily(
            "trueque_board_uptime_seconds", "Since its start", labels=["node"]
        )
        memory = GaugeMetricFamily("trueque_board_free_bytes", "Free memory", labels=["node"])
        relay = GaugeMetricFamily(
            "trueque_relay_closed", "1 while the relay is closed", labels=["node", "relay"]
        )
        fault = GaugeMetricFamily(
            "trueque_board_fault", "1 while latched", labels=["node", "fault"]
        )
        for node, status in self._views.latest_statuses().items():
            if status.uptime_ms is not None:
                uptime.add_metric([node], status.uptime_ms / 1000)
            if status.free_bytes is not None:
                memory.add_metric([node], status.free_bytes)
            for way in ("in", "out"):
                relay.add_metric([node, way], int(status.relay == way))
            if status.fault:
                fault.add_metric([node, status.fault], 1)
        yield from (uptime, memory, relay, fault)

    def _plugs(self) -> Iterator[Metric]:
        labels = ["plug", "house"]
        power = GaugeMetricFamily("trueque_plug_watts", "Power through a smart plug", labels=labels)
        is_on = GaugeMetricFamily("trueque_plug_on", "1 while it is on", labels=labels)
        energy = CounterMetricFamily("trueque_plug_watt_hours", "Counted energy", labels=labels)
        for row in self._views.latest_plugs():
            names = [row["plug"], row["house"]]
            energy.add_metric(names, row["energy_uwh"] / MICRO)
            if row["power_uw"] is not None:
                power.add_metric(names, row["power_uw"] / MICRO)
            if row["is_on"] is not None:
                is_on.add_metric(names, row["is_on"])
        yield from (power, is_on, energy)

    def _messages(self) -> Iterator[Metric]:
        counts = self._views.message_counts()
        messages = CounterMetricFamily("trueque_messages", "Messages by fate", labels=["fate"])
        for fate in ("received", "stored", "duplicate"):
            messages.add_metric([fate], counts[fate])
        refused = CounterMetricFamily("trueque_messages_rejected", "By reason", labels=["reason"])
        for reason, n in counts["rejected"].items():
            refused.add_metric([reason], n)
        yield from (messages, refused)

    def _market(self) -> Iterator[Metric]:
        trades = GaugeMetricFamily("trueque_trades", "Trades by state", labels=["state"])
        for state, n in self._views.trade_states().items():
            trades.add_metric([state], n)
        yield trades

    def _bridges(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("trueque_bridge_up", "1 while a bridge runs", labels=["bridge"])
        restarts = CounterMetricFamily("trueque_bridge_restarts", "Of a bridge", labels=["bridge"])
        for state in self._states:
            up.add_metric([state.name], int(state.is_running))
            restarts.add_metric([state.name], state.restarts)
        yield from (up, restarts)


_INSTANT = {"voltage_uv": "volts", "current_ua": "amperes", "power_uw": "watts"}


def metrics(views: Views, states: Iterable[BridgeState]) -> bytes:
    """Return the text of one scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HubCollector(views, states))
    return generate_latest(registry)
