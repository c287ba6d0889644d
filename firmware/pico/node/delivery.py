"""The delivery state machine: leases, commands and meter samples in, actions out.

Pure: it knows no pin, no file and no socket, and time only as the ms it is told. Each method
returns a list of actions, tuples whose first member is a verb:
`("open",)`, `("close", relay)`, `("report", members of a delivery record)`,
`("repeat_final", delivery_id)`, `("event", code, reason, delivery_id)`, `("status",)`.
"""

from wire.units import DEAD_TIME_MS, MAX_DURATION_MS, METERING_BLOCK_MS

from node import trips

RELAY_OF_ROLE = {"buyer": "in", "seller": "out"}
CLOSING_MS = 3_000  # by then flash is written, however slow, and the dead time long over
NO_SAMPLE_MS = 500  # after opening: settle without a meter rather than never


class Delivery:
    """One node's side of deliveries, one after the other."""

    def __init__(self, limits, is_finished):
        """`limits`: as in Settings. `is_finished(delivery_id)`: was that id ended here before."""
        self._limits = limits
        self._is_finished = is_finished
        self.state = "idle"  # idle, armed, closing, delivering, opening, fault, or held: see hold
        self._rest_state = "idle"
        self.fault = None  # the reason latched, in state fault
        self.delivery_id = None
        self.role = None
        self.counterparty_uwh = 0
        self.energy_uwh = 0
        self.register_uwh = 0
        self.elapsed_ms = 0
        self._lease_end_ms = 0
        self._terms = None  # the close command that runs
        self._stop_reason = None
        self._since_ms = 0  # of the state closing, delivering or opening
        self._base_uwh = 0
        self._progress_at_ms = 0
        self._sample = None
        self._watch = None
        self._lasting = trips.Lasting()  # "open_current", "link_lost"
        self._is_link_lost = False
        self._tripped_id = None  # armed when it tripped: only another attempt may close again

    def is_relay_needed(self):
        """Tell whether a relay is closed or about to be: the meter must then be quick."""
        return self.state in ("armed", "closing", "delivering", "opening")

    def hold(self, state):
        """At rest, and after whatever runs has ended, be in `state`: nothing closes in it.

        `state`: "updating" or "trial"; "idle" ends it.
        """
        if self.state == self._rest_state:
            self.state = state
        self._rest_state = state
        return [("open",), ("status",)] if self.state == state else [("status",)]

    def lease(self, record, end_ms, now_ms):
        """Take a lease whose nonce lets it live until `end_ms`. It closes nothing."""
        delivery_id = record["delivery_id"]
        is_over = delivery_id == self._tripped_id or self._is_finished(delivery_id)
        if self.state == "fault" or is_over:
            return []
        if self.state in ("idle", "armed"):
            is_new = delivery_id != self.delivery_id
            self.state = "armed"
            self.delivery_id = delivery_id
            self.counterparty_uwh = record["counterparty_uwh"]
            self._lease_end_ms = end_ms if is_new else max(end_ms, self._lease_end_ms)
            return [("status",)] if is_new else []
        if delivery_id == self.delivery_id:
            self._lease_end_ms = max(self._lease_end_ms, end_ms)
            self.counterparty_uwh = max(self.counterparty_uwh, record["counterparty_uwh"])
        return []

    def command(self, record, now_ms):
        """Obey a command, but `open` and `stop`, whose nonce is fresh, or say why not."""
        if record["action"] == "close":
            return self._command_close(record, now_ms)
        return self._clear_fault(record["delivery_id"])

    def command_open(self, delivery_id, now_ms):
        """Open, if `delivery_id` is the one here. Needs no fresh nonce: opening is always safe."""
        if self._is_finished(delivery_id):
            return [("repeat_final", delivery_id)]
        if delivery_id != self.delivery_id:
            return [("event", "command_refused", "no_lease", delivery_id)]
        if self.state in ("closing", "delivering"):
            return self._stop("commanded", now_ms)
        if self.state == "armed":
            return self._rest()
        return []

    def closed(self, now_ms):
        """The relay that a `close` action asked for is closed."""
        self.state = "delivering"
        self._since_ms = self._progress_at_ms = now_ms
        self._base_uwh = self._register(self._sample)
        self._measure(self._sample)
        self._watch = trips.Watch(self._limits, self._terms, now_ms)
        return [self.report("closed", None), ("status",)]

    def tick(self, sample, is_link_up, now_ms):
        """Look at a fresh meter `sample` (None when the sensor did not answer), link and time."""
        if sample is not None:
            self._sample = sample
        lost_ms = self._limits["link_lost_ms"]
        self._is_link_lost = self._lasting.lasts("link_lost", not is_link_up, lost_ms, now_ms)
        if self.state == "delivering":
            return self._tick_delivering(sample, now_ms)
        if self.state == "opening":
            return self._tick_opening(sample, now_ms)
        if self.state == "closing":
            return self._tick_closing(now_ms)
        if self.state == "armed" and now_ms >= self._lease_end_ms:
            return self._rest()
        return self._look_for_weld(sample, now_ms)

    def trip(self, reason, now_ms):
        """Open at once for a reason from outside: an exception, an emergency stop."""
        if self.state in ("closing", "delivering"):
            return self._stop(reason, now_ms)
        if self.state == "armed":
            self._tripped_id = self.delivery_id
            return [("open",), ("event", "tripped", reason, self.delivery_id)] + self._rest()
        return [("open",)]

    def stop_for_ever(self, reason):
        """Latch `reason` without waiting for the meter: a reset follows."""
        self._rest()
        self.state = "fault"
        self.fault = reason

    def report(self, phase, reason):
        """Return the action that reports the delivery under way."""
        return (
            "report",
            {
                "delivery_id": self.delivery_id,
                "role": self.role,
                "phase": phase,
                "energy_uwh": self.energy_uwh,
                "counterparty_uwh": self.counterparty_uwh,
                "elapsed_ms": min(self.elapsed_ms, MAX_DURATION_MS),
                "register_uwh": self.register_uwh,
                "reason": reason,
            },
        )

    def _command_close(self, record, now_ms):
        delivery_id = record["delivery_id"]
        if self._is_finished(delivery_id):
            return [("repeat_final", delivery_id)]
        if self.state in ("closing", "delivering") and delivery_id == self.delivery_id:
            return [("status",)]
        reason = self._refusal(record, now_ms)
        if reason:
            return [("event", "command_refused", reason, delivery_id)]
        self.role = record["role"]
        self.energy_uwh = self.elapsed_ms = 0
        reason = self._obstacle(now_ms)
        if reason:
            # The attempt ends here, with nothing moved, so that the hub need not wait it out.
            refused = ("event", "command_refused", reason, delivery_id)
            return [refused, self.report("final", reason)] + self._rest()
        self._terms = record
        self.state = "closing"
        self._since_ms = now_ms
        self._base_uwh = self.register_uwh
        return [("close", RELAY_OF_ROLE[self.role]), ("status",)]

    def _refusal(self, record, now_ms):
        """Return why a close command is not for this node now, or None."""
        if self.state == "fault":
            return "fault_latched"
        if self.state in ("updating", "trial"):
            return "updating"
        if self.state not in ("idle", "armed"):
            return "busy"
        is_leased = self.state == "armed" and record["delivery_id"] == self.delivery_id
        if not is_leased or now_ms >= self._lease_end_ms:
            return "no_lease"
        return None

    def _obstacle(self, now_ms):
        """Return why the relay can't close on this bus now, or None."""
        if self._sample is not None:
            self.register_uwh = self._register(self._sample)
        return trips.closing_refusal(self._sample, self._limits, self.role, now_ms)

    def _clear_fault(self, delivery_id):
        if self.state != "fault":
            return []
        is_ending = self.fault == "exception"  # a reset follows: nothing may close before it
        if is_ending or self._sample is None or self._has_current(self._sample):
            return [("event", "command_refused", "fault_latched", delivery_id)]
        self.fault = None
        return [("event", "fault_cleared", None, delivery_id)] + self._rest()

    def _tick_closing(self, now_ms):
        if now_ms >= self._lease_end_ms or now_ms - self._since_ms >= CLOSING_MS:
            return self._stop("lease_expired", now_ms)
        # The bus may have changed while flash was written and the dead time passed.
        reason = self._obstacle(now_ms)
        if reason:
            return self._stop(reason, now_ms)
        return [("close", RELAY_OF_ROLE[self.role])]

    def _tick_delivering(self, sample, now_ms):
        if sample is not None:
            self._measure(sample)
        self.elapsed_ms = now_ms - self._since_ms
        reason = self._reason_to_stop(sample, now_ms)
        if reason:
            return self._stop(reason, now_ms)
        if now_ms - self._progress_at_ms < METERING_BLOCK_MS:
            return []
        self._progress_at_ms = now_ms
        return [self.report("progress", None)]

    def _reason_to_stop(self, sample, now_ms):
        terms = self._terms
        if now_ms >= self._lease_end_ms:
            return "lease_expired"
        if self._is_link_lost:
            return "link_lost"
        if self.elapsed_ms >= terms["max_duration_ms"]:
            return "window_over"
        if sample is None:
            is_stale = now_ms - self._sample.at_ms >= self._limits["sensor_stale_ms"]
            return "sensor_stale" if is_stale else None
        reason = self._watch.look(sample, self.energy_uwh, now_ms)
        if reason:
            return reason
        if self.energy_uwh >= terms["energy_uwh"]:
            return "energy_reached"
        lag_uwh = self.energy_uwh - self.counterparty_uwh
        if self.role == "seller" and lag_uwh > terms["exposure_uwh"]:
            return "exposure"
        return None

    def _stop(self, reason, now_ms):
        self.state = "opening"
        self._since_ms = now_ms
        self._stop_reason = reason
        self._is_open_current(False, now_ms)
        actions = [("open",), ("status",)]
        if reason not in ("energy_reached", "commanded"):
            actions.append(("event", "tripped", reason, self.delivery_id))
        return actions

    def _tick_opening(self, sample, now_ms):
        """Wait until the contact is open and the current gone, then report."""
        passed = now_ms - self._since_ms
        if sample is None:
            return self._finish() if passed >= NO_SAMPLE_MS else []
        self._measure(sample)
        if passed < DEAD_TIME_MS:
            return []
        if not self._has_current(sample):
            return self._finish()
        if passed < DEAD_TIME_MS + METERING_BLOCK_MS:
            return []
        self._stop_reason = "welded_contact"
        return self._finish() + self._latch("welded_contact")

    def _finish(self):
        return [self.report("final", self._stop_reason)] + self._rest()

    def _rest(self):
        """Back to rest; only a new lease and command close again."""
        self.state = self._rest_state
        self.delivery_id = None
        self._terms = None
        self._lease_end_ms = 0
        return [("status",)]

    def _look_for_weld(self, sample, now_ms):
        """Current while both relays are open latches a fault."""
        if sample is None or self.state == "fault":
            return []
        if not self._is_open_current(self._has_current(sample), now_ms):
            return []
        self._is_open_current(False, now_ms)
        return self._latch("welded_contact")

    def _is_open_current(self, is_flowing, now_ms):
        """Tell whether current has flowed for a block although both relays are open."""
        return self._lasting.lasts("open_current", is_flowing, METERING_BLOCK_MS, now_ms)

    def _latch(self, reason):
        delivery_id = self.delivery_id
        self._rest()
        self.state = "fault"
        self.fault = reason
        return [("open",), ("event", "fault", reason, delivery_id), ("status",)]

    def _has_current(self, sample):
        return abs(sample.current_ua) > self._limits["welded_current_ua"]

    def _register(self, sample):
        return sample.import_uwh if self.role == "buyer" else sample.export_uwh

    def _measure(self, sample):
        self.register_uwh = self._register(sample)
        self.energy_uwh = self.register_uwh - self._base_uwh
