"""The nightly backup as systemd's files: where things lie enters, a service and its timer leave."""

from __future__ import annotations

from pathlib import Path

from hub.install.place import Place
from hub.install.shut_in import shut_in

BACKUP_SERVICE, BACKUP_TIMER = "trueque-backup.service", "trueque-backup.timer"
KEPT = 14


def backup_files(place: Place) -> dict[Path, str]:
    """Return both files by their path below the root of the machine."""
    folder = Path("etc/systemd/system")
    return {folder / BACKUP_SERVICE: _service(place), folder / BACKUP_TIMER: _timer()}


def _service(place: Place) -> str:
    program, data, backups = place.program, place.data_dir, place.backups_dir
    lines = [
        "[Unit]",
        "Description=Backup of the Trueque hub, while it runs",
        "",
        "[Service]",
        "Type=oneshot",
        f"ExecStart={program} hub backup --keep {KEPT} --data {data} {backups}",
        f"WorkingDirectory={data}",
        f"User={place.user}",
        f"Group={place.user}",
        "# Metering goes first.",
        "Nice=15",
        "IOSchedulingClass=idle",
        "TimeoutStartSec=3600",
        "LogNamespace=trueque",
        "UMask=0077",
        "",
        *shut_in(place, [data, backups]),
        "PrivateDevices=yes",
        "CapabilityBoundingSet=",
    ]
    return "\n".join(lines) + "\n"


def _timer() -> str:
    lines = [
        "[Unit]",
        "Description=Nightly backup of the Trueque hub",
        "",
        "[Timer]",
        "OnCalendar=*-*-* 02:30:00",
        "RandomizedDelaySec=1800",
        "# A night that the machine was off is made up for.",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"
