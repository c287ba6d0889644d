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
        elif vector.get("digest", "") != digest(vector["topic"], record):
            found.append("%s: another digest" % vector["name"])
    return found


def digest(topic, record):
    """Return what the board's own key signs of a record, in hex, "" of a kind it doesn't sign."""
    from wire import digests, topics

    node, kind = topics.parse(topic)
    if kind == "signature":
        figures = [record[name] for name in ("role", "energy_uwh", "counterparty_uwh")]
        return digests.report_digest(record["delivery_id"], *figures).hex()
    return digests.snapshot_digest(node, record).hex() if kind == "snapshot" else ""


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        vectors = json.load(file)
    wrong = failures(vectors)
    for line in wrong:
        print(line)
    print("%d checked, %d failed" % (len(vectors), len(wrong)))
    sys.exit(1 if wrong else 0)
