"""`trueque hub backup` and `trueque hub restore`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hub.cli_options import DEFAULT_DATA, data_option
from hub.errors import BadInput

archive_argument = click.argument("file", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Plain JSON on standard output.")


@click.command()
@archive_argument
@data_option
@click.option("--keep", type=click.IntRange(1, 10_000), metavar="N",
              help="FILE is a directory: a new file goes there, the last N stay.")  # fmt: skip
@json_option
def backup(file: Path, data: Path, keep: int | None, as_json: bool) -> None:
    """Write the whole site into one file, while its hub runs or not.

    Store, chain, keys, certificates, configuration, boards' settings. The file is as secret as
    keys.json (mode 0600), and is there only once it is whole.

    Example: trueque hub backup /media/stick/site-2026-11-27.tar.gz --data var/site
    """
    from hub import config as configuration
    from hub.backup.nightly import back_up_into
    from hub.backup.site import back_up

    if keep is not None:
        file, manifest = back_up_into(data, file, keep)
    elif file.is_dir():
        raise BadInput(f"{file} is a directory: name a file, or how many to keep there with --keep")
    else:
        manifest = back_up(configuration.load(data), file)
    _print(manifest, as_json, f"{file}: {_summary(manifest)}")


@click.command()
@archive_argument
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), default=DEFAULT_DATA,
              show_default=True, help="The new site's directory: missing or empty.")  # fmt: skip
@click.option("--store", "store_url", metavar="URL", help="Another database than the backup's: "
              "postgresql://..., or \"\" for a file of the site's own.")  # fmt: skip
@json_option
def restore(file: Path, data: Path, store_url: str | None, as_json: bool) -> None:
    """Make a site from a backup; its hub takes over with: trueque hub up.

    Nothing is overwritten, every file's hash is checked first. Switch the old hub off before: from
    the first word of the new one on, boards obey that one only.

    Example: trueque hub restore site-2026-11-27.tar.gz --data var/site && trueque hub up
    """
    from hub.backup.site import restore as restore_site

    if file.is_dir():
        raise BadInput(f"{file} is a directory: name the backup's file in it")

    manifest = restore_site(file, data, store_url=store_url)
    then = f"switch the old hub off for good, then: trueque hub up --data {data}"
    said = f"{data}: {_summary(manifest)}; {then}"
    _print(manifest, as_json, said)


def _summary(manifest: dict[str, Any]) -> str:
    size = sum(entry["size"] for entry in manifest["files"])
    store = manifest["store"]
    parts = [
        f"site {manifest['site']} as of {manifest['created_at']}",
        f"{len(manifest['files'])} files, {size / 1e6:.1f} MB",
        "no store yet" if store is None else f"store up to block {store['block']}",
    ]
    if not manifest["has_chain"]:
        parts.append("without a chain of its own")
    return ", ".join(parts)


def _print(manifest: dict[str, Any], as_json: bool, text: str) -> None:
    click.echo(json.dumps(manifest, indent=1) if as_json else text)
