"""Signed payloads as a hub or a board with the right key would send them, whatever they say."""

import functools
import hashlib
import hmac

from wire.members import Hex, Integer, Text, Word
from wire.records import SCHEMAS

from tests.host.fuzz.mutate import NUMBERS
from tests.host.wire.longest import longest


def quick_hmac(key, message):
    """As signing.hmac_sha256, by the standard library: the same codes, 30 times as fast."""
    return hmac.digest(key, message, hashlib.sha256)


def sign(topic, covered, key):
    """Return `covered` (bytes, an object without its brace) with its code for `topic`."""
    code = hmac.digest(key, topic.encode() + b"\0" + covered, hashlib.sha256).hex()[:32]
    return covered + b',"mac":"' + code.encode() + b'"}'


def any_member(rng, member):
    """Return a value that `member` takes, often one at the end of its range."""
    if member.is_nullable and rng.random() < 0.3:
        return None
    if isinstance(member, Integer):
        near = _near(member.least, member.most)
        if near and rng.random() < 0.5:
            return rng.choice(near)
        return rng.choice((member.least, member.most, rng.randint(member.least, member.most)))
    if isinstance(member, Word):
        return rng.choice(member.words)
    if isinstance(member, Hex):
        return rng.randbytes(member.digits // 2).hex()
    if isinstance(member, Text):
        return "a" * rng.randint(1, member.most)
    return longest(member)


@functools.cache
def _near(least, most):
    """Return the numbers at which code goes wrong, as far as a member takes them."""
    return [number for number in NUMBERS if least <= number <= most]


def any_record(rng, kind):
    """Return a record of `kind` whose members are each valid; together they need not be."""
    return {member.name: any_member(rng, member) for member in SCHEMAS[kind]}
