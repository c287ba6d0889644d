"""What a short name on a board stands for: `python -m tools.board.linker NAME...`."""

from __future__ import annotations

import click

from tools.board.firmware_files import meanings, source_files


@click.command()
@click.argument("names", nargs=-1, required=True)
def main(names: tuple[str, ...]) -> None:
    """Say what names in a board's messages stand for in the sources of this checkout.

    \b
    Example: python -m tools.board.linker GPIO1 seed
    """
    known = meanings(source_files())
    for name in names:
        click.echo(f"{name}: {', '.join(known.get(name, [])) or 'as it is'}")


if __name__ == "__main__":
    main()
