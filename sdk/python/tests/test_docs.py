"""The documentation's examples, in their order."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from conftest import URL
from documents import examples
from voidvm import VoidVMClient


def test_the_examples_run(client: VoidVMClient, capsys: pytest.CaptureFixture[str]) -> None:
    text = examples().replace("http://localhost:3000/api/v1", URL)
    names: Dict[str, Any] = {"__name__": "examples"}
    exec(compile(text, "sdk-python.md", "exec"), names)

    printed = capsys.readouterr().out
    assert "INVALID_REQUEST_PARAMS 400" in printed
    assert "vm-updated" in printed
    assert "b'RFB 003.008\\n'" in printed
    assert not {"web-1", "web-2"} & {vm.name for vm in client.vms.iterate()}
