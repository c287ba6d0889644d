"""`/api/houses/<house>/preferences`: how a house trades, as its people change it (docs/page.md)."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from hub.agent.wish_reader import BadWishes
from hub.errors import TruequeError
from hub.services.order_rules import Refused
from hub.services.wishes import WishDesk

blueprint = Blueprint("houses", __name__, url_prefix="/api/houses")


@blueprint.get("/<house>/preferences")
def show(house: str) -> ResponseReturnValue:
    return jsonify(_desk().record(house))


@blueprint.post("/<house>/preferences")
def change(house: str) -> ResponseReturnValue:
    """Change some: {"peer": the house itself, and what changes}."""
    desk, body = _desk(), request.get_json(silent=True)
    if not isinstance(body, dict) or not isinstance(body.get("peer"), str):
        sentence = "Say which house you are (peer), and what you change."
        return jsonify(error=sentence, field="peer"), 400
    peer = body.pop("peer")
    if peer != house:
        return jsonify(error=f"Only {house} can change its preferences.", field="peer"), 403
    return jsonify(desk.change(house, body, by=peer))


@blueprint.errorhandler(BadWishes)
def name_fields(error: BadWishes) -> ResponseReturnValue:
    return jsonify(error=str(error), field=next(iter(error.fields)), fields=error.fields), 400


@blueprint.errorhandler(TruequeError)
def explain(error: TruequeError) -> ResponseReturnValue:
    field = error.field if isinstance(error, Refused) else None
    return jsonify(error=str(error), field=field), 404 if field == "house" else 409


def _desk() -> WishDesk:
    desk = cast(WishDesk | None, current_app.extensions.get("wishes"))
    if desk is None:
        abort(404, "This hub keeps no preferences.")
    return desk
