"""A feeder: positions of its peers enter, voltages and loading of one moment leave (pandapower)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.errors import BadInput, TruequeError
from hub.sim.network.limits import STREET, Network

Values = npt.NDArray[np.float64]

W_PER_MW = 1e6
LOADS_CHANGE = {"bus_pq": True, "gen": False, "trafo": False}
PROBE_W = 1000.0  # a small power, to see what it changes


class NoPowerFlow(TruequeError):
    """The network cannot carry this: no voltages solve it."""


@dataclass(frozen=True)
class State:
    """One moment: voltage of each bus in pu; of each branch the active power in W, positive towards
    the houses, and the loading as a share of its rating."""

    voltage_pu: Values
    flow_w: Values
    loading: Values


@dataclass(frozen=True)
class PerWatt:
    """How voltages and branch flows answer to a watt at each peer: (buses or branches, peers)."""

    voltage_pu_per_w: Values
    flow_w_per_w: Values


@dataclass(frozen=True)
class Response:
    """How the feeder answers to what peers feed in and to what they take (which draws reactive
    power too), its state without any power, and each branch's rating in W."""

    fed: PerWatt
    taken: PerWatt
    empty: State
    rating_w: Values


class Feeder:
    """The peers of a community on one low-voltage network; `names` in the community's order."""

    def __init__(self, network: Network, names: tuple[str, ...]) -> None:
        """Raises BadInput where pandapower is missing or does not know a part."""
        self._tools = _pandapower()
        self._where = network.where
        self._reactive_per_w = math.tan(math.acos(network.power_factor))
        self._net, houses = self._build(network, len(names))
        self._net.ext_grid["vm_pu"] = network.source_pu
        for at, name in enumerate(names):  # more peers than houses share the connections
            self._tools.create_load(self._net, houses[at % len(houses)], p_mw=0.0, name=name)
        self._low = np.flatnonzero(self._net.bus["vn_kv"].to_numpy() < 1.0)
        self.buses = [f"bus {number}" for number in self._net.bus.index[self._low]]
        for at, name in enumerate(names):
            place = list(self._net.bus.index[self._low]).index(houses[at % len(houses)])
            if self.buses[place].startswith("bus "):
                self.buses[place] = name
        self.branches = [f"cable {number}" for number in self._net.line.index]
        self.branches += [f"transformer {number}" for number in self._net.trafo.index]

    def flow(self, position_w: Values) -> State:
        """Return the power flow of the peers' positions (positive takes). Raises NoPowerFlow."""
        net = self._net
        net.load["p_mw"] = position_w / W_PER_MW
        # Loads draw reactive power; inverters and batteries feed in at power factor one.
        net.load["q_mvar"] = np.maximum(position_w, 0.0) * self._reactive_per_w / W_PER_MW
        try:
            # Only loads change from one flow to the next: pandapower need not build all anew.
            self._tools.runpp(net, numba=False, init="auto", recycle=LOADS_CHANGE)
        except self._tools.LoadflowNotConverged as problem:
            net["_ppc"] = None  # the next flow begins afresh
            raise NoPowerFlow(f"{self._where}: the feeder cannot carry the load") from problem
        return State(
            net.res_bus["vm_pu"].to_numpy()[self._low],
            np.concatenate([net.res_line["p_from_mw"], net.res_trafo["p_hv_mw"]]) * W_PER_MW,
            np.concatenate([net.res_line["loading_percent"], net.res_trafo["loading_percent"]])
            / 100,
        )

    @cached_property
    def response(self) -> Response:
        """The linear response about the empty network, found by a small power at each peer."""
        line, trafo = self._net.line, self._net.trafo
        kv = self._net.bus.loc[line["from_bus"], "vn_kv"].to_numpy()
        cables_w = math.sqrt(3) * kv * line["max_i_ka"].to_numpy() * line["df"].to_numpy()
        cables_w = cables_w * line["parallel"].to_numpy() * W_PER_MW
        ratings_w = np.concatenate([cables_w, trafo["sn_mva"].to_numpy() * W_PER_MW])
        empty = self.flow(np.zeros(len(self._net.load)))
        fed, taken = (self._per_watt(empty, probe_w) for probe_w in (-PROBE_W, PROBE_W))
        return Response(fed, taken, empty, ratings_w)

    def _per_watt(self, empty: State, probe_w: float) -> PerWatt:
        """Return the answer to `probe_w` at each peer; peers of one connection answer alike."""
        known: dict[int, tuple[Values, Values]] = {}
        buses = self._net.load["bus"].tolist()
        for peer, bus in enumerate(buses):
            if bus in known:
                continue
            position_w = np.zeros(len(buses))
            position_w[peer] = probe_w
            probed = self.flow(position_w)
            known[bus] = (
                (probed.voltage_pu - empty.voltage_pu) / abs(probe_w),
                (probed.flow_w - empty.flow_w) / abs(probe_w),
            )
        voltage, flow = zip(*(known[bus] for bus in buses), strict=True)
        return PerWatt(np.array(voltage).T, np.array(flow).T)

    def _build(self, network: Network, peers: int) -> tuple[Any, list[int]]:
        """Return pandapower's network and the buses of its houses."""
        if network.feeder == STREET:
            return self._street(network, peers)
        import pandapower.networks as known

        net = getattr(known, "create_" + network.feeder.replace("-", "_"))()
        houses = net.load["bus"].tolist()
        net.load.drop(net.load.index, inplace=True)
        return net, houses

    def _street(self, network: Network, peers: int) -> tuple[Any, list[int]]:
        """Lay one cable along a street, a house every `spacing_m`."""
        tools = self._tools
        net = tools.create_empty_network()
        for kind, wanted, field in (
            ("line", network.cable, "cable"),
            ("trafo", network.transformer, "transformer"),
        ):
            if not tools.std_type_exists(net, wanted, element=kind):
                known = ", ".join(tools.available_std_types(net, element=kind).index[:40])
                raise BadInput(f"{network.where}, {field}: pandapower knows no {wanted!r}; {known}")
        medium, low = (tools.create_bus(net, vn_kv=kv) for kv in (20.0, 0.4))
        tools.create_ext_grid(net, medium)
        tools.create_transformer(net, medium, low, std_type=network.transformer)
        houses, before = [], low
        for _ in range(peers):
            houses.append(tools.create_bus(net, vn_kv=0.4))
            tools.create_line(
                net, before, houses[-1], length_km=network.spacing_m / 1000, std_type=network.cable
            )
            before = houses[-1]
        return net, houses


def _pandapower() -> Any:
    try:
        import pandapower
    except ImportError:
        raise BadInput(
            "[network] needs pandapower: .venv/bin/pip install 'trueque[network]'"
        ) from None
    return pandapower
