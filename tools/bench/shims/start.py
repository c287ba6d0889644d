"""Starts a virtual board: boot.py, then main.py, as a Pico does after reset.

    micropython start.py BENCH_PORT NODE FIRMWARE_DIR [run | prompt | raw]

With a fourth argument it has a console on its standard input and output, as a Pico has by USB;
"prompt": as after a Ctrl-C in main.py; "raw": as after a soft reset from the raw prompt.

The working directory is the board's flash. The modules beside this file replace MicroPython's own
(MICROPYPATH names their directory).
"""

import os
import sys
import time

import bench_console
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


def _directory():
    """Return where the firmware is: with a console the one flashed, if any, as on a Pico."""
    if len(sys.argv) > 4 and "main.py" in os.listdir():
        return "."
    return sys.argv[3]


def run_all(names):
    """Run files one after the other, until one raises."""
    for name in names:
        if not run(_directory(), name):
            return


bench_link.connect(int(sys.argv[1]), sys.argv[2])
if len(sys.argv) > 4:
    run_all(("boot.py", "main.py") if sys.argv[4] == "run" else ("boot.py",))
    bench_console.serve(sys.argv[4] == "raw")
run_all(("boot.py", "main.py"))
# A Pico waits at its prompt now, pins as they are, until its watchdog bites.
print("bench: the program ended; waiting for the watchdog")
while True:
    time.sleep(1)
