"""The JSON interface of the page, for its own script and for others' (docs/page.md)."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from hub import amounts
from hub.amounts import BadAmount
from hub.errors import TruequeError
from hub.services.market import MarketService
from hub.services.order_rules import Refused
from hub.web.alarms import standing
from hub.web.bridges import bridges
from hub.web.panel import panel
from hub.web.security import csrf_token

blueprint = Blueprint("api", __name__, url_prefix="/api")


class BadRequest(TruequeError):
    """A request that is not what docs/page.md describes."""


def _market() -> MarketService:
    return cast(MarketService, current_app.extensions["market"])


@blueprint.get("/session")
def session_token() -> ResponseReturnValue:
    """Return the token that every POST of this session must carry in X-CSRF-Token."""
    return jsonify(csrf_token=csrf_token())


@blueprint.get("/snapshot")
def snapshot() -> ResponseReturnValue:
    """Return what the page shows; `peer` names whose window and book."""
    keys, seen = panel(), _market().overview(request.args.get("peer"))
    found = bridges()
    plugs = found.record()["plugs"] if found else []
    pressed = keys.record() if keys else None
    return jsonify({**seen, "panel": pressed, "plugs": plugs, "alarms": standing()})


@blueprint.get("/history")
def history() -> ResponseReturnValue:
    return jsonify(_market().history())


@blueprint.get("/trades")
def trades() -> ResponseReturnValue:
    return jsonify(_market().trades(request.args.get("peer")))


@blueprint.post("/orders")
def post_order() -> ResponseReturnValue:
    body = _body()
    post = {"offer": _market().post_offer, "bid": _market().post_bid}.get(str(body.get("side")))
    if post is None:
        raise BadRequest("Choose whether to sell (offer) or to buy (bid).")
    order_id = post(_peer(body), _energy(body), _price(body))
    return jsonify(order_id=order_id), 201


@blueprint.post("/orders/<int:order_id>/take")
def take_order(order_id: int) -> ResponseReturnValue:
    body = _body()
    energy_uwh = _energy(body) if "energy" in body or "energy_uwh" in body else None
    limit = _price(body) if "price" in body or "price_gwei_per_kwh" in body else None
    trade_id = _market().take(_peer(body), order_id, energy_uwh, limit)
    return jsonify(trade_id=trade_id), 201


@blueprint.post("/orders/<int:order_id>/cancel")
def cancel_order(order_id: int) -> ResponseReturnValue:
    _market().cancel(_peer(_body()), order_id)
    return jsonify(order_id=order_id)


@blueprint.post("/orders/<int:order_id>/counter")
def counter_order(order_id: int) -> ResponseReturnValue:
    body = _body()
    counter_id = _market().counter(_peer(body), order_id, _energy(body), _price(body))
    return jsonify(counter_id=counter_id), 201


@blueprint.post("/counters/<int:counter_id>")
def counter_again(counter_id: int) -> ResponseReturnValue:
    body = _body()
    _market().counter_again(_peer(body), counter_id, _energy(body), _price(body))
    return jsonify(counter_id=counter_id)


@blueprint.post("/counters/<int:counter_id>/accept")
def accept_counter(counter_id: int) -> ResponseReturnValue:
    trade_id = _market().accept(_peer(_body()), counter_id)
    return jsonify(trade_id=trade_id), 201


@blueprint.post("/counters/<int:counter_id>/withdraw")
def withdraw_counter(counter_id: int) -> ResponseReturnValue:
    _market().withdraw_counter(_peer(_body()), counter_id)
    return jsonify(counter_id=counter_id)


@blueprint.post("/reviews")
def review_orders() -> ResponseReturnValue:
    """Approve or reject orders by hand, as the coordinator."""
    body = _body()
    ids, is_approved = body.get("order_ids"), body.get("is_approved")
    if not isinstance(ids, list) or not all(type(one) is int for one in ids):
        raise BadRequest("order_ids must be a list of order numbers.")
    if not isinstance(is_approved, bool):
        raise BadRequest("is_approved must be true or false.")
    _market().review(ids, is_approved)
    return jsonify(order_ids=ids, is_approved=is_approved)


@blueprint.errorhandler(TruequeError)
def explain(error: TruequeError) -> ResponseReturnValue:
    """Answer 400 to what cannot be read, 409 to what the market refuses, 503 to the rest."""
    status = 503 if type(error).__name__ == "ChainUnavailable" else 409
    if isinstance(error, BadAmount | BadRequest):
        status = 400
    field = error.field if isinstance(error, BadAmount | Refused) else None
    return jsonify(error=str(error), field=field), status


@blueprint.app_errorhandler(HTTPException)
def explain_http(error: HTTPException) -> ResponseReturnValue:
    return jsonify(error=error.description, field=None), error.code or 500


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadRequest("The request must be a JSON object.")
    return body


def _peer(body: dict[str, Any]) -> str:
    peer = body.get("peer")
    if not isinstance(peer, str):
        raise BadRequest("Say which house you are.")
    return peer


def _energy(body: dict[str, Any]) -> int:
    if "energy_uwh" in body:
        return amounts.check_energy_uwh(body["energy_uwh"])
    return amounts.parse_energy_uwh(body.get("energy", ""))


def _price(body: dict[str, Any]) -> int:
    if "price_gwei_per_kwh" in body:
        return amounts.check_price_gwei_per_kwh(body["price_gwei_per_kwh"])
    return amounts.parse_price_gwei_per_kwh(body.get("price", ""))
