"""How many examples of a property are tried: with TRUEQUE_THOROUGH=1 twenty times as many."""

import os

TIMES = 20 if os.environ.get("TRUEQUE_THOROUGH") == "1" else 1


def examples(usual):
    """Return the number to try, from that of an ordinary run."""
    return usual * TIMES
