"""Fixtures of the store's tests."""

from __future__ import annotations
