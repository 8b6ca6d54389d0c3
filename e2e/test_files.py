"""Files to a customer: chosen, pasted and dragged, with their progress, and what the phone shows (L5)."""

import re
from io import BytesIO

import pytest
import requests
from PIL import Image
from playwright.sync_api import Route, expect

from e2e.desk import Desk
from e2e.phone import Customer, wait_until

UPLOADS = re.compile(r"/cases/\d+/attachments$")
PLAN = {"name": "plan ผัง.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 a plan"}
# As a browser hands files over that somebody drags or pastes.
HAND_OVER = """(target, [event, name, type, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  for (const kind of event === "drop" ? ["dragenter", "dragover", "drop"] : ["paste"]) {
    const options = { bubbles: true, cancelable: true };
    target.dispatchEvent(kind === "paste" ? new ClipboardEvent(kind, { ...options, clipboardData: data })
                                          : new DragEvent(kind, { ...options, dataTransfer: data }));
  }
}"""


def photo() -> dict:
    written = BytesIO()
    Image.effect_noise((900, 600), 40).convert("RGB").save(written, "JPEG")
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": written.getvalue()}


@pytest.fixture
def chat(desk, customer) -> tuple[Desk, Customer]:
    """Bob with Somchai's chat open."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Do you have a photo?")
    bob.open_from_icon(somchai.name)
    return bob, somchai


def choose(bob: Desk, *files: dict) -> None:
    bob.page.get_by_label("Attach files").set_input_files(list(files))


def hand_over(bob: Desk, event: str, file: dict) -> None:
    bob.composer.evaluate(HAND_OVER, [event, file["name"], file["mimeType"], list(file["buffer"])])


def strip(bob: Desk):
    return bob.page.get_by_role("list", name="Files to send").get_by_role("listitem")


def ready(bob: Desk):
    """Files that are on the server."""
    return strip(bob).filter(has=bob.page.locator("input[name=attachment]"))


def received(customer: Customer) -> list[dict]:
    talk = customer._line.call("GET", f"/customers/{customer.id}/talk")["items"]
    return [message for message in talk if message["from"] == "account"]


def waits_for(customer: Customer, *kinds: str) -> list[dict]:
    found: list[dict] = []

    def has_come() -> bool:
        found[:] = received(customer)
        return [message["kind"] for message in found] == list(kinds)

    wait_until(has_come, lambda: f"{customer.name} got {[message['kind'] for message in found]}")
    return found


def test_a_chosen_photo_goes_out_and_the_customer_sees_it(chat, new_context, line):
    bob, somchai = chat
    choose(bob, photo())
    expect(ready(bob)).to_contain_text("photo.jpg")
    expect(ready(bob).locator("img.thumb")).to_have_js_property("complete", True)
    bob.send("Here it is")
    expect(strip(bob)).to_have_count(0)
    bob.expect_sent("Here it is")
    image = waits_for(somchai, "text", "image")[1]["body"]
    got = requests.get(image["originalContentUrl"], timeout=10)
    assert (got.headers["Content-Type"], Image.open(BytesIO(got.content)).size) == ("image/jpeg", (900, 600))

    phone = new_context().new_page()
    phone.goto(f"{line.server.url}/talks/{somchai.id}")
    shown = phone.get_by_role("img", name="A photo")
    expect(shown).to_be_visible()
    wait_until(lambda: shown.evaluate("(img) => img.naturalWidth") == 640, lambda: "the phone shows no photo")


def test_a_dragged_file_becomes_a_card_whose_link_can_be_revoked(chat, watch):
    bob, somchai = chat
    hand_over(bob, "drop", PLAN)
    expect(ready(bob)).to_contain_text("plan ผัง.pdf")
    bob.press("Send")
    [card] = waits_for(somchai, "flex")
    address = card["body"]["contents"]["action"]["uri"]
    assert requests.get(address, timeout=10).content == PLAN["buffer"]

    bubble = bob.page.locator(".message.is-out").last
    bubble.get_by_text("Public link").click()
    bubble.get_by_role("button", name="Revoke the link of plan ผัง.pdf").click()
    expect(bubble).to_contain_text("Link revoked")
    assert requests.get(address, timeout=10).status_code == 404


def test_what_is_unfolded_in_a_message_stays_so_when_the_message_changes(chat, watch):
    bob, somchai = chat
    choose(bob, PLAN, PLAN | {"name": "prices.pdf"})
    expect(ready(bob)).to_have_count(2)
    bob.press("Send")
    waits_for(somchai, "flex", "flex")
    bubble = bob.page.locator(".message.is-out").last
    bubble.get_by_text("Public link").click()
    revoke = bubble.get_by_role("button", name="Revoke the link of")
    expect(revoke).to_have_count(2)
    revoke.first.click()
    expect(revoke).to_have_count(1)
    expect(revoke).to_be_visible()


def test_a_pasted_picture_waits_in_the_draft_through_a_reload_and_can_be_removed(chat):
    bob, _somchai = chat
    hand_over(bob, "paste", photo())
    expect(ready(bob)).to_have_count(1)
    bob.page.reload()
    expect(ready(bob)).to_contain_text("photo.jpg")
    bob.page.get_by_role("button", name="Remove photo.jpg").click()
    expect(strip(bob)).to_have_count(0)
    bob.page.reload()
    expect(bob.composer).to_be_visible()
    expect(strip(bob)).to_have_count(0)


def test_a_file_whose_connection_is_lost_says_so_and_is_tried_again(chat, watch):
    bob, somchai = chat
    watch.expect("Failed to load resource", "ERR_")
    bob.page.route(UPLOADS, lambda route: route.abort("connectionreset"), times=1)
    choose(bob, PLAN)
    expect(strip(bob)).to_contain_text("The connection was lost.")
    bob.press("Send")
    expect(bob.notice).to_contain_text("A file is not there yet")
    strip(bob).get_by_role("button", name="Try again").click()
    expect(ready(bob)).to_have_count(1)
    bob.press("Send")
    waits_for(somchai, "flex")


def test_a_file_on_its_way_is_cancelled(chat, watch):
    bob, somchai = chat
    held: list[Route] = []
    bob.page.route(UPLOADS, lambda route: held.append(route), times=1)
    with bob.page.expect_request(UPLOADS):
        choose(bob, PLAN)
    bob.page.get_by_role("button", name="Cancel plan ผัง.pdf").click()
    expect(strip(bob)).to_have_count(0)
    bob.send("Without it")
    somchai.waits_to_see("Without it")


def test_a_file_goes_into_the_draft_of_its_chat_although_one_opens_another(chat, customer):
    """U4"""
    bob, somchai = chat
    yuki = customer("Yuki")
    yuki.writes("こんにちは")
    held: list[Route] = []
    bob.page.route(UPLOADS, lambda route: held.append(route), times=1)
    with bob.page.expect_request(UPLOADS):
        choose(bob, PLAN)
    bob.open_from_icon(yuki.name)
    with bob.page.expect_response(UPLOADS):
        held[0].continue_()
    expect(strip(bob)).to_have_count(0)
    bob.open_from_list(somchai.name)
    expect(ready(bob)).to_contain_text("plan ผัง.pdf")


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ({"name": "none.txt", "mimeType": "text/plain", "buffer": b""}, "This file is empty."),
        ({"name": "setup.exe", "mimeType": "application/octet-stream", "buffer": b"MZ"}, "Programs are not sent"),
    ],
)
def test_a_refused_file_says_why_at_the_file(chat, watch, file, why):
    bob, _somchai = chat
    watch.expect("status of 422")
    choose(bob, file)
    expect(strip(bob)).to_contain_text(why)
    bob.page.get_by_role("button", name=f"Remove {file['name']}").click()
    expect(strip(bob)).to_have_count(0)
