"""A seeded source of damage: bytes and JSON in, something like them out."""

import json

NUMBERS = (
    0,
    1,
    -1,
    255,
    65_535,
    1 << 31,
    (1 << 32) - 1,
    1 << 53,
    10**12,
    10**15,
    1 << 64,
    -(10**30),
)
WORDS = ("", "a", "close", "0" * 32, "f" * 32, "\u00e4", "x" * 200, "null", "\\", "\x00")


def any_value(rng, depth=2):
    """Return a random JSON value."""
    kind = rng.randrange(9 if depth else 6)
    if kind < 2:
        return rng.choice(NUMBERS) + rng.randrange(-2, 3)
    if kind == 2:
        return rng.choice(WORDS)
    if kind == 3:
        return rng.choice((None, True, False))
    if kind == 4:
        return rng.random() * rng.choice((1, -1e9, 1e300))
    if kind == 5:
        return rng.randrange(1 << rng.randrange(1, 64))
    if kind == 6:
        return [any_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(WORDS): any_value(rng, depth - 1) for _ in range(rng.randrange(4))}


def any_bytes(rng, most):
    """Return up to `most` random bytes, short ones more often."""
    return rng.randbytes(rng.randrange(rng.choice((4, 40, most)) + 1))


def damaged(rng, content):
    """Return `content` (bytes) with bits flipped, cut, doubled or spliced."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        place = rng.randrange(len(content) + 1)
        kind = rng.randrange(5)
        if kind == 0 and place < len(content):
            content[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del content[place : place + rng.randrange(20)]
        elif kind == 2:
            content[place:place] = rng.randbytes(rng.randrange(8))
        elif kind == 3:
            content[place:place] = content[place : place + rng.randrange(60)]
        else:
            content[place : place + 1] = rng.choice(
                (b'"', b"{", b"}", b",", b":", b"\x00", b"-", b"9")
            )
    return bytes(content)


def changed_object(rng, record):
    """Return a JSON object (bytes, its brace left out) like `record`, its members changed."""
    members = [(name, json.dumps(value)) for name, value in record.items()]
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        place = rng.randrange(len(members))
        name, text = members[place]
        kind = rng.randrange(7)
        if kind == 0:
            members.pop(place)
        elif kind == 1:
            members[place] = (name, json.dumps(any_value(rng)))
        elif kind == 2:
            members.insert(rng.randrange(len(members)), (name, text))
        elif kind == 3:
            members.insert(place, (rng.choice(WORDS), text))
        elif kind == 4:
            rng.shuffle(members)
        elif kind == 5:
            members[place] = (
                name,
                rng.choice((text + ".0", text + "e3", "0" + text, " " + text + " ")),
            )
        else:
            members[place] = (name, rng.choice(("NaN", "Infinity", "[]", "{}", "", "tru", "--1")))
        if not members:
            break
    text = ",".join(f"{json.dumps(name)}:{value}" for name, value in members)
    return ("{" + text).encode()
