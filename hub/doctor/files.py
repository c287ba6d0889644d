"""The site's files: configuration, secrets, certificates, store, and the disk they lie on."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
from pathlib import Path

from cryptography import x509

import hub.certificates as authority
from hub import config as configurations
from hub import keys
from hub.config import SiteConfig
from hub.doctor.findings import FAILED, WARNING, Finding, good
from hub.errors import ConfigError, TruequeError

LITTLE_DISK_BYTES, NO_DISK_BYTES = 1 << 30, 200 << 20
LARGE_LOG_BYTES = 200 << 20


def configuration(data_dir: Path) -> tuple[SiteConfig | None, list[Finding]]:
    """Read site.toml; None, and a finding for each wrong field, when it can't be used."""
    path = data_dir / configurations.FILE_NAME
    if not path.exists():
        remedy = f"trueque hub init --data {data_dir}"
        return None, [Finding("configuration", FAILED, f"{path} does not exist", remedy)]
    try:
        config = configurations.load(data_dir)
    except ConfigError as wrong:
        return None, [
            Finding("configuration", FAILED, one, f"edit {path}") for one in wrong.problems
        ]
    houses = len(config.houses)
    found = [good("configuration", f"{houses} houses, market {config.market.kind}")]
    is_here = config.broker.listen.startswith("127.") and not config.broker.url
    if config.site.kind == "real" and is_here:
        sentence = f"broker.listen is {config.broker.listen}: no board on a network reaches it"
        remedy = 'set broker.listen to "0.0.0.0" and broker.hosts to this machine\'s name there'
        found.append(Finding("configuration", WARNING, sentence, remedy))
    return config, found


def secrets(config: SiteConfig) -> list[Finding]:
    """Look at keys.json: readable by its owner only, whole, a secret for each house."""
    path = config.keys_path
    with contextlib.suppress(OSError):
        if path.stat().st_mode & 0o077:
            return [_too_open("secrets", path)]
    try:
        keys.load(path, [house.name for house in config.houses])
    except ConfigError as wrong:
        remedy = "restore keys.json from a backup (trueque hub restore)"
        return [Finding("secrets", FAILED, one, remedy) for one in wrong.problems]
    return [good("secrets", "a key for each house, readable by its owner only")]


def _too_open(part: str, path: Path) -> Finding:
    return Finding(
        part,
        FAILED,
        f"{path} can be read by others",
        f"chmod 600 {path}",
        lambda: path.chmod(0o600),
    )


def certificates(config: SiteConfig) -> list[Finding]:
    """Look at the authority's and the broker's certificates: there, private, not ending soon."""
    if not config.broker.tls:
        return [Finding("certificates", WARNING, "broker.tls is off: boards speak in plain text",
                        "set broker.tls = true in site.toml")]  # fmt: skip
    files = authority.TlsFiles(config.tls_dir)
    if not files.authority.exists():
        return [good("certificates", "are made when the hub first starts")]
    found = [
        _too_open("certificates", path)
        for path in (files.authority_key, files.server_key)
        if path.exists() and path.stat().st_mode & 0o077
    ]
    for name, path in (("the site's authority", files.authority), ("the broker", files.server)):
        found += _certificate(config, name, path)
    return found or [good("certificates", f"{config.tls_dir}: not made yet for the broker")]


def _certificate(config: SiteConfig, name: str, path: Path) -> list[Finding]:
    if not path.exists():
        return []
    is_broker = name == "the broker"
    names = [config.broker.listen, *config.broker.hosts]
    try:
        ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as problem:
        remedy = "restore a backup" if not is_broker else f"remove {path}; the hub makes it anew"
        return [Finding("certificates", FAILED, f"{path}: {problem}", remedy)]
    days = (ends - datetime.datetime.now(datetime.UTC)).days
    if days >= authority.RENEW_BEFORE.days:
        return [good("certificates", f"that of {name} is good for {days} days")]
    level = FAILED if days < 0 else WARNING
    sentence = f"that of {name} " + ("has ended" if days < 0 else f"ends in {days} days")
    if is_broker:
        return [Finding("certificates", level, sentence, "renew it; a running hub does so daily",
                        lambda: authority.ensure(config.tls_dir, names))]  # fmt: skip
    remedy = f"make a new one: move {config.tls_dir} away, start the hub, provision every board"
    return [Finding("certificates", level, sentence, remedy)]


def disk(config: SiteConfig) -> list[Finding]:
    """Look at the room on the disk, the right to write there, and the size of logs."""
    directory = config.data_dir
    if not os.access(directory, os.W_OK):
        owner = f"start the hub as the owner of {directory}, or: chown -R $USER {directory}"
        return [Finding("disk", FAILED, f"{directory} can't be written", owner)]
    free_bytes = shutil.disk_usage(directory).free
    sentence = f"{free_bytes / 1e9:.1f} GB free in {directory}"
    found = [good("disk", sentence)]
    if free_bytes < LITTLE_DISK_BYTES:
        level = FAILED if free_bytes < NO_DISK_BYTES else WARNING
        found = [Finding("disk", level, sentence, "make room, or move the site to a larger disk")]
    for log in sorted(config.log_dir.glob("*.log")):
        if log.stat().st_size > LARGE_LOG_BYTES:
            sentence = f"{log} has {log.stat().st_size >> 20} MB"
            found.append(Finding("disk", WARNING, sentence, f"truncate -s 0 {log}"))
    return found


def store(config: SiteConfig) -> list[Finding]:
    """Look at the store's file: whole, and of a version that this program knows."""
    path = config.store_path
    if not path.exists():
        return [good("store", "is made when the hub first starts")]
    from hub.store.migrations import SCHEMA_VERSION
    from hub.store.place import look_at

    try:
        version = look_at(path)
    except TruequeError as problem:
        sentence, _, remedy = str(problem).partition("; ")
        return [Finding("store", FAILED, sentence, remedy or "trueque hub restore")]
    if version > SCHEMA_VERSION:
        sentence = f"{path} was written by a newer Trueque (schema {version})"
        return [Finding("store", FAILED, sentence, "update Trueque, or restore a backup")]
    if version < SCHEMA_VERSION:
        sentence = f"of an older Trueque (schema {version}): the next start brings it up to date"
        return [Finding("store", WARNING, sentence, "start the hub once, after a backup")]
    size = f", {path.stat().st_size / 1e6:.1f} MB" if isinstance(path, Path) else ""
    return [good("store", f"whole, schema {version}{size}")]
