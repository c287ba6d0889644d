"""`trueque board flash`: MicroPython where it is missing, then the firmware."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from hub.errors import BadInput, TruequeError
from tools.board import flashing, micropython
from tools.board.firmware import Firmware, build_for
from tools.board.ports import BootDrive, boot_drive, boot_drives, serial_boards
from tools.board.prompt import Prompt
from tools.board.state import BoardState, look
from tools.board.target import target, target_options

BOARDS = ("RPI_PICO_W", "RPI_PICO2_W", "W5500_EVB_PICO")


@dataclass(frozen=True)
class Wishes:
    """What the technician wants of MicroPython. `image`: a UF2 file instead of a download."""

    image: Path | None
    kind: str | None
    is_agreed: bool
    console: Console


@click.command("flash")
@target_options
@click.option("--micropython", "is_update", is_flag=True, help="Install MicroPython anew first.")
@click.option("--uf2", "image", type=click.Path(dir_okay=False, path_type=Path),
              help="MicroPython from this file instead of the official site.")  # fmt: skip
@click.option("--board", "kind", type=click.Choice(BOARDS),
              help="Which board is in BOOTSEL mode: its drive does not tell.")  # fmt: skip
@click.option("--drive", type=click.Path(file_okay=False, path_type=Path),
              help="Where the drive of a board in BOOTSEL mode is mounted.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Agree to installing MicroPython without being asked.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of a sentence.")
def flash_command(
    port: str | None, directory: Path | None, is_update: bool, image: Path | None,
    kind: str | None, drive: Path | None, yes: bool, is_json: bool,
) -> None:  # fmt: skip
    """Put the firmware of this checkout on a board; only what differs is copied.

    A board in BOOTSEL mode gets MicroPython first, if you agree. Settings, keys, calibration and
    registers stay. Interrupted, it can be repeated: until it has ended the board starts nothing and
    its relays stay open.

    Example: trueque board flash --port /dev/ttyACM0
    """
    console = Console(stderr=True, highlight=False)
    wishes = Wishes(image, kind, yes, console)
    if directory is None:
        port = _with_micropython(port, drive, is_update, wishes)
    with target(port, directory) as found:
        built: list[Firmware] = []

        def build(state: BoardState) -> Firmware:
            built.append(build_for(state))
            return built[0]

        with _bar(console, "copying") as progress:
            state, plan = flashing.flash(found.port, build, progress)
    _tell(state, plan, built[0], is_json)


def _with_micropython(
    port: str | None, drive: Path | None, is_update: bool, wishes: Wishes
) -> str | None:
    """Install MicroPython where it is wanted or missing; return the port then."""
    found = _drive_of(drive) if drive or (port is None and not serial_boards()) else None
    if found is not None:
        return _install(found, wishes)
    if not is_update:
        return port
    with target(port, None) as board, Prompt(board.port) as prompt:
        state = look(prompt)
        content = _image(state.download_name, state.chip, wishes)
        prompt.start_bootloader()
    with _bar(wishes.console, "MicroPython") as progress:
        before = {each.port for each in serial_boards()} - {board.port}
        progress.begin(len(content))
        micropython.install(content, micropython.wait_for_drive(boot_drives), _total(progress))
        return micropython.wait_for_port(before)


def _drive_of(path: Path | None) -> BootDrive | None:
    if path is not None:
        found = boot_drive(path)
        if found is None:
            raise BadInput(f"--drive: {path} is not the drive of a board in BOOTSEL mode")
        return found
    drives = boot_drives()
    if len(drives) > 1:
        raise BadInput("several boards are in BOOTSEL mode; choose one: --drive PATH")
    return drives[0] if drives else None


def _install(drive: BootDrive, wishes: Wishes) -> str:
    kind = wishes.kind or ("RPI_PICO2_W" if drive.chip == "rp2350" else None)
    if kind is None and wishes.image is None:
        raise BadInput("--board: say which board it is, RPI_PICO_W or W5500_EVB_PICO")
    content = _image(kind or "", drive.chip, wishes)
    before = {each.port for each in serial_boards()}
    with _bar(wishes.console, "MicroPython") as progress:
        progress.begin(len(content))
        micropython.install(content, drive, _total(progress))
    return micropython.wait_for_port(before)


def _image(kind: str, chip: str, wishes: Wishes) -> bytes:
    """Return an image once the technician has agreed."""
    where = str(wishes.image or micropython.SITE)
    question = f"Install MicroPython {micropython.VERSION} from {where}"
    if wishes.image is not None:
        content, question = micropython.from_file(wishes.image, chip), f"Install {where}"
    if not wishes.is_agreed and not click.confirm(f"{question} on this {chip.upper()}?", err=True):
        raise TruequeError("nothing was changed: the board needs MicroPython for the firmware")
    if wishes.image is None:
        with _bar(wishes.console, "download") as progress:
            content, _ = micropython.from_site(kind, chip, _total(progress))
    wishes.console.print(f"SHA-256 {hashlib.sha256(content).hexdigest()}")
    return content


def _total(progress: flashing.Progress) -> micropython.Tell:
    """Tell a bar of pieces by how much there is already."""
    before = [0]

    def tell(done: int, total: int) -> None:
        if not before[0] and total:
            progress.begin(total)
        progress.sent(done - before[0])
        before[0] = done

    return tell


@contextlib.contextmanager
def _bar(console: Console, what: str) -> Iterator[flashing.Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield flashing.Progress(
            begin=lambda total: bar.update(task, total=total),
            sent=lambda count: bar.advance(task, count),
            say=lambda sentence: bar.update(task, description=sentence),
        )


def _tell(state: BoardState, plan: flashing.Plan, firmware: Firmware, is_json: bool) -> None:
    report: dict[str, Any] = {
        "kind": state.kind,
        "unique_id": state.unique_id,
        "micropython": state.micropython_text,
        "firmware_digest": firmware.digest,
        "written": list(plan.write),
        "removed": list(plan.remove),
        "bytes": plan.bytes,
    }
    if is_json:
        click.echo(json.dumps(report, indent=1))
        return
    what = f"{len(plan.write)} files written, {len(plan.remove)} removed"
    click.echo(
        f"{state.kind}: {'the firmware was there already' if plan.is_empty else what}; "
        f"firmware {firmware.digest[:12]} runs"
    )
    if "settings.json" not in state.files:
        click.echo("It has no settings yet: trueque board provision --node NAME --site DIR")
