"""A sandbox on a worker keeps the contract of one on this machine: the same tests."""

from tests.sandbox.test_changes import *  # noqa: F403
from tests.sandbox.test_files import *  # noqa: F403
from tests.sandbox.test_process import *  # noqa: F403
from tests.sandbox.test_run import *  # noqa: F403
from tests.sandbox.test_snapshot import *  # noqa: F403
