"""Turns the published data of the Lorient study into scenarios: its checkout enters, files leave.

The data (https://github.com/LF2L/P2PEnergySharing, no licence given) are not bundled. Run
    python -m hub.sim.scenarios.lorient CHECKOUT DIRECTORY
and then `trueque sim compare DIRECTORY/lorient.toml --markets none
--strategies none,greedy,optimal --out out/lorient`. docs/papers.md has the results.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from hub.errors import BadInput

METERS = ("30001480014107", "30001480282717", "30001480640919", "50083502116836")
# area in m2, efficiency, battery in Wh: table II of the study
BUILDINGS = ((180, 0.16, 3990), (650, 0.153, 2980), (250, 0.144, 29400), (150, 0.16, 18830))

HEAD = """[scenario]
name = "Lorient, the study's own data"
start = 2020-01-03T00:00:00
slot_minutes = 10
slots = 144

[weather]
ghi_w_per_m2 = { csv = "lorient.csv", column = "ghi_w_per_m2" }

[tariffs]
retail_eur_per_kwh = { csv = "lorient.csv", column = "retail_eur_per_kwh" }
feed_in_eur_per_kwh = 0.035
"""

BUILDING = """
[[peer]]
name = "building-{number}"
load_w = {{ csv = "lorient.csv", column = "load_{number}_w" }}
pv_area_m2 = {area_m2}
pv_efficiency = {efficiency}
battery_wh = {battery_wh}
soc_min = 0.2
soc_max = 0.8
soc_initial = 0.5
strategy = "optimal"
"""


def convert(checkout: Path, directory: Path) -> Path:
    """Write lorient.csv and lorient.toml into `directory`; return the latter.

    Raises BadInput where the checkout is not that of the study.
    """
    try:
        loads = [_lines(checkout / "Forecasted" / meter) for meter in METERS]
        irradiance = _column(checkout / "DonnéesIrradianceSolaire" / "03-01-2020", "GHI", ",")
        prices = _column(checkout / "DonneesEnergyConsometers" / "spotPrice.csv", "kwhPrice", ";")
    except (OSError, KeyError) as problem:
        raise BadInput(f"{checkout}: is not a checkout of P2PEnergySharing: {problem}") from problem
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lorient.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = [f"load_{number}_w" for number in range(1, len(METERS) + 1)]
        writer.writerow([*names, "ghi_w_per_m2", "retail_eur_per_kwh"])
        writer.writerows(zip(*loads, irradiance, prices, strict=False))
    text = HEAD + "".join(
        BUILDING.format(number=number, area_m2=area, efficiency=efficiency, battery_wh=capacity)
        for number, (area, efficiency, capacity) in enumerate(BUILDINGS, start=1)
    )
    path = directory / "lorient.toml"
    path.write_text(text, encoding="utf-8")
    return path


def as_published(directory: Path) -> tuple[float, float]:
    """Return self-sufficiency in per cent and cost in EUR of "only PV" as the study computed them.

    Its code left the slot's length out of the PV energy, counted slot 0 twice and the last never,
    added the slots' self-sufficiencies up, and booked no feed-in. None of that is right; this
    function only shows that the published figures come from it.
    """
    with (directory / "lorient.csv").open(newline="", encoding="utf-8") as file:
        rows = [{name: float(cell) for name, cell in row.items()} for row in csv.DictReader(file)]
    sufficiency = cost = 0.0
    for row in [rows[0], *rows[:-1]]:
        load = imported = 0.0
        for number, (area, efficiency, _) in enumerate(BUILDINGS, start=1):
            load_wh = row[f"load_{number}_w"] / 6
            load += load_wh
            imported += max(0.0, load_wh - row["ghi_w_per_m2"] * area * efficiency)
        sufficiency += (load - imported) / load
        cost += imported / 1000 * row["retail_eur_per_kwh"]
    return sufficiency, cost


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split()


def _column(path: Path, name: str, separator: str) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return [row[name] for row in csv.DictReader(file, delimiter=separator)]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m hub.sim.scenarios.lorient CHECKOUT DIRECTORY")
    try:
        print(convert(Path(sys.argv[1]), Path(sys.argv[2])))
        print(
            "only PV, as published: {:.2f} %, {:.2f} EUR".format(*as_published(Path(sys.argv[2])))
        )
    except BadInput as problem:
        sys.exit(str(problem))
