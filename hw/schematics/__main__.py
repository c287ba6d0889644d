"""`python -m hw.schematics` writes every export; with --check it only says which are stale."""

from __future__ import annotations

import sys

from hw.schematics.export import stale, write


def main(arguments: list[str]) -> int:
    """Return 0, 1 when exports are stale, 2 on a wrong argument."""
    if arguments == ["--check"]:
        names = stale()
        for name in names:
            print(f"{name} differs from the model: run python -m hw.schematics", file=sys.stderr)
        return 1 if names else 0
    if arguments:
        print("usage: python -m hw.schematics [--check]", file=sys.stderr)
        return 2
    print(f"wrote {write()} files")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
