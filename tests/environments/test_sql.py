"""The `sql` environment on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from loopwright.candidate import Candidate
from loopwright.environments import BUILTIN_ENVIRONMENTS, EnvironmentSetup, Scores
from loopwright.errors import SandboxLost, SandboxUnavailable, TaskError, VerifierError
from loopwright.sandbox import Control, SandboxProvider, SandboxSpec, open_provider
from loopwright.task import Instance

pytestmark = pytest.mark.anyio
NEEDS_SERVER = pytest.mark.skipif(
    which("mariadbd", path="/usr/local/sbin:/usr/sbin:/usr/bin") is None,
    reason="this machine has no mariadbd (Debian: apt-get install mariadb-server-core)",
)
IMAGE = "loopwright/sql-mariadb:latest"
STARS = """
CREATE TABLE star (id INT PRIMARY KEY, name VARCHAR(20), size DECIMAL(6,2), seen DATE);
INSERT INTO star VALUES (1, 'Vega', 2.5, '2020-01-31'), (2, 'Mira; a giant', 5, NULL);
"""
GOLD = "SELECT name FROM star ORDER BY size"
MARIADB: dict[str, Any] = {"engine": "mariadb", "script": STARS}
DUMP = """
CREATE USER 'admin'@'%' IDENTIFIED BY 'admin';
CREATE DATABASE IF NOT EXISTS `Sky` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci */;
USE `Sky`;
-- a remark; with a semicolon
/*!40101 SET NAMES utf8 */;
DROP TABLE IF EXISTS `moon`;
CREATE TABLE `moon` (
  `id` int NOT NULL AUTO_INCREMENT,
  `name` varchar(20) COLLATE utf8mb4_0900_ai_ci DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `by_name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
INSERT INTO `moon` VALUES (1,'Io; it\\'s hot'),(2,'utf8mb4_0900_ai_ci');
CREATE DATABASE `sea`;
USE `sea`;
CREATE TABLE `fish` (`id` int);
"""


class Episode:
    """An environment, played by hand."""

    def __init__(self, provider: SandboxProvider, spec: SandboxSpec, public: dict[str, Any], gold: str) -> None:
        self.stored: list[bytes] = []
        setup = EnvironmentSetup(provider, spec, self._put, lambda name: self.stored[int(name)])
        self.environment: Any = BUILTIN_ENVIRONMENTS["sql"](setup)
        self.instance = Instance(id="t", goal="do it", public=public, hidden={"gold": gold})

    def _put(self, data: bytes) -> str:
        self.stored.append(data)
        return str(len(self.stored) - 1)

    async def run(self, *statements: str) -> list[str]:
        return [(await self.environment.step(Candidate(text=f"```sql\n{text}\n```"))).text for text in statements]

    async def scores(self) -> Scores:
        scores: Scores = await self.environment.scores()
        return scores


class Start:
    """Starts episodes, and closes them at the end."""

    def __init__(self, provider: SandboxProvider) -> None:
        self.provider = provider
        self.episodes: list[Episode] = []

    async def __call__(self, gold: str = GOLD, *, spec: SandboxSpec | None = None, **public: Any) -> Episode:
        episode = Episode(self.provider, spec or SandboxSpec(), public, gold)
        self.episodes.append(episode)
        await episode.environment.reset(episode.instance)
        return episode


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("LOOPWRIGHT_CACHE", str(folder))
        yield folder / "sql"


@pytest.fixture
async def start(provider: SandboxProvider, cache: Path) -> AsyncIterator[Start]:
    started = Start(provider)
    yield started
    for episode in started.episodes:
        await episode.environment.close()


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=NEEDS_SERVER)])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_snapshot_is_what_it_was_however_the_database_changes_later(start: Start, engine: str) -> None:
    episode = await start(engine=engine, script=STARS)
    await episode.run("INSERT INTO star VALUES (3, 'Sol', 1, NULL)")
    first = await episode.environment.snapshot()
    await episode.run("DROP TABLE star", "CREATE TABLE planet (id INT)")
    second = await episode.environment.snapshot()
    for name, seen in ((first, ["[(3,)]", "[('star',)]"]), (second, ["[('planet',)]"]), (first, ["[(3,)]"])):
        await episode.environment.restore(name)
        asked = ["SELECT count(*) FROM star", "SHOW TABLES"] if name == first else ["SHOW TABLES"]
        assert (await episode.run(*asked))[: len(seen)] == seen
    assert (await episode.run(GOLD))[0] == "[('Sol',), ('Vega',), ('Mira; a giant',)]"
    assert (await episode.scores()).exact == 0.0  # the gold's database is as it was


@pytest.mark.slow
@NEEDS_SERVER
async def test_a_database_that_was_kept_and_is_damaged_is_made_again(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It voided every episode of its task until somebody emptied the cache."""
    script = "CREATE TABLE kept (a INT); INSERT INTO kept VALUES (1), (2)"
    monkeypatch.setenv("LOOPWRIGHT_CACHE", str(tmp_path))
    await start("SELECT a FROM kept", engine="mariadb", script=script)
    [kept] = await asyncio.to_thread(lambda: [*tmp_path.glob("sql/*")])
    whole = await asyncio.to_thread(kept.read_bytes)
    for damaged in (whole[: len(whole) // 2], b"", whole[:-1] + bytes([whole[-1] ^ 1])):
        await asyncio.to_thread(kept.write_bytes, damaged)
        episode = await start("SELECT a FROM kept", engine="mariadb", script=script)
        assert await episode.run("SELECT a FROM kept") == ["[(1,), (2,)]"]
        assert await asyncio.to_thread(kept.read_bytes) != damaged


async def test_a_gold_query_that_is_not_executed_in_time_is_no_score(start: Start, engine: str) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e9) SELECT count(i) FROM n"
    episode = await start(
        endless if engine == "sqlite" else "SELECT sleep(60)", engine=engine, script=STARS, timeout=0.5
    )
    await episode.run(GOLD)
    for _ in range(2):  # nor is it remembered
        with pytest.raises(SandboxLost, match="the gold query was not executed"):
            await episode.scores()


async def test_a_snapshot_leaves_the_session_as_it_is(start: Start, engine: str) -> None:
    episode = await start(engine=engine, script=STARS)
    await episode.run("CREATE TEMPORARY TABLE note (id INT)", "BEGIN", "DELETE FROM star WHERE id = 1")
    await episode.environment.snapshot()
    texts = await episode.run(
        "SELECT count(*) FROM star", "ROLLBACK", "SELECT count(*) FROM star", "SELECT * FROM note"
    )
    assert [texts[0], *texts[2:]] == ["[(1,)]", "[(2,)]", "[]"]


async def test_a_snapshot_of_sqlite_holds_what_its_journal_holds(start: Start) -> None:
    episode = await start(engine="sqlite", script=STARS)
    await episode.run("PRAGMA journal_mode = WAL", "DELETE FROM star WHERE id = 1")
    await episode.environment.restore(await episode.environment.snapshot())
    assert await episode.run("SELECT count(*) FROM star") == ["[(1,)]"]


async def test_a_database_of_a_dump(start: Start, engine: str, tmp_path: Path) -> None:
    dump = tmp_path / "dump.sql"
    dump.write_text(DUMP)
    chosen: dict[str, Any] = {
        "engine": engine,
        "dump": str(dump),
        "database": "Sky",
        "script": "CREATE TABLE sun (id INT);",
    }
    episode = await start("SELECT name FROM moon ORDER BY id", **chosen)
    assert await episode.run("SHOW TABLES", "SELECT name FROM moon ORDER BY id") == [
        "[('moon',), ('sun',)]",
        "[(\"Io; it's hot\",), ('utf8mb4_0900_ai_ci',)]",
    ]
    assert (await episode.scores()).exact == 1.0
    with pytest.raises(TaskError, match="has no 'land'"):
        await start(**{**chosen, "database": "land"})


@pytest.mark.parametrize("field", [{"script": "CREATE TABEL x"}, {"dump": "/nowhere.sql"}])
async def test_a_database_that_cannot_be_made_is_the_tasks_fault(
    start: Start, engine: str, field: dict[str, Any]
) -> None:
    with pytest.raises(TaskError, match="environment"):
        await start(engine=engine, **field)


async def test_the_record_says_which_engine_decided(start: Start, engine: str) -> None:
    episode = await start(engine=engine, script=STARS)
    await episode.run(GOLD)
    parts = (await episode.scores()).parts
    assert parts["dialect"] == engine
    assert int(str(parts["version"]).split(".")[0]) >= 3


@NEEDS_SERVER
async def test_values_have_the_types_of_the_published_client(start: Start) -> None:
    episode = await start("SELECT 2.50, 1", scoring="intercode", **MARIADB)
    (row,) = await episode.run("SELECT *, 1/2e0, TIME('-01:02:03.5'), b'101', X'00ff', NULL FROM star WHERE id = 1")
    assert row == (
        "[(1, 'Vega', Decimal('2.50'), datetime.date(2020, 1, 31), 0.5,"
        " datetime.timedelta(days=-1, seconds=82676, microseconds=500000), b'\\x05', b'\\x00\\xff', None)]"
    )
    await episode.run("SELECT 2.5, 1.0")
    scores = await episode.scores()
    assert (scores.rules["intercode"], scores.exact) == (0.0, 1.0)


@NEEDS_SERVER
async def test_a_procedure_may_answer_more_than_once(start: Start) -> None:
    episode = await start(**MARIADB)
    texts = await episode.run(
        "CREATE PROCEDURE twice() BEGIN SELECT 1; SELECT 2; END", "CALL twice()", "SELECT 3", "SELECT 1; SELECT 2"
    )
    assert texts[1:3] == ["[(1,)]", "[(3,)]"]
    assert "error in your SQL syntax" in texts[3]


@NEEDS_SERVER
@pytest.mark.parametrize("size", [300_000, 20_000_000])
async def test_a_long_statement_is_answered(start: Start, size: int) -> None:
    episode = await start(**MARIADB)
    said = "[(1,)]" if size < 1_000_000 else "Error executing query: the statement is too long"
    assert await episode.run(f"SELECT '{'x' * size}' > 'w'", "SELECT 2") == [said, "[(2,)]"]


@NEEDS_SERVER
async def test_rows_and_time_are_limited_and_the_session_goes_on(start: Start) -> None:
    episode = await start(**MARIADB, rows=60, timeout=3.0)
    many, endless = "SELECT seq FROM seq_1_to_1000000", "SELECT seq FROM seq_1_to_1000000000000"
    for statement in (many, endless):
        assert "more than 10 further rows" in (await episode.run(statement))[0]
    stuck = ["SELECT SLEEP(60)", f"SELECT SUM(seq) FROM ({endless}) x", "SELECT BENCHMARK(1e12, MD5('a'))"]
    for statement in stuck:
        assert await episode.run(statement, "SELECT 1") == [
            "Error executing query: the statement timed out",
            "[(1,)]",
        ]
    await episode.run(GOLD)
    assert (await episode.scores()).exact == 1.0


FORBIDDEN = (
    "SELECT 'x' INTO OUTFILE '/tmp/x'",
    "SELECT 'x' INTO DUMPFILE '/dev/shm/x'",
    "LOAD DATA INFILE '/etc/passwd' INTO TABLE star",
    "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE star",
    "SET GLOBAL max_connections = 1",
    "SET GLOBAL general_log = 1",
    "SHUTDOWN",
    "CREATE USER other",
    "GRANT ALL ON *.* TO agent@localhost",
    "INSTALL SONAME 'ha_connect'",
    "CREATE FUNCTION f RETURNS STRING SONAME 'f.so'",
    "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1')",
    "CREATE TABLE far (id INT) ENGINE=FEDERATED CONNECTION='mysql://root@localhost/mysql/user'",
    "SELECT * FROM mysql.global_priv",
    "CREATE DATABASE other",
    "SET ROLE root",
)
HOSTILE = (
    "SELECT LOAD_FILE('/etc/passwd')",
    "SET PASSWORD = PASSWORD('mine')",
    "KILL CONNECTION_ID()",
    "SELECT SLEEP(60)",
    "SET SESSION max_statement_time = 0, lock_wait_timeout = 86400, sql_mode = ''",
    "LOCK TABLES star WRITE",
    "SELECT 1 FROM filler",
    "UNLOCK TABLES",
    "CREATE EVENT bomb ON SCHEDULE EVERY 1 SECOND DO DELETE FROM star",
    "INSERT INTO filler SELECT REPEAT('x', 1000000) FROM star a, star b, star c, star d, star e, star f, star g",
    "SELECT a.* FROM filler a, filler b, filler c, filler d, filler e, filler f, filler g, filler h",
    "DELETE FROM star",
    "DROP TABLE star",
    "DROP DATABASE task",
)


@NEEDS_SERVER
async def test_an_agent_has_no_rights_beyond_its_database(start: Start) -> None:
    episode = await start(**MARIADB)
    for statement, text in zip(FORBIDDEN, await episode.run(*FORBIDDEN), strict=True):
        assert text.startswith("Error executing query:"), statement
    assert await episode.run("SELECT LOAD_FILE('/etc/passwd')", "SHOW DATABASES") == [
        "[(None,)]",
        "[('information_schema',), ('task',)]",
    ]


_MANY = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 900) SELECT x, {} FROM c"
_LONG = {"sqlite": "printf('%.*c', 30000, char(1))", "mariadb": "REPEAT(CHAR(1 USING utf8mb4), 30000)"}


async def test_more_rows_than_an_answer_holds_are_left_out_and_the_session_goes_on(start: Start, engine: str) -> None:
    # 27 MB of control characters, which take six bytes each on their way out of the sandbox.
    many = _MANY.format(_LONG[engine])
    episode = await start(many, engine=engine, script=STARS)
    await episode.run("CREATE TEMPORARY TABLE kept AS SELECT 5 AS a")
    assert (await episode.run(many))[0].endswith("\n[and further rows, which were left out]")
    assert await episode.run("SELECT * FROM kept") == ["[(5,)]"]
    with pytest.raises(VerifierError, match="no answer can match it"):
        await episode.scores()


async def test_a_gold_query_of_too_many_rows_is_told_and_no_zero(start: Start) -> None:
    gold = "SELECT id FROM star"
    for rows in (1, 2):
        episode = await start(gold, script=STARS, rows=rows)
        await episode.run(gold)
        if rows == 2:
            assert (await episode.scores()).exact == 1.0, "another task may compare more rows of the same query"
        else:
            with pytest.raises(VerifierError, match=r"more rows than are compared \(1, ") as raised:
                await episode.scores()
            assert "environment.rows" in (raised.value.remedy or "")


@NEEDS_SERVER
@pytest.mark.slow
async def test_hostile_agents_change_nobody_elses_rows(start: Start) -> None:
    async def attack(statements: Sequence[str]) -> Episode:
        episode = await start(**MARIADB, timeout=2.0)
        await episode.run("CREATE TABLE filler (text LONGTEXT)", *statements)
        return episode

    async def honest(number: int) -> float:
        # A gold of its own each, so that golds are executed beside the attacks as well.
        episode = await start(f"{GOLD}, {number} + id", **MARIADB)
        await episode.run("SELECT SLEEP(1)", GOLD)
        return (await episode.scores()).exact

    hostile = asyncio.gather(attack(HOSTILE), attack((*HOSTILE[:-1], *FORBIDDEN)))
    assert await asyncio.gather(*map(honest, range(4))) == [1.0] * 4
    ruined, wrecked = await hostile
    for episode in (ruined, wrecked):
        assert (await episode.scores()).exact == 0.0
        # A server without disk may not come back; that is an answer, not a failure.
        assert (await episode.run("SELECT 1"))[0].startswith(("[(1,)]", "Error executing query:"))
    fresh = await start(**MARIADB)
    await fresh.run(GOLD)
    assert (await fresh.scores()).exact == 1.0


@NEEDS_SERVER
async def test_a_server_that_took_too_much_memory_comes_back_with_its_database(start: Start) -> None:
    episode = await start(**MARIADB)
    greedy = (
        "DELETE FROM star WHERE id = 1",
        "SET SESSION max_heap_table_size = 1 << 36",
        "CREATE TEMPORARY TABLE big (text VARCHAR(1000)) ENGINE=MEMORY",
        "INSERT INTO big SELECT REPEAT('x', 1000) FROM seq_1_to_100000000",
    )
    assert (await episode.run(*greedy))[-1].startswith("Error executing query:")
    assert await episode.run("SELECT name FROM star") == ["[('Mira; a giant',)]"]


def _times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.iterdir()}


@NEEDS_SERVER
async def test_a_database_is_made_once(start: Start, cache: Path) -> None:
    await start(**MARIADB)
    before = _times(cache)
    await start(**MARIADB)
    assert _times(cache) == before
    await start(engine="mariadb", script=STARS + "CREATE TABLE more (id INT);")
    assert len(_times(cache)) == len(before) + 1


@NEEDS_SERVER
@pytest.mark.parametrize("place", ["file", "full"])
async def test_a_cache_that_cannot_be_written_fails_no_episode(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LOOPWRIGHT_CACHE", "/proc/self" if place == "full" else str(tmp_path / "file"))
    episode = await start(GOLD, engine="mariadb", script=f"{STARS}-- {place}\n")
    await episode.run(GOLD)
    assert (await episode.scores()).exact == 1.0


async def test_a_sandbox_without_a_server_is_told_with_what_to_do(start: Start) -> None:
    with pytest.raises(SandboxUnavailable, match=r"(?s)no mariadbd.*mariadb-server-core.*env build sql-mariadb"):
        await start(**MARIADB, spec=SandboxSpec(env={"PATH": "/usr/bin:/bin"}))


@pytest.mark.docker
async def test_the_image_of_sql_mariadb_has_what_the_engine_needs(cache: Path) -> None:
    try:
        docker = await open_provider("auto", IMAGE)
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    start = Start(docker)
    try:
        episode = await start(spec=SandboxSpec(image=IMAGE), **MARIADB)
        await episode.run("DELETE FROM star WHERE id = 2")
        await episode.environment.restore(await episode.environment.snapshot())
        assert await episode.run("SELECT name FROM star") == ["[('Vega',)]"]
        await episode.run("SELECT 'Vega' UNION ALL SELECT 'Mira; a giant'")
        assert (await episode.scores()).exact == 1.0
        loosened = {Control.UNPRIVILEGED_USER, Control.CAPABILITIES}
        root = SandboxSpec(image=IMAGE, user="root", require=SandboxSpec().require - loosened)
        assert await (await start(spec=root, **MARIADB)).run(GOLD) == ["[('Vega',), ('Mira; a giant',)]"]
        with pytest.raises(SandboxUnavailable, match="no mariadbd"):
            await start(spec=SandboxSpec(), **MARIADB)
    finally:
        for episode in start.episodes:
            await episode.environment.close()
        await docker.close()
