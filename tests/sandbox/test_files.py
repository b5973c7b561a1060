from __future__ import annotations

import asyncio
import os

import pytest

from loopwright.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_what_is_written_is_read_back(box: Sandbox) -> None:
    data = bytes(range(256)) * 4096
    await box.write("a/b/c.bin", data, mode=0o600)
    assert await box.read("a/b/c.bin") == data
    assert await box.read(f"{box.workdir}/a/b/c.bin") == data
    listing = (await box.run(["stat", "-c", "%a %U", "a/b/c.bin", "a"])).stdout.text
    assert listing.split()[::2] == ["600", "755"]


async def test_files_belong_to_the_workload(box: Sandbox) -> None:
    await box.write("f/x", b"1")
    done = await box.run(
        ["sh", "-c", "echo 2 >> f/x && rm f/x && rmdir f && test -O . && git init -q . 2>/dev/null; ls -a"]
    )
    assert "f" not in done.stdout.text.split()


async def test_writing_again_replaces_content_and_mode(box: Sandbox) -> None:
    await box.write("x", b"long content", mode=0o755)
    await box.write("x", b"short", mode=0o644)
    assert await box.read("x") == b"short"
    assert (await box.run(["stat", "-c", "%a", "x"])).stdout.text.strip() == "644"


async def test_odd_names(box: Sandbox) -> None:
    names = ["new\nline", "-rf", " ", os.fsdecode(b"\xff\xfe"), "ü" * 100, "'\"$(x)"]
    for name in names:
        await box.write(name, name.encode("utf-8", "surrogateescape"))
    assert sorted(await box.list()) == sorted(names)
    for name in names:
        assert await box.read(name) == name.encode("utf-8", "surrogateescape")


async def test_what_is_not_there(box: Sandbox) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        await box.read("nothing")
    with pytest.raises(FileNotFoundError):
        await box.list("nothing")
    with pytest.raises(NotADirectoryError):
        await box.list("/etc/hosts")


async def test_a_file_may_be_too_long(box: Sandbox) -> None:
    await box.write("x", b"12345")
    assert await box.read("x", limit=5) == b"12345"
    with pytest.raises(ValueError, match="longer than 4 bytes"):
        await box.read("x", limit=4)


@pytest.mark.parametrize("path", ["/usr/bin/x", "/etc/x", "/x", "/proc/1/oom_score_adj", "/sys/x"])
async def test_outside_of_scratch_nothing_is_written(box: Sandbox, path: str) -> None:
    with pytest.raises(OSError, match=r"Read-only|Permission|No such|not permitted"):
        await box.write(path, b"x")


@pytest.mark.parametrize(
    "make",
    ["mkfifo x", "mkdir x", "ln -s /dev/zero x", "ln -s /proc/self/environ x", "ln -s /proc/1/fd/0 x", "ln -s x x"],
)
async def test_what_is_not_a_file_of_the_sandbox_is_not_read(box: Sandbox, make: str) -> None:
    assert (await box.run(["sh", "-c", make])).ok
    with pytest.raises((ValueError, OSError)):
        await box.read("x")


async def test_a_link_is_followed_within_the_sandbox(box: Sandbox) -> None:
    await box.run(["sh", "-c", "mkdir d && echo content > d/file && ln -s d link && ln -s d/file x"])
    assert await box.read("x") == b"content\n"
    assert await box.read("link/file") == b"content\n"


async def test_a_link_is_replaced_not_written_through(box: Sandbox) -> None:
    await box.run(["sh", "-c", "echo before > target; ln -s target x; ln -s /proc/1/fd/1 pipe"])
    await box.write("x", b"new")
    await box.write("pipe", b"\0\0\0\1d\0\0\0\1x")
    assert await box.read("target") == b"before\n"
    assert await box.read("x") == b"new"
    assert (await box.run(["test", "-L", "x"])).exit_code == 1


async def test_a_full_workspace_is_an_error_of_the_file(box: Sandbox) -> None:
    await box.run(["sh", "-c", "head -c 70000000 /dev/zero > /work/fill"])
    with pytest.raises(OSError, match="No space left"):
        await box.write("x", b"x" * 100_000)
    assert (await box.run(["rm", "fill"])).ok
    await box.write("x", b"x" * 100_000)


async def test_no_more_links_are_followed_than_the_kernel_follows(box: Sandbox) -> None:
    chain = "import os\nfor n in range(2000): os.symlink(str(n + 1), str(n))\n"
    chain += "os.mkdir('2000')\nopen('2000/file', 'w').write('x')"
    assert (await box.run(["python3", "-c", chain])).ok
    assert await box.read("1961/file") == b"x"
    uses = (box.read("1959/file"), box.read("0"), box.write("0/file", b"y"), box.list("0"))
    told = await asyncio.gather(*uses, return_exceptions=True)
    assert ["Too many levels of symbolic links" in str(error) for error in told] == [True] * 4
    assert (await box.run(["echo", "on"])).stdout.text == "on\n"


@pytest.mark.slow
async def test_a_folder_of_very_many_names_is_not_listed(box: Sandbox) -> None:
    many = "import os\nos.mkdir('d')\nopen('f', 'w').close()\nfor n in range(10**6): os.link('f', f'd/{n:0250}')"
    assert not (await box.run(["python3", "-c", many], timeout=120)).ok
    (told,) = await asyncio.gather(box.list("d"), return_exceptions=True)
    if isinstance(told, BaseException):
        assert "d: there are more than 200000 entries" in str(told)
    else:
        assert len(told) < 200_000  # where the number of files is limited
    assert (await box.run(["echo", "on"])).stdout.text == "on\n"
