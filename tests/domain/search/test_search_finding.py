"""What search finds, in which order, and for whom: the same on both engines (H4)."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text, true

from app.domain import search
from app.domain.access import EVERYTHING, Audience, visible_to
from app.domain.search import Cursor
from app.extensions import db
from app.models import Group
from tests.domain.search.world import found

# ── What is found ───────────────────────────────────────────────────────────────────────────


def test_case_is_found_by_its_messages(world):  # H4
    case = world.case("こんにちは", "注文番号を教えてください")
    world.case("別の話です")
    assert found("番号") == [case]


@pytest.mark.parametrize(
    ("body", "q"),
    [
        ("まだ届きません", "届きません"),
        ("まだ届きません", "ん"),
        ("まだ届きません", "届"),
        ("ご注文", "注文"),
        ("มีสีแดงไหม", "สี"),
        ("ผมสั่งซื้อสินค้า", "สั่งซื้อ"),
        ("น้ำเงิน", "น้ำ"),
        ("請問我的訂單", "訂單"),
        ("新しいiPhone修理", "iPhone修理"),
        ("新しいiPhone修理", "修"),
        ("修理iPhoneです", "理iPho"),
        ("Where is ORD-0012345?", "ord-0012345"),
        ("Where is ORD-0012345?", "ORD0012345"),
        ("Where is ORD-0012345?", "0012345"),
        ("Where is ORD-0012345?", "ord-001"),
        ("call 090-1234-5678", "09012345678"),
        ("mail me@example.com", "example.com"),
        ("mail first.last@mail.example.co.jp", "first.last@mail.example.co.jp"),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"),
        ("ｶﾞｽの請求書", "ガス"),
        ("ordering now", "order"),
        ("Straße", "STRASSE"),
        ("どうも❤️🙏です", "🙏"),
        ("한국어 문의입니다", "문의"),
        ("हिन्दी में", "हिन्दी"),
        ("สวัส\u200bดี", "สวัสดี"),
    ],
)
def test_text_is_found(world, body, q):  # H4
    case = world.case(body)
    world.case("nothing of the kind")
    assert found(q) == [case]


@pytest.mark.parametrize(
    ("body", "q"),
    [
        ("文注", "注文"),
        ("注 文", "注文"),
        ("border", "order"),
        ("ORD 0012345", "ORD-0012345"),
        ("ありあ、ありがとう", "ありありが"),
        ("修理の iPhone", "修理iPhone"),
        ("foo-bar baz", "foobarbaz"),
        ("late", "late order"),
    ],
)
def test_text_is_not_found(world, body, q):
    world.case(body)
    assert found(q) == []


def test_every_term_must_be_in_one_text(world):
    both = world.case("the red order")
    world.case("the red one", "the order")
    assert found("order red") == [both]


def test_a_phrase_does_not_reach_from_one_text_into_the_next(world):
    world.case(subject="go foo", name="bar stool")
    world.case("foo-x bar-y go(foo")
    assert found("foo(bar") == []


def test_case_is_found_by_subject_and_name(world):  # H4
    case = world.case(subject="配送について", name="山田 花子")
    assert found("山田") == found("配送") == [case]


def test_changed_subject_replaces_the_old_one(world):
    case = world.case(subject="Broken lamp")
    search.put_case(case, "Broken chair")
    assert found("chair") == [case]
    assert found("lamp") == []


def test_removed_case_is_found_no_more(world):
    case = world.case(subject="Broken lamp")
    search.remove_case(case)
    assert found("lamp") == []


@pytest.mark.parametrize("sign", ["{}", "#{}", " {} "])
def test_case_is_found_by_its_number(world, sign):  # H4
    world.case("before")
    case = world.case("one")
    assert case in found(sign.format(case))


def test_number_of_no_case_finds_nothing(world):
    world.case("one")
    assert found("9223372036854775806") == found("99999999999999999999") == []


def test_removed_message_is_found_no_more(world):  # L3
    case = world.case("keep this")
    message = world.message(case, "forget ORD-77 注文")
    search.remove_message(message, "forget ORD-77 注文")
    assert found("forget") == found("注文") == found("ORD-77") == []
    assert found("keep") == [case]


def test_edited_message_is_found_by_its_new_text(world):  # L3
    case = world.case()
    message = world.message(case, "tomorow")
    search.remove_message(message, "tomorow")
    search.add_message(message, case, "tomorrow")
    assert found("tomorow") == []
    assert found("tomorrow") == [case]


def test_text_without_words_can_be_added_and_removed(world):
    case = world.case()
    message = world.message(case, "?!")
    search.remove_message(message, "?!")
    assert found("?!") == []


def test_phrase_at_the_end_of_a_very_long_text_is_found(world):
    case = world.case("です。" * 9000 + "ですね、特注です棚")
    world.case("です棚でも、特注です")
    assert found("特注です棚") == [case]


def test_the_same_pair_hundreds_of_times_is_still_a_phrase(world):
    case = world.case("ああいう" * 400 + "ああえ")
    assert found("ああえ") == [case]
    assert found("ああお") == []


def test_text_of_a_million_strange_characters_is_taken(world):
    case = world.case(" ".join(f"{chr(0x10330 + n % 27) * 16}-{n}" for n in range(50_000)))
    assert found(chr(0x10330) * 16 + "-0") == [case]


# ── Order, pages and who may see ────────────────────────────────────────────────────────────


def test_newest_message_comes_first(world):  # S10
    old, middle, new = (world.case("order") for _ in range(3))
    assert found("order") == [new, middle, old]


def test_pages_follow_each_other_without_gap_or_repeat(world):
    cases = [world.case("order") for _ in range(7)]
    first = search.find_cases("order", condition=true(), limit=3)
    second = search.find_cases("order", condition=true(), before=first.next, limit=3)
    third = search.find_cases("order", condition=true(), before=second.next, limit=3)
    assert first.case_ids + second.case_ids + third.case_ids == cases[::-1]
    assert third.next is None


def test_a_page_that_walking_began_goes_on_further_back(world, gather_few):
    gather_few(few=2000, portions=(2, 2))
    old = [world.case("order") for _ in range(5)]
    world.case("something else")
    new = world.case("order")
    first = search.find_cases("order", condition=true(), limit=4)
    second = search.find_cases("order", condition=true(), before=first.next, limit=4)
    assert first.case_ids == [new, *old[:1:-1]]
    assert second.case_ids == old[1::-1]
    assert second.next is None


def test_a_word_of_the_past_is_on_the_first_page(world, gather_few):
    gather_few(few=2000, portions=(2, 2))
    old = world.case("order")
    newer = [world.case("something else") for _ in range(7)]
    page = search.find_cases("order", condition=true())
    assert newer and page == search.Page([old], None)


def test_a_number_among_the_newest_is_found_once(world, gather_few):
    gather_few(few=2000, portions=(2, 2))
    cases = [world.case("something else") for _ in range(5)]
    assert found(str(cases[-1])) == [cases[-1]]
    assert found(str(cases[0])) == [cases[0]]


def test_a_last_page_that_is_full_has_no_next(world):
    world.case("order")
    assert search.find_cases("order", condition=true(), limit=1).next is None


@pytest.mark.parametrize("place", ["0-0", "253402300799000000-9223372036854775807"])
def test_a_place_at_the_end_of_the_world_is_taken(world, place):
    case = world.case("order")
    page = search.find_cases("order", condition=true(), before=Cursor.parse(place))
    assert page.case_ids in ([], [case])


def test_cases_of_the_same_moment_are_paged_by_number(world):
    cases = [world.case("order") for _ in range(4)]
    db.session.execute(
        text("UPDATE cases SET last_message_at = :at"), {"at": "2026-11-02 10:00:00.000000"}
    )
    assert found("order", limit=1) == cases[::-1]


def members_of(group_ids: set[int]) -> Audience:
    return Audience("own_groups", group_ids=frozenset(group_ids))


def test_only_visible_cases_are_found(world):  # T11
    ours, theirs = Group(name="Ours"), Group(name="Theirs")
    db.session.add_all([ours, theirs])
    db.session.flush()
    free = world.case("secret order")
    mine = world.case("secret order", group=ours)
    other = world.case("secret order", group=theirs)
    assert found("secret", condition=visible_to(EVERYTHING)) == [other, mine, free]
    assert found("secret", condition=visible_to(members_of({ours.id}))) == [mine, free]
    assert found(str(other), condition=visible_to(members_of({ours.id}))) == []


def test_visibility_holds_for_a_word_in_very_many_messages(world, gather_few):  # T11
    gather_few()
    theirs = Group(name="Theirs")
    db.session.add(theirs)
    db.session.flush()
    mine = [world.case("order") for _ in range(8)]
    world.case("order", group=theirs)
    assert found("order", condition=visible_to(members_of({0}))) == mine[::-1]


def test_newest_hits_are_the_newest_messages_with_a_hit(world):
    case = world.case("order one")
    newest = world.message(case, "order two")
    world.message(case, "something else")
    other = world.case("something else", subject="order")
    assert search.newest_hits("order", [case, other]) == {case: newest}
    assert search.newest_hits("?", [case]) == {}


# ── Places and names ────────────────────────────────────────────────────────────────────────


def test_a_place_comes_back_from_its_text():
    place = Cursor(datetime(2026, 11, 2, 9, 0, 1, 234567, tzinfo=UTC), 12)
    assert Cursor.parse(str(place)) == place


@pytest.mark.parametrize(
    "value", ["", "1", "-", "a-1", "1-a", "1--1", "9" * 30 + "-1", "1-" + "9" * 30, "²-1"]
)
def test_a_made_up_place_is_refused(value):
    with pytest.raises(ValueError):
        Cursor.parse(value)


@pytest.mark.parametrize(
    "name", ["message_search", "message_search_data", "case_search_idx", "message_search_tokens"]
)
def test_our_tables_are_ours(name):
    assert search.is_ours(name)


@pytest.mark.parametrize("name", ["messages", "cases", None, ""])
def test_other_tables_are_not_ours(name):
    assert not search.is_ours(name)
