"""What a Pico W's memory holds as a node starts: `python -m tools.emulation.memory --image UF2`."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import click

from tools.board.firmware_files import compiled_files
from tools.emulation.device import PicoW, Surroundings
from tools.emulation.lone import SETTINGS, noon_house
from tools.emulation.pace import Pace

ON_BOARD = Path(__file__).with_name("on_board_memory.py")
TIMEOUT_S = 3600


async def measure(image: Path) -> dict[str, Any]:
    """Return what on_board_memory.py prints, and the interpreter's names.

    Raises RuntimeError: what the board complained of.
    """
    house = noon_house()
    files = compiled_files() | {"settings.json": json.dumps(SETTINGS).encode()}
    # Under its own name main.py would run at boot.
    del files["main.py"]
    around = Surroundings(house.sample, house.meters, house.unique_id)
    device = PicoW(image, files, around, Pace(None))
    await device.start()
    try:
        out, problem = await device.aexec(ON_BOARD.read_text(), TIMEOUT_S)
    finally:
        device.stop()
    if problem:
        raise RuntimeError(f"{out.decode()}{problem.decode()}")
    lines = out.decode().splitlines()
    found: dict[str, Any] = json.loads(lines[-1])
    counts = re.search(r"n_pool=(\d+), n_qstr=(\d+), n_str_data_bytes=(\d+)", "".join(lines))
    assert counts, lines
    names = dict(zip(("pools", "names", "letters_bytes"), map(int, counts.groups()), strict=True))
    return found | {"names": names}


@click.command()
@click.option(
    "--image", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(image: Path, as_json: bool) -> None:
    """Start a node on an emulated Pico W step by step; print what is free after each."""
    found = asyncio.run(measure(image))
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo(f"{'after':28}{'free':>10}{'largest piece':>16}")
    for step, free_bytes, largest_bytes in found["free"]:
        click.echo(f"{step:28}{free_bytes:>10,}{largest_bytes:>16,}")
    click.echo(f"{found['modules']} modules, names {found['names']}")


if __name__ == "__main__":
    main()
