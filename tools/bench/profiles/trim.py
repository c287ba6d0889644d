"""Reads the CityLearn 2.1.2 wheel and writes the trimmed home profiles beside this file.

pip download --no-deps CityLearn==2.1.2
python tools/bench/profiles/trim.py CityLearn-2.1.2-py3-none-any.whl
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import sys
import zipfile
from pathlib import Path

SOURCE = "citylearn/data/citylearn_challenge_2022_phase_all"
HOMES = (1, 2, 4, 8, 9, 11, 13, 16)
"""Homes kept. Not 14 and 15 (their PV is low or broken), nor those whose load stays at zero for
hours; of the rest, loads that a 10 A clamp can read in all but the hottest weeks."""
WEEKS = ("2016-08-08", "2016-10-03", "2016-11-07", "2016-12-05", "2017-02-06", "2017-03-27",
         "2017-05-08", "2017-07-24")  # fmt: skip
"""Mondays of the weeks kept, two a season."""
FIRST_ROW = datetime.datetime(2016, 7, 31, 23)
"""Start of the first row: it is labelled July, hour 24 (hours are labelled by their end), a Sunday,
and the data set's year is August 2016 to July 2017."""
HOURS = 7 * 24


def trim_home(load_kwh: list[float], pv_kwh: list[float]) -> list[tuple[str, int, int]]:
    """Return (start, load_wh, pv_wh) of every hour of the kept weeks."""
    rows = []
    for monday in WEEKS:
        first = datetime.datetime.fromisoformat(monday)
        offset = (first - FIRST_ROW) // datetime.timedelta(hours=1)
        for hour in range(HOURS):
            start = first + datetime.timedelta(hours=hour)
            load_wh = round(load_kwh[offset + hour] * 1000)
            pv_wh = round(pv_kwh[offset + hour] * 1000)
            rows.append((start.isoformat(timespec="minutes"), load_wh, pv_wh))
    return rows


def main(wheel: Path, out: Path) -> None:
    """Write one CSV a home into `out`. Raises KeyError when the wheel is another version's."""
    with zipfile.ZipFile(wheel) as archive:
        schema = json.loads(archive.read(f"{SOURCE}/schema.json"))
        for home in HOMES:
            building = schema["buildings"][f"Building_{home}"]
            nominal_kw = building["pv"]["attributes"]["nominal_power"]
            text = archive.read(f"{SOURCE}/Building_{home}.csv").decode()
            hours = list(csv.DictReader(io.StringIO(text)))
            load_kwh = [float(row["Equipment Electric Power [kWh]"]) for row in hours]
            pv_kwh = [float(row["Solar Generation [W/kW]"]) * nominal_kw / 1000 for row in hours]
            with (out / f"home-{home:02d}.csv").open("w", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(("start_local", "load_wh", "pv_wh"))
                writer.writerows(trim_home(load_kwh, pv_kwh))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(__file__).parent)
