"""Queries, texts and names nobody means well with: no error, no false hit (T13, F23)."""

import pytest

from app.domain import search
from tests.domain.search.corpus import HOSTILE
from tests.domain.search.world import found


@pytest.mark.parametrize("q", HOSTILE)
def test_hostile_queries_find_only_what_has_their_words(world, q):  # T13 F23
    world.case("nothing of that kind, よろしく")
    assert found(q) == []


@pytest.mark.parametrize("q", HOSTILE)
def test_hostile_queries_walk_as_well(world, q, gather_few):  # T13
    gather_few()
    world.cases([["nothing of that kind, よろしく"]] * 5)
    assert found(q) == []


@pytest.mark.parametrize("body", HOSTILE)
def test_hostile_texts_are_indexed_and_removed(world, body):  # T13
    case = world.case(subject=body.replace("\0", "").encode("utf-8", "replace").decode()[:200])
    message = world.message(case, body + " marker")
    assert found("marker") == [case]
    search.remove_message(message, body + " marker")
    assert found("marker") == []


def test_hostile_names_are_indexed(world):  # T13
    case = world.case()
    search.put_case(case, *HOSTILE, "marker", None)
    assert found("marker") == [case]
