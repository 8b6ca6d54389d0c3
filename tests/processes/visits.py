"""What people, programs and LINE do to a running Mado."""

import json
import re
from typing import Any

import requests

from tests.channels.line_posts import batch, signature
from tests.processes.conftest import LINE_SECRET, LINE_TOKEN
from tests.processes.servers import Mado

PASSPHRASE = "a long enough passphrase"


def prepared(mado: Mado) -> tuple[str, str]:
    """An admin's API token, and the webhook of a connected channel."""
    admin = ["agents", "create", "alice@example.com", "--name", "Alice", "--role", "admin"]
    _, token, hook = mado.must(
        ([*admin, "--password-stdin"], PASSPHRASE),
        ["tokens", "create", "alice@example.com"],
        connect("Shop"),
    )
    return token, hook


def connect(name: str) -> list[str]:
    """The command that connects a channel to the simulated LINE."""
    return ["channels", "create-line", "--name", name, "--token", LINE_TOKEN, "--secret", LINE_SECRET]


def signed(*events: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """A webhook call with these events: its body, and its headers."""
    raw = json.dumps(batch(*events)).encode()
    return raw, {"Content-Type": "application/json", "x-line-signature": signature(raw, LINE_SECRET)}


def send(hook: str, *events: dict[str, Any], seconds: float = 5) -> int:
    """Call the webhook with these events; the status of the answer."""
    raw, headers = signed(*events)
    return requests.post(hook, data=raw, headers=headers, timeout=seconds).status_code


def texts(mado: Mado, token: str) -> list[str]:
    """What the first case says."""
    items = mado.get("/api/v1/cases/1/messages?limit=200", token)["items"]
    return [item["text"] for item in items]


def signed_in(mado: Mado) -> requests.Session:
    """A browser with Alice's session, signed in through the form."""
    browser, answer = sign_in(mado, PASSPHRASE)
    assert answer.status_code == 200, answer.text[:500]
    return browser


def sign_in(mado: Mado, password: str) -> tuple[requests.Session, requests.Response]:
    """A fresh browser, and what it is answered when it signs in as Alice with this password."""
    browser = requests.Session()
    page = browser.get(f"{mado.url}/sign-in", timeout=5).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token, page
    form = {"csrf_token": token[1], "email": "alice@example.com", "password": password}
    return browser, browser.post(f"{mado.url}/sign-in", data=form, timeout=10)


def cookie_of(browser: requests.Session) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)
