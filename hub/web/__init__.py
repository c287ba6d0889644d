"""The page: a market service goes in, a Flask application that serves peers comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from hub.config import SiteConfig
from hub.services.market import MarketService
from hub.services.simulator import SimulatorDesk
from hub.web import agents as agents_page
from hub.web import alarms as alarms_page
from hub.web import api, events, home, houses, rpc, security, simulator
from hub.web import bridges as bridges_page
from hub.web import panel as panel_keys
from hub.web.parts import NOTHING_BESIDES, PageParts

MAX_BODY_BYTES = 4_096  # an order is a hundred


def create_app(
    service: MarketService,
    config: SiteConfig,
    overrides: Mapping[str, Any] | None = None,
    parts: PageParts = NOTHING_BESIDES,
) -> Flask:
    """Return the application; `overrides` are Flask settings for tests.

    Raises OSError when the page's secret cannot be kept in the data directory.
    """
    app = Flask(__name__)
    secret = security.secret_key(config.data_dir)
    app.config.from_mapping(
        SECRET_KEY=secret,
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        TRUSTED_HOSTS=["127.0.0.1", "localhost"],  # else a hostile name could resolve to us
        SESSION_COOKIE_NAME=security.cookie_name(secret),
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_HTTPONLY=True,
    )
    app.config.from_mapping(overrides or {})
    app.extensions["market"] = service
    app.extensions["panel"] = parts.panel
    app.extensions["bridges"] = parts.bridges
    app.extensions["alarms"] = parts.alarms
    app.extensions["agents"] = parts.agents
    app.extensions["events"] = parts.events
    app.extensions["wishes"] = parts.wishes
    app.extensions[rpc.NAME] = parts.wallet_rpc
    app.extensions["simulator"] = SimulatorDesk()
    app.register_blueprint(home.blueprint)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(panel_keys.blueprint)
    app.register_blueprint(alarms_page.blueprint)
    app.register_blueprint(agents_page.blueprint)
    app.register_blueprint(events.blueprint)
    app.register_blueprint(houses.blueprint)
    app.register_blueprint(bridges_page.blueprint)
    app.register_blueprint(rpc.blueprint)
    app.register_blueprint(simulator.blueprint)
    security.protect(app)
    return app
