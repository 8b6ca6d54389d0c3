"""A Chromium for the journeys: an installed one, else Playwright's own, else Debian's package.

Best is one without windows, which is what Playwright would take: each page of the other kind draws
a window's frame as a page of its own, and the journeys took 1.4 times as long.
"""

import os
import shutil
import subprocess
from pathlib import Path

from environment import Problem

NAMES = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
)  # fmt: skip
MAC_APPS = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
)
PACKAGES = ("chromium-headless-shell", "fonts-noto-cjk", "fonts-thai-tlwg")
DOWNLOAD_SECONDS = 300
ASK_PLAYWRIGHT = (
    "from playwright.sync_api import sync_playwright\n"
    "with sync_playwright() as p: print(p.chromium.executable_path)"
)


def find_or_fetch(python: Path) -> str:
    """The path of a Chromium that starts. Raise Problem when none can be had."""
    named = os.environ.get("CHROMIUM")
    if named:
        if not _starts(named):
            raise Problem(f"CHROMIUM={named} does not start. Correct it, or leave it out.")
        return named
    found = _installed() or _playwrights(python)
    if found is None and _download(python):
        found = _playwrights(python)
    if found is None and _install_package():
        found = _installed()
    if found is None:
        raise Problem(
            "The tests need a browser. Install Chromium or Chrome, or name one: CHROMIUM=/path"
        )
    return found


def _installed() -> str | None:
    on_path = [shutil.which(name) for name in NAMES]
    in_apps = [str(Path("/Applications") / app) for app in MAC_APPS]
    return next((path for path in [*on_path, *in_apps] if path and _starts(path)), None)


def _playwrights(python: Path) -> str | None:
    asked = subprocess.run(
        [python, "-c", ASK_PLAYWRIGHT], capture_output=True, text=True, check=False
    )
    path = asked.stdout.strip()
    return path if asked.returncode == 0 and _starts(path) else None


def _download(python: Path) -> bool:
    print("No Chromium is installed; fetching Playwright's ...", flush=True)
    command = [python, "-m", "playwright", "install", "chromium"]
    try:
        return subprocess.run(command, timeout=DOWNLOAD_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _install_package() -> bool:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print("Installing Debian's Chromium ...", flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["update", "-qq"],
        ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES],
    ):
        if subprocess.run(["apt-get", *command], env=env, check=False).returncode:
            return False
    return True


def _starts(path: str) -> bool:
    """Whether it is there with every library it needs."""
    try:
        asked = subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0
