"""The sample of the page that the API was asked for in, as it stands there."""

from __future__ import annotations

from typing import Any, Dict

from conftest import URL
from documents import seed_sample
from voidvm import VoidVMClient


def test_the_sample_runs_as_it_stands(client: VoidVMClient, token: str) -> None:
    text = seed_sample()
    for written, real in [("http://localhost:3000/api/v1", URL), ("your-jwt-token", token)]:
        assert written in text
        text = text.replace(written, real)
    names: Dict[str, Any] = {}
    exec(compile(text, "sample", "exec"), names)

    new_vm = names["new_vm"]
    assert new_vm["id"] == new_vm.id
    assert new_vm["id"] not in [vm["id"] for vm in names["vms"]]
    started = client.operations.list(vm_id=new_vm.id, kind="vm.start")[0]
    assert client.operations.wait(started.id).status == "succeeded"
    assert client.vms.get("my-vm").status == "running"
    client.vms.delete("my-vm", force=True, wait=True)
