"""Where a text has what was searched for; without a database."""

import pytest

from app.domain import search
from tests.domain.search.corpus import HOSTILE


@pytest.fixture(autouse=True)
def _in_context() -> None:
    """Nothing here needs the application."""


@pytest.mark.parametrize(
    ("body", "q", "hits"),
    [
        ("まだ届きません", "届き", ["届き"]),
        ("Order, reorder, ORDERED", "order", ["Order", "ORDER"]),
        ("ｶﾞｽの請求", "ガス", ["ｶﾞｽ"]),
        ("Where is ORD-0012345?", "ord0012345", ["ORD-0012345"]),
        ("新しいiPhone 修理", "iphone修理", ["iPhone 修理"]),
        ("red and blue", "blue red", ["red", "blue"]),
        ("注文と注文番号", "注文 注文番号", ["注文", "注文番号"]),
        ("Straße\u200b und Maße", "strasse", ["Straße"]),
        ("a\u200bb Maßnahme", "massnahme", ["Maßnahme"]),
        ("no hit", "zebra", []),
        ("no query", "'\"", []),
    ],
)
def test_snippet_marks_the_hits(body, q, hits):
    parts = search.snippet(body, q)
    assert [part for part, is_hit in parts if is_hit] == hits
    assert "".join(part for part, _ in parts) == body


def test_long_text_is_cut_around_the_first_hit():
    parts = search.snippet("あ" * 500 + "注文" + "い" * 500, "注文")
    shown = "".join(part for part, _ in parts)
    assert ("注文", True) in parts
    assert shown.startswith("…あ") and shown.endswith("い…")
    assert len(shown) < 170


@pytest.mark.parametrize("q", HOSTILE)
def test_hostile_queries_make_plain_snippets(q):  # T13
    assert search.snippet("よろしく", q) == [("よろしく", False)]


def test_empty_text_has_no_parts():
    assert search.snippet("", "order") == []


# ── The same as reading every text ──────────────────────────────────────────────────────────
