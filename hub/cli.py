"""`trueque hub`: where each of its commands is."""

from __future__ import annotations

import click

from hub.lazy_group import LazyGroup

_COMMANDS = {
    "init": ("hub.init_cli:init", "Make a new site: one configuration, fresh keys."),
    "up": ("hub.up_cli:up", "Run the hub until Ctrl-C."),
    "status": ("hub.status_cli:status", "Show what runs and how boards and trades stand."),
    "doctor": ("hub.doctor_cli:doctor", "Find what is wrong with a site and say what to do."),
    "node": ("hub.node_cli:node", "List nodes, revoke one, or give it new credentials."),
    "alarms": ("hub.alarms_cli:alarms", "Show what a person has to look at; acknowledge it."),
    "notify": ("hub.notify_cli:notify", "Show who is told of what; try the way to them."),
    "bridges": ("hub.bridges_cli:bridges", "Show bridges, their keys and broker accounts."),
    "install": ("hub.install_cli:install", "Make a site a service that starts with the machine."),
    "review": ("hub.review_cli:review", "Show and decide what waits for the coordinator."),
    "event": ("hub.event_cli:event", "Announce a demand-response event; show how they went."),
    "anchors": ("hub.anchor.command:anchors", "Show and verify hashes on an outside chain."),
    "backup": ("hub.backup.command:backup", "Write the whole site into one file, running or not."),
    "restore": ("hub.backup.command:restore", "Make a site from a backup, to take over."),
    "update": ("hub.updates.command:update", "Bring signed firmware to boards over the air."),
}


@click.command("hub", cls=LazyGroup, places=_COMMANDS)
def hub() -> None:
    """Set up, run and inspect a site's hub.

    Example: trueque hub init --houses 5 && trueque hub up
    """
