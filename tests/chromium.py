"""Which browser the journeys start, and how."""

import os
import shutil
from typing import Any

NAMES = ("chromium-headless-shell", "chromium", "google-chrome")


def launching(arguments: dict[str, Any]) -> dict[str, Any]:
    """Playwright's arguments with the browser that `make test` found, else an installed one, else
    Playwright's own."""
    installed = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    where = {"executable_path": installed} if installed else {}
    return {**arguments, **where, "args": ["--disable-dev-shm-usage"]}
