"""Provisioning: a house's configuration and keys enter, its board's settings.json leaves."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hub import certificates
from hub.config import SiteConfig
from hub.config_tables import House
from hub.errors import ConfigError
from hub.keys import Keys

FILE_NAME = "settings.json"
UNDER_PERCENT, OVER_PERCENT = 75, 125
"""Of the bus's nominal voltage: where a board opens its relay."""
AUTHORITY_NAME = "ca.der"  # on the board: what it checks the broker's certificate against
INA226_BUS = {"address": 0x40, "shunt_uohm": 50_000}
INA226_PV = {"address": 0x41, "shunt_uohm": 20_000}
INA226_BATTERY = {"address": 0x44, "shunt_uohm": 20_000}


def authority_for_boards(config: SiteConfig) -> Path | None:
    """Return who must have signed for the broker, in DER; None without TLS. Raises ConfigError."""
    if not config.broker.tls:
        return None
    if not config.broker.url:
        return certificates.ensure(config.tls_dir, config.broker.names)[0].authority_der
    source = Path(config.broker.authority)
    try:
        found = x509.load_pem_x509_certificate(source.read_bytes())
    except (OSError, ValueError) as problem:
        raise ConfigError(str(source), [f"is no certificate in PEM: {problem}"]) from None
    path = config.data_dir / "outside-authority.der"
    path.write_bytes(found.public_bytes(Encoding.DER))
    return path


def board_settings(
    config: SiteConfig, keys: Keys, house: House, ports: Mapping[str, int]
) -> dict[str, Any]:
    """Return what the board of `house` needs to know; its schema is firmware's node/settings.py.

    `ports`: those of "broker" and "ntp". `broker_ca` names the file written beside the settings.
    """
    sensors = {"bus": INA226_BUS, "battery": INA226_BATTERY}
    if house.kind == "prosumer":
        sensors["pv"] = INA226_PV
    settings = {
        "node": house.name,
        "wifi_ssid": config.boards.wifi_ssid,
        "wifi_password": keys.wifi_password,
        "broker_host": config.broker.hosts[0],
        "broker_port": ports["broker"],
        "broker_user": house.name,
        "broker_password": keys.broker_passwords[house.name],
        "broker_tls": config.broker.tls,
        "ntp_port": ports["ntp"],
        "clock_floor_s": int(time.time()),  # until it knows more, TLS takes that for the date
        "key_up": keys.node_key(house.name, "up").hex(),
        "key_down": keys.node_key(house.name, "down").hex(),
        "profile": "thesis",
        "relay_active_low": config.boards.relay_active_low,
        "reading_period_ms": config.boards.reading_period_ms,
        "snapshot_period_ms": config.boards.snapshot_period_ms,
        "limits": {
            "bus_voltage_uv": config.bus.nominal_uv,
            "under_voltage_uv": config.bus.nominal_uv * UNDER_PERCENT // 100,
            "over_voltage_uv": config.bus.nominal_uv * OVER_PERCENT // 100,
        },
        "ina226": sensors,
        "calibration": {},
    }
    if config.boards.update_key:
        settings["update_key"] = config.boards.update_key
    if config.broker.tls:
        settings["broker_ca"] = AUTHORITY_NAME
        settings["broker_name"] = config.broker.name_shown
    return settings


def provision(
    config: SiteConfig, keys: Keys, ports: Mapping[str, int], authority: Path | None
) -> list[Path]:
    """Write the settings of every board under `boards.directory`; return the files.

    `authority`: the site's, in DER, to be copied beside them; None without TLS.

    A board's calibration is measured, not configured: what stands in its file is kept.
    """
    written = []
    for house in config.houses:
        path = config.boards_dir / house.name / FILE_NAME
        settings = board_settings(config, keys, house, ports)
        settings["calibration"] = _known_calibration(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if authority is not None:
            shutil.copyfile(authority, path.with_name(AUTHORITY_NAME))
        _write_secret(path, json.dumps(settings, indent=1))
        written.append(path)
    return written


def _known_calibration(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("calibration", {})
    except (OSError, ValueError, AttributeError):
        return {}


def _write_secret(path: Path, text: str) -> None:
    """Replace a file in one step; it is readable by its owner only from its first byte on."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(fresh, path)
