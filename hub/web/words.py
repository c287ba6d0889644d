"""The page's words in a language, from translations/<language>.json."""

from __future__ import annotations

import functools
import json
from pathlib import Path

FOLDER = Path(__file__).parent / "translations"
DEFAULT = "en"


def languages() -> list[str]:
    """Return the languages there are, the default first."""
    found = sorted(path.stem for path in FOLDER.glob("*.json"))
    return [DEFAULT, *(one for one in found if one != DEFAULT)]


@functools.cache
def words(language: str) -> dict[str, str]:
    """Return all words of a language; what it does not translate is in the default's words."""
    catalogue: dict[str, str] = json.loads((FOLDER / f"{DEFAULT}.json").read_text("utf-8"))
    if language != DEFAULT and language in languages():
        catalogue |= json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    return catalogue
