"""Flash directories of virtual boards enter, their public keys leave, as over a technician's cable.

The firmware's own code makes each key, under MicroPython, in that board's flash, when it has none.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hub.errors import TruequeError

FIRMWARE = Path(__file__).parents[2] / "firmware" / "pico"
TIMEOUT_S = 60.0
ASK = """
from node.identity import load_or_make
print(load_or_make({chip!r}).public_key.hex())
"""


def public_key(flash_dir: Path, chip: bytes) -> str:
    """Return a board's public key, 128 hex digits. `chip`: the unique number of its flash chip.

    The board must not be running.
    """
    flash_dir.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "micropython_unix", "-c", ASK.format(chip=chip)],
        env=dict(os.environ, MICROPYPATH=f"{FIRMWARE}:.frozen"),
        cwd=flash_dir,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise TruequeError(f"{flash_dir}: the board made no key: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()
