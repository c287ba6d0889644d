"""Memory in one piece for the next TLS connection, held while there is none.

TLS reads into 16.7 kB in one piece. Once a connection is lost, readings that wait, registers and
garbage settle in what was its place, and on a board at work no such piece comes again though 75 kB
may be free: it would not connect any more.
"""

# Of MicroPython 1.28: what it reads into and what it writes from. A connection leaves such pieces
# behind when it is closed, so that they are always to be had again.
PIECES_BYTES = (16_736, 4_448)


class TlsRoom:
    """Held from the start, let go for a handshake, held again when the connection is closed."""

    def __init__(self, is_needed):
        """`is_needed`: whether TLS is spoken at all."""
        self._is_needed = is_needed
        self._held = []
        self.hold()

    def hold(self):
        """Take the room, before anything else can."""
        if not self._is_needed or self._held:
            return
        for size in PIECES_BYTES:
            try:
                self._held.append(bytearray(size))
            except MemoryError:
                pass  # the handshake finds another place, or fails

    def release(self):
        """Make room for a handshake, which must follow at once."""
        self._held = []
