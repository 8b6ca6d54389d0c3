"""What sending costs, what the month has left, and what was counted (L9)."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app import delivery, quotas, transaction
from app.channels.base import FailedCall, PermanentError, Quota, Sent, TemporaryError
from app.clock import now
from app.domain import call_failures, channels, chats, costs, messages
from app.domain import quotas as known
from app.extensions import db
from app.models import Case, Channel, Conversation, Delivery, Event, Identity, Message
from tests.world import ToyAdapter, chat_of, connected, play, receive, said


@pytest.fixture
def toy(app) -> ToyAdapter:
    adapter = play(ToyAdapter())
    adapter.has_quota = True
    return adapter


@pytest.fixture
def channel(toy) -> Channel:
    return connected("toy")


@pytest.fixture
def chat(channel, clock) -> Case:
    """Somchai's, his last words two minutes ago: a reply is paid."""
    made = chat_of(channel)
    clock.shift(timedelta(minutes=2))
    return made


@pytest.fixture
def group(channel, clock) -> Case:
    receive(channel, said("hello all", conversation_kind="group", conversation_id="C1"))
    clock.shift(timedelta(minutes=2))
    return db.session.scalars(select(Case)).one()


def told(channel: Channel, limit: int | None, used: int) -> None:
    """The provider has said so a moment ago."""
    with transaction.writing():
        known.took(channel.id, Quota(limit, used))
    db.session.expire_all()


def reply(case: Case, agent, text: str = "Hello") -> Message:
    with transaction.writing():
        made = chats.reply(case, text, by=agent)
    delivery.deliver_due()
    db.session.expire_all()
    return made


def fresh(channel: Channel) -> Channel:
    return db.session.get_one(Channel, channel.id, populate_existing=True)


def members(case: Case, count: int | None) -> None:
    with transaction.writing():
        db.session.execute(
            update(Conversation)
            .where(Conversation.id == case.conversation_id)
            .values(member_count=count)
        )
    db.session.expire_all()


def events_of(type_: str) -> list[str]:
    return list(db.session.scalars(select(Event.data).where(Event.type == type_).order_by(Event.id)))


# ── What the next reply costs ───────────────────────────────────────────────────────────────


def test_reply_is_free_for_fifty_seconds_after_the_contact_wrote(channel, clock):
    case = chat_of(channel)
    assert costs.of(case).free_seconds == 50

    clock.shift(timedelta(seconds=16))
    assert costs.of(case).free_seconds == 34

    clock.shift(timedelta(seconds=34))
    assert costs.of(case).free_until is None


def test_used_reply_token_makes_the_next_reply_a_paid_one(channel, alice):
    case = chat_of(channel)
    reply(case, alice)

    assert costs.of(case).free_until is None


def test_message_to_one_person_counts_one(chat):
    assert costs.of(chat).people == 1


def test_message_to_a_group_counts_its_members_or_says_that_it_does_not_know(group):
    assert costs.of(group).people is None

    members(group, 5)
    assert costs.of(group).people == 5


def test_contact_who_blocked_the_channel_is_told_of(chat, channel):
    assert not costs.of(chat).is_blocked

    with transaction.writing():
        db.session.execute(update(Identity).values(blocked_at=chat.created_at))
    db.session.expire_all()
    assert costs.of(chat).is_blocked


def test_kind_without_a_quota_costs_nothing(chat, toy):
    toy.has_quota = False

    assert costs.of(chat) is None


@pytest.mark.parametrize(
    ("used", "level"), [(0, 0), (159, 0), (160, 80), (190, 95), (199, 95), (200, 100), (230, 100)]
)
def test_level_tells_of_80_95_and_100_per_cent(used, level):
    assert known.level(Quota(200, used)) == level


def test_unlimited_and_unknown_have_no_level():
    assert (known.level(Quota(None, 9_000)), known.level(None)) == (0, 0)


def test_old_number_is_not_believed(chat, channel, clock):
    told(channel, 200, 200)
    assert costs.of(chat).is_spent

    clock.shift(timedelta(hours=4))
    assert costs.of(chat).quota is None
    assert not costs.of(chat).is_spent


# ── A spent quota ───────────────────────────────────────────────────────────────────────────


def test_paid_reply_is_refused_when_the_month_is_used_up_and_nothing_is_queued(chat, channel, alice):
    told(channel, 200, 200)

    with pytest.raises(costs.QuotaSpent, match="This month's 200 Toy messages are used up"):
        reply(chat, alice)

    assert db.session.scalars(select(Delivery)).all() == []
    assert db.session.get_one(Case, chat.id, populate_existing=True).taken_by_id is None


def test_free_reply_still_goes_when_the_month_is_used_up(chat, channel, alice, toy):
    told(channel, 200, 200)
    receive(channel, said("still there?"))

    assert reply(chat, alice).state == "sent"
    assert toy.sent[0].reply_token


def test_free_reply_in_its_last_moment_would_be_a_paid_one(channel, alice, clock):
    case = chat_of(channel)
    told(channel, 200, 200)
    clock.shift(timedelta(seconds=48))

    with pytest.raises(costs.QuotaSpent):
        reply(case, alice)


def test_failed_reply_cannot_be_tried_again_while_the_month_is_used_up(chat, channel, alice, toy):
    toy.outcomes = [PermanentError("no")]
    message = reply(chat, alice)
    told(channel, 200, 200)

    with pytest.raises(costs.QuotaSpent), transaction.writing():
        messages.retry(db.session.get_one(Message, message.id), by=alice)


def test_quota_is_asked_anew_when_the_provider_calls_it_spent_and_nothing_is_latched(
    chat, channel, alice, toy, clock
):
    told(channel, 200, 10)
    toy.outcomes = [TemporaryError("used up", retry_after=60, spends_quota=True)]
    message = reply(chat, alice)
    assert fresh(channel).quota_due_at <= now()

    clock.shift(timedelta(seconds=60))
    delivery.deliver_due()
    assert db.session.get_one(Message, message.id, populate_existing=True).state == "sent"


def test_reply_that_waits_for_quota_goes_free_when_the_contact_writes(
    chat, channel, alice, toy, clock
):
    toy.outcomes = [TemporaryError("used up", retry_after=30, spends_quota=True)]
    message = reply(chat, alice)
    receive(channel, said("still there?"))
    clock.shift(timedelta(seconds=30))
    delivery.deliver_due()

    assert [bool(one.reply_token) for one in toy.sent] == [False, True]
    assert db.session.get_one(Message, message.id, populate_existing=True).state == "sent"


# ── Asking ──────────────────────────────────────────────────────────────────────────────────


def test_quota_is_asked_hourly(channel, toy, clock, monkeypatch):
    monkeypatch.setattr(toy, "quota", lambda channel: Quota(200, 57), raising=False)

    assert [quotas.ask_one(), quotas.ask_one()] == [True, False]
    assert (fresh(channel).quota_limit, fresh(channel).quota_used) == (200, 57)

    clock.shift(timedelta(minutes=59))
    assert not quotas.ask_one()
    clock.shift(timedelta(minutes=1))
    assert quotas.ask_one()


def test_quota_is_asked_a_minute_after_a_push(chat, channel, alice, toy, clock, monkeypatch):
    monkeypatch.setattr(toy, "quota", lambda channel: Quota(200, 57), raising=False)
    quotas.ask_one()
    reply(chat, alice)
    assert not quotas.ask_one()

    clock.shift(timedelta(minutes=1))
    assert quotas.ask_one()


def test_spent_quota_is_asked_every_five_minutes(channel, toy, clock, monkeypatch):
    monkeypatch.setattr(toy, "quota", lambda channel: Quota(200, 200), raising=False)
    quotas.ask_one()

    clock.shift(timedelta(minutes=5))
    assert quotas.ask_one()


def test_quota_that_cannot_be_asked_is_tried_again_and_kept_as_a_failed_call(
    channel, toy, clock, monkeypatch
):
    def refuse(channel: Channel) -> Quota:
        raise TemporaryError(
            "LINE refused the token.",
            breaks_channel=True,
            failed=FailedCall("message quota", 401, "id-1"),
        )

    monkeypatch.setattr(toy, "quota", refuse, raising=False)
    quotas.ask_one()

    (failure,) = call_failures.of_channel(channel.id)
    assert (failure.call, failure.status, failure.request_id) == ("message quota", 401, "id-1")
    assert fresh(channel).problem == "LINE refused the token."
    clock.shift(timedelta(minutes=5))
    monkeypatch.setattr(toy, "quota", lambda channel: Quota(None, 3), raising=False)
    assert quotas.ask_one()
    assert fresh(channel).problem is None


def test_draft_and_deleted_channels_are_not_asked(toy):
    connected("toy")
    connected("toy")
    with transaction.writing():
        ids = db.session.scalars(select(Channel.id).order_by(Channel.id)).all()
        db.session.get_one(Channel, ids[0]).state = "draft"
        db.session.get_one(Channel, ids[1]).state = "deleted"

    assert not quotas.ask_one()


def test_each_new_level_is_told_once(channel):
    told(channel, 200, 10)
    told(channel, 200, 165)
    told(channel, 200, 170)
    told(channel, 200, 200)

    assert events_of("channel.quota_changed") == ['{"old": 0, "new": 80}', '{"old": 80, "new": 100}']


# ── Counting ────────────────────────────────────────────────────────────────────────────────


def test_replies_are_counted_by_month_and_method(chat, channel, alice, clock):
    reply(chat, alice, "paid")
    receive(channel, said("again"))
    reply(chat, alice, "free")
    reply(chat, alice, "paid too")

    usage = known.usage(fresh(channel))
    assert (usage.free_replies, usage.free_people) == (1, 1)
    assert (usage.paid_replies, usage.paid_people) == (2, 2)

    clock.shift(timedelta(days=10))
    assert known.usage(fresh(channel)).free_replies == 0


def test_reply_to_a_group_counts_its_people_and_is_added_to_the_use(group, channel, alice):
    told(channel, 200, 10)
    members(group, 5)
    reply(group, alice)

    assert known.usage(fresh(channel)).paid_people == 5
    assert fresh(channel).quota_used == 15


def test_free_reply_adds_nothing_to_the_use(channel, alice):
    case = chat_of(channel)
    told(channel, 200, 10)
    reply(case, alice)

    assert fresh(channel).quota_used == 10


def test_reply_that_failed_is_not_counted(chat, channel, alice, toy):
    told(channel, 200, 10)
    toy.outcomes = [PermanentError("no"), Sent()]
    reply(chat, alice)

    assert known.usage(fresh(channel)).paid_replies == 0
    assert fresh(channel).quota_used == 10


def test_own_pushes_alone_can_reach_a_level(chat, channel, alice):
    told(channel, 5, 3)
    reply(chat, alice)

    assert events_of("channel.quota_changed") == ['{"old": 0, "new": 80}']


# ── What admins are told ────────────────────────────────────────────────────────────────────


def test_newest_fifty_failed_calls_of_a_channel_are_kept(channel):
    other = connected("toy")
    with transaction.writing():
        call_failures.record(other.id, PermanentError("other", failed=FailedCall("push")))
        [call_failures.record(channel.id, PermanentError(f"no {n}", failed=FailedCall("push"))) for n in range(60)]  # fmt: skip

    assert [failure.reason for failure in call_failures.of_channel(channel.id)][:2] == ["no 59", "no 58"]
    assert len(call_failures.of_channel(channel.id, limit=100)) == 50
    assert len(call_failures.of_channel(other.id)) == 1


def test_channels_that_need_an_admin_are_those_refused_or_near_the_end(channel):
    near, fine = connected("toy"), connected("toy")
    told(near, 200, 170)
    told(fine, 200, 20)
    with transaction.writing():
        channels.refused(channel.id, "LINE refused the token.")

    assert {one.id for one in channels.troubled()} == {channel.id, near.id}
