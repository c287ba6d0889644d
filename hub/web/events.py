"""Demand-response events in the JSON interface (docs/page.md)."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from hub.amounts import BadAmount
from hub.errors import TruequeError
from hub.services.events import EventDesk, announcement_of

blueprint = Blueprint("events", __name__, url_prefix="/api/events")


def _desk() -> EventDesk | None:
    return cast(EventDesk | None, current_app.extensions.get("events"))


@blueprint.get("")
def show() -> ResponseReturnValue:
    """Return whether one can be announced here, and the events, the newest first."""
    desk = _desk()
    if desk is None:
        return jsonify(can_announce=False, events=[])
    return jsonify(can_announce=desk.can_announce(), events=desk.records())


@blueprint.post("")
def announce() -> ResponseReturnValue:
    """Announce one: {"in_minutes", "for_minutes", "reward", "asked" or "asked_uwh" or neither}."""
    desk = _desk()
    if desk is None:
        return jsonify(error="This hub holds no events.", field=None), 409
    try:
        wanted = announcement_of(request.get_json(silent=True))
    except BadAmount as wrong:
        return jsonify(error=str(wrong), field=wrong.field), 400
    return jsonify(desk.announce(wanted))


@blueprint.errorhandler(TruequeError)
def explain(error: TruequeError) -> ResponseReturnValue:
    return jsonify(error=str(error), field=None), 409
