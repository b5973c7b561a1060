"""Repositories: a candidate is a diff against a base commit, judged by tests in a fresh sandbox."""

from loopwright.repo._diff import write_diff
from loopwright.repo._environment import RepoEnvironment
from loopwright.repo._fields import RepoFields, RepoHidden
from loopwright.repo._patch import FilePatch, Hunk, PatchFailed, apply_patch, read_patch
from loopwright.repo._patcher import Patcher
from loopwright.repo._reply import changed_by
from loopwright.repo._source import load_repository
from loopwright.repo._tree import PATCH, Entry, Tree, patch_of, patch_reference

__all__ = [
    "PATCH",
    "Entry",
    "FilePatch",
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
    "patch_of",
    "patch_reference",
    "read_patch",
    "write_diff",
]
