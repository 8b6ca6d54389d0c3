"""Sliding windows of tries (T29), kept where every process and the next start find them."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app import background, transaction
from app.domain import throttle
from app.domain.throttle import Throttle, TooMany, minutes, network_of
from app.extensions import db
from app.models import Try
from tests.conftest import SECRET
from tests.world import count

TWO = Throttle("two", 2, 60)
ONE = Throttle("one", 1, 60)

pytestmark = pytest.mark.usefixtures("clock")


def tried(throttle: Throttle, key: str) -> None:
    with transaction.writing():
        throttle.count(key)


def is_refused(throttle: Throttle, key: str) -> bool:
    try:
        tried(throttle, key)
    except TooMany:
        return True
    return False


def test_tries_come_back_one_by_one_as_they_grow_old(clock):
    tried(TWO, "a")
    clock.shift(40)
    tried(TWO, "a")
    with pytest.raises(TooMany) as refused:
        tried(TWO, "a")
    assert refused.value.retry_after == 20
    clock.shift(20)
    tried(TWO, "a")
    assert is_refused(TWO, "a")


def test_refused_tries_are_not_counted_and_keys_are_apart(clock):
    tried(ONE, "a")
    assert [is_refused(ONE, "a") for _ in range(10)] == [True] * 10
    tried(ONE, "b")
    tried(TWO, "a")
    clock.shift(60)
    tried(ONE, "a")


def test_looking_counts_nothing():
    ONE.check("a")
    ONE.check("a")
    tried(ONE, "a")
    with pytest.raises(TooMany):
        ONE.check("a")


def test_a_success_takes_its_try_back(clock):
    tried(TWO, "a")
    clock.shift(10)
    tried(TWO, "a")
    with transaction.writing():
        TWO.uncount("a")
        TWO.uncount("never seen")
    tried(TWO, "a")
    with pytest.raises(TooMany) as refused:
        tried(TWO, "a")
    assert refused.value.retry_after == 50
    with transaction.writing():
        TWO.forget("a")
    tried(TWO, "a")


def test_a_clock_that_stepped_back_makes_nobody_wait_longer(clock):  # F14
    clock.shift(timedelta(days=1))
    tried(ONE, "long ahead")
    clock.shift(timedelta(days=-1) + timedelta(seconds=50))
    tried(ONE, "a little ahead")
    clock.shift(-50)
    tried(ONE, "long ahead")
    with pytest.raises(TooMany) as refused:
        tried(ONE, "a little ahead")
    assert refused.value.retry_after == 60


def test_what_was_typed_stands_nowhere_and_is_not_to_be_guessed_without_the_key():
    """People type a password where their address belongs."""
    from app import encryption

    tried(ONE, "alice@example.com")
    mark = db.session.scalar(select(Try.key))
    assert mark == encryption.mark("one alice@example.com")
    assert "alice" not in mark
    encryption.use(["another key that is long enough for anything"])
    try:
        assert mark != encryption.mark("one alice@example.com")
    finally:
        encryption.use([SECRET])


def test_tidying_forgets_tries_that_no_window_reaches_portion_by_portion(clock, monkeypatch):
    monkeypatch.setattr(throttle, "PORTION", 2)
    for number in range(5):
        tried(ONE, str(number))
    clock.shift(throttle.LONGEST + timedelta(days=1))
    tried(ONE, "from the future")
    clock.shift(timedelta(days=-1) + timedelta(seconds=1))
    tried(ONE, "young")

    background.tidy()

    assert count(Try) == 1
    assert is_refused(ONE, "young")


def test_no_window_is_longer_than_tries_are_kept():
    longest = throttle.LONGEST.total_seconds()
    assert Throttle("kept", 1, longest)
    with pytest.raises(ValueError, match="kept for an hour"):
        Throttle("forgotten", 1, longest + 1)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_an_ipv6_customer_is_one_address(address, network):
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "half a minute"), (30, "half a minute"), (45, "a minute"), (60, "a minute"), (61, "2 minutes"), (900, "15 minutes")],
)
def test_waits_are_said_as_people_say_them(seconds, said):
    assert minutes(seconds) == said
