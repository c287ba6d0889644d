"""Before its boards start the bench calibrates those that are not, as a technician would."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tools.board.calibration import calibrate, channels_of
from tools.board.virtual import VirtualBoard

REFERENCE = "virtual bench, at its first start"


def calibrate_new_boards(state_dir: Path, names: Iterable[str]) -> list[str]:
    """Calibrate the boards whose settings.json has no calibration; return their names.

    It is the procedure of `trueque board calibrate` on the front ends of the bench with known
    inputs; what was measured once stays in settings.json.
    """
    done = []
    for name in names:
        path = state_dir / name / "settings.json"
        if not path.exists():
            continue
        with VirtualBoard(path.parent) as board:
            channels = channels_of(board.settings)
            known = board.settings.get("calibration", {})
            missing = [channel for channel in channels if channel.name not in known]
            if missing:
                calibrate(board, board, missing, REFERENCE)
                done.append(name)
    return done
