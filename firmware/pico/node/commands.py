"""Payloads from the broker in; leases and commands to the delivery machine out. Never raises."""

from wire import codec
from wire.sequence import DUPLICATE, NEW, judge
from wire.topics import TO_NODE, parse


class Commands:
    """Verifies, orders and hands on what the hub sends."""

    def __init__(self, settings, nonces, delivery, switchboard, clock):
        self._node = settings.node
        self._key = settings.key_down
        self._nonces = nonces
        self._delivery = delivery
        self._switchboard = switchboard
        self._clock = clock
        self.epoch = 0  # the highest heard of; statuses tell it, so that a hub can go above
        self._last = {}  # kind: last seq of this epoch
        self.rejected = {}  # reason: count
        self.on_update = None  # (record) -> None; set when all is built

    def receive(self, topic, payload):
        """Take one payload as it came."""
        record, reason = codec.decode(topic, payload, self._key)
        if record is None:
            self._reject(reason)
            return
        node, kind = parse(topic)
        if node != self._node or kind not in TO_NODE:
            self._reject("unknown_topic")
            return
        now_ms = self._clock.now_ms()
        verdict = self._judge(kind, record)
        if verdict == DUPLICATE:
            return
        self._switchboard.apply(self._answer(kind, record, verdict, now_ms), now_ms)

    def _reject(self, reason):
        """Count it, and tell of the 1st, 2nd, 4th, 8th: a flood in must be no flood out."""
        count = self.rejected[reason] = self.rejected.get(reason, 0) + 1
        if not count & (count - 1):
            told = ("event", "message_rejected", reason, None, count)
            self._switchboard.apply([told], self._clock.now_ms())

    def _judge(self, kind, record):
        epoch, seq = record["epoch"], record["seq"]
        if epoch > self.epoch:
            self.epoch = epoch
            self._last = {}
        if epoch < self.epoch:
            return "stale"
        verdict = judge(self._last.get(kind), seq)
        if verdict == NEW:
            self._last[kind] = seq
        return verdict

    def _answer(self, kind, record, verdict, now_ms):
        delivery_id = record.get("delivery_id")
        # However old: opening is always safe, and a late open is better than none.
        if kind == "command" and record["action"] == "open":
            return self._delivery.command_open(delivery_id, now_ms)
        if kind == "command" and record["action"] == "stop":
            return self._delivery.trip("emergency_stop", now_ms)
        end_ms = self._nonces.end_ms(record["nonce"], now_ms)
        reason = None
        if verdict != NEW:
            reason = "stale_seq"
        elif end_ms is None:
            reason = "old_nonce"
        if reason:
            self._reject(reason)
            if kind != "command":
                return []  # the next lease is under way; an update is fetched again
            return [("event", "command_refused", reason, delivery_id)]
        if kind == "update":
            self.on_update(record)
            return []
        if kind == "lease":
            return self._delivery.lease(record, end_ms, now_ms)
        return self._delivery.command(record, now_ms)
