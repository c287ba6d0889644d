"""SNTP (RFC 4330): a question's bytes out, a checked answer's time in. Never raises."""

import struct

QUESTION_BYTES = 48
ERA_S = 1 << 32
UNIX_S = 2_208_988_800  # from 1900 to 1970
PIVOT = 1 << 31  # smaller seconds belong to the era that begins in 2036
_CLIENT = 0x23  # no warning, version 4, client
_SERVER = 4
_UNSYNCHRONISED = 3
_WORST_STRATUM = 15


def question(cookie):
    """Return a request. `cookie`: 8 random bytes as its transmit time, which the answer echoes."""
    return bytes((_CLIENT,)) + bytes(39) + cookie


def unix_ms(answer, cookie):
    """Return the server's Unix time in ms, None unless this is a whole answer to our question."""
    if len(answer) < QUESTION_BYTES or answer[24:32] != cookie:
        return None
    is_server = answer[0] & 0x07 == _SERVER and answer[0] >> 6 != _UNSYNCHRONISED
    # Stratum 0 is a refusal, 16 a server without time.
    if not is_server or not 1 <= answer[1] <= _WORST_STRATUM:
        return None
    seconds, fraction = struct.unpack(">II", answer[40:48])
    if seconds == 0 and fraction == 0:
        return None
    if seconds < PIVOT:
        seconds += ERA_S
    return (seconds - UNIX_S) * 1000 + (fraction * 1000 >> 32)
