"""`/api/agents/<peer>`: what that house's agent looks at, and its plugs (docs/agents.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flask import Blueprint, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from hub.errors import TruequeError
from hub.services.agents import AgentDesk
from hub.services.order_rules import Refused
from hub.services.switching import SwitchDesk

blueprint = Blueprint("agents", __name__, url_prefix="/api/agents")
USUAL_SPAN_S = 65


@blueprint.get("/<peer>")
def look(peer: str) -> ResponseReturnValue:
    desk = _desk()
    span_s = request.args.get("span_s", USUAL_SPAN_S, type=int)
    return jsonify(desk.record(peer, span_s))


@blueprint.post("/<peer>/plugs/<name>")
def switch(peer: str, name: str) -> ResponseReturnValue:
    """Turn an appliance on or off on its house's signed word; no session, no token of one."""
    return _signed(lambda desk, body: desk.switch(peer, name, body))


@blueprint.post("/<peer>/events/<int:event_id>")
def answer(peer: str, event_id: int) -> ResponseReturnValue:
    """Take part in a demand-response event, or not, on the house's signed word."""
    return _signed(lambda desk, body: desk.answer(peer, event_id, body))


def _signed(do: Callable[[SwitchDesk, dict[str, Any]], dict[str, Any]]) -> ResponseReturnValue:
    desk, body = _desk(), request.get_json(silent=True)
    if desk.switching is None:
        return jsonify(error="This hub has no plugs.", field=None), 409
    if not isinstance(body, dict):
        return jsonify(error="The request must be a JSON object.", field=None), 400
    try:
        return jsonify(do(desk.switching, body))
    except Refused as refusal:
        return jsonify(error=str(refusal), field=refusal.field), 403
    except TruequeError as problem:  # the plug itself: away, or not the agent's; an event begun
        return jsonify(error=str(problem), field=None), 409


@blueprint.errorhandler(TruequeError)
def explain(error: TruequeError) -> ResponseReturnValue:
    return jsonify(error=str(error), field=None), 404


def _desk() -> AgentDesk:
    desk = cast(AgentDesk | None, current_app.extensions.get("agents"))
    if desk is None:
        abort(404, "This hub serves no agents.")
    return desk
