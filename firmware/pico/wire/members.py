"""Kinds of record members: each checks one value."""

import binascii

BAD_TYPE = "bad_type"
OUT_OF_RANGE = "out_of_range"
# Why a payload is no record.
REJECTIONS = (
    "oversize",
    "will",
    "unknown_topic",
    "bad_mac",
    "bad_json",
    "duplicate_member",
    "missing_member",
    "extra_member",
    BAD_TYPE,
    OUT_OF_RANGE,
)

_TEXT_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-._+"
_HEX_CHARACTERS = "0123456789abcdef"


def _has_only(text, characters):
    return not text.strip(characters)  # what is left starts with another character


class Member:
    """One named member. `check` returns "" for a good value, else a reason."""

    def __init__(self, name, is_nullable=False):
        self.name = name
        self.is_nullable = is_nullable

    def check(self, value):
        if value is None:
            return "" if self.is_nullable else BAD_TYPE
        return self._check_value(value)

    def _check_value(self, value):
        raise TypeError("a kind of member checks its own values")


class Integer(Member):
    """An integer from `least` to `most`, both included."""

    def __init__(self, name, least, most, is_nullable=False):
        super().__init__(name, is_nullable)
        self.least = least
        self.most = most

    def _check_value(self, value):
        if isinstance(value, bool) or not isinstance(value, int):
            return BAD_TYPE
        return "" if self.least <= value <= self.most else OUT_OF_RANGE


class Word(Member):
    """One of a fixed set of words."""

    def __init__(self, name, words, is_nullable=False):
        super().__init__(name, is_nullable)
        self.words = words

    def _check_value(self, value):
        if not isinstance(value, str):
            return BAD_TYPE
        return "" if value in self.words else OUT_OF_RANGE


class Hex(Member):
    """Exactly `digits` lower-case hexadecimal digits."""

    def __init__(self, name, digits, is_nullable=False):
        super().__init__(name, is_nullable)
        self.digits = digits

    def _check_value(self, value):
        if not isinstance(value, str):
            return BAD_TYPE
        is_good = len(value) == self.digits and _has_only(value, _HEX_CHARACTERS)
        return "" if is_good else OUT_OF_RANGE


class Text(Member):
    """A word of 1 to `most` of a-z, 0-9, '-', '.', '_' and '+'."""

    def __init__(self, name, most, is_nullable=False):
        super().__init__(name, is_nullable)
        self.most = most

    def _check_value(self, value):
        if not isinstance(value, str):
            return BAD_TYPE
        is_good = 1 <= len(value) <= self.most and _has_only(value, _TEXT_CHARACTERS)
        return "" if is_good else OUT_OF_RANGE


class Base64(Member):
    """1 to `most` bytes in base64 (RFC 4648), padded, on one line."""

    def __init__(self, name, most, is_nullable=False):
        super().__init__(name, is_nullable)
        self.most = most

    def _check_value(self, value):
        if not isinstance(value, str):
            return BAD_TYPE
        if not 1 <= len(value) <= (self.most + 2) // 3 * 4:
            return OUT_OF_RANGE
        try:
            content = binascii.a2b_base64(value)
        except ValueError:
            return OUT_OF_RANGE
        # Both interpreters pass over what is not base64: only the one way to write it is accepted.
        is_good = len(content) <= self.most and binascii.b2a_base64(content)[:-1] == value.encode()
        return "" if is_good else OUT_OF_RANGE
