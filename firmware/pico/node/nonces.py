"""The random nonces a node offers, and how long a lease or command may lean on one."""

from binascii import hexlify

from wire.units import NONCE_LIFE_MS


class Nonces:
    """Recent nonces with the time each was issued. Older ones are forgotten."""

    def __init__(self, random_bytes):
        """`random_bytes(count)`: os.urandom."""
        self._random_bytes = random_bytes
        self._issued = []  # (nonce, issued_at_ms), oldest first

    def issue(self, now_ms):
        """Return a fresh nonce of 32 hex digits."""
        self._forget(now_ms)
        nonce = hexlify(self._random_bytes(16)).decode()
        self._issued.append((nonce, now_ms))
        return nonce

    def end_ms(self, nonce, now_ms):
        """Return when what echoes `nonce` ends, or None when it is not one of the recent."""
        self._forget(now_ms)
        for known, issued_at_ms in self._issued:
            if known == nonce:
                return issued_at_ms + NONCE_LIFE_MS
        return None

    def _forget(self, now_ms):
        while self._issued and now_ms - self._issued[0][1] >= NONCE_LIFE_MS:
            self._issued.pop(0)
