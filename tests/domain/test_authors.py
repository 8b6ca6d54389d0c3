"""Whose case a group's chat is: nobody but an agent who selects it changes that (S30, S31)."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import select

from app import transaction
from app.domain import access, cases, chats, search
from app.extensions import db
from app.models import Agent, Case, Channel, Contact, Event, Identity
from tests.world import ToyAdapter, connected, play, receive, said

GROUP = {"conversation_kind": "group", "conversation_id": "Cmove"}


@pytest.fixture
def channel(app) -> Channel:
    play(ToyAdapter())
    return connected("toy")


@pytest.fixture
def writes(channel) -> Callable[..., Case]:
    """A function by which a member writes into the group; the conversation's newest case."""

    def do(who: str | None, text: str = "hello", **where: str) -> Case:
        receive(channel, said(text, who=who, **(where or GROUP)))
        return newest_case()

    return do


def newest_case() -> Case:
    db.session.expire_all()
    return db.session.scalars(select(Case).order_by(Case.id.desc()).limit(1)).one()


def end(case: Case, status: str = "open", **how: object) -> None:
    with transaction.writing():
        chats.end(db.session.get_one(Case, case.id), status, **{"by": None} | how)


def act(verb: Callable[..., object], case: Case, agent: Agent, *more: object) -> Case:
    with transaction.writing():
        verb(db.session.get_one(Case, case.id), *more, by=db.session.get_one(Agent, agent.id))
    db.session.expire_all()
    return db.session.get_one(Case, case.id)


def author(case: Case) -> str:
    return of_contact(case.contact_id)


def of_contact(contact_id: int | None) -> str:
    query = select(Identity.external_id).where(Identity.contact_id == contact_id)
    return db.session.scalars(query).one() if contact_id else "nobody"


def changes() -> list[tuple[str, str]]:
    """Each recorded change of an author, old and new."""
    query = select(Event.data).where(Event.type == "case.author_changed").order_by(Event.id)
    facts = [json.loads(data) for data in db.session.scalars(query)]
    return [(of_contact(fact["old"]), of_contact(fact["new"])) for fact in facts]


@pytest.fixture
def reactivated(writes) -> Case:
    """Anna's case, reactivated by Ben and selected by nobody yet."""
    end(writes("Uanna", "The desks are late"))
    case = writes("Uben", "They are here")
    assert (case.chat_state, author(case), of_contact(case.author_candidate_id)) == (
        "active", "Uanna", "Uben",
    )  # fmt: skip
    return case


def test_other_members_never_change_the_author_of_an_active_chat(writes, alice):  # S30
    writes("Uanna")
    case = act(chats.select_message, writes("Uben"), alice)

    assert (author(case), changes()) == ("Uanna", [])


def test_selecting_makes_who_reactivated_it_the_author(reactivated, alice):  # S31
    case = act(chats.select_message, reactivated, alice)

    assert (author(case), case.author_candidate_id) == ("Uben", None)
    assert changes() == [("Uanna", "Uben")]


@pytest.mark.parametrize("verb", ["take", "reply"])
def test_taking_and_replying_select_too(reactivated, alice, verb):  # S31
    more = ("They stand in the hall.",) if verb == "reply" else ()

    case = act(getattr(chats, verb), reactivated, alice, *more)

    assert (author(case), changes()) == ("Uben", [("Uanna", "Uben")])


def test_taking_over_and_replying_in_anothers_chat_select_too(writes, alice, bob):  # S31
    end(writes("Uanna"))
    case = act(chats.hand_over, writes("Uben"), alice, bob)
    assert (case.taken_by_id, author(case)) == (bob.id, "Uanna")

    assert author(act(chats.take_over, case, alice)) == "Uben"

    end(case)
    case = act(chats.hand_over, writes("Uchris"), alice, bob)
    assert (case.taken_by_id, author(case)) == (bob.id, "Uben")

    assert author(act(chats.reply, case, alice, "I know.")) == "Uchris"


def test_a_note_handing_over_and_putting_back_select_nothing(reactivated, alice, bob):  # S31
    act(chats.note, reactivated, alice, "who is this?")
    act(chats.hand_over, reactivated, alice, bob)
    act(chats.keep_open, reactivated, bob)
    case = act(chats.put_back, reactivated, bob)

    assert (author(case), changes()) == ("Uanna", [])


def test_the_same_person_who_reactivates_changes_nothing(writes, alice):  # S31
    end(writes("Uanna"))
    case = writes("Uanna", "again")
    assert case.chat_state == "active"

    case = act(chats.select_message, case, alice)

    assert (author(case), changes()) == ("Uanna", [])


def test_who_writes_after_the_reactivation_is_no_candidate(reactivated, writes, alice):  # S31
    case = writes("Uchris", "me too")
    assert case.id == reactivated.id

    assert author(act(chats.select_message, case, alice)) == "Uben"
    assert changes() == [("Uanna", "Uben")]


def test_the_author_who_writes_before_the_selection_stays_none(reactivated, writes, alice):  # S31
    assert author(act(chats.take, writes("Uanna", "and me"), alice)) == "Uben"


def test_ended_unselected_it_stays_and_the_next_who_reactivates_is_it(
    reactivated, writes, alice
):  # S31
    end(reactivated)
    assert (author(newest_case()), newest_case().author_candidate_id) == ("Uanna", None)
    case = writes("Uchris", "hello?")
    assert (case.id, author(case)) == (reactivated.id, "Uanna")

    assert author(act(chats.select_message, case, alice)) == "Uchris"
    assert changes() == [("Uanna", "Uchris")]


def test_ended_unselected_and_reactivated_by_its_author_it_stays(reactivated, writes, alice):
    end(reactivated)
    case = writes("Uanna", "it is me")
    assert case.id == reactivated.id

    assert author(act(chats.take, case, alice)) == "Uanna"
    assert changes() == []


def test_a_closed_case_makes_a_new_one_which_is_theirs_at_once(writes):  # S31, S26
    old = writes("Uanna")
    end(old, "closed")

    new = writes("Uben")

    assert new.id != old.id
    assert (author(new), author(db.session.get_one(Case, old.id))) == ("Uben", "Uanna")
    assert changes() == []


def test_a_conversation_of_one_person_never_has_a_candidate(writes, alice):  # S31
    alone = {"conversation_kind": "user", "conversation_id": "Uanna"}
    end(writes("Uanna", **alone))
    case = writes("Uanna", "again", **alone)
    assert (case.chat_state, case.author_candidate_id) == ("active", None)

    assert author(act(chats.select_message, case, alice)) == "Uanna"
    assert changes() == []


def test_two_agents_who_select_make_one_change(reactivated, alice, bob):  # S31
    act(chats.select_message, reactivated, alice)
    act(chats.select_message, reactivated, bob)
    act(chats.take, reactivated, bob)

    assert changes() == [("Uanna", "Uben")]


def test_what_a_rule_ended_at_once_keeps_its_author(reactivated, alice):  # S31
    end(reactivated, cause="rule")
    assert newest_case().chat_state == "ended"

    with pytest.raises(chats.NotActive):
        act(chats.select_message, reactivated, alice)
    case = act(chats.reply, reactivated, alice, "opened from All cases")

    assert (case.chat_state, author(case), changes()) == ("active", "Uanna", [])
    assert author(act(chats.select_message, case, alice)) == "Uanna"


def test_what_an_agent_reactivated_keeps_its_author(writes, alice, bob):  # S31
    end(writes("Uanna"))
    writes("Uben", "hello")
    end(newest_case())
    case = act(chats.reply, newest_case(), alice, "One more thing")
    assert case.chat_state == "active"
    writes("Uben", "yes?")

    assert author(act(chats.take_over, case, bob)) == "Uanna"
    assert changes() == []


def test_a_message_without_a_user_id_is_no_candidate(writes, alice):  # S31
    end(writes("Uanna"))
    case = writes(None, "who am I")
    assert (case.chat_state, case.author_candidate_id) == ("active", None)

    assert author(act(chats.take, case, alice)) == "Uanna"
    assert changes() == []


def test_who_reactivates_a_case_that_nobody_signed_becomes_its_author(writes, alice):  # S31, S33
    end(writes(None, "who am I"))

    case = act(chats.take, writes("Uben"), alice)

    assert (author(case), changes()) == ("Uben", [("nobody", "Uben")])


def test_rooms_have_authors_like_groups(writes, alice):  # S27, S31
    room = {"conversation_kind": "room", "conversation_id": "Rlunch"}
    end(writes("Uanna", **room))

    assert author(act(chats.select_message, writes("Uben", **room), alice)) == "Uben"


def test_a_channel_that_reactivates_closed_cases_has_candidates_too(writes, channel, alice):  # S26
    with transaction.writing():
        db.session.get_one(Channel, channel.id).reactivates_closed = True
    old = writes("Uanna")
    end(old, "closed")
    case = writes("Uben")
    assert (case.id, author(case)) == (old.id, "Uanna")

    assert author(act(chats.select_message, case, alice)) == "Uben"


def test_search_finds_the_case_by_its_new_author(reactivated, alice):  # S31, H4
    with transaction.writing():
        names = {"Uanna": "Anna", "Uben": "Benjamin"}
        for identity in db.session.scalars(select(Identity)):
            db.session.get_one(Contact, identity.contact_id).name = names[identity.external_id]

    act(chats.select_message, reactivated, alice)

    assert [case.id for case in cases.listed(access.EVERYTHING, chat="active", q="Benjamin").cases] == [
        reactivated.id
    ]
    assert search.find_cases("Anna", condition=Case.id > 0).case_ids == []


def test_an_edited_subject_is_kept_when_the_author_changes(reactivated, alice):  # S31, S32
    act(cases.set_subject, reactivated, alice, "Late desks")

    assert act(chats.select_message, reactivated, alice).subject == "Late desks"
