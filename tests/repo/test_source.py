"""Where a repository's files come from, and what is refused."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import sysconfig
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from loopwright.archives import LARGEST
from loopwright.candidate import Candidate
from loopwright.environments import EnvironmentSetup
from loopwright.errors import TaskError
from loopwright.repo import PATCH, Entry, RepoEnvironment, RepoFields, Tree, load_repository
from loopwright.sandbox import Limits, SandboxProvider, SandboxSpec
from loopwright.task import Instance
from tests.repo.conftest import FILES, Kept, Shop, written

pytestmark = pytest.mark.anyio

BASE = {path: Entry(text.encode()) for path, text in FILES.items()}
IDENTITY = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"} | {
    f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **IDENTITY}, input=stdin, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def committed(folder: Path) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def source(tmp_path: Path) -> tuple[Path, str]:
    """A folder with `.git`, and its base commit, which is neither the first nor the last."""
    folder = written(tmp_path / "source", {"README": "first"})
    git(folder, "init", "-q", "-b", "main")
    committed(folder)
    (folder / "README").unlink()
    commit = committed(written(folder))
    written(folder, {"shop/prices.py": "SECRET_FIX = 1\n"})
    committed(folder)
    git(folder, "tag", "v2")
    git(folder, "branch", "later")
    git(folder, "checkout", "-q", "--detach", commit)
    written(folder, {"not-committed": "x"})
    return folder, commit


def load(path: Path, **fields: Any) -> Tree:
    return load_repository(RepoFields(repository=str(path), **fields))


def test_a_folder_at_a_commit(source: tuple[Path, str]) -> None:
    folder, commit = source
    assert load(folder) == load(folder, commit=commit) == load(folder, commit=commit[:10]) == BASE
    assert load(folder, commit="main")["shop/prices.py"].data == b"SECRET_FIX = 1\n"
    assert load(folder, commit="v2~1") == BASE


def work_tree(foreign: Path, folder: Path) -> None:
    folder.rmdir()
    git(foreign, "worktree", "add", "-q", str(folder), "later")


def file_that_names(foreign: Path, folder: Path) -> None:
    (folder / ".git").write_text(f"gitdir: ../{foreign.name}/.git\n")


def link(foreign: Path, folder: Path) -> None:
    (folder / ".git").symlink_to(foreign / ".git")


def common_folder(foreign: Path, folder: Path) -> None:
    git(folder, "init", "-q")
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/later\n")
    (folder / ".git" / "commondir").write_text(f"../../{foreign.name}/.git\n")


def borrowed_objects(foreign: Path, folder: Path) -> None:
    folder.rmdir()
    git(foreign, "clone", "-q", "--shared", str(foreign), str(folder))


def linked_objects(foreign: Path, folder: Path) -> None:
    git(folder, "init", "-q")
    (folder / ".git" / "HEAD").write_text(git(foreign, "rev-parse", "later"))
    shutil.rmtree(folder / ".git" / "objects")
    (folder / ".git" / "objects").symlink_to(foreign / ".git" / "objects")


@pytest.mark.parametrize(
    ("borrow", "said"),
    [
        (work_tree, "its .git leads out of it"),
        (file_that_names, "its .git leads out of it"),
        (link, "its .git leads out of it"),
        (common_folder, "commondir of its .git names another repository"),
        (borrowed_objects, "objects/info/alternates of its .git names another repository"),
        (linked_objects, "objects of its .git is a link that leads out of it"),
    ],
)
def test_another_repository_is_not_read(
    source: tuple[Path, str], tmp_path: Path, borrow: Callable[[Path, Path], None], said: str
) -> None:
    folder = tmp_path / "task"
    folder.mkdir()
    borrow(source[0], folder)
    assert git(folder, "show", "HEAD:shop/prices.py") in ("SECRET_FIX = 1", FILES["shop/prices.py"].strip())
    with pytest.raises(TaskError, match=said) as error:
        load(folder)
    assert "git bundle create" in error.value.remedy


def test_the_data_may_lie_elsewhere_in_the_folder(source: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = source
    (folder / ".git").rename(folder / ".data")
    (folder / ".git").write_text("gitdir: .data\n")
    shutil.rmtree(folder / ".data" / "hooks")
    (folder / ".data" / "hooks").symlink_to(tmp_path)
    assert load(folder) == BASE


def test_few_objects_that_make_many_files(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    blob = git(tmp_path, "hash-object", "-w", "--stdin", stdin=b"x")
    files = "".join(f"100644 blob {blob}\t{number}\n" for number in range(320))
    inner = git(tmp_path, "mktree", stdin=files.encode())
    folders = "".join(f"040000 tree {inner}\t{number}\n" for number in range(320))
    many = git(tmp_path, "mktree", stdin=folders.encode())
    tree = git(tmp_path, "mktree", stdin=f"100644 blob {blob}\tfile\n040000 tree {many}\tmany\n".encode())
    git(tmp_path, "update-ref", "HEAD", git(tmp_path, "commit-tree", "-m", "x", tree))
    with pytest.raises(TaskError, match="it has more than 100000 files"):
        load(tmp_path)
    assert load(tmp_path, leave_out=["many"]) == {"file": Entry(b"x")}


def test_few_objects_that_make_many_bytes(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    blob = git(tmp_path, "hash-object", "-w", "--stdin", stdin=b"\0" * (LARGEST // 64))
    rows = "".join(f"100644 blob {blob}\t{number}\n" for number in range(65))
    tree = git(tmp_path, "mktree", stdin=rows.encode())
    git(tmp_path, "update-ref", "HEAD", git(tmp_path, "commit-tree", "-m", "x", tree))
    with pytest.raises(TaskError, match=f"the files have more than {LARGEST} bytes"):
        load(tmp_path)


def test_a_path_that_no_file_system_takes(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    blob = git(tmp_path, "hash-object", "-w", "--stdin", stdin=b"x")
    tree = git(tmp_path, "mktree", stdin=f"100644 blob {blob}\t{'n' * 100_000}\n".encode())
    git(tmp_path, "update-ref", "HEAD", git(tmp_path, "commit-tree", "-m", "x", tree))
    with pytest.raises(TaskError, match="a path has more than"):
        load(tmp_path)


def test_settings_and_hooks_of_a_repository_are_not_obeyed(source: tuple[Path, str], tmp_path: Path) -> None:
    folder, commit = source
    written(folder, {".gitattributes": "* filter=x text=auto eol=crlf export-ignore export-subst\n"})
    for name in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "filter.x.smudge",
        "filter.x.process",
        "diff.external",
    ):
        git(folder, "config", name, f"touch {tmp_path}/ran")
    with (folder / ".git" / "hooks" / "post-checkout").open("w") as hook:
        hook.write(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    assert load(folder, commit=commit) == BASE
    assert not (tmp_path / "ran").exists()


def test_a_bundle(source: tuple[Path, str], tmp_path: Path) -> None:
    folder, commit = source
    bundle = tmp_path / "shop.bundle"
    git(folder, "bundle", "create", "-q", str(bundle), "--all", "HEAD")
    assert load(bundle) == load(bundle, commit=commit) == BASE
    assert load(bundle, commit="later")["shop/prices.py"].data == b"SECRET_FIX = 1\n"


@pytest.mark.parametrize("form", ["tar.gz", "zip", "tar"])
def test_an_archive(source: tuple[Path, str], tmp_path: Path, form: str) -> None:
    folder, commit = source
    for prefix in ("", "shop-1.0/"):
        git(folder, "archive", "-o", str(tmp_path / f"base.{form}"), f"--prefix={prefix}", commit)
        assert load(tmp_path / f"base.{form}") == BASE


def test_kinds_of_files_stay(tmp_path: Path) -> None:
    folder = written(tmp_path / "kinds", {"run.sh": "#!/bin/sh\n", "d/a": "x"})
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("d/a")
    (folder / "raw").write_bytes(b"\0\xff\r\n")
    plain = load(folder)
    assert plain == {
        "run.sh": Entry(b"#!/bin/sh\n", "program"),
        "d/a": Entry(b"x"),
        "link": Entry(b"d/a", "link"),
        "raw": Entry(b"\0\xff\r\n"),
    }
    git(folder, "init", "-q")
    committed(folder)
    assert load(folder) == plain
    for form in ("tar", "zip"):
        git(folder, "archive", "-o", str(tmp_path / f"kinds.{form}"), "HEAD")
        assert load(tmp_path / f"kinds.{form}") == plain


@pytest.mark.slow
def test_many_files(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    git(folder, "init", "-q")
    names = "".join(f"M 100644 :1 d{number % 100}/{number}\n" for number in range(50_000))
    stream = f"blob\nmark :1\ndata 1\nx\ncommit refs/heads/main\ncommitter a <a@b> 1 +0000\ndata 0\n{names}\n"
    git(folder, "fast-import", "--quiet", stdin=stream.encode())
    assert len(load(folder, commit="main")) == 50_000
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for number in range(50_001):
            tar.addfile(tarfile.TarInfo(f"f{number}"))
    (tmp_path / "many.tar").write_bytes(packed.getvalue())
    with pytest.raises(TaskError, match="it has more than 50000 entries"):
        load(tmp_path / "many.tar")


def test_a_folder_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(TaskError, match="the repository has no commit") as error:
        load(tmp_path)
    assert "Commit its files first" in error.value.remedy


@pytest.mark.parametrize("name", ["nothing", "0" * 40, "--output=x", "main:shop", "a b"])
def test_a_commit_that_is_not_there(source: tuple[Path, str], name: str) -> None:
    with pytest.raises(TaskError, match="commit"):
        load(source[0], commit=name)


def test_what_has_no_commits_has_none(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="has no commits"):
        load(written(tmp_path / "plain"), commit="main")


def test_a_submodule(source: tuple[Path, str], tmp_path: Path) -> None:
    folder, commit = source
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{commit},vendor/lib")
    git(folder, "commit", "-qm", "x")
    with pytest.raises(TaskError, match="vendor/lib: it is a submodule") as error:
        load(folder)
    assert "leave_out: [vendor/lib]" in error.value.remedy
    assert load(folder, leave_out=["vendor/lib"]) == BASE


def test_a_file_of_git_lfs(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"
    folder = written(tmp_path / "lfs", {"data/big.bin": pointer, "a": "x"})
    with pytest.raises(TaskError, match=r"data/big\.bin: its content is kept by Git LFS"):
        load(folder)
    assert load(folder, leave_out=["data/"]) == {"a": Entry(b"x")}


@pytest.mark.parametrize("target", ["/etc/passwd", "../x", "d/../../x", ".git/config"])
def test_a_link_that_leads_out(tmp_path: Path, target: str) -> None:
    folder = written(tmp_path / "links", {"d/a": "x"})
    (folder / "link").symlink_to(target)
    with pytest.raises(TaskError, match="link: it is a link that leads out of the repository"):
        load(folder)


@pytest.mark.parametrize(("first", "target"), [(".", "d/.."), (".", "d/.git/config"), ("e/f", "d/../../..")])
def test_a_link_that_leads_out_by_another_one(tmp_path: Path, first: str, target: str) -> None:
    folder = written(tmp_path / "links", {"e/f/a": "x"})
    (folder / "d").symlink_to(first)
    (folder / "x").symlink_to("d/a")
    assert load(folder)["x"].data == b"d/a"
    (folder / "x").unlink()
    (folder / "x").symlink_to(target)
    with pytest.raises(TaskError, match="x: it is a link that leads out of the repository"):
        load(folder)


@pytest.mark.parametrize("name", ["../up", "/etc/x", "a/.git/hooks/x", "a//b"])
def test_names_in_an_archive_that_lead_out(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, "x")
        archive.writestr("b", "x")
    with pytest.raises(TaskError, match=r"environment\.repository: "):
        load(tmp_path / "a.zip")


def test_an_archive_that_unpacks_to_too_much(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b", b"\0" * 50_000_000)
    with pytest.raises(TaskError, match="unpacks to more than"):
        load(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), (b"nothing", "repo.bin: "), (b"# v2 git bundle\n0000\n", "bundle")]
)
def test_what_is_no_repository(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "repo.bin").write_bytes(content)
    with pytest.raises(TaskError, match=said):
        load(tmp_path / "repo.bin")


def test_contents_that_are_missing(source: tuple[Path, str]) -> None:
    folder, commit = source
    blob = git(folder, "rev-parse", f"{commit}:shop/text.py")
    (folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    git(folder, "config", "extensions.partialClone", "origin")
    git(folder, "config", "remote.origin.url", f"ext::sh -c 'touch {folder.parent}/ran'")
    with pytest.raises(TaskError, match=r"is missing in|fails in"):
        load(folder, commit=commit)
    assert not (folder.parent / "ran").exists()


async def test_no_history_is_in_the_agents_sandbox(shop: Shop, source: tuple[Path, str]) -> None:
    folder, commit = source
    await shop.environment.reset(shop.instance(repository=str(folder), commit=commit))
    look = (
        "git rev-list --all --reflog | wc -l; git for-each-ref | wc -l; git remote; "
        "git fsck --unreachable --no-reflogs 2>&1 | grep -c unreachable; "
        "git cat-file --batch-all-objects --batch | grep -ac 'SECRET_FIX\\|test_cents'; ls -A; echo " + commit[:7]
    )
    seen = await shop.environment.step(Candidate(text=look))
    lines = seen.text.splitlines()
    assert lines[:4] == ["1", "1", "0", "0"]
    assert lines[-4:] == [".git", "shop", "tests", commit[:7]]
    seen = await shop.environment.step(Candidate(text=f"git cat-file -t {commit}"))
    assert "exit status 128" in seen.text


async def test_a_git_that_cannot_name_the_first_branch_will_do(shop: Shop) -> None:
    program = 'for word; do [ "$word" = -b ] && exit 129; done\nPATH=${PATH#*:} exec git "$@"\n'
    written(shop.folder, {"old/git": f"#!/bin/sh\n{program}"})
    (shop.folder / "old" / "git").chmod(0o755)
    await shop.environment.reset(shop.instance(path=["/work/repo/old"]))
    seen = await shop.environment.step(
        Candidate(text="git init -b x; echo $?; git symbolic-ref HEAD; git log --format=%s")
    )
    assert seen.text.split() == ["129", "refs/heads/main", "base"]


async def test_the_set_up_runs_everywhere_and_is_no_change(shop: Shop, kept: Kept) -> None:
    setup = "echo built > built.txt; echo '# made' >> shop/text.py"
    await shop.environment.reset(shop.instance(setup=setup, test_command="grep built built.txt"))
    seen = await shop.environment.step(Candidate(text="cat built.txt; echo more >> built.txt; echo x > own.txt"))
    assert seen.text == "built"
    verdict = await shop.environment.submit(Candidate(text="submit"))
    diff = kept[str((verdict.checks[0].data or {})[PATCH])].decode()
    assert "own.txt" in diff
    assert "shop/text.py" not in diff


async def test_a_set_up_that_fails_says_so(shop: Shop) -> None:
    await shop.environment.reset(shop.instance(setup="echo so; false; true"))
    with pytest.raises(TaskError, match=r"environment\.setup: a command fails with exit code 1: so"):
        await shop.environment.step(Candidate(text="ls"))


async def test_a_repository_that_does_not_fit(provider: SandboxProvider, tmp_path: Path, kept: Kept) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "data").write_bytes(os.urandom(3_000_000))
    spec = SandboxSpec(limits=Limits(scratch_mb=2))
    environment = RepoEnvironment(EnvironmentSetup(provider=provider, spec=spec, put=kept.put, get=kept.__getitem__))
    public = {"repository": str(tmp_path / "big"), "test_command": "true"}
    await environment.reset(Instance(id="big", goal="x", public=public))
    with pytest.raises(TaskError, match="does not fit") as error:
        await environment.step(Candidate(text="ls"))
    assert "sandbox.scratch_mb" in error.value.remedy


async def test_a_folder_of_the_image(environment: RepoEnvironment, kept: Kept) -> None:
    folder = f"{sysconfig.get_path('stdlib')}/wsgiref"
    public = {"folder": folder, "test_command": "grep -q changed util.py"}
    await environment.reset(Instance(id="image", goal="x", public=public))
    seen = await environment.step(Candidate(text="pwd; ls util.py; echo '# changed' >> util.py"))
    assert seen.text.split() == [folder, "util.py"]
    verdict = await environment.submit(Candidate(text="submit"))
    assert verdict.passed
    assert "+# changed" in kept[str((verdict.checks[0].data or {})[PATCH])].decode()


def test_a_relative_path_starts_at_the_current_folder(
    source: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, commit = source
    monkeypatch.chdir(folder.parent)
    assert load_repository(RepoFields(repository=folder.name, commit=commit)) == BASE


def test_a_repository_that_is_not_there_is_told_before_a_run(tmp_path: Path) -> None:
    public = {"repository": str(tmp_path / "nowhere"), "test_command": "true"}
    with pytest.raises(TaskError, match=r"there is no .*nowhere"):
        RepoEnvironment.check(Instance(id="a", goal="b", public=public, hidden={}))


def zipped(path: Path, data: bytes, method: int) -> bytearray:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.py", data)
    return bytearray(path.read_bytes())


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_that_unpacks_without_a_bound(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    zipped(path, b"x = 1\n", method)
    with pytest.raises(TaskError, match="another method than deflate"):
        load(path)


def encrypted(data: bytearray) -> None:
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1


def of_the_future(data: bytearray) -> None:
    data[data.index(b"PK\1\2") + 6] = 90


def cut_short(data: bytearray) -> None:
    data[:2] = b"XX"


def lying(data: bytearray) -> None:
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = (5).to_bytes(4, "little")


@pytest.mark.parametrize("harm", [encrypted, of_the_future, cut_short, lying])
def test_a_zip_that_cannot_be_read_is_named(tmp_path: Path, harm: Callable[[bytearray], None]) -> None:
    path = tmp_path / "a.zip"
    data = zipped(path, b"x = 1\n" * 100, zipfile.ZIP_DEFLATED)
    harm(data)
    path.write_bytes(data)
    with pytest.raises(TaskError, match=r"a\.zip"):
        load(path)


@pytest.mark.parametrize("zip64", [False, True])
def test_a_zip_with_a_very_long_list_of_entries(tmp_path: Path, zip64: bool) -> None:
    path = tmp_path / "a.zip"
    data = zipped(path, b"x = 1\n", zipfile.ZIP_DEFLATED)
    end = data.rindex(b"PK\5\6")
    if zip64:
        data[end + 12 : end + 16] = b"\xff" * 4
        last = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, 1 << 30, 0)
        data[end:end] = last + struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    else:
        data[end + 12 : end + 16] = (1 << 30).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(TaskError, match="list of entries"):
        load(path)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_archive_with_a_large_file_and_a_second_name_of_it(tmp_path: Path, mode: Literal["w", "w:gz"]) -> None:
    data = os.urandom(1 << 20) * 17
    with tarfile.open(tmp_path / "a.tar", mode) as tar:
        info = tarfile.TarInfo("top/large")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
        info = tarfile.TarInfo("top/same")
        info.type, info.linkname = tarfile.LNKTYPE, "top/large"
        tar.addfile(info)
    assert load(tmp_path / "a.tar") == {"large": Entry(data), "same": Entry(data)}


def test_second_names_count(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        info = tarfile.TarInfo("large")
        info.size = 1 << 20
        tar.addfile(info, io.BytesIO(bytes(1 << 20)))
        for number in range(600):
            info = tarfile.TarInfo(f"same{number}")
            info.type, info.linkname = tarfile.LNKTYPE, "large"
            tar.addfile(info)
    with pytest.raises(TaskError, match="unpacks to more"):
        load(tmp_path / "a.tar")
