"""What keeps other sites out of the page: headers, the CSRF token and the secret behind it."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from flask import Flask, Response, jsonify, request, session
from flask.typing import ResponseReturnValue

SECRET_NAME = "page-secret"
SECRET_BYTES = 32
TOKEN_HEADER = "X-CSRF-Token"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; object-src 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def secret_key(data_dir: Path) -> bytes:
    """Return the key that signs session cookies, made at the first call and kept (mode 0600)."""
    path = data_dir / SECRET_NAME
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = path.read_bytes()
        if len(kept) == SECRET_BYTES:
            return kept
        path.unlink()  # cut short by a crash; all it costs is that open tabs reload
        return secret_key(data_dir)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(SECRET_BYTES))
    return path.read_bytes()


def cookie_name(secret: bytes) -> str:
    """Return a name of this site's own: browsers share cookies between the ports of a host."""
    return f"trueque-{hashlib.sha256(secret).hexdigest()[:8]}"


def csrf_token() -> str:
    """Return the token of this browser's session, made when it has none."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(24)
    token: str = session["csrf"]
    return token


def protect(app: Flask) -> None:
    """Refuse changes without the session's token, and send the headers with every answer."""

    @app.before_request
    def check_token() -> ResponseReturnValue | None:
        # Wallets and agents have no session; what these take is signed, or changes nothing.
        is_signed = request.blueprint in ("rpc", "agents")
        if request.method in ("GET", "HEAD", "OPTIONS") or is_signed:
            return None
        sent, kept = request.headers.get(TOKEN_HEADER, ""), session.get("csrf", "")
        if kept and hmac.compare_digest(sent.encode(), kept.encode()):
            return None
        sentence = "This page is out of date; reload it and try again."
        return jsonify(error=sentence, field=None), 403

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        else:
            # Revalidated each time: an updated hub must not meet yesterday's script.
            response.headers["Cache-Control"] = "no-cache"
        return response
