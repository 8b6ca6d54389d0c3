"""Tries, counted before anything slow: in a short transaction of their own, so that nobody waits.

What can't be counted is not tried: the exception of a database that is locked or gone is a 503.
"""

from app import transaction
from app.domain.throttle import Throttle


def count(*tries: tuple[Throttle, str]) -> None:
    """Count a try of each of these keys. Raise TooMany, without counting any, when one has none left.

    That is told by reading, so that a flood of refused tries never takes the writer's lock.
    """
    for throttle, key in tries:
        throttle.check(key)
    with transaction.writing():
        for throttle, key in tries:
            throttle.count(key)
