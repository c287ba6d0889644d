"""A node's life around one delivery, on a flash whose power may fail in any write; what must hold.

The hub's word at the end is the judge: it knows a delivery by its id and believes one final of it.
"""

import gc

from node import backlog, secp256k1, slots, staging, underway
from wire import signing

from tests.host.fakes.ticks import Ticks
from tests.host.fuzz.identity import quick_public_key
from tests.host.fuzz.signed import quick_hmac
from tests.host.node.deliveries import FIRST, FULL_UA, FULL_UV, SECOND
from tests.host.node.rig import RELAY_IN, Rig
from tests.host.node.test_power_cuts import UWH, PowerCut
from tests.host.power.chip import Board

MODULES = (slots, underway, backlog, staging)
BEFORE_UWH = 1_000_000
"""In the registers before all."""
SAVES = 4
MOST_WRITES = 200


def quicken(patch):
    """Replace what would take longer than all else."""
    patch.setattr(secp256k1, "public_key", quick_public_key)
    patch.setattr(signing, "hmac_sha256", quick_hmac)
    patch.setattr(gc, "collect", int)  # as a board does, but here each takes 0.1 s


class Life:
    """One board from its first power-on; `course` is what the power fails in."""

    def __init__(self, patch, content=None):
        """`content`: of the flash of a board that has a past (see `past`), None for a new one."""
        self.board = Board(content)
        self.board.patch(patch, *MODULES)
        quicken(patch)
        self.rig = Rig(Ticks(), patch)
        self.saved_uwh = 0  # of FIRST, by the last save that ended
        self.metered_uwh = None  # of FIRST, when the power failed first
        self.was_closed = False  # a relay, ever

    def begin(self):
        """Do what a board does after each start, until it waits for the hub's word."""
        rig = self.rig
        assert rig.relay() == "open"
        rig.node.announce()
        rig.step(60)
        rig.set_clock()
        rig.step(60)
        assert rig.relay() == "open" and not rig.node.supervisor.has_failed

    def past(self, saves=1):
        """Begin, save `saves` times what was counted, end; return the flash.

        By them the next erase comes sooner or later.
        """
        self.begin()
        for name in ("bus_import", "pv_export"):
            self.rig.node.registers.add(name, BEFORE_UWH * UWH, 1)
        for _ in range(saves):
            self.rig.node.registers.add("pv_import", UWH, 1)
            self.rig.node.save()
        return self.board.content()

    def course(self):
        """Deliver FIRST, saving in between, to the marks that its final is told."""
        self.begin()
        self.close(FIRST)
        for _ in range(SAVES):
            self.rig.run(200)
            self.rig.lease(FIRST)
            self.save()
        self.rig.run(100)  # what a cut may cost
        self.open(FIRST)
        self.rig.node.save()

    def close(self, which):
        """Lease, close, let current flow."""
        rig = self.rig
        rig.lease(which)
        rig.close(which)
        assert rig.relay() == "in"
        rig.set_bus(FULL_UV, FULL_UA)

    def open(self, which):
        """Open by the hub's word; the final goes out and the broker acknowledges it."""
        self.rig.command("open", which)
        self.rig.set_bus(0, 0)
        self.rig.run(300)

    def save(self):
        """Save as every five minutes."""
        energy_uwh = self.rig.delivery.energy_uwh
        self.rig.node.save()
        self.saved_uwh = energy_uwh

    def fail(self):
        """The power has failed: relays open; note what was, mount what is left."""
        rig = self.rig
        if self.metered_uwh is None:
            self.metered_uwh = rig.node.registers["bus_import"] - BEFORE_UWH
        self.was_closed |= any(level == 0 for _, _, level in rig.machine.edges(RELAY_IN))
        rig.set_bus(0, 0)
        self.board.power_on()

    def restart(self):
        """Start, after a cut or without one."""
        self.board.reset()
        self.rig.boot()
        self.begin()

    def finals(self, which, start=0):
        """Return the finals of a delivery told since record `start`."""
        return [
            record
            for kind, record in self.rig.sent[start:]
            if kind == "delivery" and record["phase"] == "final" and record["delivery_id"] == which
        ]


def run_to_cut(life, what, nth, share):
    """Do `what`, the power failing in its nth write, `share` of that done. Tell whether it did."""
    life.board.chip.cut_in(nth, share)
    try:
        what()
    except PowerCut:
        return True
    return False


def writes_until_done(one):
    """Call `one(nth)` for the 1st write, the 2nd ... until it says that there was none to cut.

    Return how many writes there were.
    """
    for nth in range(1, MOST_WRITES):
        try:
            if not one(nth):
                return nth - 1
        except Exception as problem:
            raise AssertionError(f"the power failed in write {nth}") from problem
    raise AssertionError("it has no end")


def writes_of(life, what):
    """Return how many writes `what` takes when the power does not fail."""
    before = life.board.chip.writes
    what()
    return life.board.chip.writes - before


def check(life):
    """Check what a board that has restarted knows of FIRST, tells and does."""
    rig = life.rig
    check_energy(life)
    check_numbers(rig.sent)
    # What is acknowledged and marked is told no more.
    rig.node.save()
    start = len(rig.sent)
    life.restart()
    assert life.finals(FIRST, start) == []
    # The hub may not have heard: it orders the same id again.
    is_known = rig.node.store.finals.is_finished(FIRST)
    rig.lease(FIRST)
    rig.close(FIRST)
    assert rig.relay() == ("open" if is_known else "in")
    if not is_known:
        life.open(FIRST)
    assert len(life.finals(FIRST, start)) >= 1
    life.close(SECOND)
    life.open(SECOND)
    assert rig.finals()[-1] == (SECOND, "commanded")
    assert not rig.node.supervisor.has_failed


def check_energy(life):
    """One final, of what had flowed, no less than was saved; registers hold it once."""
    counted_uwh = life.rig.node.registers["bus_import"] - BEFORE_UWH
    assert life.saved_uwh <= counted_uwh <= life.metered_uwh
    assert life.rig.node.registers["pv_export"] == BEFORE_UWH
    told = {(each["energy_uwh"], each["reason"]) for each in life.finals(FIRST)}
    if not life.was_closed:
        assert told <= {(0, "rebooted")}
        return
    ((energy_uwh, reason),) = told
    assert FIRST in {each["delivery_id"] for each in life.rig.node.store.finals.unsigned()}
    assert life.saved_uwh <= energy_uwh <= counted_uwh
    if reason == "commanded":
        assert energy_uwh == counted_uwh
    (register_uwh,) = {each["register_uwh"] for each in life.finals(FIRST)}
    assert register_uwh <= BEFORE_UWH + counted_uwh


def check_numbers(sent):
    """Numbers grow within each kind, or the hub would refuse what comes later."""
    last = {}
    for kind, record in sent:
        assert record["seq"] > last.get(kind, 0), kind
        last[kind] = record["seq"]
