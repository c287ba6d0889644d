"""Check codec against vectors.json; runs on CPython and MicroPython alike.

Usage: on_board_vectors.py VECTORS. Prints one line a failure and then "N checked, M failed".
"""

import json
import sys


def failures(vectors):
    """Return a list of sentences, one for every vector whose verdict is wrong."""
    from wire import codec

    found = []
    for vector in vectors:
        key = bytes.fromhex(vector["key"])
        payload = vector["payload"].encode()
        record, reason = codec.decode(vector["topic"], payload, key)
        if reason != vector["reason"]:
            found.append("%s: %r, expected %r" % (vector["name"], reason, vector["reason"]))
        elif record != vector.get("record"):
            found.append("%s: record differs" % vector["name"])
        elif record is None or " " in vector["payload"]:
            continue
        elif codec.encode(vector["topic"], record, key) != payload:
            found.append("%s: encodes to other bytes" % vector["name"])
    return found


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        vectors = json.load(file)
    wrong = failures(vectors)
    for line in wrong:
        print(line)
    print("%d checked, %d failed" % (len(vectors), len(wrong)))
    sys.exit(1 if wrong else 0)
