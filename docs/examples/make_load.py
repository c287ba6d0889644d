"""Write load.csv: half a second of ADC codes as a board on the bench would record them.

PV 12 V and battery 12.6 V on FZ0430 modules (5:1), 5 A of 50 Hz with a fifth harmonic on an
SCT-013-010; quantised to 12 bit with one code of noise. Run: python docs/examples/make_load.py
"""

from pathlib import Path

import numpy as np

RATE_HZ, SECONDS, REFERENCE_V = 2000, 0.5, 3.3
COUNTS_PER_V = 4096 / REFERENCE_V
COUNTS_PER_A = COUNTS_PER_V / 10  # 10 A give 1 V


def main() -> None:
    random = np.random.default_rng(1)
    at_s = np.arange(int(RATE_HZ * SECONDS)) / RATE_HZ
    wave = np.sin(2 * np.pi * 50 * at_s + 0.3) + 0.1 * np.sin(2 * np.pi * 250 * at_s)
    load_a = 5 * np.sqrt(2) / np.sqrt(1 + 0.1**2) * wave  # 5 A rms in all
    counts = (
        np.full(at_s.size, 12 / 5 * COUNTS_PER_V),
        2048 + load_a * COUNTS_PER_A,
        np.full(at_s.size, 12.6 / 5 * COUNTS_PER_V),
    )
    codes = [np.clip(np.rint(each + random.normal(0, 1, at_s.size)), 0, 4095) for each in counts]
    rows = zip(np.rint(at_s * 1e6).astype(int), *(each.astype(int) for each in codes), strict=True)
    lines = ["t_us,ch0,ch1,ch2", *(",".join(map(str, row)) for row in rows)]
    Path(__file__).with_name("load.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
