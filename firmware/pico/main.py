"""Builds the node from its settings and runs it."""

import asyncio


class Hardware:
    """The modules of this board, passed in wherever they are needed."""

    import machine
    import network
    import rp2


def main():
    """Run until the watchdog resets the board; without good settings, say what is wrong."""
    from node import settings
    from node.app import Node

    try:
        wanted = settings.load()
    except settings.SettingsError as problem:
        for sentence in problem.problems:
            print("settings:", sentence)
        return
    asyncio.run(Node(wanted, Hardware).run())


if __name__ == "__main__":
    main()
