"""What a unit needs besides the parts on its drawing: supplies, cables, boards, boxes, tools."""

from __future__ import annotations

from hw.schematics.model import Extra, Item

_USB_SUPPLY = Item("USB supply 5 V 1 A or more, class II (no earth pin), with micro-USB cable",
                   "Mean Well", "GST12E05-USB", "any class II supply of a phone", "")  # fmt: skip
_WIRE_THIN = Item("Stranded wire 0.25 mm2, 25 m, colours of the wire list", "generic", "",
                  "AWG 24", "")  # fmt: skip
_WIRE_THICK = Item("Stranded wire 0.75 mm2, 10 m, colours of the wire list", "generic", "H05V-K",
                   "AWG 18", "")  # fmt: skip
_STRIP = Item("Terminal strip 2.5 mm2, 12 poles: in-line diodes between its terminals", "generic",
              "", "lever clamps", "")  # fmt: skip
_HOLDER = Item("In-line or clip-on holder for 5x20 mm fuses", "generic", "",
               "any for 250 V 6 A", "")  # fmt: skip
_BOX = Item("Box of flame-retardant plastic with cable entries, 200 x 150 mm", "generic", "",
            "any of UL 94 V-0", "")  # fmt: skip

PEER_NODE = [
    Extra(1, "supply of U1", _USB_SUPPLY),
    Extra(1, "carrier", Item("Circuit board of carrier.kicad_pcb, 2 layers, 1.6 mm", "any maker",
                             "carrier.kicad_pcb", "perfboard 100 x 80 mm and thin wire", "")),
    Extra(2, "socket of U1", Item("Socket strip 1x20, 2.54 mm", "Samtec", "SSW-120-01-G-S",
                                  "any 1x20 socket", "")),
    Extra(1, "BT1", Item("Fire-proof tray or bag for the pack", "generic", "",
                         "clay pot on sand", "")),
    Extra(3, "F1 F2 F3", _HOLDER),
    Extra(1, "D4 to D10", _STRIP),
    Extra(1, "cable to the bus", Item("Cable 2 x 1.5 mm2, 1 m, XT30 at both ends", "generic", "",
                                      "AWG 16 pair", "")),
    Extra(1, "signals", _WIRE_THIN), Extra(1, "power", _WIRE_THICK), Extra(1, "house", _BOX),
]  # fmt: skip
HUB = [
    Extra(1, "supply of U1", Item("USB-C supply 5 V 3 A (Pi 4) or 5 A (Pi 5)", "Raspberry Pi",
                                  "SC0213 / SC1155", "any of that rating", "")),
    Extra(1, "U1", Item("Micro SD card 32 GB, endurance type", "generic", "", "USB SSD", "")),
    Extra(1, "panel board", Item("Perfboard with socket 2x20, 2.54 mm", "generic", "",
                                 "prototyping HAT", "")),
    Extra(1, "to the bus box", Item("Cable 5 x 0.25 mm2, 1 m: 3 wires X1, 2 wires X2", "generic",
                                    "LiYY 5x0.25", "any of 5 wires", "")),
    Extra(1, "signals", _WIRE_THIN),
]  # fmt: skip


def bus_box(houses: int) -> list[Extra]:
    """Return the extras of the bus box."""
    bridge = Item("Plug XHP-2 with a wire from 1 to 2, for benches without the hub's panel", "JST",
                  "XHP-2 + SXH-001T-P0.6", "a wire link in X21", "")  # fmt: skip
    return [Extra(houses + 1, f"F1 to F{houses}, F10", _HOLDER), Extra(1, "X21", bridge),
            Extra(1, "power", _WIRE_THICK), Extra(1, "signals", _WIRE_THIN),
            Extra(1, "bus box", _BOX)]  # fmt: skip
