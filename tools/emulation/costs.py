"""What the firmware costs an RP2040: `python -m tools.emulation.costs --image UF2 [--json]`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click
from node.profiles import PROFILES

from tools.board.bench_cli import ON_BOARD
from tools.board.firmware_files import compiled_files
from tools.emulation.device import PicoW, Surroundings
from tools.emulation.lone import SETTINGS, noon_house
from tools.emulation.pace import Pace

TIMEOUT_S = 900


async def measure(image: Path, profile: str = "thesis") -> dict[str, Any]:
    """Return what on_board_costs.py prints. Raises RuntimeError: what the board complained of."""
    settings = SETTINGS | {"profile": profile}
    house = noon_house(settings)
    files = compiled_files() | {"settings.json": json.dumps(settings).encode()}
    # Under its own name main.py would run at boot; imported it only defines.
    files["lib/main.py"] = files.pop("main.py")
    around = Surroundings(house.sample, house.meters, house.unique_id)
    device = PicoW(image, files, around, Pace(None))
    await device.start()
    try:
        out, problem = await device.aexec(ON_BOARD.read_text(), TIMEOUT_S)
    finally:
        device.stop()
    if problem:
        raise RuntimeError(problem.decode())
    costs: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
    costs["codes_not_taken"] = device.converter.overruns
    return costs


@click.command()
@click.option(
    "--image", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True
)
@click.option("--profile", type=click.Choice(sorted(PROFILES)), default="thesis", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(image: Path, profile: str, as_json: bool) -> None:
    """Time the parts of the firmware on an emulated Pico W (a minute or two)."""
    costs = asyncio.run(measure(image, profile))
    if as_json:
        click.echo(json.dumps(costs))
        return
    for name, value in costs.items():
        click.echo(f"{name:26} {value}")


if __name__ == "__main__":
    main()
