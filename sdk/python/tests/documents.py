"""The code that stands in documents, which the tests run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List

DOCS = Path(__file__).parents[3] / "docs"


def python_blocks(name: str) -> List[str]:
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def examples() -> str:
    """All of the page's, which build on each other, as one program."""
    return "\n".join(python_blocks("sdk-python.md"))


def seed_sample() -> str:
    [sample] = python_blocks("seed/api-overview.zh.md")
    return sample
