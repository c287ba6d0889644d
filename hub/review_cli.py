"""`trueque hub review`: what waits for the coordinator is listed, approved or rejected by hand."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import click

from hub import amounts, running
from hub import config as configuration
from hub.cli_options import data_option
from hub.errors import TruequeError

TIMEOUT_S = 30.0


class Page:
    """The running hub's JSON interface (docs/page.md), in a session of its own."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        jar = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(jar)

    def get(self, path: str) -> Any:
        return self._send(urllib.request.Request(self._url + path))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send a change. Raises TruequeError with the hub's sentence."""
        token = self.get("/api/session")["csrf_token"]
        headers = {"Content-Type": "application/json", "X-CSRF-Token": token}
        data = json.dumps(body).encode()
        return self._send(urllib.request.Request(self._url + path, data, headers))

    def _send(self, request: urllib.request.Request) -> Any:
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            raise TruequeError(json.load(refusal)["error"]) from None
        except OSError as problem:
            raise TruequeError(f"the hub does not answer: {problem}") from None


@click.command()
@data_option
@click.option("--approve", "is_approved", flag_value=True, type=bool, default=None,
              help="Approve the orders named.")  # fmt: skip
@click.option("--reject", "is_approved", flag_value=False, type=bool,
              help="Reject them: they are cancelled, their locks free.")  # fmt: skip
@click.argument("orders", nargs=-1, type=int)
def review(data: Path, is_approved: bool | None, orders: tuple[int, ...]) -> None:
    """List the orders that wait for the coordinator, or approve or reject ORDERS by number.

    Example: trueque hub review --data var/site --approve 12 13
    """
    if (is_approved is None) != (not orders):
        raise click.UsageError("name orders together with --approve or --reject, or neither")
    state = running.announced(configuration.load(data).data_dir)
    if state is None:
        raise TruequeError(f"no hub runs on {data}; start it with: trueque hub up --data {data}")
    page = Page(state["page_url"])
    if is_approved is not None:
        page.post("/api/reviews", {"order_ids": list(orders), "is_approved": is_approved})
        word = "approved" if is_approved else "rejected"
        click.echo(f"{word}: {', '.join(map(str, orders))}")
        return
    pending = page.get("/api/snapshot")["reviews"]["pending"]
    for one in pending:
        side = "offers" if one["is_offer"] else "asks for"
        click.echo(
            f"{one['order_id']}: {one['peer']} {side} {amounts.energy_text(one['energy_uwh'])} "
            f"at {amounts.price_text(one['price_gwei_per_kwh'])}"
        )
    if not pending:
        click.echo("nothing waits for approval", file=sys.stderr)
