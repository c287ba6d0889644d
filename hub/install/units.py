"""The service's files as text: a site and where it lies enter, {path: content} leaves.

Options are those of systemd 252 (Debian 12, Raspberry Pi OS): systemd.exec(5), systemd.service(5).
"""

from __future__ import annotations

from pathlib import Path

from hub.config import SiteConfig
from hub.install.backup_units import backup_files
from hub.install.place import Place
from hub.install.shut_in import shut_in

__all__ = ["SERVICE", "Place", "hub_unit", "service_files"]

SERVICE = "trueque-hub.service"
PRIVILEGED_PORTS = 1024
LOG_BYTES, LOGS_KEPT = "20M", 4
JOURNAL_BYTES = "200M"


def service_files(config: SiteConfig, place: Place) -> dict[Path, str]:
    """Return every file of the service by its path below the root of the machine."""
    return {
        Path("etc/systemd/system") / SERVICE: hub_unit(config, place),
        **backup_files(place),
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
        "# For ever: what a disk, a chain or a database cannot do now, it may do in an hour.",
        "StartLimitIntervalSec=0",
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
        "RestartSec=10",
        "# A wrong configuration (exit 2) stays wrong.",
        "RestartPreventExitStatus=2",
        "# A large store is checked, or brought to a new version, before the hub is up.",
        "TimeoutStartSec=3600",
        "# The hub opens the relays and ends broker and chain itself; what is left is killed.",
        "KillMode=mixed",
        "TimeoutStopSec=30",
        "LogNamespace=trueque",
        "LimitNOFILE=16384",
        "UMask=0077",
        "",
        *shut_in(place, [place.data_dir]),
        *_devices(config),
        *_capabilities(config),
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


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
