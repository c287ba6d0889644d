"""Starts a virtual board: boot.py, then main.py, as a Pico does after reset.

    micropython start.py BENCH_PORT NODE FIRMWARE_DIR

The working directory is the board's flash. The modules beside this file replace MicroPython's own
(MICROPYPATH names their directory).
"""

import sys
import time

import bench_link


def run(firmware_dir, name):
    """Run a file of the firmware as the main program; False when it raised."""
    try:
        with open(firmware_dir + "/" + name) as file:
            source = file.read()
    except OSError:
        return True
    try:
        exec(compile(source, name, "exec"), {"__name__": "__main__"})
    except Exception as error:
        sys.print_exception(error)
        return False
    return True


bench_link.connect(int(sys.argv[1]), sys.argv[2])
if run(sys.argv[3], "boot.py"):
    run(sys.argv[3], "main.py")
# A Pico waits at its prompt now, pins as they are, until its watchdog bites.
print("bench: the program ended; waiting for the watchdog")
while True:
    time.sleep(1)
