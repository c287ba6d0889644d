"""The page itself: one document; what is live on it comes from the JSON interface."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from hub.web.security import csrf_token
from hub.web.words import languages, words

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def home() -> str:
    """Render the page in the language the browser prefers."""
    language = request.accept_languages.best_match(languages()) or languages()[0]
    catalogue = words(language)
    return render_template(
        "home.html",
        language=language,
        words=catalogue,
        t=catalogue.__getitem__,
        csrf_token=csrf_token(),
    )
