"""Addresses in messages: which become links, and that no text makes finding them slow (T4, T28)."""

import time

import pytest

from app.links import Part, parts

HOSTILE = {
    "dots": "." * 20_000 + "x.",
    "brackets": ")" * 20_000 + "x)",
    "address and brackets": "http://a.b" + ")" * 20_000 + "x)",
    "opening brackets": "https://a.b/" + "(" * 10_000 + ")" * 10_000,
    "many beginnings": "www." * 5_000,
    "many schemes": "http://" * 3_000,
    "many addresses": "http://a.b/). " * 1_500,
}


def links(text: str) -> list[Part]:
    return [part for part in parts(text) if part[1]]


@pytest.mark.parametrize(
    ("text", "shown", "address"),
    [
        ("see https://example.com/a?b=1#c.", "https://example.com/a?b=1#c", None),
        ("(http://example.com/x)", "http://example.com/x", None),
        ("https://example.com/Mado_(window), yes", "https://example.com/Mado_(window)", None),
        ("www.example.com!", "www.example.com", "https://www.example.com"),
        ("HTTPS://EXAMPLE.COM", "HTTPS://EXAMPLE.COM", None),
        ("こちらhttps://example.com/追跡です", "https://example.com/", None),
        ("ดูที่www.example.comครับ", "www.example.com", "https://www.example.com"),
    ],
)
def test_an_address_is_a_link_without_the_sentence_around_it(text, shown, address):
    assert links(text) == [(shown, address or shown)]


@pytest.mark.parametrize(
    "text",
    ["javascript:alert(1)", "data:text/html,x", "http://", "www.", "http://...", "awww.example.com", ""],
)
def test_everything_else_is_text(text):
    assert links(text) == []


@pytest.mark.parametrize("text", ['http://a.b/"onclick=x', "http://a.b/<img>", "http://a.b/'x", "http://a.b\u202e/x"])
def test_an_address_ends_where_html_or_eyes_could_be_fooled(text):
    [(shown, address)] = links(text)
    assert shown.rstrip("/") == "http://a.b"
    assert not set("\"'<>\u202e") & set(address)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_costs_no_more_than_a_friendly_one(text):  # T28
    began = time.process_time()
    found = parts(text)
    # What this guards against took half a minute; a busy machine needs some milliseconds.
    assert time.process_time() - began < 1.0
    assert "".join(piece for piece, _ in found) == text
