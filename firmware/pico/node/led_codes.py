"""What the node is doing in, light of the board's own LED out: one code at a time.

The house's LED is apart from it: that one is lit while the house receives energy, else dark.
"""

STEP_MS = 100
CODES = {  # light of each step, repeated
    "no_settings": "1111100000",
    "joining": "1000000000",
    "connecting": "1010000000",
    "connected": "1" + 29 * "0",
    # Steady: a write to a Pico W's LED goes over the radio's bus, and the safety loop waits for it.
    "delivering": "1",
    "fault": "1100",
    "update_trial": "1010100000",
}


class StatusLed:
    """Shows codes on `pin`; after the first `show`, `step` must be called every STEP_MS."""

    def __init__(self, pin):
        self._pin = pin
        self._steps = None
        self._place = 0
        self._is_lit = None

    def show(self, code):
        """Begin another code; the one that is shown goes on as it is."""
        if CODES[code] is not self._steps:
            self._steps = CODES[code]
            self._place = 0

    def step(self):
        """Show the next step."""
        is_lit = self._steps[self._place] == "1"
        self._place = (self._place + 1) % len(self._steps)
        if is_lit != self._is_lit:  # on a Pico W each write goes over the radio's bus
            self._is_lit = is_lit
            self._pin.value(1 if is_lit else 0)


def code_of(state, relay, link):
    """Return the code that matters most.

    `state`, `relay`: as a status tells them. `link`: "joining", "connecting" or "connected".
    """
    if state == "fault":
        return "fault"
    if relay != "open":
        return "delivering"
    return "update_trial" if state in ("updating", "trial") else link
