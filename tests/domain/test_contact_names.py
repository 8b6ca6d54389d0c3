"""Finding contacts by name, and what to call several of them wherever they write."""

import pytest

from app import transaction
from app.domain import contacts
from app.extensions import db
from app.models import Case, Contact
from tests.domain.rules.conftest import channel as channel
from tests.world import chat_of, count


@pytest.fixture
def people(channel) -> dict[str, int]:
    """Somchai, Yuki and somebody whose name nobody knows; their ids by name."""
    known = {}
    for who, name in (("U1", "Somchai Jaidee"), ("U2", "鈴木 由紀"), ("U3", None)):
        case = chat_of(channel, "Hello", who=who)
        with transaction.writing():
            db.session.get_one(Contact, case.contact_id).name = name
        known[name or who] = db.session.get_one(Case, case.id).contact_id
    return known


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("somchai", ["Somchai Jaidee"]),
        ("  JAI ", ["Somchai Jaidee"]),
        ("由", ["鈴木 由紀"]),
        ("U3", ["U3"]),
        ("U", []),
        ("%", []),
        ("_", []),
        ("", []),
        ("   ", []),
    ],
)
def test_contacts_are_found_by_a_part_of_their_name_or_by_their_whole_id(people, text, names):
    assert contacts.found(text) == [(people[name], name) for name in names]


def test_no_more_are_found_than_fit(channel, people):
    with transaction.writing():
        db.session.add_all(Contact(name=f"Somchai {number}") for number in range(20))
    assert len(contacts.found("somchai")) == 8
    assert count(Contact) == 23


def test_several_contacts_are_named_at_once(people):
    assert contacts.names(people.values()) == {id_: name for name, id_ in people.items()}
    assert contacts.names([999]) == {}
