"""The second factor at sign-in: an authenticator app's codes (TOTP, RFC 6238) and recovery codes.

A code is taken once, and may be one step early or late. Whoever asks for codes counts the tries.
Seeds are encrypted; recovery codes are hashed like passwords, because they are short enough to be
typed. Every change ends all sessions of the agent, so that a stolen one does not outlive it.
"""

import base64
import logging
import secrets
from collections.abc import Iterable, Sequence
from hmac import compare_digest

from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import delete, func, select, update

from app import encryption
from app.clock import now
from app.domain import events
from app.domain.agents import Refused
from app.extensions import db
from app.models import Agent, RecoveryCode, Session

# What every app takes for granted; RFC 4226 advises seeds of 160 bits.
SEED_BYTES = 20
DIGITS = 6
STEP_SECONDS = 30
STEPS_TAKEN = (0, -1, 1)

RECOVERY_CODES = 10
# Without characters that look like others: 49 bits a code, slow to try even for whoever has the hashes.
RECOVERY_CHARACTERS = "abcdefghjkmnpqrstuvwxyz23456789"
RECOVERY_LENGTH = 10

NOBODY, ADMINS, EVERYBODY = range(3)

log = logging.getLogger(__name__)


def is_owed(agent: Agent, *, who_must: int) -> bool:
    """Whether the agent must set one up before anything else."""
    must = who_must == EVERYBODY or (who_must == ADMINS and agent.is_admin)
    return must and not agent.has_second_factor


def new_seed() -> str:
    """A random seed, in the letters and digits that people can type into an app."""
    return base64.b32encode(secrets.token_bytes(SEED_BYTES)).decode()


def address(agent: Agent, seed: str) -> str:
    """The otpauth: address that an app reads from a QR code."""
    return _totp(seed).get_provisioning_uri(agent.email, "Mado")


def step_of(seed: str, code: str) -> int | None:
    """The time step that this code belongs to, None when it is wrong."""
    typed = "".join(code.split()).encode("utf-8", "surrogatepass")
    present = int(now().timestamp()) // STEP_SECONDS
    for step in (present + steps for steps in STEPS_TAKEN):
        if compare_digest(_totp(seed).generate(step * STEP_SECONDS), typed):
            return step
    return None


def new_recovery_codes() -> list[str]:
    """Ten codes as they are shown, this once."""
    return [_recovery_code() for _ in range(RECOVERY_CODES)]


def normal_recovery_code(typed: str) -> str:
    """A recovery code as it is hashed: however it was typed off a page."""
    return "".join(typed.lower().replace("-", "").split())


def switch_on(agent: Agent, *, seed: str, step: int, code_hashes: Iterable[str]) -> None:
    """From now on signing in asks for a code. Raise Refused when it does already.

    The caller has seen a right code of this step, and starts a fresh session.
    """
    switched = (
        update(Agent)
        .where(Agent.id == agent.id, Agent.totp_seed.is_(None))
        .values(totp_seed=encryption.encrypt(seed), totp_step=step)
    )
    if db.session.execute(switched).rowcount != 1:
        raise Refused("You have a second factor already.")
    _keep(agent, code_hashes)
    _end_sessions(agent)
    events.record("agent.second_factor_added", by=agent, agent=agent.id)


def renew_recovery_codes(agent: Agent, code_hashes: Iterable[str]) -> None:
    """New codes; the old ones open nothing any more. The caller starts a fresh session."""
    _keep(agent, code_hashes)
    _end_sessions(agent)
    events.record("agent.recovery_codes_renewed", by=agent, agent=agent.id)


def remove(agent: Agent, *, by: Agent | None) -> None:
    """The password alone signs in again."""
    nothing = {"totp_seed": None, "totp_step": None}
    db.session.execute(update(Agent).where(Agent.id == agent.id).values(**nothing))
    _keep(agent, ())
    _end_sessions(agent)
    events.record("agent.second_factor_removed", by=by, agent=agent.id)


def take_code(agent: Agent, code: str) -> bool:
    """Use an app's code up. False for a wrong one, and for one that was used or is older than that."""
    seed = _seed_of(agent)
    step = step_of(seed, code) if seed else None
    if step is None:
        return False
    taken = update(Agent).where(Agent.id == agent.id, Agent.totp_step < step)
    return db.session.execute(taken.values(totp_step=step)).rowcount == 1


def take_recovery_code(agent: Agent, code_id: int) -> bool:
    """Use a recovery code up whose hash fitted. False when somebody was quicker."""
    is_it = (RecoveryCode.id == code_id, RecoveryCode.agent_id == agent.id)
    if db.session.execute(delete(RecoveryCode).where(*is_it)).rowcount != 1:
        return False
    events.record("agent.recovery_code_used", by=agent, agent=agent.id)
    return True


def recovery_hashes(agent: Agent) -> Sequence[tuple[int, str]]:
    """Id and hash of each recovery code that is left."""
    query = select(RecoveryCode.id, RecoveryCode.code_hash).where(RecoveryCode.agent_id == agent.id)
    return [(row.id, row.code_hash) for row in db.session.execute(query.order_by(RecoveryCode.id))]


def codes_left(agent: Agent) -> int:
    query = select(func.count()).where(RecoveryCode.agent_id == agent.id)
    return db.session.scalar(query) or 0


def _totp(seed: str) -> TOTP:
    # Within HMAC nothing is wrong with SHA-1, and many apps know no other hash.
    return TOTP(base64.b32decode(seed), DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303  # nosec


def _recovery_code() -> str:
    code = "".join(secrets.choice(RECOVERY_CHARACTERS) for _ in range(RECOVERY_LENGTH))
    return f"{code[:5]}-{code[5:]}"


def _seed_of(agent: Agent) -> str | None:
    try:
        return encryption.decrypt(agent.totp_seed) if agent.totp_seed else None
    except InvalidToken:  # SECRET_KEY was lost: recovery codes still work, and admins can remove it
        log.error("the second factor of agent %s was encrypted with another SECRET_KEY", agent.id)
        return None


def _keep(agent: Agent, code_hashes: Iterable[str]) -> None:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.agent_id == agent.id))
    db.session.add_all(RecoveryCode(agent_id=agent.id, code_hash=kept) for kept in code_hashes)


def _end_sessions(agent: Agent) -> None:
    db.session.execute(delete(Session).where(Session.agent_id == agent.id))
