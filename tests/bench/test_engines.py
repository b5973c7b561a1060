"""`--engine`: what executes SQL."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import which

import pytest
import yaml
from click.testing import CliRunner, Result

from loopwright.cli._app import app

DUMP = """
CREATE DATABASE `d`;
USE `d`;
CREATE TABLE `t` (
  `a` int NOT NULL,
  `b` decimal(4,1) DEFAULT NULL,
  PRIMARY KEY (`a`)
) ENGINE=InnoDB;
INSERT INTO `t` VALUES (1,0.5),(2,NULL);
"""
ROW = {"query": "All?", "gold": "SELECT a, b FROM t ORDER BY a", "db": "d", "hardness": "easy", "db_tables": {}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOOPWRIGHT_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("LOOPWRIGHT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "spider_dbs.sql").write_text(DUMP)
    (tmp_path / "data" / "ic_spider_dev.json").write_text(json.dumps([ROW]))
    (tmp_path / "data" / "nl2bash_fs_4.json").write_text('[{"query": "Say hi.", "gold": "echo hi"}]')
    return tmp_path


@pytest.fixture(params=["sqlite", "mariadb"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "mariadb" and which("mariadbd", path="/usr/local/sbin:/usr/sbin:/usr/bin") is None:
        pytest.skip("this machine has no mariadbd (Debian: apt-get install mariadb-server-core)")
    return str(request.param)


def invoke(*args: str) -> Result:
    return CliRunner().invoke(app, args, prog_name="loopwright")


def test_a_run_says_which_engine_decided(folder: Path, engine: str) -> None:
    (folder / "replies.yaml").write_text(yaml.safe_dump([f"```sql\n{ROW['gold']}\n```", "submit"]))
    run = ("intercode-sql", "--from", "data", "--model", "scripted/replies.yaml", "--strategy", "react")
    result = invoke("bench", "run", *run, "--engine", engine, "--accept", "1", "--out", "out")
    assert result.exit_code == 0, result.output
    record = "".join(path.read_text(encoding="utf-8") for path in (folder / "out").rglob("*.jsonl"))
    assert f'"dialect":"{engine}","version":"' in record


def test_suites_are_checked_and_logs_replayed_on_it(folder: Path, engine: str) -> None:
    common = ("--from", "data", "--engine", engine, "--json")
    (canary,) = json.loads(invoke("bench", "check", "intercode-sql", *common).stdout)
    assert canary["flags"] == []
    # The last reply held no action: the log has the reward before it.
    actions = ["SELECT b FROM t WHERE a = 1", "SELECT a, b FROM t", "That is all."]
    seen = ["[(Decimal('0.5'),)]", "...", "No SQL code was found in your last response.\n\nYour response should be"]
    history = {"actions": actions, "rewards": [0.0, 1.0, 1.0], "observations": seen}
    (folder / "log.json").write_text(json.dumps({"0": {"task_id": 0, "turn_history": history}}))
    (agreement,) = json.loads(invoke("bench", "replay", "intercode-sql", "log.json", *common).stdout)
    assert (agreement["turns"], agreement["share"], agreement["same_success"]) == (3, 1.0, 1)


def test_other_suites_have_no_engine(folder: Path) -> None:
    result = invoke("bench", "check", "intercode-bash", "--from", "data", "--engine", "sqlite")
    assert result.exit_code == 2
    assert "environment.engine: the environment has no such field" in result.stderr
