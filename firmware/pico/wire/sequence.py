"""Sequence numbers: is a verified record new, the last one again, or older."""

NEW = "new"
DUPLICATE = "duplicate"
STALE = "stale"


def judge(last, seq):
    """Judge `seq` against the highest one accepted (`last`, None before the first)."""
    if last is None or seq > last:
        return NEW
    if seq == last:
        return DUPLICATE
    return STALE
