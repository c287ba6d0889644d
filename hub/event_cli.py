"""`trueque hub event`: demand-response events are announced; how they went is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hub import amounts, running
from hub import config as configuration
from hub.cli_options import data_option
from hub.errors import TruequeError
from hub.review_cli import Page


@click.command()
@data_option
@click.option("--in", "in_minutes", type=int, help="Announce one that begins in so many minutes.")
@click.option("--for", "for_minutes", type=int, help="How many minutes it takes.")
@click.option("--reward", help="For each kWh not used, in ETH/kWh.")
@click.option("--asked", help="Energy asked for, such as 50 Wh; all there is without.")
@click.option("--json", "as_json", is_flag=True, help="Plain JSON on standard output.")
def event(
    data: Path,
    in_minutes: int | None,
    for_minutes: int | None,
    reward: str | None,
    asked: str | None,
    as_json: bool,
) -> None:
    """Announce a demand-response event, or show how events went. Minutes are the site's time.

    Rewards are the operator's to pay, outside the chain: no balance on it changes.

    Example: trueque hub event --in 30 --for 60 --reward 0.2
    """
    given = [in_minutes is not None, for_minutes is not None, reward is not None]
    if any(given) != all(given) or (asked is not None and not all(given)):
        raise click.UsageError("an event needs --in, --for and --reward")
    state = running.announced(configuration.load(data).data_dir)
    if state is None:
        raise TruequeError(f"no hub runs on {data}; start it with: trueque hub up --data {data}")
    page = Page(state["page_url"])
    if all(given):
        body = {"in_minutes": in_minutes, "for_minutes": for_minutes, "reward": reward}
        found = [page.post("/api/events", {**body, "asked": asked})]
    else:
        found = page.get("/api/events")["events"]
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for one in found:
        _show(one)
    if not found:
        click.echo("no event was announced yet", err=True)


def _show(event: dict[str, Any]) -> None:
    reward = amounts.price_text(event["reward_gwei_per_kwh"])
    click.echo(f"{event['event_id']}: {event['start_local']} to {event['end_local']}, {reward}")
    if event["operator_owes_wei"] is not None:
        owed = amounts.money_text(int(event["operator_owes_wei"]))
        click.echo(f"   the operator owes {owed}, paid outside the chain")
    for name, house in event["houses"].items():
        line = f"   {name}: accepted {amounts.energy_text(house['accepted_uwh'])}"
        if house["is_asked"] and not event["is_verified"]:
            line = f"   {name}: its agent was asked for {amounts.energy_text(house['pledged_uwh'])}"
        if house["verified_uwh"] is not None:
            line += f", verified {amounts.energy_text(house['verified_uwh'])}"
            line += f", earns {amounts.money_text(int(house['reward_wei']))}"
        click.echo(line + (f" ({house['problem']})" if house["problem"] else ""))
    if not event["houses"]:
        click.echo("   no house has anything to do without: its appliances do not run then")
