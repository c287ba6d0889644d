"""Builds the node from its settings and runs it."""

import asyncio
import gc

# How much may be allocated between two collections. Collected only when the memory is full, what
# stays lies scattered among what was compiled and dropped, and no block of samples fits any more.
COLLECT_AFTER_BYTES = 32_768


class Hardware:
    """The modules of this board, passed in wherever they are needed."""

    import machine
    import network
    import rp2


def main():
    """Run until the watchdog resets the board; without good settings, say what is wrong."""
    if hasattr(gc, "threshold"):
        gc.threshold(COLLECT_AFTER_BYTES)
    from node import settings
    from node.app import Node

    try:
        wanted = settings.load()
    except settings.SettingsError as problem:
        for sentence in problem.problems:
            print("settings:", sentence)
        return
    node = Node(wanted, Hardware)
    try:
        asyncio.run(node.run())
    finally:
        # Ctrl-C over the cable leaves asyncio.run at once: on a board no task's own ending runs.
        node.relays.open()


if __name__ == "__main__":
    main()
