"""What docs/trying.md has people try and no other journey walks: done by the forms of the simulator's page."""

import requests
from playwright.sync_api import expect

from e2e.phone import Line, wait_until


def press(line: Line, form: str, **fields: str) -> None:
    """Send a form of the simulator's page."""
    requests.post(f"{line.server.url}{form}", data=fields, timeout=10).raise_for_status()


def test_a_film_in_preparation_comes_later_and_a_photo_that_line_has_no_more_is_told(line, desk, customer):
    """L2"""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Look at these")
    bob.open_from_icon(somchai.name)

    press(line, "/faults", call="content", what="202", times="3")
    press(line, f"/talks/{somchai.id}/messages", kind="video")
    expect(bob.page.locator(".thread .tile")).to_contain_text("LINE is still preparing it.")
    expect(bob.page.locator(".thread video.tile")).to_be_visible()

    press(line, "/faults", call="content", what="410")
    press(line, f"/talks/{somchai.id}/messages", kind="image")
    expect(bob.page.locator(".thread .tile.is-gone")).to_contain_text("No longer available. LINE has it no more.")


def test_a_set_of_photos_that_stays_incomplete_shows_what_came(line, desk, customer):
    """L1"""
    bob, yuki = desk("bob"), customer("Yuki")
    yuki.writes("Look at these")
    bob.open_from_icon(yuki.name)
    press(line, f"/talks/{yuki.id}/messages", kind="part")
    expect(bob.page.locator(".thread .tiles.is-gallery img")).to_have_count(2)


def test_a_member_without_a_user_id_is_a_member_of_line(line, desk, customer):
    """S33"""
    bob, somchai, kenji = desk("bob"), customer("Somchai"), customer("Kenji", relation="stranger")
    name = f"Without ids {somchai.name}"
    group = line.group(name, somchai, kenji)
    somchai.writes("The desks are late", group=group)
    bob.open_from_list(name)
    press(line, f"/talks/{group}/messages", kind="nameless", **{"as": kenji.id})
    bob.expect_sender("I agreed to nothing yet", "LINE member")
    bob.expect_members(somchai.name, author=somchai.name)


def test_a_long_reply_goes_out_in_parts_and_one_that_is_too_long_stays(desk, customer, watch):
    """L5"""
    watch.expect("status of 422")
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Tell me everything")
    bob.open_from_icon(somchai.name)
    bob.composer.fill("The desks come tomorrow. " * 300)
    bob.press("Send")
    wait_until(lambda: len(somchai.sees()) == 2, lambda: f"{len(somchai.sees())} parts came")
    assert [part.rstrip().endswith("tomorrow.") for part in somchai.sees()] == [True, True]

    bob.send("x" * 25_001)
    expect(bob.notice).to_contain_text("25000 can be sent")
    expect(bob.composer).to_have_value("x" * 25_001)
