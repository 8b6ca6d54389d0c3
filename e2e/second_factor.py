"""Signing in with a second factor, as people with an app do it."""

import base64
import time

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import Page, expect

from e2e.servers import PASSWORD


def code_of(seed: str, *, steps: int = 0) -> str:
    """What an app shows; a step ahead where the present code was used already."""
    app = TOTP(base64.b32decode(seed), 6, SHA1(), 30)
    return app.generate(time.time() + 30 * steps).decode()


def set_up(page: Page) -> tuple[str, str, list[str]]:
    """Type the secret off the page into an app, so to speak: it, the code that was used, the recovery codes."""
    seed = page.get_by_label("Or type this into the app").input_value().replace(" ", "")
    code = code_of(seed)
    page.get_by_label("Code that the app shows").fill(code)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Switch on").click()
    codes = page.get_by_label("Recovery codes").input_value().split()
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/account")
    return seed, code, codes


def begin(page: Page, email: str) -> Page:
    """The first step: the password, typed into a field that does not show it."""
    page.goto("/sign-in")
    page.get_by_label("Email").fill(email)
    expect(page.get_by_label("Password")).to_have_attribute("type", "password")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page
