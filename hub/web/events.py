"""Demand-response events in the JSON interface (docs/page.md)."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from hub.errors import TruequeError
from hub.services.events import EventDesk, announcement_of

blueprint = Blueprint("events", __name__, url_prefix="/api/events")


def _desk() -> EventDesk | None:
    return cast(EventDesk | None, current_app.extensions.get("events"))


@blueprint.get("")
def show() -> ResponseReturnValue:
    """Return the events, the newest first."""
    desk = _desk()
    records: list[dict[str, Any]] = desk.records() if desk else []
    return jsonify(records)


@blueprint.post("")
def announce() -> ResponseReturnValue:
    """Announce one: {"in_minutes", "for_minutes", "reward", "asked_uwh" or null}."""
    desk = _desk()
    if desk is None:
        return jsonify(error="This hub holds no events.", field=None), 409
    return jsonify(desk.announce(announcement_of(request.get_json(silent=True))))


@blueprint.errorhandler(TruequeError)
def explain(error: TruequeError) -> ResponseReturnValue:
    return jsonify(error=str(error), field=None), 409
