"""Photos that a customer sends together: one gallery, in their order, while an agent looks."""

from base64 import b64encode
from io import BytesIO
from typing import Any

from PIL import Image
from playwright.sync_api import expect

from e2e.phone import wait_until

WIDTHS = "(pictures) => pictures.map((picture) => picture.naturalWidth)"


def of_the_set(place: int) -> dict[str, Any]:
    """The photo of this place in a set of three; its width tells which it is."""
    raw = BytesIO()
    Image.new("RGB", (place * 100, 80), "teal").save(raw, "JPEG")
    return {
        "kind": "image",
        "content": b64encode(raw.getvalue()).decode(),
        "content_type": "image/jpeg",
        "extra": {"imageSet": {"id": "A set", "index": place, "total": 3}},
    }


def test_a_set_of_photos_is_one_gallery_in_its_order_and_one_can_be_unsent(desk, customer):
    """L1, L2, L3: they arrive in an order of their own."""
    bob, yuki = desk("bob"), customer("Yuki")
    yuki.writes("Look at these")
    bob.open_from_icon(yuki.name)

    yuki.sends(of_the_set(3))
    yuki.sends(of_the_set(1))
    second = yuki.sends(of_the_set(2))
    gallery = bob.page.locator(".tiles.is-gallery")
    pictures = gallery.locator("img")
    expect(pictures).to_have_count(3)
    wait_until(
        lambda: pictures.evaluate_all(WIDTHS) == [100, 200, 300],
        lambda: f"the gallery shows {pictures.evaluate_all(WIDTHS)}",
    )

    yuki.unsends(second)
    expect(gallery.locator(".tile").nth(1)).to_have_text("Unsent")
    expect(pictures).to_have_count(2)
