"""Sliding windows of tries (T29)."""

import pytest

from app.domain import throttle
from app.domain.throttle import Throttle, TooMany, minutes, network_of


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def database() -> str:
    """Nothing here is stored: one engine is enough."""
    return "sqlite"


def test_tries_come_back_one_by_one_as_they_grow_old():
    clock = Hands()
    tries = Throttle(2, 60, clock=clock)
    tries.count("a")
    clock.at += 40
    tries.count("a")
    with pytest.raises(TooMany) as refused:
        tries.count("a")
    assert refused.value.retry_after == 20
    clock.at += 20
    tries.count("a")
    with pytest.raises(TooMany):
        tries.count("a")


def test_refused_tries_are_not_counted_and_keys_are_apart():
    clock = Hands()
    tries = Throttle(1, 60, clock=clock)
    tries.count("a")
    for _ in range(10):
        with pytest.raises(TooMany):
            tries.count("a")
    tries.count("b")
    clock.at += 60
    tries.count("a")


def test_a_success_takes_its_try_back():
    tries = Throttle(1, 60, clock=Hands())
    tries.count("a")
    tries.uncount("a")
    tries.count("a")
    tries.forget("a")
    tries.count("a")
    tries.uncount("never seen")


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(throttle, "MOST_KEYS", 100)
    tries = Throttle(1, 60, clock=Hands())
    for number in range(1000):
        tries.count(str(number))
    assert len(tries._tries) == 100


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
