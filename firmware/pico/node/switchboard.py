"""Actions of the delivery machine in; relays, flash and records out. Relays come first."""


class Switchboard:
    """Carries out actions. The only one that moves relays while a node runs."""

    def __init__(self, delivery, relays, led, store, publisher):
        """`led`: pin, lit while the house receives energy. `store`: Store of this node."""
        self.on_final = None  # () -> None; wakes the signer, set when all is built
        self._delivery = delivery
        self._relays = relays
        self._led = led
        self._store = store
        self._publisher = publisher
        self._kept_id = None  # the delivery whose start is in flash

    def apply(self, actions, now_ms):
        """Carry out `actions` in order; opening comes first whatever the order."""
        if ("open",) in actions:
            self._open()
        for action in actions:
            verb = action[0]
            if verb == "close":
                self._close(action[1], now_ms)
            elif verb == "report":
                self._report(action[1])
            elif verb == "repeat_final":
                self._repeat_final(action[1])
            elif verb == "event":
                self._publisher.send_event(*action[1:])
            elif verb == "status":
                self._publisher.want_status()

    def fail(self):
        """An exception somewhere: open, say so, never close again before the reset."""
        self._relays.open()
        delivery = self._delivery
        is_running = delivery.state in ("closing", "delivering", "opening")
        report = delivery.report("final", "exception") if is_running else None
        delivery.stop_for_ever("exception")
        # From here on nothing closes, whatever else raises.
        self._led.value(0)
        if report:
            self._report(report[1])
        self._publisher.send_event("fault", "exception", None)
        self._publisher.send_status()

    def _open(self):
        self._relays.open()
        self._led.value(0)

    def _close(self, relay, now_ms):
        if self._kept_id != self._delivery.delivery_id:
            # Before the contact closes: a flash write would hold up the safety loop after it, and
            # what is not in flash could be done again after a reset.
            self._store.begin_delivery(self._delivery.report("closed", None)[1])
            self._kept_id = self._delivery.delivery_id
            # Meanwhile bus and lease may have changed: the machine looks again, then asks again.
            return
        if self._relays.close(relay):
            self._led.value(1 if relay == "in" else 0)
            self.apply(self._delivery.closed(now_ms), now_ms)

    def _report(self, members):
        if members["phase"] == "final":
            self._store.keep_final(members)
            self._publisher.send_final(members)
            self._wake_signer()
        else:
            self._publisher.send("delivery", members)

    def _repeat_final(self, delivery_id):
        """Whoever asks for a final again has lost its signature, too."""
        self._publisher.send_final(self._store.finals.find(delivery_id))
        self._store.finals.sign_again(delivery_id)
        self._wake_signer()

    def _wake_signer(self):
        if self.on_final:
            self.on_final()
