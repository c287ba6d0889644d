"""`/rpc`: a wallet's requests to the chain, through the hub's allow-list (docs/chain.md)."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from hub.services.wallet_rpc import MAX_BODY_BYTES, WalletRpc, refusal

NAME = "rpc"
blueprint = Blueprint(NAME, __name__)


@blueprint.post("/rpc")
def ask() -> ResponseReturnValue:
    """Answer one JSON-RPC request.

    No token is asked of it, for a wallet has none: it can do nothing that is not signed. A page of
    another site has to ask the browser first because of the content type, and is not let through.
    """
    found = cast(WalletRpc | None, current_app.extensions.get(NAME))
    if found is None:
        return jsonify(refusal("this hub passes nothing on to a chain")), 404
    if request.mimetype != "application/json":
        return jsonify(refusal("the content type must be application/json")), 415
    if (request.content_length or 0) > MAX_BODY_BYTES:
        return jsonify(refusal(f"more than {MAX_BODY_BYTES} bytes")), 413
    request.max_content_length = MAX_BODY_BYTES + 1
    status, answer = found.answer(request.get_data(), request.remote_addr or "")
    return jsonify(answer), status
