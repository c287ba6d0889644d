"""Runs on an emulated board as its main.py: delivers for ever, as a node's store sees it."""

# mypy: ignore-errors
# For MicroPython, in whose untyped modules it is at home.

from node.registers import PICO_PER_MICRO_HOUR, Registers
from node.store import Store

BLOCKS = 3
BLOCK_UWH = 1_000
COUNTER = "pv_import"
"""The register that counts deliveries here; `bus_export` has their energy."""


def name_of(number):
    """Return the id of the nth delivery."""
    return f"{number:032x}"


def deliver(registers, store):
    """Deliver once, from before the relay closes to the marks of the report."""
    registers.add(COUNTER, PICO_PER_MICRO_HOUR, 1)
    began_uwh = registers["bus_export"]
    members = {
        "delivery_id": name_of(registers[COUNTER]),
        "role": "seller",
        "phase": "progress",
        "energy_uwh": 0,
        "counterparty_uwh": 0,
        "elapsed_ms": 1,
        "register_uwh": began_uwh,
        "reason": None,
    }
    store.begin_delivery(members)
    for _ in range(BLOCKS):
        registers.add("bus_export", PICO_PER_MICRO_HOUR, BLOCK_UWH)
        members["register_uwh"] = registers["bus_export"]
        members["energy_uwh"] = registers["bus_export"] - began_uwh
        store.keep_running(members)
    store.keep_final(dict(members, phase="final", reason="commanded"))
    for told in store.finals.unsent():  # those that were cut off, too
        store.finals.acknowledge(told["delivery_id"])
        store.finals.acknowledge_signature(told["delivery_id"])
    store.save()


def main():
    """Deliver until the power fails."""
    registers = Registers()
    store = Store(registers)
    while True:
        deliver(registers, store)


if __name__ == "__main__":
    main()
