"""Steps of a delivery that tests of a whole node share."""

from tests.host.node.rig import delivery_id

FIRST, SECOND = delivery_id(1), delivery_id(2)
FULL_UV, FULL_UA = 12_000_000, 500_000  # 6 W: 33.3 uWh each 20 ms, 333 uWh a block


def deliver(rig, role="buyer", **changes):
    """Lease, close and let the current flow."""
    rig.lease(FIRST)
    rig.close(FIRST, role, **changes)
    assert rig.relay() == {"buyer": "in", "seller": "out"}[role]
    rig.set_bus(FULL_UV, FULL_UA if role == "buyer" else -FULL_UA)


def run_leased(rig, duration_ms, counterparty=lambda energy_uwh: energy_uwh):
    """Run with the hub renewing leases, both meters agreeing unless told otherwise."""
    for _ in range(duration_ms // 200):
        rig.run(200)
        if rig.relay() == "open":
            return
        rig.lease(FIRST, counterparty(rig.delivery.energy_uwh))


def after_opening(rig, voltage_uv=0):
    """The contact opens: no current any more."""
    rig.set_bus(voltage_uv, 0)
    rig.run(300)
