"""Tracks of a two-layer board: pads with nets go in, lines and vias that keep their distance out.

Every net grows from its first pad by the cheapest way to the next one, on a grid. A net that finds
no way is tried earlier in a new round; the order is fixed, so the same pads give the same tracks.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

GRID_MM = 0.635
TRACK_MM, VIA_MM, VIA_DRILL_MM, CLEARANCE_MM = 0.4, 0.8, 0.4, 0.21
EDGE_MM = 1.0
LAYERS = ("F.Cu", "B.Cu")
ROUNDS = 60
_VIA_COST, _ACROSS_COST = 9.0, 1.6
Node = tuple[int, int, int]  # column, row, layer
Point = tuple[float, float]


class RoutingError(RuntimeError):
    """A net found no way."""


@dataclass(frozen=True)
class Land:
    """A pad as the router sees it: its middle, half its size, its layers and its net."""

    net: str | None
    x: float
    y: float
    half_width: float
    half_height: float
    layers: tuple[int, ...] = (0, 1)

    def distance(self, x: float, y: float) -> float:
        """Return how far a point is from the pad's edge, 0 inside."""
        across = max(0.0, abs(x - self.x) - self.half_width)
        along = max(0.0, abs(y - self.y) - self.half_height)
        return (across * across + along * along) ** 0.5


@dataclass
class Tracks:
    """What was routed: lines (net, layer, start, end) and vias (net, place), in mm."""

    lines: list[tuple[str, int, Point, Point]] = field(default_factory=list)
    vias: list[tuple[str, Point]] = field(default_factory=list)


@dataclass
class _Copper:
    """Whose track or via lies on which node."""

    tracks: dict[Node, str] = field(default_factory=dict)
    vias: dict[tuple[int, int], str] = field(default_factory=dict)


class Router:
    """Routes one board of a size in mm."""

    def __init__(self, lands: list[Land], width: float, height: float):
        """Take the pads of the board; those without a net are only kept clear of."""
        self._lands = lands
        self._columns = range(1, int(width / GRID_MM))
        self._rows = range(1, int(height / GRID_MM))
        self._size = (width, height)
        self._near_track = self._near(TRACK_MM / 2 + CLEARANCE_MM)
        self._near_via = self._near(VIA_MM / 2 + CLEARANCE_MM)
        self._pads: dict[str, list[Land]] = {}
        for land in lands:
            if land.net:
                self._pads.setdefault(land.net, []).append(land)

    def route(self) -> Tracks:
        """Return tracks that join every net. Raises RoutingError when one stays open."""
        nets = [net for net, pads in self._pads.items() if len(pads) > 1]
        order = sorted(nets, key=lambda net: (len(self._pads[net]) > 6, self._extent(net), net))
        failed = ""
        for _ in range(ROUNDS):
            copper, tracks = _Copper(), Tracks()
            failed = next((net for net in order if not self._join(net, copper, tracks)), "")
            if not failed:
                return tracks
            order.remove(failed)
            order.insert(0, failed)
        raise RoutingError(f"{failed} found no way")

    def _extent(self, net: str) -> float:
        xs, ys = [p.x for p in self._pads[net]], [p.y for p in self._pads[net]]
        return max(xs) - min(xs) + max(ys) - min(ys)

    def _near(self, distance: float) -> dict[Node, set[int]]:
        """Return which pads are nearer to a node than a distance, by their place in the list."""
        found: dict[Node, set[int]] = {}
        for place, land in enumerate(self._lands):
            left = land.x - land.half_width - distance
            top = land.y - land.half_height - distance
            across = range(int(left / GRID_MM), int((2 * land.x - left) / GRID_MM) + 2)
            along = range(int(top / GRID_MM), int((2 * land.y - top) / GRID_MM) + 2)
            for column in across:
                for row in along:
                    if land.distance(column * GRID_MM, row * GRID_MM) < distance:
                        for layer in land.layers:
                            found.setdefault((column, row, layer), set()).add(place)
        return found

    def _is_clear(self, near: dict[Node, set[int]], node: Node, net: str) -> bool:
        return all(self._lands[place].net == net for place in near.get(node, ()))

    def _takes_track(self, node: Node, net: str, copper: _Copper) -> bool:
        column, row, _ = node
        x, y = column * GRID_MM, row * GRID_MM
        width, height = self._size
        if not (EDGE_MM <= x <= width - EDGE_MM and EDGE_MM <= y <= height - EDGE_MM):
            return False
        if copper.tracks.get(node, net) != net or not self._is_clear(self._near_track, node, net):
            return False
        beside = ((column + 1, row), (column - 1, row), (column, row + 1), (column, row - 1))
        return all(copper.vias.get(place, net) == net for place in beside)

    def _takes_via(self, node: Node, net: str, copper: _Copper) -> bool:
        column, row, _ = node
        for layer in (0, 1):
            if not self._is_clear(self._near_via, (column, row, layer), net):
                return False
            for a, b in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
                if copper.tracks.get((column + a, row + b, layer), net) != net:
                    return False
        # Two holes keep apart whatever their nets are, and a hole keeps out of pads.
        if any(self._near_via.get((column, row, layer)) for layer in (0, 1)):
            return False
        return not any((column + a, row + b) in copper.vias for a in (-1, 0, 1)
                       for b in (-1, 0, 1))  # fmt: skip

    def _join(self, net: str, copper: _Copper, tracks: Tracks) -> bool:
        """Grow the net's tree by the nearest pad until all are on it; False when one stays out."""
        first, *rest = self._pads[net]
        tree = set(_entries(first))
        while rest:
            _, place = min((self._gap(tree, pad), n) for n, pad in enumerate(rest))
            pad = rest.pop(place)
            path = self._way(net, tree, set(_entries(pad)), copper)
            if not path:
                return False
            self._lay(net, path, copper, tracks)
            tree |= set(path) | set(_entries(pad))
        tracks.lines += [(net, 0, (pad.x, pad.y), _mm(_entries(pad)[0]))
                         for pad in self._pads[net] if pad.layers == (0,)]  # fmt: skip
        return True

    def _gap(self, tree: set[Node], land: Land) -> int:
        column, row, _ = _entries(land)[0]
        return min(abs(column - node[0]) + abs(row - node[1]) for node in tree)

    def _way(self, net: str, tree: set[Node], goals: set[Node], copper: _Copper) -> list[Node]:
        """Return the cheapest way from the tree to a goal (A*), empty when there is none."""
        column, row, _ = next(iter(goals))

        def left(node: Node) -> int:
            return abs(node[0] - column) + abs(node[1] - row)

        costs = dict.fromkeys(tree, 0.0)
        before: dict[Node, Node] = {}
        queue = [(float(left(node)), node) for node in sorted(tree)]
        heapq.heapify(queue)
        done: set[Node] = set()
        while queue:
            _, node = heapq.heappop(queue)
            if node in done:
                continue
            done.add(node)
            if node in goals:
                path = [node]
                while path[-1] in before:
                    path.append(before[path[-1]])
                return path[::-1]
            for step, price in self._steps(node, net, copper):
                cost = costs[node] + price
                if cost < costs.get(step, 1e9):
                    costs[step] = cost
                    before[step] = node
                    heapq.heappush(queue, (cost + left(step), step))
        return []

    def _steps(self, node: Node, net: str, copper: _Copper) -> Iterator[tuple[Node, float]]:
        column, row, layer = node
        for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            step = (column + a, row + b, layer)
            if self._takes_track(step, net, copper):
                # The upper side runs across the board, the lower side along it.
                yield step, 1.0 if (b == 0) == (layer == 0) else _ACROSS_COST
        other = (column, row, 1 - layer)
        if self._takes_track(other, net, copper) and self._takes_via(node, net, copper):
            yield other, _VIA_COST

    def _lay(self, net: str, path: list[Node], copper: _Copper, tracks: Tracks) -> None:
        for node in path:
            copper.tracks[node] = net
        corner = path[0]
        for here, there in zip(path, path[1:], strict=False):
            if here[2] != there[2]:
                copper.vias[here[0], here[1]] = net
                tracks.vias.append((net, _mm(here)))
                self._line(net, corner, here, tracks)
                corner = there
            elif (corner[0] != there[0]) and (corner[1] != there[1]):
                self._line(net, corner, here, tracks)
                corner = here
        self._line(net, corner, path[-1], tracks)

    def _line(self, net: str, start: Node, end: Node, tracks: Tracks) -> None:
        if start != end:
            tracks.lines.append((net, start[2], _mm(start), _mm(end)))


def _entries(land: Land) -> tuple[Node, ...]:
    column, row = round(land.x / GRID_MM), round(land.y / GRID_MM)
    return tuple((column, row, layer) for layer in land.layers)


def _mm(node: Node) -> Point:
    return round(node[0] * GRID_MM, 4), round(node[1] * GRID_MM, 4)
