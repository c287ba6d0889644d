"""`/api/simulator`: what the page's simulator shows, and runs of scenarios (docs/simulator.md)."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from hub.errors import TruequeError
from hub.services.simulator import Busy, SimulatorDesk

blueprint = Blueprint("simulator", __name__, url_prefix="/api/simulator")
MAX_SCENARIO_BYTES = 32_768


def _desk() -> SimulatorDesk:
    return cast(SimulatorDesk, current_app.extensions["simulator"])


@blueprint.get("/scenarios")
def scenarios() -> ResponseReturnValue:
    return jsonify(_desk().scenarios())


@blueprint.post("/run")
def run() -> ResponseReturnValue:
    """Run {"scenario": text of a scenario file}."""
    request.max_content_length = MAX_SCENARIO_BYTES
    body = request.get_json(silent=True)
    text = body.get("scenario") if isinstance(body, dict) else None
    if not isinstance(text, str):
        return jsonify(error="Send a scenario's text (scenario).", field="scenario"), 400
    return jsonify(_desk().run(text))


@blueprint.errorhandler(TruequeError)
def explain(error: TruequeError) -> ResponseReturnValue:
    return jsonify(error=str(error), field="scenario"), 409 if isinstance(error, Busy) else 400
