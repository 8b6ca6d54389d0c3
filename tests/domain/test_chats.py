"""What agents do with chats, and how chats end."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app import transaction
from app.clock import now
from app.domain import access, agents, cases, chat_lists, chats, messages, settings, sweeps
from app.domain.access import Audience, audience_of
from app.domain.agents import Refused
from app.extensions import db
from app.models import Agent, Case, Event, Group
from tests.world import ToyAdapter, chat_of, connected, play, receive, said, texts


@pytest.fixture
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def channel(toy):
    return connected("toy")


@pytest.fixture
def chat(channel) -> Case:
    return chat_of(channel, "My order is late")


def types(case: Case) -> list[str]:
    return list(
        db.session.scalars(select(Event.type).where(Event.case_id == case.id).order_by(Event.id))
    )


def take(case: Case, agent: Agent) -> bool:
    with transaction.writing():
        return chats.take(case, by=agent)


def end(case: Case, status: str, agent: Agent, **fields) -> None:
    with transaction.writing():
        chats.end(case, status, by=agent, **fields)


def reply(case: Case, text: str, agent: Agent, **fields):
    with transaction.writing():
        return chats.reply(case, text, by=agent, **fields)


def sweep() -> int:
    with transaction.writing():
        ended = sweeps.end_inactive()
    db.session.expire_all()
    return ended


def test_taking_leaves_new_and_enters_mine_and_others(chat, alice, bob):  # S11
    assert take(chat, alice)

    assert chat_lists.incoming(access.EVERYTHING) == []
    assert [case.id for case in chat_lists.mine(alice)] == [chat.id]
    assert [case.id for case in chat_lists.others(bob)] == [chat.id]
    assert chat_lists.counts(alice) == {"new": 0, "mine": 1, "others": 0}
    assert chat_lists.counts(bob) == {"new": 0, "mine": 0, "others": 1}


def test_second_taker_loses(chat, alice, bob):  # H7
    assert take(chat, alice)
    assert not take(chat, bob)
    assert chat.taken_by_id == alice.id


def test_claim_that_saw_another_taker_loses(chat, alice, bob, charlie):  # H7
    with transaction.writing():
        chats.take(chat, by=alice)
    db.session.refresh(chat)
    with transaction.writing():
        seen = db.session.get_one(Case, chat.id)
        assert seen.taken_by_id == alice.id
        db.session.execute(
            update(Case.__table__).where(Case.id == chat.id).values(taken_by_id=bob.id)
        )

        assert not chats.put_back(seen, by=None)
        assert seen.taken_by_id == bob.id


def test_replying_in_an_untaken_chat_takes_it(chat, alice):
    reply(chat, "Hello", alice)

    assert chat.taken_by_id == alice.id


def test_replying_in_somebodys_chat_changes_nothing(chat, alice, bob):
    take(chat, alice)

    reply(chat, "May I?", bob)

    assert chat.taken_by_id == alice.id


def test_hand_over_take_over_and_put_back(chat, alice, bob):  # S26b
    take(chat, alice)
    with transaction.writing():
        assert chats.hand_over(chat, bob, by=alice)
    assert chat.taken_by_id == bob.id
    with transaction.writing():
        assert chats.take_over(chat, by=alice)
    assert chat.taken_by_id == alice.id
    with transaction.writing():
        assert chats.put_back(chat, by=alice)
    assert chat.taken_by_id is None
    assert types(chat)[-1] == "chat.put_back"


def test_nobody_is_handed_a_chat_they_cannot_see(toy, charlie, alice):  # S26b
    sales = db.session.scalar(select(Group).where(Group.name == "Support"))
    chat = chat_of(connected("toy", group=sales))
    take(chat, alice)
    with transaction.writing():
        stranger = agents.create("dora@example.com", name="Dora", access="own_groups")

    with pytest.raises(Refused, match="can't see"):
        chats.hand_over(chat, stranger, by=alice)


def test_own_groups_see_their_groups_and_cases_without_one(toy, bob, charlie, alice):  # H1
    support = db.session.scalar(select(Group).where(Group.name == "Support"))
    secret = chat_of(connected("toy", group=support))

    assert cases.visible(secret.number, audience_of(charlie)) is not None
    assert cases.visible(secret.number, audience_of(alice)) is not None
    assert cases.visible(secret.number, audience_of(bob)) is None
    assert [case.id for case in chat_lists.incoming(audience_of(bob))] == []


@pytest.mark.parametrize("limit", [2, 200])
def test_incoming_for_many_audiences_is_what_each_would_be_told(toy, alice, bob, charlie, monkeypatch, limit):  # H1
    monkeypatch.setattr(chat_lists, "SHOWN", limit)
    support = db.session.scalar(select(Group).where(Group.name == "Support"))
    chat_of(connected("toy", group=support), who="Usomchai")
    chat_of(connected("toy", group=support), who="Umalee")
    chat_of(connected("toy"), who="Uaroon")
    theirs = Audience("assigned", agent_id=bob.id)
    audiences = [*map(audience_of, (alice, bob, charlie)), theirs]

    told = chat_lists.incoming_for(audiences)

    assert told == {one: chat_lists.incoming(one) for one in audiences}
    assert [len(told[one]) for one in audiences] == [min(limit, 3), 1, min(limit, 3), 0]
    assert [chat_lists.incoming_count(one, told[one]) for one in audiences] == [3, 1, 3, 0]


def test_new_response_is_for_the_taker_until_shown(chat, channel, alice, bob):  # S14, S15
    take(chat, alice)
    assert chat_lists.responses(alice) == []

    receive(channel, said("Still there?"))
    assert [case.id for case in chat_lists.responses(alice)] == [chat.id]
    assert chat_lists.responses(bob) == []

    with transaction.writing():
        chats.mark_read(chat, chat.last_message_id, by=alice)
    assert chat_lists.responses(alice) == []


def test_read_mark_never_goes_back(chat, channel, alice):  # U10
    take(chat, alice)
    receive(channel, said("two"))
    newest = chat.last_message_id

    with transaction.writing():
        chats.mark_read(chat, newest, by=alice)
        chats.mark_read(chat, newest - 1, by=alice)

    assert chat_lists.responses(alice) == []


def test_handed_over_chat_lights_as_a_response_for_the_colleague(chat, alice, bob):  # S26b
    take(chat, alice)
    with transaction.writing():
        chats.hand_over(chat, bob, by=alice)

    assert [case.id for case in chat_lists.responses(bob)] == [chat.id]


def test_handed_over_chat_lights_for_who_has_looked_at_it_before(chat, alice, bob):  # S26b
    with transaction.writing():
        chats.mark_read(chat, chat.last_message_id, by=bob)
        chats.take(chat, by=alice)
    with transaction.writing():
        chats.hand_over(chat, bob, by=alice)

    assert [case.id for case in chat_lists.responses(bob)] == [chat.id]


def test_chat_handed_to_oneself_lights_nothing(chat, alice):  # S15
    with transaction.writing():
        chats.mark_read(chat, chat.last_message_id, by=alice)
        chats.hand_over(chat, alice, by=alice)

    assert chat_lists.responses(alice) == []


def test_ended_chat_is_in_all_cases_and_an_active_one_is_not(chat, alice):  # S10, S17
    assert cases.listed(access.EVERYTHING).cases == []

    end(chat, "pending", alice)

    assert [case.id for case in cases.listed(access.EVERYTHING).cases] == [chat.id]
    assert (chat.chat_state, chat.status, chat.taken_by_id) == ("ended", "pending", None)
    assert chat_lists.incoming(access.EVERYTHING) == []


def test_all_cases_finds_no_active_chat_by_any_filter_or_word(chat, alice):  # S10
    filters = [cases.Filters(status="open"), cases.Filters(channel_id=chat.channel_id)]

    assert [cases.listed(access.EVERYTHING, one).cases for one in filters] == [[], []]
    assert cases.listed(access.EVERYTHING, q="order").cases == []
    assert [c.id for c in cases.listed(access.EVERYTHING, chat="all", q="order").cases] == [chat.id]


def test_ending_twice_is_one_ending(chat, alice, bob):  # S17
    end(chat, "closed", alice)

    with pytest.raises(chats.NotActive):
        end(chat, "open", bob)

    assert types(chat).count("chat.ended") == 1
    assert chat.status == "closed"


def test_newer_message_refuses_the_ending_once(chat, channel, alice):  # S17
    seen = chat.last_contact_message_id
    receive(channel, said("Wait, one more thing"))

    with pytest.raises(chats.NewerMessage, match="just wrote"):
        end(chat, "closed", alice, last_seen=seen)
    end(chat, "closed", alice)

    assert chat.chat_state == "ended"


def test_each_ending_records_who_and_the_status_change(chat, alice):  # S24
    take(chat, alice)
    end(chat, "closed", alice)

    ended = db.session.scalar(select(Event).where(Event.type == "chat.ended"))
    changed = db.session.scalar(select(Event).where(Event.type == "case.status_changed"))
    assert ended.agent_id == alice.id
    assert '"cause": "agent"' in ended.data
    assert '"new": "closed"' in changed.data


def test_status_proposed_follows_who_wrote_last(chat, channel, alice):  # S17, S20
    assert chats.status_after(chat) == "open"

    reply(chat, "On its way", alice)
    assert chats.status_after(chat) == "pending"

    receive(channel, said("Thanks"))
    assert chats.status_after(chat) == "open"


def test_quiet_chat_ends_after_ten_minutes_and_not_before(clock, chat):  # S18
    clock.shift(timedelta(minutes=9, seconds=59))
    assert sweep() == 0

    clock.shift(timedelta(seconds=1))
    assert sweep() == 1
    assert (chat.chat_state, chat.status) == ("ended", "open")


def test_inactivity_after_an_agents_answer_is_pending(clock, chat, alice, toy):  # S20
    reply(chat, "What size?", alice)
    from app import delivery

    delivery.deliver_due()
    clock.shift(timedelta(minutes=10))

    assert sweep() == 1
    assert chat.status == "pending"


def test_contact_and_reply_keep_a_chat_open_notes_and_taking_do_not(
    clock, chat, channel, alice
):  # S18
    clock.shift(timedelta(minutes=6))
    receive(channel, said("hm"))
    clock.shift(timedelta(minutes=6))
    take(chat, alice)
    with transaction.writing():
        chats.note(chat, "slow today", by=alice)
    assert sweep() == 0

    clock.shift(timedelta(minutes=4))
    assert sweep() == 1


def test_chat_with_a_queued_reply_is_not_swept(clock, chat, alice):  # S18
    reply(chat, "Sorry for the wait", alice)
    clock.shift(timedelta(minutes=30))

    assert sweep() == 0


def test_failed_reply_gives_the_clock_back(clock, chat, alice):  # S18
    clock.shift(timedelta(minutes=8))
    message = reply(chat, "Hello", alice)
    with transaction.writing():
        messages.settle(message, "failed", error="blocked")
    db.session.expire_all()
    assert chat.contact_wrote_last
    assert chat.unanswered_since is not None

    clock.shift(timedelta(minutes=2))
    assert sweep() == 1
    assert chat.status == "open"


def test_unconfirmed_reply_counts_as_sent(clock, chat, alice):  # S18
    clock.shift(timedelta(minutes=8))
    message = reply(chat, "Hello", alice)
    with transaction.writing():
        messages.settle(message, "unconfirmed", error="timeout")
    clock.shift(timedelta(minutes=9))

    assert sweep() == 0
    assert not chat.contact_wrote_last


def test_changed_minutes_apply_to_active_chats(clock, chat):  # S19
    with transaction.writing():
        settings.put("chats.inactivity_minutes", "1")
    clock.shift(timedelta(minutes=1))

    assert sweep() == 1


def test_channels_own_minutes_go_before_the_setting(clock, toy):  # S19
    slow = chat_of(connected("toy", inactivity_minutes=60))
    clock.shift(timedelta(minutes=59))
    assert sweep() == 0

    clock.shift(timedelta(minutes=1))
    assert sweep() == 1
    assert slow.chat_state == "ended"


@pytest.mark.parametrize("text", ["0", "1441", "-5", "1.5", "ten", "", "１０", "9" * 5000])
def test_minutes_out_of_range_are_refused_with_a_message(text):  # S19
    with pytest.raises(Refused, match="whole number from 1 to 1440"), transaction.writing():
        settings.put("chats.inactivity_minutes", text)


def test_keeping_open_adds_five_minutes_to_the_deadline_each_time(clock, chat, alice):  # S20a
    with transaction.writing():
        chats.keep_open(chat, by=alice)
    with transaction.writing():
        chats.keep_open(chat, by=alice)
    clock.shift(timedelta(minutes=19, seconds=59))
    assert sweep() == 0

    clock.shift(timedelta(seconds=1))
    assert sweep() == 1


def test_kept_open_chat_still_waits_for_its_quiet_minutes(clock, chat, channel, alice):  # S20a
    with transaction.writing():
        chats.keep_open(chat, by=alice)
    clock.shift(timedelta(minutes=14))
    receive(channel, said("I am back"))
    clock.shift(timedelta(minutes=9))

    assert sweep() == 0


def test_countdown_starts_at_eighty_percent(clock, chat):  # S20a
    deadline = chats.deadline(chat)

    assert deadline.ends_at - now() == timedelta(minutes=10)
    assert deadline.warns_at - now() == timedelta(minutes=8)


def test_agents_reply_in_an_ended_chat_reactivates_it_for_them(chat, alice, bob):  # S26
    take(chat, bob)
    end(chat, "closed", bob)

    reply(chat, "One more thing", alice)

    assert (chat.chat_state, chat.status, chat.taken_by_id) == ("active", "open", alice.id)
    assert "chat.reactivated_by_agent" in types(chat)


def test_note_never_reactivates(chat, alice):  # S26
    end(chat, "closed", alice)

    with transaction.writing():
        chats.note(chat, "for the file", by=alice)

    assert chat.chat_state == "ended"


def test_older_case_leads_to_the_active_chat_of_its_conversation(chat, channel, alice):  # S26a
    end(chat, "closed", alice)
    newer = chat_of(channel, "Something new")

    with pytest.raises(chats.OtherChatActive) as refusal:
        reply(chat, "about the old one", alice)

    assert refusal.value.case.id == newer.id


def test_same_key_sends_once_and_another_text_is_refused(chat, alice):  # U5
    first = reply(chat, "Hello", alice, key="k1")
    again = reply(chat, "Hello", alice, key="k1")

    assert first.id == again.id
    with pytest.raises(messages.KeyReused):
        reply(chat, "Goodbye", alice, key="k1")
    assert texts(chat) == ["My order is late", "Hello"]


def test_key_of_another_case_sends_nothing_here(chat, channel, alice):  # U4, U5
    other = chat_of(channel, "Hello", who="Uyuki")
    with transaction.writing():
        chats.reply(chat, "Hello", by=alice, key="k1")

    with pytest.raises(messages.KeyReused), transaction.writing():
        chats.reply(other, "Hello", by=alice, key="k1")


def test_key_of_a_note_is_no_key_of_a_reply(chat, alice):  # U5, U21
    with transaction.writing():
        chats.note(chat, "Hello", by=alice, key="k1")

    with pytest.raises(messages.KeyReused), transaction.writing():
        chats.reply(chat, "Hello", by=alice, key="k1")


def test_waiting_chat_of_an_agent_whose_page_is_gone_goes_back_to_new(clock, chat, alice):  # S26b
    take(chat, alice)
    clock.shift(timedelta(minutes=2))
    with transaction.writing():
        assert sweeps.put_back_abandoned() == 1
    assert chat.taken_by_id is None


def test_chat_of_an_agent_with_a_live_page_stays(clock, chat, alice):  # S26b
    take(chat, alice)
    clock.shift(timedelta(minutes=2))
    with transaction.writing():
        db.session.get_one(Agent, alice.id).live_at = now()
    with transaction.writing():
        assert sweeps.put_back_abandoned() == 0


def test_answered_chat_stays_with_its_agent(clock, chat, alice):  # S26b
    reply(chat, "Here you are", alice)
    clock.shift(timedelta(minutes=5))

    with transaction.writing():
        assert sweeps.put_back_abandoned() == 0


def test_clock_that_stepped_back_keeps_no_chat_open_for_an_hour(clock, chat):  # F14
    clock.shift(timedelta(hours=-1))
    with transaction.writing():
        assert sweeps.believe_the_clock() == 1
    clock.shift(timedelta(minutes=10))

    assert sweep() == 1


def test_sweep_asks_again_before_it_ends(clock, chat, channel):  # S20
    clock.shift(timedelta(minutes=10))
    with transaction.writing():
        query = select(Case).where(sweeps._quiet_since(now())[0])
        assert sweeps.is_still(chat, query)
    receive(channel, said("in time"))

    with transaction.writing():
        assert not sweeps.is_still(chat, query)


def test_group_move_unties_who_cannot_see_it_there(bob, charlie, alice, chat):  # H1
    support = db.session.scalar(select(Group).where(Group.name == "Support"))
    take(chat, bob)
    with transaction.writing():
        cases.assign(chat, bob, by=alice)
    with transaction.writing():
        cases.move(chat, support, by=alice)

    assert (chat.taken_by_id, chat.assignee_id) == (None, None)


def test_untied_agents_page_hears_of_the_move(bob, charlie, alice, chat):  # S15
    support = db.session.scalar(select(Group).where(Group.name == "Support"))
    take(chat, bob)
    with transaction.writing():
        cases.move(chat, support, by=alice)

    told = db.session.scalar(select(Event.data).where(Event.type == "chat.put_back"))
    assert json.loads(told)["old"] == bob.id
