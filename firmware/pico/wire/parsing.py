"""Strict parser of the JSON subset on the wire: one flat object of integers, words and null.

Both interpreters' own parsers accept more than JSON and tell neither of duplicate members; this
one reads the same on both, in one pass, without recursion.
"""

_DIGITS = b"0123456789"
_SPACES = b" \t\r\n"
_MOST_DIGITS = 19
_LITERALS = ((b"null", None), (b"true", True), (b"false", False))


class MalformedError(Exception):
    """The text is not of the subset; the argument is the reason to count."""


class _Cursor:
    def __init__(self, text):
        self.text = text
        self.at = 0

    def peek(self):
        """Return the byte at the cursor, or 0 (never valid here) at the end."""
        return self.text[self.at] if self.at < len(self.text) else 0

    def skip_spaces(self):
        while self.at < len(self.text) and self.text[self.at] in _SPACES:
            self.at += 1

    def expect(self, character):
        if self.peek() != ord(character):
            raise MalformedError("bad_json")
        self.at += 1


def parse_object(text):
    """Return the dict in `text` (bytes). Raises MalformedError with the reason to count."""
    cursor = _Cursor(text)
    record: dict = {}
    cursor.skip_spaces()
    cursor.expect("{")
    cursor.skip_spaces()
    if cursor.peek() == ord("}"):
        cursor.at += 1
    else:
        _parse_members(cursor, record)
    cursor.skip_spaces()
    if cursor.at != len(text):
        raise MalformedError("bad_json")
    return record


def _parse_members(cursor, record):
    while True:
        cursor.skip_spaces()
        name = _parse_string(cursor)
        if name in record:
            raise MalformedError("duplicate_member")
        cursor.skip_spaces()
        cursor.expect(":")
        cursor.skip_spaces()
        record[name] = _parse_value(cursor)
        cursor.skip_spaces()
        if cursor.peek() == ord("}"):
            cursor.at += 1
            return
        cursor.expect(",")


def _parse_value(cursor):
    first = cursor.peek()
    if first == ord('"'):
        return _parse_string(cursor)
    if first == ord("-") or first in _DIGITS:
        return _parse_integer(cursor)
    for literal, value in _LITERALS:
        if cursor.text[cursor.at : cursor.at + len(literal)] == literal:
            cursor.at += len(literal)
            return value
    raise MalformedError("bad_json")  # nested values and NaN end here too


def _parse_string(cursor):
    """A string of printable ASCII without escapes: nothing on the wire needs more."""
    cursor.expect('"')
    end = cursor.text.find(b'"', cursor.at)
    if end < 0:
        raise MalformedError("bad_json")
    content = cursor.text[cursor.at : end]
    # By whole-string operations: a loop over a chunk of firmware takes a board 40 ms.
    if content and (min(content) < 0x20 or max(content) > 0x7E or b"\\" in content):
        raise MalformedError("bad_json")
    cursor.at = end + 1
    return str(content, "utf-8")


def _parse_integer(cursor):
    start = cursor.at
    if cursor.peek() == ord("-"):
        cursor.at += 1
    first_digit = cursor.at
    while cursor.peek() in _DIGITS:
        cursor.at += 1
    digits = cursor.at - first_digit
    if digits == 0 or (digits > 1 and cursor.text[first_digit] == ord("0")):
        raise MalformedError("bad_json")
    if cursor.peek() in b".eE":
        raise MalformedError("bad_type")  # a fraction or an exponent: no integer
    if digits > _MOST_DIGITS:
        raise MalformedError("out_of_range")
    return int(str(cursor.text[start : cursor.at], "utf-8"))
