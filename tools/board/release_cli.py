"""`trueque board keygen` and `trueque board release`: the technician's side of updates."""

from __future__ import annotations

from pathlib import Path

import click
from wire import package

from hub.errors import BadInput, TruequeError
from tools.board import release_key
from tools.board.firmware_files import CompileError
from tools.board.release import Release, build, source_release, virtual_arch

VIRTUAL = "virtual"

passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the passphrase from the first line of this file instead of asking.",
)


@click.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default="technician.key",
              show_default=True, help="Where to write the key.")  # fmt: skip
@passphrase_option
def keygen(out: Path, passphrase_file: Path | None) -> None:
    """Make the key that signs firmware. Keep it off the hub, and a copy of it somewhere safe.

    Prints the public key, which goes into site.toml as boards.update_key before the boards are
    provisioned.

    Example: trueque board keygen --out technician.key
    """
    if out.exists():
        raise BadInput(f"{out}: exists already; a key is never overwritten")
    made = release_key.create(out, _passphrase(passphrase_file, is_new=True))
    click.echo(made.public_key)


@click.command()
@click.option("--key", "key_path", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="The technician's key: what `trueque board keygen` wrote.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--number", type=click.IntRange(1, 2**32 - 1),
              help="Of this release, higher than what runs; RELEASE in node/version.py if left "
              "out.")  # fmt: skip
@click.option("--name", help="Its version as text; FIRMWARE in node/version.py if left out.")
@click.option("--arch", type=click.Choice([VIRTUAL, *package.ARCHES]), default="armv6m",
              show_default=True, help="Of machine code: armv6m runs on Pico W and Pico 2 W, "
              "virtual is this machine's.")  # fmt: skip
@passphrase_option
def release(
    key_path: Path,
    out: Path,
    number: int | None,
    name: str | None,
    arch: str,
    passphrase_file: Path | None,
) -> None:
    """Compile the firmware and sign it as a release for boards in the field.

    Example: trueque board release --key technician.key --number 2 --name 0.2.0 --out fw-0.2.0.trq
    """
    found_number, found_name = source_release()
    wanted = Release(
        number or found_number, name or found_name, virtual_arch() if arch == VIRTUAL else arch
    )
    key = release_key.load(key_path, _passphrase(passphrase_file, is_new=False))
    try:
        made = build(wanted, key)
    except CompileError as problem:
        raise TruequeError(str(problem)) from None
    try:
        out.write_bytes(made)
    except OSError as problem:
        raise BadInput(f"{out}: {problem.strerror}") from None
    click.echo(f"{out}: release {wanted.number}, version {wanted.version}, {wanted.arch}, "
               f"{len(made)} bytes", err=True)  # fmt: skip


def _passphrase(path: Path | None, is_new: bool) -> str:
    if path is None:
        asked: str = click.prompt(
            "Passphrase", hide_input=True, confirmation_prompt=is_new, err=True
        )
        return asked
    return path.read_text(encoding="utf-8").partition("\n")[0]
