"""Limits of the hub's services: where things lie enters, lines of a unit leave."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hub.install.place import Place


def shut_in(place: Place, writable: Sequence[Path]) -> list[str]:
    """Return what a service may not: everything but its own directories and the network."""
    at_home = any(path.is_relative_to("/home") or path.is_relative_to("/root")
                  for path in (place.data_dir, place.program))  # fmt: skip
    return [
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        f"ReadWritePaths={' '.join(map(str, writable))}",
        f"ProtectHome={'read-only' if at_home else 'yes'}",
        "PrivateTmp=yes",
        "PrivateMounts=yes",
        "ProtectProc=invisible",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelLogs=yes",
        "ProtectControlGroups=yes",
        "ProtectHostname=yes",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "RemoveIPC=yes",
        "LockPersonality=yes",
        "KeyringMode=private",
        "# Netlink: which addresses this machine has. MemoryDenyWriteExecute would stop Node.js.",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
        "SystemCallArchitectures=native",
        "# adjtimex tells whether the clock is synchronised; setting it takes CAP_SYS_TIME.",
        "SystemCallFilter=@system-service adjtimex clock_adjtime",
        "SystemCallFilter=~@privileged",
        "SystemCallErrorNumber=EPERM",
    ]
