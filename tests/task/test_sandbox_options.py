from __future__ import annotations

import pytest
from pydantic import ValidationError

from loopwright.task import SandboxOptions


@pytest.mark.parametrize("network", [["example.com"], {"allow": ["10.0.0.1"]}])
def test_a_list_of_allowed_addresses_is_refused_with_what_to_do_instead(network: object) -> None:
    with pytest.raises(ValidationError, match=r"not enforced by any provider.*take `host` on a machine"):
        SandboxOptions.model_validate({"network": network})
