"""The panel's keys on the page (docs/page.md)."""

from __future__ import annotations

from typing import Any, Protocol, cast

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from hub.errors import TruequeError

blueprint = Blueprint("panel", __name__, url_prefix="/api/panel")


class PanelKeys(Protocol):
    """What the page needs of hub.panel.duty.PanelDuty."""

    def record(self) -> dict[str, Any]: ...
    def press(self, key: str, /) -> dict[str, Any]: ...


def panel() -> PanelKeys | None:
    """Return the panel, None on a hub without one."""
    return cast(PanelKeys | None, current_app.extensions.get("panel"))


@blueprint.post("/<key>")
def press(key: str) -> ResponseReturnValue:
    found = panel()
    if found is None:
        return jsonify(error="This hub has no panel.", field=None), 409
    return jsonify(found.press(key))


@blueprint.errorhandler(TruequeError)
def explain(error: TruequeError) -> ResponseReturnValue:
    return jsonify(error=str(error), field=None), 409
