"""Diffs: what is written is read back, git agrees, and what does not apply says why."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.repo import Entry, PatchFailed, Tree, apply_patch, changed_by, read_patch, write_diff
from loopwright.secrets import register

LINES = st.lists(
    st.sampled_from(["a", "b", "-- a/x", "++ b/x", "", " ", "x\r", "@@ -1 +1 @@", "é\u2028", "\\ No"]), max_size=12
)
TEXTS = st.builds(lambda lines, end: ("\n".join(lines) + end).encode(), LINES, st.sampled_from(["", "\n", "\r\n"]))
DATA = TEXTS | st.binary(max_size=120)
NAMES = st.sampled_from(["a.py", "b c.txt", "é.txt", 'q"uote\\', "new\nline", "\udcff.bin", "d/e/f.py", "d/g b/h"])
ENTRIES = st.builds(Entry, DATA, st.sampled_from(["file", "program"])) | st.just(Entry(b"a.py", "link"))
TREES = st.dictionaries(NAMES, ENTRIES, max_size=5)


@given(TREES, TREES)
def test_a_diff_makes_one_state_the_other(before: Tree, after: Tree) -> None:
    assert apply_patch(before, read_patch(write_diff(before, after)), strict=True) == after


@settings(max_examples=25)
@given(before=TREES, after=TREES)
def test_git_reads_it_the_same_way(before: Tree, after: Tree, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("git")
    _write(folder, before)
    diff = write_diff(before, after)
    command = ["git", "apply", "--whitespace=nowarn", "-"]
    done = subprocess.run(command, cwd=folder, input=diff.encode("utf-8", "surrogateescape"), capture_output=True)
    assert done.returncode == 0 or not diff, done.stderr
    assert _read(folder) == after


def _write(folder: Path, tree: Tree) -> None:
    for name, entry in tree.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind == "link":
            place.symlink_to(entry.data.decode())
        else:
            place.write_bytes(entry.data)
            place.chmod(0o755 if entry.kind == "program" else 0o644)


def _read(folder: Path) -> Tree:
    found = {}
    for place in folder.rglob("*"):
        name = str(place.relative_to(folder))
        if place.is_symlink():
            found[name] = Entry(str(place.readlink()).encode(), "link")
        elif place.is_file():
            found[name] = Entry(place.read_bytes(), "program" if place.stat().st_mode & 0o100 else "file")
    return found


TREE: Tree = {
    "a.py": Entry(b"def f(x):\n    y = x + 1\n    return y\n\n\ndef g(x):\n    return x\n"),
    "crlf.txt": Entry(b"one\r\ntwo\r\nthree\r\n"),
    "data.bin": Entry(b"\0\1"),
}


def diff(path: str, *lines: str, heading: str = "@@ -1,3 +1,3 @@") -> str:
    return "\n".join([f"--- a/{path}", f"+++ b/{path}", heading, *lines]) + "\n"


@pytest.mark.parametrize(
    "patch",
    [
        diff("a.py", " def f(x):", "-    y = x + 1", "+    y = x + 2", "     return y"),
        diff("a.py", " def f(x):", "-    y = x + 1", "+    y = x + 2", "     return y", heading="@@ -40,9 +40,1 @@"),
        diff("a.py", " def f(x):", "-    y = x + 1", "+    y = x + 2", "     return y").replace("\n", "\r\n"),
        diff("a.py", " def f(x):", "-  y  =  x + 1", "+  y = x + 2", "     return y"),
        diff("a.py", " def f(x):", "-    y = x + 1 ;", "+    y = x + 2", "     return y"),
        "Some words.\n```diff\n"
        + diff("a.py", " def f(x):", "-    y = x + 1", "+    y = x + 2", "     return y")
        + "```\nMore.",
        "a.py\n<<<<<<< SEARCH\n    y = x + 1\n=======\n    y = x + 2\n>>>>>>> REPLACE\n",
        "**File: `a.py`**\n```python\n<<<<<<< SEARCH\n  y = x + 1\n=======\n  y = x + 2\n>>>>>>> REPLACE\n```\n",
    ],
    ids=["exact", "wrong-lines", "crlf", "blanks", "nearly", "in-words", "edit", "edit-in-block"],
)
def test_a_model_s_change_applies(patch: str) -> None:
    now, _ = changed_by(patch, TREE)
    assert now["a.py"].data == TREE["a.py"].data.replace(b"x + 1", b"x + 2")


def test_repeated_lines_are_told_in_the_end() -> None:
    old = Entry(b"a\n" + b"x\n" * 3000 + b"b\n")
    new = Entry(b"c\n" + b"".join(b"%d\nx\n" % number for number in range(3000)) + b"d\n")
    before, after = {"a": old}, {"a": new}
    assert apply_patch(before, read_patch(write_diff(before, after)), strict=True) == after


def test_a_small_change_of_a_file_of_equal_lines_is_a_small_diff() -> None:
    before, after = ({"a": Entry(b"x\n" * 50_000 + line + b"x\n" * 50_000)} for line in (b"a\n", b"b\n"))
    diff = write_diff(before, after)
    assert diff.splitlines()[3:] == ["@@ -49998,7 +49998,7 @@", " x", " x", " x", "-a", "+b", " x", " x", " x"]


def test_many_new_files_beside_each_other() -> None:
    after = {f"d{number % 50}/{number}": Entry(b"x\n") for number in range(20_000)}
    patches = read_patch(write_diff({}, after))
    assert apply_patch({}, patches, strict=True) == after


def test_a_folder_counts_until_its_last_file_is_gone() -> None:
    tree: Tree = {"d/e/a": Entry(b"x\n"), "d/b": Entry(b"x\n")}
    inner, last = (f"diff --git a/{path} b/{path}\ndeleted file mode 100644\n" for path in ("d/e/a", "d/b"))
    with pytest.raises(PatchFailed, match="d: it is a folder"):
        apply_patch(tree, read_patch(inner + new("d")))
    assert apply_patch(tree, read_patch(inner + last + new("d"))) == {"d": Entry(b"x\n")}


def test_a_link_leads_out_by_another_one() -> None:
    links = ("d", "."), ("x", "d/..")
    patches = [new(path, f"{target}\n\\ No newline at end of file", "120000") for path, target in links]
    assert apply_patch({}, read_patch(patches[1]))["x"].data == b"d/.."
    for both in (patches, patches[::-1]):
        with pytest.raises(PatchFailed, match="x: the link leads out"):
            apply_patch({}, read_patch("".join(both)))


def test_a_long_line_names_no_file() -> None:
    for heading in ("a" + " " * 200_000 + "!", "a.py " * 100):
        with pytest.raises(PatchFailed, match="no file is named"):
            changed_by(f"{heading}\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n", TREE)


def test_a_secret_in_a_file_that_is_no_text_is_not_packed_into_a_diff() -> None:
    register("tr0ub4dor-in-latin-1", "OF_A_FILE")
    after = {"a.txt": Entry(b"caf\xe9 tr0ub4dor-in-latin-1\n")}
    assert apply_patch({}, read_patch(write_diff({}, after)))["a.txt"].data == b"caf\xe9 " + b"*" * 20 + b"\n"


def test_line_ends_stay_those_of_the_file() -> None:
    patch = diff("crlf.txt", " one", "-two", "+2", " three")
    assert apply_patch(TREE, read_patch(patch))["crlf.txt"].data == b"one\r\n2\r\nthree\r\n"


def test_files_are_made_renamed_copied_and_deleted() -> None:
    patch = (
        "diff --git a/new.py b/new.py\nnew file mode 100755\n--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+print(1)\n"
        "diff --git a/crlf.txt b/d/moved.txt\nsimilarity index 100%\nrename from crlf.txt\nrename to d/moved.txt\n"
        "diff --git a/a.py b/b.py\ncopy from a.py\ncopy to b.py\n--- a/a.py\n+++ b/b.py\n"
        "@@ -6,2 +6,2 @@\n def g(x):\n-    return x\n+    return -x\n"
        "diff --git a/data.bin b/data.bin\ndeleted file mode 100644\n"
    )
    now = apply_patch(TREE, read_patch(patch), strict=True)
    assert sorted(now) == ["a.py", "b.py", "d/moved.txt", "new.py"]
    assert now["new.py"] == Entry(b"print(1)\n", "program")
    assert now["b.py"].data.endswith(b"return -x\n")


def test_a_new_file_has_an_edit_without_lines_to_find() -> None:
    now, form = changed_by("pkg/new.py\n<<<<<<< SEARCH\n=======\nx = 1\n>>>>>>> REPLACE\n", TREE)
    assert (form, now["pkg/new.py"].data) == ("edit", b"x = 1\n")


NEW = "new file mode {mode}\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{text}\n"


def new(path: str, text: str = "x", mode: str = "100644") -> str:
    return f"diff --git a/{path} b/{path}\n" + NEW.format(mode=mode, path=path, text=text)


@pytest.mark.parametrize(
    ("patch", "kind", "said"),
    [
        ("All is well.", "no patch", "no edit and no diff"),
        (new("../up.py"), "outside", "'../up.py' cannot be changed: it leads out of the repository"),
        (new("/etc/passwd").replace("b//", "/"), "outside", "it is absolute"),
        (new(".git/hooks/pre-commit"), "outside", "it lies in .git"),
        (new("sub/.GIT/config"), "outside", "it lies in .git"),
        (new("a/" * 3000 + "b"), "outside", "it is longer than a path can be"),
        (new("a.py"), "exists", "a.py: there is such a file already"),
        (new("a.py/b.py"), "exists", "a.py/b.py: a.py is no folder"),
        (new("link", "../../etc\n\\ No newline at end of file", "120000"), "outside", "link: the link leads out"),
        (new("sub", "Subproject commit 1", "160000"), "outside", "sub: it is a submodule"),
        (diff("none.py", " a", "-b", "+c"), "no file", "none.py: there is no such file"),
        (diff("data.bin", " a", "-b", "+c"), "no match", "data.bin: it is binary"),
        (diff("a.py", " nothing like it", "-at all", "+c"), "no match", "a.py: no lines of the file are like these"),
        (diff("a.py", "-    return x", "+    return x"), "no change", "leaves all files as they are"),
        ("diff --git a/p.png b/p.png\nBinary files a/p.png and b/p.png differ\n", "damaged", "p.png: the patch says"),
        (
            "diff --git a/p b/p\nnew file mode 100644\nGIT binary patch\nliteral 9\nzzzz\n",
            "damaged",
            "p: the binary patch",
        ),
        ("diff --git a/p b/p\nnew file mode 100644\nGIT binary patch\ndelta 9\nzzzz\n", "damaged", "no `literal`"),
        ("<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n", "no file", "no file is named"),
        ("a.py\n<<<<<<< SEARCH\n(x):\n=======\ny\n>>>>>>> REPLACE\n", "no match", "a.py: no lines"),
    ],
)
def test_what_does_not_apply_says_why(patch: str, kind: str, said: str) -> None:
    with pytest.raises(PatchFailed, match=said.replace("(", r"\(").replace(".", r"\.")) as failed:
        changed_by(patch, TREE)
    assert failed.value.kind == kind


@given(st.text(alphabet='ab \n+-@0123456789,/diffgt"\\\r', max_size=200))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        apply_patch(TREE, read_patch(text))
    except PatchFailed:
        return


@pytest.mark.parametrize(
    "patch",
    [
        "--- /dev/null\n+++ b/half\ud800\n@@ -0,0 +1 @@\n+x\n",
        '--- /dev/null\n+++ "b/half\\\ud800"\n@@ -0,0 +1 @@\n+x\n',
        f"--- a/a.py\n+++ b/a.py\n@@ -{'9' * 5000} +1 @@\n+x\n",
        f"--- a/a.py\n+++ b/a.py\n@@ -1,{'9' * 5000} +1 @@\n+x\n",
        "diff --git a/b b/b\nnew file mode 100644\nGIT binary patch\nliteral \u00b2\nabc\n",
        f"diff --git a/b b/b\nnew file mode 100644\nGIT binary patch\nliteral {'1' * 5000}\nabc\n",
    ],
)
def test_names_and_numbers_that_are_none_are_the_patchs_fault(patch: str) -> None:
    with pytest.raises(PatchFailed):
        apply_patch({"a.py": Entry(b"a\n")}, read_patch(patch))


def test_escapes_that_git_does_not_write_stand_for_themselves() -> None:
    patch = '--- /dev/null\n+++ "b/\\8\u00b2\\\u00b2"\n@@ -0,0 +1 @@\n+x\n'
    assert apply_patch({}, read_patch(patch)) == {"8\u00b2\u00b2": Entry(b"x\n")}


def test_the_signature_of_format_patch_is_no_line() -> None:
    base, after = {"a.py": Entry(b"a\nb\n")}, {"a.py": Entry(b"a\nc\n")}
    assert apply_patch(base, read_patch(write_diff(base, after) + "-- \n2.39.5\n\n"), strict=True) == after


def test_a_deleted_line_that_looks_like_a_signature_is_one() -> None:
    base, after = {"a.md": Entry(b"a\n- \nb\n")}, {"a.md": Entry(b"a\nb\n")}
    assert apply_patch(base, read_patch(write_diff(base, after)), strict=True) == after


@pytest.mark.parametrize("before", [{"d/a": Entry(b"x"), "d/b": Entry(b"y")}, {"d/a/b": Entry(b"x")}])
def test_a_file_takes_the_place_of_a_folder(before: Tree) -> None:
    after = {"d": Entry(b"z")}
    assert apply_patch(before, read_patch(write_diff(before, after)), strict=True) == after
    assert apply_patch(after, read_patch(write_diff(after, before)), strict=True) == before


def test_a_link_through_very_many_folders_leads_out() -> None:
    with pytest.raises(PatchFailed, match="leads out"):
        apply_patch({}, read_patch(write_diff({}, {"l": Entry(b"a/" * 1000, "link")})))


def test_hunks_are_not_looked_for_in_a_file_of_too_many_lines() -> None:
    hunks = "@@ -1 +1 @@\n-b\n+c\n" * 200
    with pytest.raises(PatchFailed, match="too many lines"):
        apply_patch({"a": Entry(b"a\nb\n" * 30_000)}, read_patch(f"--- a/a\n+++ b/a\n{hunks}"))


MODIFY = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n"
RENAME = "diff --git a/{0} b/{1}\nsimilarity index 100%\nrename from {0}\nrename to {1}\n"
COPY = "diff --git a/a.py b/b.py\nsimilarity index 100%\ncopy from a.py\ncopy to b.py\n"


def deleted(path: str, line: str) -> str:
    return (
        f"diff --git a/{path} b/{path}\ndeleted file mode 100644\n--- a/{path}\n+++ /dev/null\n@@ -1 +0,0 @@\n-{line}\n"
    )


@pytest.mark.parametrize(
    ("patch", "after"),
    [
        (MODIFY + deleted("a.py", "b"), {}),
        (COPY + deleted("a.py", "a"), {"b.py": Entry(b"a\n")}),
        (RENAME.format("a.py", "b.py") + deleted("b.py", "a"), {}),
        ("--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n" + deleted("n", "x"), {"a.py": Entry(b"a\n")}),
    ],
)
def test_patches_of_one_file_apply_as_written(patch: str, after: Tree) -> None:
    assert apply_patch({"a.py": Entry(b"a\n")}, read_patch(patch), strict=True) == after


@pytest.mark.parametrize("gone", [deleted("d/a", "x"), RENAME.format("d/a", "e")])
def test_a_file_takes_the_place_of_a_folder_whose_file_goes_later(gone: str) -> None:
    made = apply_patch({"d/a": Entry(b"x\n")}, read_patch("--- /dev/null\n+++ b/d\n@@ -0,0 +1 @@\n+z\n" + gone))
    assert made["d"] == Entry(b"z\n")
    assert "d/a" not in made
