"""Wrong passwords, counted for all processes and through restarts (T29)."""

from collections.abc import Iterator

import pytest

from tests.processes.servers import Mado
from tests.processes.visits import PASSPHRASE, prepared, sign_in

WRONG = "not her passphrase at all"


@pytest.fixture
def neighbour(production: Mado) -> Iterator[Mado]:
    """A second web process of the same installation; nothing is started yet."""
    mado = Mado(dict(production.env))
    yield mado
    mado.stop()


def statuses(*tries: tuple[Mado, str]) -> list[int]:
    """What each of these tries to sign in as Alice is answered."""
    return [sign_in(mado, password)[1].status_code for mado, password in tries]


def test_five_wrong_passwords_at_two_web_processes_lock_the_sixth_at_both(
    production: Mado, neighbour: Mado
):
    prepared(production)
    production.start_web()
    neighbour.start_web()

    wrong = statuses(*[(production, WRONG), (neighbour, WRONG)] * 2, (production, WRONG))

    assert wrong == [422] * 5
    assert statuses((production, PASSPHRASE), (neighbour, PASSPHRASE)) == [429, 429]


@pytest.mark.parametrize("installation", ["embedded", "production"])
def test_a_restart_forgets_no_wrong_passwords_and_unlocking_does(
    installation: str, request: pytest.FixtureRequest
):
    mado: Mado = request.getfixturevalue(installation)
    start = mado.start_web if installation == "production" else mado.start_embedded
    prepared(mado)
    start()
    assert statuses(*[(mado, WRONG)] * 5) == [422] * 5

    mado.stop()
    start()

    assert statuses((mado, PASSPHRASE)) == [429]
    mado.must(["agents", "unlock", "alice@example.com"])
    assert statuses((mado, PASSPHRASE)) == [200]
