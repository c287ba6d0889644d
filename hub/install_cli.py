"""`trueque hub install`: a site becomes a service that starts with the machine."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from hub import config as configuration
from hub.backup import record
from hub.cli_options import data_option
from hub.errors import BadInput, TruequeError
from hub.install import backups_dir
from hub.install.backup_units import BACKUP_TIMER
from hub.install.place import BACKUPS_DIR
from hub.install.units import SERVICE, Place, service_files

RUN_S = 60
BOOTED = Path("/run/systemd/system")  # sd_booted(3)


@click.command()
@data_option
@click.option("--user", default="trueque", show_default=True,
              help="The service's own account; made when it is missing.")  # fmt: skip
@click.option("--backups", type=click.Path(file_okay=False, path_type=Path), default=BACKUPS_DIR,
              show_default=True, help="Where the nightly backups go, the last 14.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the files, write nothing.")
@click.option("--root", type=click.Path(file_okay=False, path_type=Path), default=Path("/"),
              show_default=True, help="Write below this directory and start nothing.")  # fmt: skip
@click.option("--now", is_flag=True, help="Start the service as well.")
@click.option("--remove", is_flag=True, help="Take the service away; the site's data stays.")
def install(
    data: Path, user: str, backups: Path, dry_run: bool, root: Path, now: bool, remove: bool
) -> None:
    """Make a site a service of systemd: started at boot, watched, shut in, backed up each night.

    Needs root, unless --dry-run or --root is given. The site must have been made by
    `trueque hub init`; the checkout must be readable by the service's account (/opt/trueque, say).

    Example: sudo .venv/bin/trueque hub install --data /var/lib/trueque --now
    """
    config = configuration.load(data)
    place = Place(data.resolve(), _program(), user, backups.absolute())
    files = service_files(config, place)
    if dry_run:
        for path, text in files.items():
            click.echo(f"# /{path}\n{text}")
        return
    is_this_machine = root.resolve() == Path("/")
    if is_this_machine and os.geteuid() != 0:
        raise BadInput("installing a service needs root: run it with sudo, or look with --dry-run")
    if remove:
        _remove(root, files, is_this_machine)
        if is_this_machine:
            record.end(place.data_dir)
        return
    if is_this_machine:
        _refuse_where_it_cannot_run(place)  # before anything is written
        backups_dir.refuse_absent(place)
    _write(root, files)
    if is_this_machine:
        _hand_over(place)
        _start(now)
    click.echo(f"{SERVICE} is installed; journalctl --namespace=trueque -f shows what it says")


def _program() -> Path:
    return (Path(sys.executable).parent / "trueque").absolute()


def _write(root: Path, files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(target.name + ".new")
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, target)
        click.echo(f"wrote {target}", err=True)


def _refuse_where_it_cannot_run(place: Place) -> None:
    """Refuse a machine without systemd, and a program that the account can't read."""
    if not BOOTED.is_dir():
        raise TruequeError(
            "this machine does not run systemd: look at the files with --dry-run, and start "
            f"trueque hub up --data {place.data_dir} by what it has instead"
        )
    account = None
    with contextlib.suppress(KeyError):
        account = pwd.getpwnam(place.user)
    python = Path(sys.executable).resolve()
    needed = [place.program, *place.program.parents, python, *python.parents]
    blocked = next((path for path in needed if not _is_open(path, account)), None)
    if blocked is not None:
        raise TruequeError(
            f"{place.user} can't enter {blocked}: put the checkout where others can read it, "
            "such as /opt/trueque, or open that directory with chmod o+rx"
        )


def _hand_over(place: Place) -> None:
    """Make the account and give it the site."""
    _run("systemd-sysusers", "/etc/sysusers.d/trueque.conf")
    account = pwd.getpwnam(place.user)
    backups_dir.hand_over(place, account)
    for path in [place.data_dir, *place.data_dir.rglob("*")]:
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    place.data_dir.chmod(0o700)


def _is_open(path: Path, account: pwd.struct_passwd | None) -> bool:
    """Tell whether an account, None: one that is yet to be made, can enter or run a path."""
    found = path.stat()
    if account is None:
        return bool(found.st_mode & stat.S_IXOTH)
    if found.st_uid == account.pw_uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.pw_gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _start(now: bool) -> None:
    _run("systemctl", "daemon-reload")
    _run("systemctl", "enable", *(["--now"] if now else []), SERVICE)
    _run("systemctl", "enable", "--now", BACKUP_TIMER)


def _remove(root: Path, files: Mapping[Path, str], is_this_machine: bool) -> None:
    has_services = is_this_machine and BOOTED.is_dir()
    if has_services:
        _run("systemctl", "disable", "--now", SERVICE, BACKUP_TIMER)
    for path in files:
        (root / path).unlink(missing_ok=True)
    if has_services:
        _run("systemctl", "daemon-reload")
    click.echo(f"{SERVICE} is removed; the site's data stays where it is")


def _run(*command: str) -> None:
    if shutil.which(command[0]) is None:
        raise TruequeError(f"{command[0]} was not found: this machine has no systemd")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S)
    except subprocess.TimeoutExpired:
        raise TruequeError(f"{' '.join(command)} did not end within {RUN_S} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise TruequeError(f"{' '.join(command)} failed: {said}")
