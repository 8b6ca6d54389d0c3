"""Signing in with a second factor: set up, asked for, replaced by a recovery code, demanded by a setting. H1, ASVS 6.5."""

import base64
import secrets
import time
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import BrowserContext, Page, expect

from e2e.conftest import sign_in
from e2e.servers import PASSWORD, Mado


@pytest.fixture
def newcomer(server: Mado) -> str:
    """The address of an agent of this test's own, who has no second factor yet."""
    email = f"dao.{secrets.token_hex(4)}@example.com"
    server.run((["agents", "create", email, "--name", "Dao", "--password-stdin"], f"{PASSWORD}\n"))
    return email


@pytest.fixture
def everybody_must(server: Mado) -> Iterator[Callable[[], None]]:
    """A function that demands a second factor of everybody; afterwards of nobody again."""

    def demand(of: str) -> None:
        server.run(["settings", "set", "sign_in.second_factor", of])

    yield lambda: demand("2")
    demand("0")


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


def sign_out(page: Page) -> None:
    page.goto("/chats")
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")


def begin(context: BrowserContext, email: str) -> Page:
    """The first step: the password, typed into a field that does not show it."""
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("Email").fill(email)
    expect(page.get_by_label("Password")).to_have_attribute("type", "password")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


def answer(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()


def test_a_second_factor_is_set_up_and_signs_in(newcomer, browser_of, watch):
    watch.expect("status of 422")
    page = sign_in(browser_of(None), newcomer).page
    page.goto("/account/second-factor")
    seed, used, codes = set_up(page)
    sign_out(page)

    page = begin(browser_of(None), newcomer)
    page.wait_for_url("**/sign-in/code")
    answer(page, used)
    expect(page.get_by_text("This code is wrong or was used already.")).to_be_visible()
    answer(page, code_of(seed, steps=1))
    page.wait_for_url("**/chats")
    sign_out(page)

    page = begin(browser_of(None), newcomer)
    answer(page, codes[0])
    page.wait_for_url("**/chats")


def test_who_must_have_one_sets_it_up_first(newcomer, browser_of, everybody_must):
    everybody_must()
    page = begin(browser_of(None), newcomer)
    page.wait_for_url("**/account/second-factor")
    page.goto("/cases")
    page.wait_for_url("**/account/second-factor")
    expect(page.get_by_text("Your team asks for one before you go on.")).to_be_visible()
    set_up(page)
    page.goto("/cases")
    page.wait_for_url("**/cases")
