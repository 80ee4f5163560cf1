from __future__ import annotations

from threading import Barrier, Thread

import pytest

from monitorpy.core.pool import ConnectionPool


class Connection:
    def __init__(self, target):
        self.target = target
        self.open = True

    def close(self):
        self.open = False


def borrow(pool, target="db"):
    with pool.connection(target) as connection:
        assert connection.open
        return connection


def test_used_again_for_the_same_target():
    pool = ConnectionPool(Connection)
    first = borrow(pool)
    assert pool.idle("db") == 1
    assert borrow(pool) is first
    assert first.open


def test_each_target_has_its_own():
    pool = ConnectionPool(Connection)
    assert borrow(pool, ("one", 5432)) is not borrow(pool, ("two", 5432))
    assert pool.idle(("one", 5432)) == pool.idle(("two", 5432)) == 1
    assert pool.idle("unknown") == 0


def test_two_at_once_are_two():
    pool = ConnectionPool(Connection)
    with pool.connection("db") as one, pool.connection("db") as two:
        assert one is not two
    assert pool.idle("db") == 2


def test_more_than_max_idle_are_closed():
    pool = ConnectionPool(Connection, max_idle=1)
    with pool.connection("db") as one, pool.connection("db") as two:
        pass
    assert pool.idle("db") == 1
    assert [one.open, two.open] == [False, True]


def test_a_connection_whose_use_raised_is_closed_and_not_given_back():
    pool = ConnectionPool(Connection)
    with pytest.raises(OSError, match="reset by peer"), pool.connection("db") as broken:
        raise OSError("reset by peer")
    assert not broken.open
    assert pool.idle("db") == 0
    assert borrow(pool) is not broken


def test_unusable_idle_connections_are_closed_and_replaced():
    pool = ConnectionPool(Connection, usable=lambda c: c.target != "stale")
    stale = borrow(pool)
    assert borrow(pool) is stale
    stale.target = "stale"
    assert borrow(pool) is not stale
    assert not stale.open


def test_a_question_that_raises_means_not_usable():
    def ping(connection):
        raise OSError("broken pipe")

    pool = ConnectionPool(Connection, usable=ping)
    first = borrow(pool)
    assert borrow(pool) is not first
    assert not first.open


def test_what_connect_raises_passes():
    def refused(target):
        raise ConnectionRefusedError(target)

    pool = ConnectionPool(refused)
    with pytest.raises(ConnectionRefusedError, match="db"), pool.connection("db"):
        pass


def test_failure_to_close_does_not_hide_why():
    class Stubborn(Connection):
        def close(self):
            raise OSError("cannot close")

    pool = ConnectionPool(Stubborn)
    with pytest.raises(ValueError, match="the reason"), pool.connection("db"):
        raise ValueError("the reason")


def test_closed_pool():
    pool = ConnectionPool(Connection)
    idle = borrow(pool, "other")
    with pool.connection("db") as used:
        pool.close()
        assert used.open
        assert not idle.open
    assert not used.open
    with pytest.raises(RuntimeError, match="closed"), pool.connection("db"):
        pass


def test_max_idle_of_nothing_is_refused():
    with pytest.raises(ValueError, match="max_idle must be 1 or more, not 0"):
        ConnectionPool(Connection, max_idle=0)


def test_threads_never_share_a_connection():
    pool = ConnectionPool(Connection)
    barrier = Barrier(8)
    shared = []

    def use():
        barrier.wait(10)
        for _ in range(200):
            with pool.connection("db") as connection:
                if getattr(connection, "busy", False):
                    shared.append(connection)
                connection.busy = True
                connection.busy = False

    threads = [Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared == []
    assert 1 <= pool.idle("db") <= 8
