"""The service's files as text: a site and where it lies enter, {path: content} leaves.

Options are those of systemd 252 (Debian 12, Raspberry Pi OS): systemd.exec(5), systemd.service(5).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.config import SiteConfig

SERVICE = "trueque-hub.service"
PRIVILEGED_PORTS = 1024
LOG_BYTES, LOGS_KEPT = "20M", 4
JOURNAL_BYTES = "200M"


@dataclass(frozen=True)
class Place:
    """Where things are on the machine; all absolute."""

    data_dir: Path
    program: Path  # the `trueque` command
    user: str


def service_files(config: SiteConfig, place: Place) -> dict[Path, str]:
    """Return every file of the service by its path below the root of the machine."""
    return {
        Path("etc/systemd/system") / SERVICE: hub_unit(config, place),
        Path("etc/systemd/journald@trueque.conf"): journal(),
        Path("etc/logrotate.d/trueque"): rotation(place),
        Path("etc/sysusers.d/trueque.conf"): system_user(place),
    }


def hub_unit(config: SiteConfig, place: Place) -> str:
    """Return the hub's unit: started at boot, watched, restarted, and shut in."""
    lines = [
        "[Unit]",
        f"Description=Trueque hub of {config.site.name}",
        "Wants=network-online.target",
        "After=network-online.target time-sync.target",
        "# Ten failures in ten minutes need a person; then: systemctl reset-failed.",
        "StartLimitIntervalSec=600",
        "StartLimitBurst=10",
        "",
        "[Service]",
        "# The hub tells that it is ready, and that it is alive; one that hangs is restarted.",
        "Type=notify",
        "NotifyAccess=main",
        "WatchdogSec=60",
        f"ExecStart={place.program} hub up --data {place.data_dir}",
        f"WorkingDirectory={place.data_dir}",
        f"User={place.user}",
        f"Group={place.user}",
        "Restart=always",
        "RestartSec=2",
        "# A wrong configuration (exit 2) stays wrong.",
        "RestartPreventExitStatus=2",
        "TimeoutStartSec=180",
        "# The hub opens the relays and ends broker and chain itself; what is left is killed.",
        "KillMode=mixed",
        "TimeoutStopSec=30",
        "LogNamespace=trueque",
        "LimitNOFILE=16384",
        "UMask=0077",
        "",
        *_shut_in(place),
        *_devices(config),
        *_capabilities(config),
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


def _shut_in(place: Place) -> list[str]:
    """Return what the service may not: everything but its own directory and the network."""
    at_home = any(path.is_relative_to("/home") or path.is_relative_to("/root")
                  for path in (place.data_dir, place.program))  # fmt: skip
    return [
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        f"ReadWritePaths={place.data_dir}",
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


def _devices(config: SiteConfig) -> list[str]:
    if config.panel.kind != "gpio":
        return ["PrivateDevices=yes"]
    return [
        "# The panel's pins.",
        "DevicePolicy=closed",
        "DeviceAllow=char-gpiochip rw",
        "SupplementaryGroups=gpio",
        "Environment=LG_WD=/tmp",
    ]


def _capabilities(config: SiteConfig) -> list[str]:
    ports = (config.broker.port, config.ntp.port if config.ntp.serve else 0, config.page.port)
    if not any(0 < port < PRIVILEGED_PORTS for port in ports):
        return ["CapabilityBoundingSet="]
    return [
        "# site.toml has a port below 1024.",
        "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
        "AmbientCapabilities=CAP_NET_BIND_SERVICE",
    ]


def journal() -> str:
    """Return the limits of the journal's own namespace (journald.conf(5))."""
    return f"[Journal]\nStorage=persistent\nSystemMaxUse={JOURNAL_BYTES}\nCompress=yes\n"


def rotation(place: Place) -> str:
    """Return logrotate's rule for the logs of broker and chain, which append to open files."""
    data = place.data_dir
    return (
        f"{data}/log/*.log {data}/broker/broker.log {{\n"
        f"    su {place.user} {place.user}\n"
        f"    size {LOG_BYTES}\n"
        f"    rotate {LOGS_KEPT}\n"
        "    copytruncate\n    compress\n    missingok\n    notifempty\n}\n"
    )


def system_user(place: Place) -> str:
    """Return the line of sysusers.d(5) that makes the service's user: no password, no shell."""
    return f'u {place.user} - "Trueque hub" {place.data_dir} /usr/sbin/nologin\n'
