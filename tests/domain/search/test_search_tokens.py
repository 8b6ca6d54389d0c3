"""Text and queries as tokens, without a database."""

import pytest

from app.domain.search import tokens
from app.domain.search.tokens import Term


@pytest.fixture(autouse=True)
def _in_context() -> None:
    """Nothing here needs the application."""


def test_japanese_is_cut_into_pairs_and_the_last_character():
    assert tokens.read("注文番号").tokens == ["注文", "文番", "番号", "号"]


def test_thai_pairs_keep_vowels_and_tones():
    assert tokens.read("สี").tokens == ["สี", "ี"]


def test_other_words_stay_whole_and_are_alike_in_case_and_width():
    assert tokens.read("Ｈｅｌｌｏ, WORLD!").tokens == ["hello", "world"]


def test_half_width_kana_are_full_width_ones():
    assert tokens.read("ｶﾞｽ").segments == ["ガス"]


def test_a_compound_is_its_parts_and_joined():
    words = tokens.read("see ORD-0012345.")
    assert words.tokens == ["see", "ord", "0012345"]
    assert words.joined == ["ord0012345"]


def test_a_compound_is_joined_from_each_part_on():
    assert tokens.read("a@example.com").joined == ["aexamplecom", "examplecom"]


def test_zero_width_spaces_do_not_part_words():
    assert tokens.read("สวัส\u200bดี").segments == ["สวัสดี"]


def test_accents_and_vowel_signs_stay_in_their_words():
    assert tokens.read("हिन्दी x\u0301y").segments == ["हिन्दी", "x\u0301y"]


def test_nothing_that_is_no_word_stays():
    assert tokens.read("\0\ud800 '\"*:&|!()<-> _ %\\ \ue000").tokens == []


def test_a_long_word_is_cut():
    assert tokens.read("x" * 500).tokens == ["x" * tokens.WORD_LENGTH]


def test_a_long_text_is_cut():
    assert len(tokens.read("あ" * 100_000).tokens) == tokens.INDEXED_LENGTH


def test_characters_that_grow_do_not_pass_the_limit():
    assert len(tokens.read("㍿" * 40_000).tokens) <= tokens.INDEXED_LENGTH


def test_a_query_of_two_characters_is_one_pair():
    assert tokens.parse("注文") == (Term(("注文",), is_prefix=False),)


def test_a_query_of_one_character_is_the_beginning_of_a_pair():
    assert tokens.parse("注") == (Term(("注",), is_prefix=True),)


def test_a_longer_query_is_a_phrase():
    assert tokens.parse("届きます") == (Term(("届き", "きま", "ます"), False, "届きます"),)


def test_scripts_side_by_side_are_one_phrase():
    assert tokens.parse("修理iPhone") == (Term(("修理", "理", "iphone"), True, "修理 iphone"),)


@pytest.mark.parametrize("q", ["ORD-0012345", "ord0012345", "ＯＲＤ－００１２３４５"])
def test_an_order_number_is_one_token_however_it_is_written(q):
    assert tokens.parse(q) == (Term(("ord0012345",), is_prefix=True),)


def test_words_apart_are_terms_of_their_own():
    assert [term.tokens for term in tokens.parse("late　order late")] == [("late",), ("order",)]


def test_a_huge_query_is_capped():
    terms = tokens.parse("word注文 " * 10_000)
    assert len(terms) <= tokens.QUERY_TERMS
    assert sum(len(term.tokens) for term in terms) <= tokens.QUERY_LENGTH


@pytest.mark.parametrize("q", ["", "   ", "\0", "\ud800", '"', "* - OR", "'; --", "\ue000"])
def test_a_query_without_words_has_no_terms(q):
    assert tokens.parse(q.replace("OR", "")) == ()


@pytest.mark.parametrize(
    ("q", "number"),
    [("12", 12), (" #12 ", 12), ("１２", 12), ("1.5", None), ("-1", None), ("", None), ("²", 2)],
)
def test_a_plain_number_is_a_case_number(q, number):
    assert tokens.number(q) == number


def test_a_number_too_big_for_a_case_is_none():
    assert tokens.number("9" * 40) is None
