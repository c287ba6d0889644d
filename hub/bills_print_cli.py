"""`trueque bills print`: the store enters, bills for people leave as HTML, or PDF by Chromium."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import click

from hub.cli_options import data_option
from hub.errors import BadInput, PartMissing, TruequeError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PRINTED_S = 120


@click.command("print")
@data_option
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="The file to write: .html, or .pdf where Chromium is installed.")  # fmt: skip
@click.option("--period", type=click.Choice(["all", "day", "month"]), default="month",
              show_default=True, help="Of a bill, in the site's time zone.")  # fmt: skip
@click.option("--since", help="First moment: an ISO date or time, UTC unless it names a zone.")
@click.option("--until", help="First moment left out, likewise.")
@click.option("--peer", help="Only this house's bills.")
def print_bills(data: Path, out: Path, period: str, since: str | None, until: str | None,
                peer: str | None) -> None:  # fmt: skip
    """Print bills: energy by its source, trades, money paid and earned, fees.

    Example: trueque bills print --data var/site --period month --out bills.html
    """
    from hub import config as configuration
    from hub.billing import FOREVER_MS, periods_billed
    from hub.bills_page import bills_page
    from hub.export import moment_ms
    from hub.store import Store

    if out.suffix not in (".html", ".pdf"):
        raise BadInput(f"--out {out}: the name must end with .html or .pdf")
    config = configuration.load(data)
    if not config.store_path.exists():
        raise BadInput(f"{config.store_path} does not exist: the hub has not run here yet")
    if peer is not None and peer not in {house.name for house in config.houses}:
        raise BadInput(f"--peer {peer}: no house of {config.site.name} has that name")
    span = (moment_ms(since, "since", 0), moment_ms(until, "until", FOREVER_MS))
    store = Store.join(config.store_path)
    try:
        names = {one.peer: one.node for one in store.peers() if one.node}
        periods = periods_billed(config, store, span, period)
        text = bills_page(config, store.identity(), names, periods, peer)
    finally:
        store.close()
    try:
        if out.suffix == ".pdf":
            _print_pdf(text, out)
        else:
            out.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise TruequeError(f"{out}: {problem.strerror}") from None
    click.echo(f"{out}", err=True)


def _run(argv: list[str]) -> str:
    """Run a browser to its end; return what it complained about."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=PRINTED_S, check=False)
    return done.stderr


def _print_pdf(text: str, out: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise PartMissing(
            "PDF needs Chromium (Debian: apt install chromium); or write .html, and print it from "
            "any browser"
        )
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory) / "bills.html"
        page.write_text(text, encoding="utf-8")
        printed = Path(directory) / "bills.pdf"
        argv = [browser, "--headless", "--disable-gpu", f"--user-data-dir={directory}/profile",
                "--no-pdf-header-footer", f"--print-to-pdf={printed}", page.as_uri()]  # fmt: skip
        told = _run(argv)
        if not printed.exists() and "sandbox" in told:
            # Root has none, nor has a container: what is printed is our own page, without scripts.
            told = _run([browser, "--no-sandbox", *argv[1:]])
        if not printed.exists():
            raise TruequeError(f"{browser} did not print: {told.strip()[-300:]}")
        shutil.copyfile(printed, out)
