"""Alarms on the page (docs/page.md)."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from hub.errors import TruequeError
from hub.services.alarms import AlarmDesk

blueprint = Blueprint("alarms", __name__, url_prefix="/api/alarms")


def standing() -> list[dict[str, Any]]:
    """Return the alarms to show; none on a hub that watches nothing."""
    desk = _desk()
    return desk.standing() if desk else []


def _desk() -> AlarmDesk | None:
    return cast(AlarmDesk | None, current_app.extensions.get("alarms"))


@blueprint.post("/<int:alarm_id>/seen")
def seen(alarm_id: int) -> ResponseReturnValue:
    desk, body = _desk(), request.get_json(silent=True)
    if desk is None:
        return jsonify(error="This hub keeps no alarms.", field=None), 409
    desk.acknowledge(alarm_id, body.get("by") if isinstance(body, dict) else None)
    return jsonify(desk.standing())


@blueprint.post("/release/<node>")
def release(node: str) -> ResponseReturnValue:
    desk = _desk()
    if desk is None:
        return jsonify(error="This hub keeps no alarms.", field=None), 409
    desk.release(node)
    return jsonify(desk.standing())


@blueprint.errorhandler(TruequeError)
def explain(error: TruequeError) -> ResponseReturnValue:
    return jsonify(error=str(error), field=None), 409
