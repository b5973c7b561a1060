"""Repositories: a candidate is a diff against a base commit, judged by tests in a fresh sandbox."""

from loopwright.repo._apply_patch import apply_patch
from loopwright.repo._diff import write_diff
from loopwright.repo._environment import RepoEnvironment
from loopwright.repo._fields import TEST_FILES, RepoFields, RepoHidden
from loopwright.repo._junit import JUNIT_READER
from loopwright.repo._patch import FilePatch, Hunk, PatchFailed, read_patch
from loopwright.repo._patcher import Patcher
from loopwright.repo._reply import changed_by
from loopwright.repo._source import load_repository
from loopwright.repo._test_files import DecidingFiles, GradedRepository
from loopwright.repo._tree import PATCH, Entry, Tree, patch_of, patch_reference
from loopwright.repo._workspace import COMMIT, packed_tree

__all__ = [
    "COMMIT",
    "JUNIT_READER",
    "PATCH",
    "TEST_FILES",
    "DecidingFiles",
    "Entry",
    "FilePatch",
    "GradedRepository",
    "Hunk",
    "PatchFailed",
    "Patcher",
    "RepoEnvironment",
    "RepoFields",
    "RepoHidden",
    "Tree",
    "apply_patch",
    "changed_by",
    "load_repository",
    "packed_tree",
    "patch_of",
    "patch_reference",
    "read_patch",
    "write_diff",
]
