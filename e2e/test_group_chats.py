"""A LINE group at two desks: from its first message to its renamed author, and out and in again."""

import itertools

import pytest
from playwright.sync_api import expect

_numbers = itertools.count(1)


@pytest.fixture
def office(line):
    """A function that makes a group nobody has heard of, with these people; its id and name."""

    def make(*people):
        name = f"Office move 引越し {next(_numbers)}"
        return line.group(name, *people), name

    return make


def author_of(mado, number: int) -> str:
    return mado.api("GET", f"/cases/{number}")["author"]["name"]


def test_a_group_from_its_first_message_to_its_renamed_author(mado, desk, customer, office):
    """S27, S29 to S33: one friend, one stranger, two agents."""
    bob, charlie = desk("bob"), desk("charlie")
    somchai, kenji = customer("Somchai"), customer("Kenji", relation="stranger")
    group, name = office(somchai, kenji)
    bob.expect_icon(0)

    somchai.writes("The desks are late", group=group)
    bob.open_from_list(name)
    number = bob.number
    kenji.writes("Which desks?", group=group)
    bob.expect_sender("The desks are late", somchai.name)
    bob.expect_sender("Which desks?", kenji.id)
    bob.expect_members(kenji.id, somchai.name, author=somchai.name)
    expect(bob.page.locator(".panel .members")).to_contain_text("2 people")
    bob.send("They come tomorrow.")
    somchai.waits_to_see("They come tomorrow.", group=group)
    bob.end("Pending")

    kenji.writes("Nothing came", group=group)
    charlie.goto(f"/chats/{number}")
    charlie.expect_members(kenji.id, somchai.name, author=somchai.name)
    expect(charlie.page.get_by_role("note")).to_contain_text(f"{kenji.id} wrote again")
    assert author_of(mado, number) == somchai.name

    bob.open_from_icon(name)
    bob.expect_members(kenji.id, somchai.name, author=kenji.id)
    charlie.expect_members(kenji.id, somchai.name, author=kenji.id)
    expect(charlie.page.get_by_role("note")).to_have_count(0)
    assert author_of(mado, number) == kenji.id

    kenji.follows()
    bob.expect_members(kenji.name, somchai.name, author=kenji.name)
    charlie.expect_members(kenji.name, somchai.name, author=kenji.name)
    charlie.expect_sender("Which desks?", kenji.name)
    charlie.expect_sender("Nothing came", kenji.name)
    assert author_of(mado, number) == kenji.name

    bob.page.get_by_role("link", name="What happened to this case").click()
    expect(bob.page.get_by_text(f"Author: {somchai.name} → {kenji.name}.")).to_be_visible()


def test_a_group_that_throws_the_channel_out_takes_notes_until_it_is_back(line, desk, customer, office):
    """S8, S28"""
    bob, somchai, yuki = desk("bob"), customer("Somchai"), customer("Yuki")
    group, name = office(somchai)
    somchai.writes("Hello", group=group)
    bob.open_from_list(name)
    yuki.joins(group)
    lines = bob.page.locator(".thread .system-line")
    expect(lines.last).to_contain_text(f"{yuki.name} joined the group.")

    line.throws_out(group)
    expect(lines.last).to_contain_text("The channel left the group.")
    expect(bob.page.get_by_text("The channel has left this group")).to_be_visible()
    expect(bob.page.get_by_role("radio", name="Reply")).to_be_disabled()
    bob.write_note("They threw us out")
    expect(bob.bubble("They threw us out")).to_be_visible()

    line.invites(group)
    expect(bob.page.get_by_text("The channel has left this group")).to_be_hidden()
    bob.page.get_by_role("radio", name="Reply").check()
    bob.send("Here again")
    somchai.waits_to_see("Here again", group=group)
