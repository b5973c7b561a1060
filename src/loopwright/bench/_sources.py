"""Where data sets live, and what is known of their files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from loopwright.files import read_regular

_INTERCODE = "https://github.com/princeton-nlp/intercode/archive/c3e46d8.tar.gz"
_GENEVAL = "https://github.com/djghosh13/geneval/archive/af4902f.tar.gz"
_COMPBENCH = "https://github.com/Karine-Huang/T2I-CompBench/archive/1b70949.tar.gz"
_HUMANEVAL = "https://raw.githubusercontent.com/openai/human-eval/6d43fb980f9fee3c892a914eda09951f772ad10d/data/HumanEval.jsonl.gz"


@dataclass(frozen=True, slots=True)
class Pin:
    """What is known of a file: as much of it as this project has seen."""

    sha256: str = ""
    """Checksum of the whole file."""
    bytes: int | None = None
    """Size of the whole file."""
    records: int | None = None
    """How many records it holds, in a JSON list or one a line."""
    first: tuple[int, str] | None = None
    """How many of the first records of a JSON list were seen, and the checksum of what they say, by `digest`."""

    @property
    def told(self) -> str:
        """What is compared, for a table."""
        said = [
            "checksum" if self.sha256 else "",
            f"size {self.bytes}" if self.bytes is not None else "",
            f"{self.records} records" if self.records is not None else "",
            f"checksum of the first {self.first[0]} records" if self.first else "",
        ]
        return ", ".join(filter(None, said))

    def problem(self, path: Path) -> str:
        """What is wrong with a file; empty where it is what it should be."""
        data = read_regular(path)
        if self.bytes is not None and len(data) != self.bytes:
            return f"it has {len(data)} bytes, not {self.bytes}"
        if self.sha256 and hashlib.sha256(data).hexdigest() != self.sha256:
            return "its checksum differs"
        if self.records is None and self.first is None:
            return ""
        try:
            rows = _rows(data)
        except (ValueError, RecursionError):
            return "it holds no records"
        if self.records is not None and len(rows) != self.records:
            return f"it has {len(rows)} records, not {self.records}"
        if self.first and digest(rows[: self.first[0]]) != self.first[1]:
            return f"one of its first {self.first[0]} records differs"
        return ""


@dataclass(frozen=True, slots=True)
class Source:
    """A data set's public home, pinned."""

    url: str
    pins: Mapping[str, Pin]
    """File to what is known of it; with as many of its folders as it takes to tell it from others."""
    keep: tuple[str, ...] = ()
    """Folders and files of an archive that are kept; the rest of it is of no use here."""
    parts: tuple[str, ...] = ()
    """Words in the paths of files that a partial copy may have without any of those that are pinned."""


def digest(rows: Sequence[Any]) -> str:
    """Checksum of what records say, however they are laid out."""
    text = json.dumps(list(rows), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _rows(data: bytes) -> list[Any]:
    text = data.decode("utf-8")
    if text.lstrip().startswith("["):
        rows: list[Any] = json.loads(text)
        return rows
    return [json.loads(line) for line in text.split("\n") if line.strip()]  # JSON may hold other ends of lines


_MBPP = Pin(
    bytes=535_519,
    records=974,
    first=(487, "164077eb7b4c5edcf4e4983f9abc58900dd7021cc1f01705e1e81f7336a6dd3f"),
)
SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "intercode": Source(
            _INTERCODE,
            keep=(
                "data/nl2bash",
                "data/sql/spider",
                "data/python/mbpp",
                "data/ctf",
                "docker/bash_scripts",
                "LICENSE.md",
            ),
            parts=("nl2bash", "spider_", "mbpp", "data/ctf"),
            pins={
                "nl2bash_fs_1.json": Pin("60f88e1aacc7ebba535093f9890c5c33203f4e5f32958e0e94fbe90ec4f01c82", 13_588),
                "nl2bash_fs_2.json": Pin(bytes=11_158, records=53),
                "nl2bash_fs_3.json": Pin(bytes=11_264, records=60),
                "nl2bash_fs_4.json": Pin("ce41b89450f87765a02a51df259ca0c1762e8249185c022adb089147e2c16200", 4_028),
                "ic_spider_dbs.sql": Pin("61f6e8000cb5bb696f123fa55e111acdcd8da7eca64f452a36fd1a6e5fb1781a", 412_090),
                "ic_spider_dev.json": Pin(
                    bytes=1_001_475,
                    records=1_034,
                    first=(517, "62cd851220b35d29f6a308010e8eb0b696176760409bf4eb3ea1a8471a161755"),
                ),
                "ic_mbpp.json": _MBPP,
                "ic_ctf.json": Pin(bytes=32_766, records=100),
                "task_assets/4/flag": Pin("fe84c2f89cbbf3d62c8699eb98964f1e72009d8be61e9007451fbea8e6bdeef2"),
                "task_assets/5/rot13.py": Pin("a6a7f677ecbaefda167ab14d728983335795e913ed5d9f3f3b98bfe0d32931ee"),
                "task_assets/6/ende.py": Pin("bc1ac8e1ae5bb52885440cb853f5a69e4dd903759936f84c6d1d147cc0d0c295"),
                "task_assets/6/flag.txt.en": Pin("20f9eee38396055a939019bdfd65a3e0730fa66539d9d4a63eb5daf834baa1f8"),
                "task_assets/6/pw.txt": Pin("ebc5968dcfdb73479e52384b727439d596768bdda1b85eee278703688d5353f5"),
                "task_assets/26/fixme1.py": Pin("9eb8e7bdd6c7ccbfd422a096f80bb413e93bd5947d5044faee73397a1812924b"),
                "task_assets/44/VaultDoorTraining.java": Pin(
                    "6e618190fef13cb577cf103cecf8f076eb01980708d0aac4ac95ff4c48710ddc"
                ),
                "task_assets/91/message.txt": Pin("8e741b198309b0edde0b135cd22a01ed7918e7dae7d8aa4597f74b282d986f46"),
                "task_assets/93/message.txt": Pin("22a65a6230e6231cc2e6cb7d865cb429c121d306c584ab4ebbf893c106eeb94d"),
                "task_assets/97/encrypted.txt": Pin("c28e7c6efc114599fd24df86a7cd51e31249e49df8487072a5a81d5145ddc282"),
            },
        ),
        "mbpp": Source(_INTERCODE, keep=("data/python/mbpp",), pins={"ic_mbpp.json": _MBPP}),
        "humaneval": Source(_HUMANEVAL, pins={"HumanEval.jsonl": Pin(records=164)}),
        "geneval": Source(
            _GENEVAL, keep=("prompts", "LICENSE"), pins={"evaluation_metadata.jsonl": Pin(bytes=85_209, records=553)}
        ),
        "compbench": Source(
            _COMPBENCH,
            keep=("examples/dataset", "LICENSE"),
            pins={
                "color_val.txt": Pin(bytes=11_871),
                "shape_val.txt": Pin(bytes=15_935),
                "texture_val.txt": Pin(bytes=14_211),
                "spatial_val.txt": Pin(bytes=9_213),
                "3d_spatial_val.txt": Pin(bytes=7_851),
                "numeracy_val.txt": Pin(bytes=10_863),
                "complex_val.txt": Pin(bytes=22_724),
            },
        ),
    }
)
"""Data sets by name. None of them is copied into this project; their licences are their own."""
