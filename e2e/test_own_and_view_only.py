"""Who sees only what is theirs, and who may only look: what they find, and what an open page says (H1)."""

import secrets

import pytest
from playwright.sync_api import expect

from e2e.desk import Desk

NEW_PASSWORD = "tall grass under snow"


@pytest.fixture
def newcomer(desk, browser_of):
    """A function that makes an agent with these choices and signs them in; their desk and name."""

    def make(name: str, *choices: str) -> tuple[Desk, str]:
        alice, name = desk("alice", "/settings/agents/new"), f"{name} {secrets.token_hex(3)}"
        alice.page.get_by_label("Name").fill(name)
        alice.page.get_by_label("Email").fill(f"{name.replace(' ', '.')}@example.com")
        for choice in choices:
            alice.page.get_by_label(choice).check()
        alice.press("Add agent")
        link = alice.page.get_by_label("Link to set a password").input_value()
        page = browser_of(None).new_page()
        page.goto(link)
        page.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
        page.get_by_label("The same password again").fill(NEW_PASSWORD)
        page.get_by_role("button", name="Set password and sign in").click()
        page.wait_for_url("**/chats")
        return Desk(page), name

    return make


def test_who_sees_only_what_is_theirs_finds_what_is_assigned_and_learns_of_its_loss(
    newcomer, desk, customer, watch
):
    watch.expect("status of 404")
    somchai = customer("Somchai")
    somchai.writes("Only for whom it concerns")
    erin, name = newcomer("Erin", "Only what is theirs")
    erin.expect_live()
    expect(erin.rows).to_have_count(0)
    alice = desk("alice")
    alice.open_from_list(somchai.name)
    alice.page.get_by_label("Assignee").select_option(name)

    erin.expect_icon(1)
    erin.open_from_list(somchai.name)
    erin.composer.fill("Half an answer")
    erin.composer.hover()  # lists hold still under the pointer
    alice.page.get_by_label("Assignee").select_option("Nobody")

    expect(erin.page.get_by_role("alert").filter(has_text="You can't see this case any more")).to_be_visible()
    expect(erin.composer).to_have_value("Half an answer")
    expect(erin.rows).to_have_count(0)
    erin.expect_icon(0)
    somchai.writes("secret")
    alice.bubble("secret").wait_for()
    expect(erin.bubble("secret")).to_have_count(0)
    newcomer("Fay")  # who comes is told to every page that lists colleagues
    expect(erin.page.locator("[data-topic=agents]")).to_have_count(0)


def test_who_may_only_look_reads_along_live_and_is_offered_nothing(newcomer, desk, customer):
    somchai = customer("Somchai")
    somchai.writes("My order is late")
    dora, _name = newcomer("Dora", "View only")
    dora.expect_live()
    dora.expect_icon(0)
    dora.open_from_list(somchai.name)
    expect(dora.page.get_by_text("You may look here and change nothing")).to_be_visible()
    expect(dora.composer).to_have_count(0)
    expect(dora.page.get_by_role("button", name="End chat")).to_have_count(0)

    bob = desk("bob")
    bob.open_from_list(somchai.name)
    bob.send("One moment")
    expect(dora.bubble("One moment")).to_be_visible()
    expect(dora.page.locator(".talk-head .meta")).to_contain_text("has this chat")
