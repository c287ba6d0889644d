"""Whatever hub, bus, link and time do: relays keep their rules. Found by random histories."""

import os
import tempfile

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from node.delivery import RELAY_OF_ROLE

from tests.host.fakes.ticks import Ticks
from tests.host.node.broken import CALLEES
from tests.host.node.rig import RELAY_IN, RELAY_OUT, Rig, delivery_id
from tests.host.thorough import examples

IDS = st.integers(1, 4).map(delivery_id)
ROLES = st.sampled_from(["buyer", "seller"])
BUSES = st.sampled_from(
    [
        (0, 0),
        (12_000_000, 0),
        (12_000_000, 500_000),
        (12_000_000, -500_000),
        (12_000_000, 2_000_000),
        (5_000_000, 100_000),
        (16_000_000, 0),
    ]
)


class Node(RuleBasedStateMachine):
    """One node, its hub honest or not, its bus in any state."""

    @initialize()
    def power_on(self):
        self.patch = pytest.MonkeyPatch()
        self.flash = tempfile.TemporaryDirectory()
        self.home = os.getcwd()
        os.chdir(self.flash.name)
        # Seconds before the counter wraps: time must not care.
        self.ticks = Ticks(start_us=(1 << 30) - 5_000_000)
        self.rig = Rig(self.ticks, self.patch)
        self.rig.step(60)
        self.nonces = [self.rig.nonce()]
        self.lease_end_ms = {}
        self.closed_for = []
        self.was_closed = False

    def teardown(self):
        if hasattr(self, "patch"):
            self.patch.undo()
            os.chdir(self.home)
            self.flash.cleanup()

    @rule()
    def offer_nonce(self):
        self.nonces.append(self.rig.nonce())

    @rule(which=IDS, counterparty_uwh=st.integers(0, 2_000), age=st.integers(0, 3))
    def lease(self, which, counterparty_uwh, age):
        self.rig.lease(which, counterparty_uwh, nonce=self.nonces[-1 - age % len(self.nonces)])
        self.look()

    @rule(which=IDS, role=ROLES, energy_uwh=st.integers(1, 800), age=st.integers(0, 3))
    def close(self, which, role, energy_uwh, age):
        nonce = self.nonces[-1 - age % len(self.nonces)]
        self.rig.close(which, role, nonce=nonce, energy_uwh=energy_uwh, exposure_uwh=300)
        self.look()

    @rule(which=IDS, role=ROLES)
    def close_properly(self, which, role):
        self.rig.set_bus(0, 0)
        self.rig.step()
        self.look()
        nonce = self.rig.nonce()
        self.nonces.append(nonce)
        self.rig.lease(which, nonce=nonce)
        self.rig.close(which, role, nonce=nonce, energy_uwh=10**9, exposure_uwh=10**9)
        self.look()
        if self.rig.relay() != "open":
            self.rig.set_bus(12_000_000, 500_000 if role == "buyer" else -500_000)

    @rule(which=IDS, action=st.sampled_from(["open", "stop"]))
    def open(self, which, action):
        is_its = action == "stop" or which == self.rig.delivery.delivery_id
        self.rig.command(action, which)
        if is_its:
            assert self.rig.relay() == "open"

    @rule(part=st.sampled_from(sorted(CALLEES)), what=st.sampled_from(["close", "time", "open"]))
    def exception(self, part, what):
        """One part raises, whenever it is called, while this happens."""
        with pytest.MonkeyPatch.context() as broken:
            CALLEES[part](self.rig, broken)
            if what == "time":
                self.rig.run(100)
            else:
                payload = self.rig.payload(what, delivery_id(1))
                self.rig.node.receive("trueque/1/house-1/command", payload)
            self.look()

    @rule(state=st.sampled_from(["updating", "trial", "idle"]))
    def update(self, state):
        node = self.rig.node
        node.switchboard.apply(node.delivery.hold(state), node.clock.now_ms())

    @rule()
    def reset(self):
        """The watchdog bites, or the power fails and comes back."""
        self.rig.boot()
        self.rig.step(60)
        self.was_closed = False
        self.nonces = [self.rig.nonce()]

    @rule(which=IDS)
    def clear_fault(self, which):
        self.rig.command("clear_fault", which)

    @rule(bus=BUSES)
    def bus(self, bus):
        self.rig.set_bus(*bus)

    @rule(is_up=st.booleans())
    def link(self, is_up):
        self.rig.link_up = is_up

    @rule(is_absent=st.booleans())
    def sensor(self, is_absent):
        (self.rig.machine.absent.add if is_absent else self.rig.machine.absent.discard)(0x40)

    @rule(payload=st.binary(max_size=80), kind=st.sampled_from(["command", "lease", "status"]))
    def noise(self, payload, kind):
        before = self.rig.relay()
        self.rig.node.receive("trueque/1/house-1/" + kind, payload)
        assert self.rig.relay() == before

    @rule(steps=st.integers(1, 30), step_ms=st.sampled_from([5, 20, 90]))
    def time(self, steps, step_ms):
        for _ in range(steps):
            self.rig.step(step_ms)
            self.look()

    @rule()
    def long_silence(self):
        for _ in range(520):
            self.rig.step()
            self.look()
        assert self.rig.relay() == "open"

    @precondition(lambda self: self.rig.relay() != "open")
    @rule(reason=st.sampled_from(["emergency_stop", "exception"]))
    def trip(self, reason):
        node = self.rig.node
        now_ms = node.clock.now_ms()
        node.switchboard.apply(node.delivery.trip(reason, now_ms), now_ms)
        assert self.rig.relay() == "open"

    def look(self):
        """Note each closing: which delivery it was for."""
        is_closed = self.rig.relay() != "open"
        if is_closed and not self.was_closed:
            self.closed_for.append(self.rig.delivery.delivery_id)
        self.was_closed = is_closed

    @invariant()
    def never_both_relays(self):
        if hasattr(self, "rig"):
            assert self.rig.relay() != "both"

    @invariant()
    def closed_only_while_delivering_under_a_lease(self):
        if not hasattr(self, "rig") or self.rig.relay() == "open":
            return
        delivery = self.rig.delivery
        assert delivery.state == "delivering"
        assert RELAY_OF_ROLE[delivery.role] == self.rig.relay()
        # At most one look late: 90 ms here.
        assert self.rig.node.clock.now_ms() < delivery._lease_end_ms + 90

    @invariant()
    def nothing_is_closed_after_a_failure(self):
        if hasattr(self, "rig") and self.rig.node.supervisor.has_failed:
            assert self.rig.relay() == "open"

    @invariant()
    def dead_time_between_relays(self):
        if not hasattr(self, "rig"):
            return
        opened_at_us = {RELAY_IN: None, RELAY_OUT: None}
        for at_us, pin, level in self.rig.machine.edges(RELAY_IN, RELAY_OUT):
            other = RELAY_OUT if pin == RELAY_IN else RELAY_IN
            if level == 1:
                opened_at_us[pin] = at_us
            elif opened_at_us[other] is not None:
                assert at_us - opened_at_us[other] >= 50_000

    @invariant()
    def each_id_closes_once(self):
        if hasattr(self, "rig"):
            self.look()
            assert len(self.closed_for) == len(set(self.closed_for))

    @invariant()
    def each_closing_ends_in_one_reason(self):
        if not hasattr(self, "rig"):
            return
        reasons = {}
        for which, reason in self.rig.finals():
            assert reasons.setdefault(which, reason) == reason


Node.TestCase.settings = settings(
    max_examples=examples(60),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


TestNodeKeepsItsRulesWhateverHappens = Node.TestCase
