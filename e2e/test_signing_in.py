"""Signing in with a second factor: set up, asked for, replaced by a recovery code, demanded by a setting. H1, ASVS 6.5."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import sign_in
from e2e.second_factor import begin, code_of, set_up
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


def sign_out(page: Page) -> None:
    page.goto("/chats")
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")


def answer(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()


def test_a_second_factor_is_set_up_and_signs_in(newcomer, browser_of, watch):
    watch.expect("status of 422")
    page = sign_in(browser_of(None), newcomer).page
    page.goto("/account/second-factor")
    seed, used, codes = set_up(page)
    sign_out(page)

    page = begin(browser_of(None).new_page(), newcomer)
    page.wait_for_url("**/sign-in/code")
    answer(page, used)
    expect(page.get_by_text("This code is wrong or was used already.")).to_be_visible()
    answer(page, code_of(seed, steps=1))
    page.wait_for_url("**/chats")
    sign_out(page)

    page = begin(browser_of(None).new_page(), newcomer)
    answer(page, codes[0])
    page.wait_for_url("**/chats")


def test_who_must_have_one_sets_it_up_first(newcomer, browser_of, everybody_must):
    everybody_must()
    page = begin(browser_of(None).new_page(), newcomer)
    page.wait_for_url("**/account/second-factor")
    page.goto("/cases")
    page.wait_for_url("**/account/second-factor")
    expect(page.get_by_text("Your team asks for one before you go on.")).to_be_visible()
    set_up(page)
    page.goto("/cases")
    page.wait_for_url("**/cases")
