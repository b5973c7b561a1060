"""SQL: cases whose rewards a reference run of the published code gave."""

from __future__ import annotations

from shutil import which
from typing import Protocol

import pytest

from tests.compat.conftest import Play, Played

pytestmark = pytest.mark.anyio
NO_SERVER = "this machine has no mariadbd (Debian: apt-get install mariadb-server-core)"


class PlaySql(Protocol):
    async def __call__(self, task: str, *actions: str, legacy: bool = False, timeout: float = 10.0) -> Played: ...


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "mariadb" and which("mariadbd", path="/usr/local/sbin:/usr/sbin:/usr/bin") is None:
        pytest.skip(NO_SERVER)
    return str(request.param)


@pytest.fixture
def sql(play: Play, engine: str) -> PlaySql:
    async def played(task: str, *actions: str, legacy: bool = False, timeout: float = 10.0) -> Played:
        return await play("sql", task, *actions, legacy=legacy, engine=engine, timeout=timeout)

    return played


NAMES = "SELECT T1.Name FROM people AS T1 JOIN poker_player AS T2 ON T1.People_ID = T2.People_ID"
REVERSED = f"{NAMES} ORDER BY T2.Final_Table_Made DESC"
COUNTS = "SELECT id, (SELECT count(*) FROM Friend WHERE student_id = Highschooler.id) FROM Highschooler ORDER BY 1"


@pytest.mark.parametrize(
    ("number", "task", "actions", "reward", "exact"),
    [
        (27, "spider-3", ["GOLD"], 1.0, 1),
        (27, "spider-3", ["SELECT 3"], 1.0, 1),
        (27, "spider-3", ["SELECT 3.0"], 0.0, 1),
        (27, "spider-3", ["SELECT '3'"], 0.0, 0),
        (27, "spider-3", ["SELECT 3 UNION ALL SELECT 3"], 0.5, 0),
        (27, "spider-3", [], 0.0, 0),
        (29, "spider-59", [COUNTS], 0.88, 0),
        (30, "spider-71", ["SELECT DISTINCT Citizenship FROM singer WHERE Citizenship <> 'Chile'"], 0.25, 0),
        (32, "spider-0", [REVERSED], -0.2, 0),
        (32, "spider-15", ["SELECT Name FROM teacher ORDER BY Age DESC"], 0.52, 0),
        (33, "spider-17", ["SELECT 1 WHERE 1 = 0"], 1.0, 1),
        (33, "spider-17", ["SELECT 1"], 0.0, 0),
        (35, "spider-3", ["GOLD", "SELEC 1"], 0.0, 0),
        (35, "spider-3", ["SHOW TABLES"], 0.0, 0),
    ],
)
async def test_rewards(sql: PlaySql, number: int, task: str, actions: list[str], reward: float, exact: float) -> None:
    played = await sql(task, *actions)
    assert played.reward == pytest.approx(reward, abs=1e-9)
    assert played.scores.exact == exact


async def test_two_rows_the_wrong_way_round_are_punished_only_where_the_query_orders(sql: PlaySql) -> None:
    swapped = f"{NAMES} WHERE T2.Earnings > 300000 ORDER BY 1 "
    rewards = {(await sql("spider-24", swapped + way)).reward for way in ("ASC", "DESC")}
    assert rewards == {1.0, -1.0}
    assert {(await sql("spider-24", swapped + way)).scores.exact for way in ("ASC", "DESC")} == {1.0}


async def test_a_gold_that_mysql_refuses_expects_no_rows_under_legacy(sql: PlaySql, engine: str) -> None:
    empty = await sql("spider-164", "SELECT 1 WHERE 1 = 0", legacy=True)
    assert (empty.reward, empty.scores.exact, empty.scores.gold_failed) == (1.0, 0.0, True)
    assert (await sql("spider-164", "GOLD", legacy=True)).reward == 0.0
    # SHOW is no reserved word of SQLite's.
    assert (await sql("spider-164", "GOLD")).scores.exact == (1.0 if engine == "sqlite" else 0.0)


async def test_what_an_agent_does_to_its_database_changes_no_gold(sql: PlaySql) -> None:
    ruin = ["DELETE FROM conductor", "DROP TABLE performance", "CREATE TABLE x (a)"]
    played = await sql("spider-3", *ruin, "SELECT 0")
    assert played.reward == 0.0
    assert (await sql("spider-3", "GOLD")).reward == 1.0


async def test_mysqls_way_to_look_around_is_understood(sql: PlaySql, engine: str) -> None:
    texts = (await sql("spider-0", "SHOW TABLES", "DESCRIBE people", "DESC nothing")).texts
    assert texts[0] == "[('people',), ('poker_player',)]"
    integer = "int" if engine == "sqlite" else "int(11)"
    assert texts[1].lower().startswith(f"[('people_id', '{integer}', 'no', 'pri', none, ")
    unknown = {"sqlite": "no such table: nothing", "mariadb": "Table 'poker_player.nothing' doesn't exist"}
    assert texts[2] == f"Error executing query: {unknown[engine]}"


async def test_a_statement_has_limited_time_and_its_session_goes_on(sql: PlaySql, engine: str) -> None:
    endless = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "mariadb": "SELECT SLEEP(60)",
    }
    played = await sql("spider-3", endless[engine], "GOLD", timeout=2.0)
    assert "timed out" in played.texts[0]
    assert played.reward == 1.0
