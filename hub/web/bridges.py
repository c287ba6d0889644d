"""Bridges on the page: plugs to switch, what other services have, metrics (docs/bridges.md)."""

from __future__ import annotations

from typing import Any, Protocol, cast

from flask import Blueprint, Response, abort, current_app, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from hub.errors import TruequeError

blueprint = Blueprint("bridges", __name__)


class PageBridges(Protocol):
    """What the page needs of hub.bridges.part.BridgesPart."""

    def record(self) -> dict[str, Any]: ...
    def switch_plug(self, name: str, is_on: bool, peer: str, /) -> dict[str, Any]: ...
    def history(self) -> dict[str, Any]: ...
    def metrics(self) -> bytes | None: ...
    def usage(self) -> dict[str, Any]: ...
    def ewelink_sign_in(self) -> str: ...
    def take_ewelink_code(self, code: str, region: str, state: str, /) -> None: ...


def bridges() -> PageBridges | None:
    """Return the bridges, None on a hub without any."""
    return cast(PageBridges | None, current_app.extensions.get("bridges"))


@blueprint.get("/api/bridges")
def show() -> ResponseReturnValue:
    found = bridges()
    return jsonify(found.record() if found else {"plugs": [], "states": []})


@blueprint.post("/api/plugs/<name>")
def switch(name: str) -> ResponseReturnValue:
    """Turn an appliance on or off: {"peer": house, "is_on": true or false}."""
    found, body = bridges(), request.get_json(silent=True)
    if found is None:
        return jsonify(error="This hub has no plugs.", field=None), 409
    is_on = body.get("is_on") if isinstance(body, dict) else None
    peer = body.get("peer") if isinstance(body, dict) else None
    if not isinstance(is_on, bool) or not isinstance(peer, str):
        sentence = "Say which house you are (peer) and whether on (is_on: true or false)."
        return jsonify(error=sentence, field=None), 400
    return jsonify(found.switch_plug(name, is_on, peer))


@blueprint.get("/api/thingspeak")
def history() -> ResponseReturnValue:
    """Return by house what its channel at ThingSpeak has."""
    found = bridges()
    return jsonify(found.history() if found else {})


@blueprint.get("/api/plugs/usage")
def usage() -> ResponseReturnValue:
    """Return what eWeLink says of its plugs' use, this month and by day."""
    found = bridges()
    return jsonify(found.usage() if found else {})


@blueprint.get("/ewelink/sign-in")
def sign_in() -> ResponseReturnValue:
    """Lead a person to eWeLink's own page."""
    found = bridges()
    return redirect(found.ewelink_sign_in()) if found else abort(404)


@blueprint.get("/redirectUrl")
def signed_in() -> ResponseReturnValue:
    """Where eWeLink leads back to: the thesis's path. What was begun here alone is taken."""
    found = bridges()
    if found is None:
        abort(404)
    given = [request.args.get(name, "") for name in ("code", "region", "state")]
    found.take_ewelink_code(*given)
    return redirect("/")


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Answer a scrape of Prometheus."""
    found = bridges()
    text = found.metrics() if found else None
    if text is None:
        abort(404, "Prometheus is off: it needs the table [bridges.prometheus] in site.toml.")
    return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")


@blueprint.errorhandler(TruequeError)
def explain(error: TruequeError) -> ResponseReturnValue:
    return jsonify(error=str(error), field=None), 409
