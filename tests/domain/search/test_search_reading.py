"""Search finds what reading every text would find, in four languages and all three ways (H4)."""

import random
import re
import unicodedata

import pytest
from flask import Flask
from sqlalchemy import event, true

from app import transaction
from app.domain import search
from app.extensions import db
from tests.domain.search.corpus import CHINESE, ENGLISH, JAPANESE, RARE, THAI
from tests.domain.search.world import World, found


def _corpus(seed: int, cases: int) -> list[list[str]]:
    dice = random.Random(seed)
    sentences = JAPANESE * 3 + THAI * 2 + CHINESE * 2 + ENGLISH * 2
    corpus = []
    for n in range(cases):
        texts = [
            " ".join(dice.sample(sentences, dice.randint(1, 2))) for _ in range(dice.randint(1, 7))
        ]
        if n % 40 == 7:
            texts.append(dice.choice(JAPANESE) + dice.choice(RARE))
        if n % 3 == 0:
            texts.append(f"ORD-{n:07d} {dice.choice(THAI)}")
        corpus.append(texts)
    return corpus


QUERIES = [
    "注文", "届きません", "い", "龍", "特注のガラス棚", "ガス", "ガラ", "ありがとう", "がとうござ",
    "สี", "สั่งซื้อ", "ได้รับของ", "กระจก", "น้ำ", "ค", "ไม่มีคำนี้",
    "訂單", "商品", "玻璃", "我", "謝謝您的幫忙", "到貨",
    "order", "ORDER", "ord", "refund", "stained", "example", "iphone", "zebra", "re", "0000",
    "order 注文", "สี 商品", "refund here", "赤 青", "blue 訂單",
]  # fmt: skip


def _read_everything(world: World, q: str) -> list[int]:
    """The naive answer: unspaced scripts anywhere, other words by their beginning."""
    terms = unicodedata.normalize("NFKC", q).casefold().split()
    return [
        case
        for case in reversed(world.texts)
        if any(_has_all(body, terms) for body in world.texts[case])
    ]


def _has_all(body: str, terms: list[str]) -> bool:
    body = unicodedata.normalize("NFKC", body).casefold()
    return all(_has(body, term) for term in terms)


def _has(body: str, term: str) -> bool:
    if not term.isascii():
        return term in body
    return re.search(rf"(?<![a-z0-9]){re.escape(term)}", body, re.ASCII) is not None


@pytest.fixture(scope="module")
def crowd(app: Flask) -> World:
    """A few thousand messages in four languages; the database goes with this module."""
    with app.app_context(), transaction.writing():
        world = World()
        world.cases(_corpus(1, 600))
    return world


@pytest.fixture(scope="module")
def answers(crowd) -> dict[str, list[int]]:
    return {q: _read_everything(crowd, q) for q in QUERIES}


def test_the_crowd_is_big_and_its_questions_differ(crowd, answers):
    assert sum(map(len, crowd.texts.values())) > 2500
    assert sum(1 for cases in answers.values() if cases) > 25
    assert sum(1 for cases in answers.values() if not cases) >= 3


@pytest.mark.parametrize("q", QUERIES)
def test_search_finds_what_reading_finds(crowd, answers, q):  # H4
    assert found(q) == answers[q]


@pytest.mark.parametrize("q", QUERIES)
def test_walking_finds_what_reading_finds(crowd, answers, q, gather_few):  # H4
    gather_few()
    assert found(q) == answers[q]


@pytest.mark.parametrize("q", QUERIES)
def test_gathering_after_a_short_walk_finds_what_reading_finds(crowd, answers, q, gather_few):
    gather_few(many=10_000, portions=(10, 50))
    assert found(q) == answers[q]


def test_a_walk_that_took_long_enough_leads_on(crowd, answers, gather_few):
    gather_few(few=1, many=1, portions=(5, 10))
    page = search.find_cases("龍", condition=true())
    assert len(page.case_ids) < len(answers["龍"])
    assert page.next is not None
    assert found("龍") == answers["龍"]


def test_a_word_of_the_past_needs_no_second_page(crowd, answers, gather_few):
    gather_few(few=1, many=10_000, portions=(5, 10))
    page = search.find_cases("龍", condition=true())
    assert page == search.Page(answers["龍"], None)


@pytest.mark.parametrize("q", ["注文", "い", "龍", "order 注文"])
def test_a_page_takes_a_bounded_number_of_statements(crowd, q, gather_few):
    gather_few()
    statements: list[str] = []
    listen = (db.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    event.listen(*listen)
    search.find_cases(q, condition=true())
    event.remove(*listen)
    assert 0 < len(statements) <= 24
