"""The site's certificate authority: names of the broker's host enter, files for TLS leave.

One key (P-256) signs one certificate, the broker's; boards carry the authority's in their flash
and trust nothing else. Whoever has `authority.key` can stand between hub and boards.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hub.errors import ConfigError
from hub.kept_file import write_whole

AUTHORITY_LIFE = datetime.timedelta(days=20 * 365)
SERVER_LIFE = datetime.timedelta(days=2 * 365)
RENEW_BEFORE = datetime.timedelta(days=90)
EARLIEST = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)  # no authority is made before
BACKDATED = datetime.timedelta(days=1)  # a board's clock may be behind
# What boards want to read in the certificate, so that the hub's address may change: an address in
# its place is not allowed in a handshake (RFC 6066, 3), and not every broker overlooks it.
BROKER_NAME = "trueque-hub"
ALWAYS = (BROKER_NAME, "localhost", "127.0.0.1")


@dataclass(frozen=True)
class TlsFiles:
    """Where everything lies. `authority_der` is what a board's `broker_ca` holds."""

    directory: Path

    @property
    def authority_key(self) -> Path:
        return self.directory / "authority.key"

    @property
    def authority(self) -> Path:
        return self.directory / "authority.pem"

    @property
    def authority_der(self) -> Path:
        return self.directory / "authority.der"

    @property
    def server_key(self) -> Path:
        return self.directory / "broker.key"

    @property
    def server(self) -> Path:
        return self.directory / "broker.pem"


def ensure(
    directory: Path, names: Iterable[str], now: datetime.datetime | None = None
) -> tuple[TlsFiles, bool]:
    """Make what is missing and renew what ends soon; return the files and whether the broker's
    certificate is new.

    `names`: host names and IP addresses by which boards reach the broker. The authority, once
    made, is never replaced: boards trust it. Raises ConfigError when files are damaged.
    """
    files = TlsFiles(directory.resolve())
    now = now or datetime.datetime.now(datetime.UTC)
    wanted = tuple(dict.fromkeys([*ALWAYS, *names]))
    try:
        files.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not files.authority_key.exists() and not files.authority.exists():
            if now < EARLIEST:
                hint = f"this machine's clock says {now:%Y-%m-%d}: set it first (timedatectl)"
                raise ConfigError(str(files.directory), [hint])
            _make_authority(files, now)
        key, authority = _read_authority(files)
        _check_dates(files, authority, now)
        if _is_good(files, authority, wanted, now):
            return files, False
        _make_server(files, key, authority, wanted, now)
    except OSError as problem:
        raise ConfigError(str(problem.filename), [str(problem.strerror)]) from None
    return files, True


def _make_authority(files: TlsFiles, now: datetime.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Trueque site authority")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _builder(name, name, key.public_key(), (now - BACKDATED, now + AUTHORITY_LIFE))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    write_whole(files.authority_key, _pem(key), 0o600)
    write_whole(files.authority_der, certificate.public_bytes(serialization.Encoding.DER), 0o644)
    write_whole(files.authority, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _read_authority(files: TlsFiles) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    if files.authority_key.stat().st_mode & 0o077:
        hint = f"is readable by others; run: chmod 600 {files.authority_key}"
        raise ConfigError(str(files.authority_key), [hint])
    damaged = ConfigError(str(files.directory), ["holds a damaged authority; restore a backup"])
    try:
        key = serialization.load_pem_private_key(files.authority_key.read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(files.authority.read_bytes())
    except ValueError:
        raise damaged from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise damaged
    if certificate.public_key() != key.public_key():
        raise ConfigError(str(files.directory), ["authority.key and authority.pem do not match"])
    if not files.authority_der.exists():
        write_whole(
            files.authority_der, certificate.public_bytes(serialization.Encoding.DER), 0o644
        )
    return key, certificate


def _check_dates(files: TlsFiles, authority: x509.Certificate, now: datetime.datetime) -> None:
    """Explain an authority that nobody would trust today."""
    start, end = authority.not_valid_before_utc, authority.not_valid_after_utc
    if now < start:
        sentence = (
            f"the site's authority is valid from {start:%Y-%m-%d} on, but this machine's clock "
            f"says {now:%Y-%m-%d %H:%M}: set the clock (timedatectl)"
        )
    elif now >= end:
        sentence = (
            f"the site's authority ended on {end:%Y-%m-%d}, and no board trusts it any more: move "
            f"{files.directory} away, start the hub, and bring new settings to every board "
            "(trueque board provision)"
        )
    else:
        return
    raise ConfigError(str(files.authority), [sentence])


def _is_good(
    files: TlsFiles, authority: x509.Certificate, names: tuple[str, ...], now: datetime.datetime
) -> bool:
    """Tell whether the broker's certificate is ours, has these names and lasts a while."""
    try:
        certificate = x509.load_pem_x509_certificate(files.server.read_bytes())
        key = serialization.load_pem_private_key(files.server_key.read_bytes(), None)
        certificate.verify_directly_issued_by(authority)
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return (
        certificate.public_key() == key.public_key()
        and found == _alternatives(names)
        and certificate.not_valid_after_utc - now > RENEW_BEFORE
    )


def _make_server(
    files: TlsFiles,
    authority_key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    names: tuple[str, ...],
    now: datetime.datetime,
) -> None:
    """Sign a certificate with a fresh key.

    It is valid from the authority's first day on: a board that knows no more of the time than
    when it was provisioned still finds a renewed one valid.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    end = min(now + SERVER_LIFE, authority.not_valid_after_utc)
    issuer = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _builder(
            _name("Trueque broker"),
            authority.subject,
            key.public_key(),
            (authority.not_valid_before_utc, end),
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_alternatives(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    write_whole(files.server_key, _pem(key), 0o600)
    write_whole(files.server, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    life: tuple[datetime.datetime, datetime.datetime],
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(life[0])
        .not_valid_after(life[1])
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternatives(names: Iterable[str]) -> x509.SubjectAlternativeName:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return x509.SubjectAlternativeName(found)


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
