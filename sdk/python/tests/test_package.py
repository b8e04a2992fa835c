"""Types, style, and the wheel: what somebody gets who installs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from documents import examples, seed_sample

PACKAGE = Path(__file__).parents[1]
PROJECT = PACKAGE.parents[1]


def call(*command: object, cwd: Path = PACKAGE, must_pass: bool = False) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0 or not must_pass, done.stdout + done.stderr
    return done.stdout + done.stderr


def run(*command: object, cwd: Path = PACKAGE) -> str:
    return call(*command, cwd=cwd, must_pass=True)


USES = """
from voidvm import AsyncVoidVMClient, VoidVMClient

client = VoidVMClient("http://localhost:3000/api/v1", token="t")
vm = client.vms.create({"name": "a", "cpu": 1, "memory": 512, "disk": 10}, wait=True)
reveal_type(vm["id"])
reveal_type(vm.id)
reveal_type(vm["operation"])
reveal_type(client.vms.list())
reveal_type(next(client.vms.iterate()))
reveal_type(client.vms.start(vm["id"], wait=True).vm)


async def main() -> None:
    async with AsyncVoidVMClient(token="t") as other:
        reveal_type(await other.vms.create(name="a", cpu=1, memory=512, disk=10))
        reveal_type([one async for one in other.vms.iterate()])
"""

SLIPS = """from voidvm import VoidVMClient
client = VoidVMClient()
client.vms.create({"name": "a", "cpu": 1, "memory": 512})
client.vms.create(name="a", cpu="1", memory=512, disk=10)
client.vms.create(name="a", cpu=1, memory=512, disk=10, colour="red")
client.vms.start()
client.vms.list(status="asleep")
client.vms.get("a").colour
client.vms.get("a")["id"].colour
"""


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> List[str]:
    """What mypy says of the package, of its users and of the documentation's examples."""
    folder = tmp_path_factory.mktemp("mypy")
    (folder / "uses.py").write_text(USES)
    (folder / "slips.py").write_text(SLIPS)
    (folder / "examples.py").write_text(examples())
    (folder / "sample.py").write_text(seed_sample())
    # As for Python 3.9: what came later is found fault with.
    mypy = (sys.executable, "-m", "mypy", "--strict", "--python-version", "3.9")
    return call(*mypy, "--cache-dir", os.devnull, "src", *sorted(folder.glob("*.py"))).splitlines()


def test_the_package_its_examples_and_the_seed_s_sample_are_typed(checked: List[str]) -> None:
    assert [line for line in checked if " error: " in line and "slips.py" not in line] == []


def test_results_have_their_types(checked: List[str]) -> None:
    assert [line.split('"')[1] for line in checked if "Revealed type" in line] == [
        "builtins.str",
        "builtins.str",
        "Union[voidvm.models.Operation, None]",
        "voidvm._page.Page[voidvm.models.Vm]",
        "voidvm.models.Vm",
        "Union[voidvm.models.Vm, None]",
        "voidvm.models.Vm",
        "builtins.list[voidvm.models.Vm]",
    ]


def test_slips_are_found_before_they_run(checked: List[str]) -> None:
    found = {line.split(":")[1] for line in checked if "slips.py" in line and " error: " in line}
    assert found == {str(number) for number in range(3, 3 + 7)}


def test_the_code_keeps_to_the_style() -> None:
    # E301, E303, E704: overloads stand on one line each, as formatters write them.
    run(
        *(sys.executable, "-m", "flake8", "--isolated", "--max-line-length", "100"),
        *("--extend-ignore", "E203,E301,E303,E704", "src", "tests"),
    )


def test_the_version_is_the_project_s() -> None:
    from voidvm import __version__

    assert __version__ == json.loads((PROJECT / "package.json").read_text())["version"]


def test_the_wheel_installs_into_an_empty_environment(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir")
    run(*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", tmp_path, source)
    [wheel] = tmp_path.glob("voidvm-*.whl")

    # What it depends on comes from outside: there is no network here.
    run(sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    run(*pip, "--python", python, "install", "--no-index", wheel)
    found = run(
        python,
        "-c",
        "import voidvm, pathlib; here = pathlib.Path(voidvm.__file__).parent;"
        "print(here, (here / 'py.typed').exists(), voidvm.VoidVMClient().vms)",
        cwd=tmp_path,
    )
    assert str(tmp_path / "venv") in found and " True " in found
