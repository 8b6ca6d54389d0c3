"""What may be tried how often (T17, T29), and letting an agent try again.

Counted before the expensive work, so that a flood never reaches it.
"""

from app.domain import events
from app.domain.throttle import Throttle
from app.models import Agent

# Five tries an account, so that guessing is slow; twenty an address, for a whole office behind one.
SIGN_INS = Throttle("sign-in", 5, 30 * 60)
SIGN_INS_FROM = Throttle("sign-in from", 20, 10 * 60)
# Only a right one starts the count of codes again.
CODES = Throttle("code", 5, 30 * 60)
# Whoever found an unlocked screen must not try out the password in the account either.
OWN_PASSWORDS = Throttle("own password", 5, 30 * 60)
# Nobody's mailbox shall be filled, and nobody shall try out addresses.
REQUESTS = Throttle("request", 5, 60 * 60)
REQUESTS_FROM = Throttle("request from", 5, 60 * 60)
# Only wrong tokens are counted and refused: a program with a good one is never slowed by others.
WRONG_TOKENS_FROM = Throttle("wrong token from", 100, 10 * 60)


def lift(agent: Agent) -> None:
    """Let the agent try passwords and codes again at once, but for networks that tried too often."""
    SIGN_INS.forget(agent.email)
    CODES.forget(str(agent.id))
    OWN_PASSWORDS.forget(str(agent.id))
    events.record("agent.unlocked", agent=agent.id)
