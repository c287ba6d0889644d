"""Starts what the launcher chooses, unless a technician's tool works on the board."""

import os

# A technician's tool leaves this file to be alone with the board: the watchdog, once started, would
# end whatever takes the tool longer than 8 s.
MAINTENANCE = "maintenance"
ONCE = "once"  # its content: for this start only; any other content stays until the tool removes it


def is_in_maintenance():
    """Tell whether the node must not start. The relays stay as boot.py left them: open."""
    try:
        with open(MAINTENANCE) as file:
            kind = file.read()
    except OSError:
        return False
    if kind == ONCE:
        os.remove(MAINTENANCE)
    return True


def main():
    """Run until the watchdog resets the board."""
    if is_in_maintenance():
        print("maintenance: the node is not started; trueque board flash ends this")
        return
    import launcher

    launcher.launch()


if __name__ == "__main__":
    main()
