"""`/api/agents/<peer>`: what that house's agent looks at (docs/agents.md)."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from hub.errors import TruequeError
from hub.services.agents import AgentDesk

blueprint = Blueprint("agents", __name__, url_prefix="/api/agents")
USUAL_SPAN_S = 65


@blueprint.get("/<peer>")
def look(peer: str) -> ResponseReturnValue:
    desk = cast(AgentDesk | None, current_app.extensions.get("agents"))
    if desk is None:
        return jsonify(error="This hub serves no agents.", field=None), 404
    span_s = request.args.get("span_s", USUAL_SPAN_S, type=int)
    return jsonify(desk.record(peer, span_s))


@blueprint.errorhandler(TruequeError)
def explain(error: TruequeError) -> ResponseReturnValue:
    return jsonify(error=str(error), field=None), 404
