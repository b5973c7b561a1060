from __future__ import annotations

import base64
import html
import json
import os
import re
import shlex
import unicodedata
from binascii import hexlify
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loopwright import secrets
from loopwright.models import BUILTIN_ENDPOINTS
from loopwright.secrets import (
    MASK,
    holds_secret,
    load_env_file,
    masked_names,
    register,
    register_url,
    scrub,
    secrets_in,
)

# No "*": a value made of the mask's own character cannot be told from it.
values = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="*"), min_size=6, max_size=30)


@pytest.fixture(autouse=True)
def _registry(secret_registry: None) -> None:
    """Every test here registers something."""


@settings(deadline=None)
@given(values, st.text(max_size=10), st.text(max_size=10))
@example("00000#", "%", "")
def test_no_written_form_survives(value: str, before: str, after: str) -> None:
    register(value)
    for form in (
        value,
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        base64.b64encode(value.encode()).decode(),
        base64.urlsafe_b64encode(value.encode()).decode(),
        value.encode().hex(),
        value.encode().hex().upper(),
        base64.b32encode(value.encode()).decode(),
        quote(quote(value, safe=""), safe=""),
        base64.b64encode(base64.b64encode(value.encode())).decode(),
        base64.b64encode(value.encode().hex().encode()).decode(),
        quote(base64.b64encode(value.encode()).decode(), safe=""),
    ):
        assert form not in scrub(f"{before}{form}{after}")


KEY = "sk-canary/of=escapes+0123456789&'q'!()*<é>"
ESCAPES: tuple[Callable[[str], str], ...] = (
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text)[1:-1].replace("/", "\\/").replace("=", "\\u003D"),
    lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text),
    lambda text: "".join(f"\\x{ord(letter):02X}" for letter in text),
    lambda text: repr(text.encode())[2:-1],
    lambda text: "".join(rf"\{ord(letter):03o}" for letter in text),
    lambda text: "".join(rf"\0{ord(letter):03o}" for letter in text),
    lambda text: ascii(text)[1:-1],
    lambda text: quote(text, safe=""),
    lambda text: quote(text, safe="!'()*"),
    lambda text: re.sub("%..", lambda match: match[0].lower(), quote(text)),
    lambda text: "".join(f"%{byte:02x}" if byte % 2 else quote(bytes([byte])) for byte in text.encode()),
    html.escape,
    lambda text: "".join(f"&#x{ord(letter):X};" if letter in "/+'" else letter for letter in text),
    lambda text: text.replace("/", "&sol;").replace("=", "&equals;").replace("&'", "&amp;&#39;"),
    shlex.quote,
    lambda text: re.sub(r"(\W)", r"\\\1", text),
    lambda text: text.replace("'", "''"),
    lambda text: "".join(f"&#{ord(letter)}" for letter in text),
    lambda text: "".join(f"&#X{ord(letter):X}" for letter in text),
    lambda text: "".join(rf"\N{{{name}}}" if (name := unicodedata.name(letter, "")) else letter for letter in text),
)


@pytest.mark.parametrize("first", ESCAPES)
@pytest.mark.parametrize("second", [lambda text: text, *ESCAPES])
def test_escapes_hide_no_secret(first: Callable[[str], str], second: Callable[[str], str]) -> None:
    register(KEY)
    escaped = second(f"a = {first(KEY)} # end")
    left = scrub(escaped)
    assert MASK in left
    assert len(left) <= len(second("a =  # end")) + 2 * len(second("''")) + len(MASK)
    assert secrets_in(escaped)


@settings(deadline=None)
@given(
    st.text(max_size=40),
    st.lists(st.sampled_from([layer for layer in ESCAPES if layer is not shlex.quote]), max_size=3),
    st.text(max_size=40),
)
def test_masking_leaves_all_other_characters(before: str, layers: list[Callable[[str], str]], after: str) -> None:
    """What stands around a secret comes out as it went in."""
    register("canary-of-neighbours")
    before, after = f"{before}|", f"|{after}"
    key = "canary-of-neighbours"
    for layer in layers:
        before, key, after = layer(before), layer(key), layer(after)
    assert scrub(before + key + after) == before + MASK + after


SPELLED = "sk-proj-0123456789-nrtbfxuN"
PIECES = (
    "sk-''proj-0123456789-nrtbfxuN",
    'sk-""proj-0123456789-nrtbfxuN',
    'sk-proj-""0123456789-nrt\'\'""bfxuN',
    r"sk-\proj-0123456789-nrtbfxuN",
    r"\s\k\-\p\r\o\j\-\0\1\2\3\4\5\6\7\8\9\-\n\r\t\b\f\x\u\N",
    "sk-'proj-'0123456789-nrtbfxuN",
    'sk-"proj"-0123456789-nrtbfxuN',
    "sk-proj' '-0123456789-nrtbfxuN",
    "sk-proj'\n    '-0123456789-nrtbfxuN",
    "sk-' + 'proj-0123456789' + '-nrtbfxuN",
    'sk-"+"proj-0123456789-nrtbfxuN',
    "sk-' . 'proj-0123456789-nrtbfxuN",
)
CODES: tuple[Callable[[bytes], str], ...] = (
    lambda raw: raw.hex(":"),
    lambda raw: raw.hex(" ").upper(),
    lambda raw: raw.hex("-", 2),
    lambda raw: "\n".join(f"{byte:02x}" for byte in raw),
    lambda raw: ", ".join(f"0x{byte:02X}" for byte in raw),
    lambda raw: ", ".join(f"'{byte:02x}'" for byte in raw),
    lambda raw: " + ".join(f"chr(0x{byte:x})" for byte in raw),
    lambda raw: " ".join(f"U+00{byte:02X}" for byte in raw),
    lambda raw: str(list(raw)),
    lambda raw: json.dumps(list(raw), indent=2),
    lambda raw: ",".join(map(str, raw)),
    lambda raw: " ".join(map(str, raw)),
    lambda raw: "+".join(f"chr({byte})" for byte in raw),
    lambda raw: ", ".join(f"0o{byte:o}" for byte in raw),
    lambda raw: " ".join(f"{byte:03o}" for byte in raw),
    lambda raw: "".join(rf"\{byte:o}" for byte in raw),
)


@pytest.mark.parametrize("written", [*PIECES, *(code(SPELLED.encode()).strip("[]\n ") for code in CODES)])
@pytest.mark.parametrize("escape", [str, lambda text: json.dumps(text)[1:-1], html.escape])
def test_a_key_in_pieces_or_in_numbers_is_taken_out(written: str, escape: Callable[[str], str]) -> None:
    register(SPELLED, "SPELLED_KEY")
    text = escape(f"before = {written} # after")
    left = scrub(text)
    assert MASK in left
    assert len(left) <= len("before = *** # after") + len("chr(0x") + len("U+00") + len("&#x27;") * 2, left
    assert left.startswith("before = ")
    assert left.endswith(" # after")
    assert secrets_in(text) == {"SPELLED_KEY"}


@pytest.mark.parametrize(
    "text",
    [
        "if x in ('sk', 'proj') or y == 'sk-proj': pass",
        "1115 107 45 112 114 111 106 45 48 49 50 51",
        "hunter 2, hun'ter2, 'hun' 'ter2', 'hun' + 'ter2' and hunter",
        "[104, 117, 110, 116, 101, 114, 500]",
        "104 117 110 116 101 114 501, 1104 117 110 116 101 114 50",
    ],
)
def test_neither_words_nor_other_numbers_are_masked(text: str) -> None:
    register(SPELLED)
    register("hunter2")
    assert scrub(text) == text
    assert scrub(f"{text} hunter2") == f"{text} {MASK}"


@pytest.mark.parametrize("stored", ["\n", "\r\n", "\n  "])
@pytest.mark.parametrize("shown", ["\n", "\r\n", "\n    ", "\\n", "\\r\\n", " ", "", "\\\\n"])
def test_a_key_of_several_lines_is_found_with_other_line_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: str, shown: str
) -> None:
    monkeypatch.setenv("LW_TEST_KEY", "x")
    monkeypatch.delenv("LW_TEST_KEY")
    lines = ["-----BEGIN PRIVATE KEY-----", "canaryOfLines0123456789+/a", "bcd", "-----END PRIVATE KEY-----"]
    (tmp_path / ".env").write_bytes(f'LW_TEST_KEY="{stored.join(lines)}\n"\n'.encode())
    load_env_file(tmp_path / ".env")
    assert scrub(f"it is\n{shown.join(lines)}.") == f"it is\n{MASK}."
    assert scrub(f"it is\n{lines[0]}\n.") == f"it is\n{lines[0]}\n."


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.b32encode, hexlify])
@pytest.mark.parametrize("width", [20, 60, 76])
@pytest.mark.parametrize("lead", [50, 51, 52])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n    ", "\n> ", "\\n", "\\\\r\\\\n"])
def test_a_secret_in_base64_of_several_lines_is_taken_out(
    encode: Callable[[bytes], bytes], width: int, lead: int, end: str
) -> None:
    register("canary-of-lines-0123456789-abcdefghij")
    encoded = encode(b"x" * lead + b"canary-of-lines-0123456789-abcdefghij" + b"y" * 50).decode().rstrip("=")
    lines = end.join(encoded[at : at + width] for at in range(0, len(encoded), width))
    left = re.sub(r"\\+[nr]|[\s>]", "", scrub(lines))
    assert MASK in left
    assert len(left) < len(encode(b"x" * (lead + 52))) + 8


def test_short_words_are_not_found_across_lines() -> None:
    """Lines of a program can make a short secret up by chance."""
    register("foobar1")
    assert scrub("foo\nbar1") == "foo\nbar1"
    assert scrub("foo\\\nbar1 foobar1") == f"{MASK} {MASK}"


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
def test_a_secret_inside_base64_is_taken_out(before: str) -> None:
    """As in `Authorization: Basic`, where it stands behind a user's name."""
    register("canary-password-0123456789")
    encoded = base64.b64encode(f"{before}canary-password-0123456789".encode()).decode()
    scrubbed = scrub(f"Basic {encoded} end")
    assert MASK in scrubbed
    assert len(scrubbed) < len("Basic end") + 15


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user"])
def test_a_secret_inside_base32_is_taken_out(before: str) -> None:
    register("canary-of-base-32-0123456789")
    encoded = base64.b32encode(f"{before}canary-of-base-32-0123456789".encode()).decode()
    assert len(scrub(encoded)) < 20


@pytest.mark.parametrize(
    "value",
    ["100000", "1_000_000", "-3.25e10", "enabled", "default", "4096", "customer_id", "Bearer", "SHA", "lm-studio"],
)
def test_numbers_and_words_of_an_env_file_are_not_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    for name in ("LW_TEST_MAX_TOKENS", "LW_TEST_TOKEN"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text(f"LW_TEST_MAX_TOKENS={value}\nLW_TEST_TOKEN=canary-of-names-{value}\n")
    load_env_file(tmp_path / ".env")
    assert scrub(f"min(n, {value})") == f"min(n, {value})"
    assert scrub(f"canary-of-names-{value}") == MASK
    assert "LW_TEST_TOKEN" in masked_names()
    assert "LW_TEST_MAX_TOKENS" not in masked_names()


@pytest.mark.parametrize(
    ("name", "value"),
    [("LW_TEST_PASSWORD", "swordfish"), ("LW_TEST_KEY", "abcdefghijklmnop"), ("LW_TEST_KEY", "aBcdEfghIjk"),
     ("LW_TEST_KEY", "hunter2"), ("LW_TEST_KEY", "a_b_c_d_e")],
)  # fmt: skip
def test_passwords_and_what_is_no_word_are_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, "x")
    monkeypatch.delenv(name)
    (tmp_path / ".env").write_text(f"{name}={value}\n")
    load_env_file(tmp_path / ".env")
    assert scrub(f"it is {value}") == f"it is {MASK}"


def test_short_values_and_other_words_stay() -> None:
    register("none")
    register("")
    register("canary-of-words")
    assert scrub("none of these words is a canary") == "none of these words is a canary"


def test_what_texts_hold_is_told_by_name() -> None:
    register("canary-of-owners-1", "FIRST_KEY")
    register("canary-of-owners-2")
    held = base64.b64encode(b"canary-of-owners-1").decode().rstrip("=")
    assert secrets_in({"a": [f"x {held}"], "b": 1}) == {"FIRST_KEY"}
    assert secrets_in(("canary-of-owners-2",)) == {"part of a URL"}
    assert secrets_in({"canary-of-owners": None}) == frozenset()


@pytest.mark.parametrize(
    ("value", "held"),
    [
        ("postgresql://me:pass@host/db", True),
        ("https://token@host", True),
        ("x canary-of-values y", True),
        ("http://host/path?q=1", False),
        ("me@example.org", False),
        ("openai/gpt", False),
        ("", False),
    ],
)
def test_a_value_that_holds_a_secret_is_told(value: str, held: bool) -> None:
    register("canary-of-values")
    assert holds_secret(value) == held


def test_a_secret_that_holds_another_goes_whole() -> None:
    register("canary-prefix")
    register("canary-prefix-and-more")
    assert scrub("x canary-prefix-and-more y") == f"x {MASK} y"


def test_an_env_file_sets_what_is_not_set_and_registers_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LW_TEST_API_KEY", "LW_TEST_URL"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    monkeypatch.setenv("LW_TEST_SET", "from the environment")
    path = tmp_path / ".env"
    path.write_text('LW_TEST_API_KEY="canary-of-dotenv"\nLW_TEST_URL=http://127.0.0.1/v1 # here\nLW_TEST_SET=no\n')
    load_env_file(path)
    assert os.environ["LW_TEST_API_KEY"] == "canary-of-dotenv"
    assert os.environ["LW_TEST_URL"] == "http://127.0.0.1/v1"
    assert os.environ["LW_TEST_SET"] == "from the environment"
    assert scrub("canary-of-dotenv at http://127.0.0.1/v1") == f"{MASK} at http://127.0.0.1/v1"


def test_an_env_file_need_not_be_there(tmp_path: Path) -> None:
    before = dict(os.environ)
    load_env_file(tmp_path / ".env")
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    "name",
    ["LD_PRELOAD", "PYTHONPATH", "PATH", "path", "DOCKER_HOST", "GIT_SSH_COMMAND", "https_proxy", "ALL_PROXY",
     "BASH_ENV", "LOOPWRIGHT_SETTINGS", "LOOPWRIGHT_CACHE", "SSLKEYLOGFILE", "SSL_CERT_FILE", "XDG_CONFIG_HOME",
     "UV_INDEX_URL", "OPENAI_BASE_URL", "LANGSMITH_ENDPOINT", "GLIBC_TUNABLES", "PYDANTIC_DISABLE_PLUGINS",
     "RAY_ADDRESS", "RAY_RUNTIME_ENV_HOOK", "LOOPWRIGHT_ON", "LOOPWRIGHT_STORE", "LOOPWRIGHT_CHECKPOINTS",
     "LOOPWRIGHT_PRICES", "LOOPWRIGHT_RESPONSE_CACHE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_CONFIG_FILE",
     "AWS_PROFILE", "FSSPEC_S3_ENDPOINT_URL", "S3_ENDPOINT_URL", "GOOGLE_APPLICATION_CREDENTIALS", "NETRC",
     "TORCH_HOME", "TRANSFORMERS_CACHE"],
)  # fmt: skip
def test_an_env_file_does_not_decide_where_code_and_keys_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-users-own-key")
    monkeypatch.setenv(name, "x")
    monkeypatch.delenv(name)
    (tmp_path / ".env").write_text(f"{name}=https://evil.example\nOPENAI_API_KEY=another-key-1234\n")
    assert load_env_file(tmp_path / ".env") == (name,)
    assert name not in os.environ
    assert os.environ["OPENAI_API_KEY"] == "the-users-own-key"


@pytest.mark.parametrize(
    ("url", "key", "set_before", "taken"),
    [
        ("https://api.example/v1", "canary-of-urls", None, True),
        ("https://api.example/v1", "canary-of-urls", "canary-of-urls", True),
        ("https://api.example/v1", "canary-of-urls", "the-users-own-key", False),
        ("https://api.example/v1", None, None, False),
        ("http://127.0.0.1:8000/v1", None, "the-users-own-key", False),
        ("http://127.0.0.1:8000/v1", "canary-of-urls", "the-users-own-key", False),
        ("http://127.0.0.1:8000/v1", "canary-of-urls", "canary-of-urls", True),
        ("http://127.0.0.1:8000/v1", "canary-of-urls", None, True),
        ("http://127.0.0.1:8000/v1", None, None, True),
        ("http://127.0.0.1.example/v1", None, "the-users-own-key", False),
    ],
)
def test_a_base_url_goes_with_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, key: str | None, set_before: str | None, taken: bool
) -> None:
    for name in ("LW_TEST_BASE_URL", "LW_TEST_API_KEY"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    if set_before:
        monkeypatch.setenv("LW_TEST_API_KEY", set_before)
    (tmp_path / ".env").write_text(f"LW_TEST_BASE_URL={url}\n" + (f"LW_TEST_API_KEY={key}\n" if key else ""))
    assert load_env_file(tmp_path / ".env") == (() if taken else ("LW_TEST_BASE_URL",))
    assert ("LW_TEST_BASE_URL" in os.environ) is taken


@pytest.mark.parametrize("endpoint", sorted(BUILTIN_ENDPOINTS))
@pytest.mark.parametrize("url", ["https://elsewhere.example/v1", "http://127.0.0.1:9999/v1"])
def test_models_of_this_machine_stay_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str, url: str
) -> None:
    """Whatever key a file gives beside the URL: else prompts and pictures of a local model would leave the machine."""
    variable, key = f"{endpoint.upper()}_BASE_URL", f"{endpoint.upper()}_API_KEY"
    for name in (variable, key):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text(f"{variable}={url}\n{key}=canary-of-urls\n")
    taken = BUILTIN_ENDPOINTS[endpoint].api_key_env is not None or "127.0.0.1" in url
    assert load_env_file(tmp_path / ".env") == (() if taken else (variable,))
    assert os.environ.get(variable) == (url if taken else None)


def test_endpoints_that_take_no_key_are_those_of_the_table() -> None:
    without = {name.upper() for name, endpoint in BUILTIN_ENDPOINTS.items() if endpoint.api_key_env is None}
    assert without == secrets._KEYLESS


def test_an_env_file_copies_no_key_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a file from anybody would send it to a server of theirs."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine-0123456789")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    (tmp_path / ".env").write_text("OPENAI_API_KEY=${OPENAI_API_KEY}\nOPENAI_BASE_URL=https://elsewhere.example/v1\n")
    assert load_env_file(tmp_path / ".env") == ("OPENAI_BASE_URL",)
    assert "OPENAI_BASE_URL" not in os.environ
    (tmp_path / ".env").write_text("ODD_BASE_URL=http://[\n")
    assert load_env_file(tmp_path / ".env") == ("ODD_BASE_URL",)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        (
            "https://user:p%40ss%2Fw0rd@h/v1",
            ["p@ss/w0rd", "p%40ss%2Fw0rd", base64.b64encode(b"user:p@ss/w0rd").decode()],
        ),
        ("https://usr-8f3a%2B11:longpassword@h/v1", ["usr-8f3a+11", "usr-8f3a%2B11", "longpassword"]),
        ("https://sesame@h/v1", ["sesame"]),
        ("https://h/v1?apikey=sesame", ["sesame"]),
        (
            "https://h/v1?a=1&code=q1+w2%21e3&sig=Zm9vYmFy%3D",
            ["q1 w2!e3", "q1+w2!e3", "q1+w2%21e3", "Zm9vYmFy=", "Zm9vYmFy%3D"],
        ),
        ("https://h/v1?sk-1234567", ["sk-1234567"]),
        ("https://h/v1?code=YWJjZGVm==", ["YWJjZGVm=="]),
        ("postgresql://me:t0%40psecret@h/db", ["t0@psecret", "t0%40psecret"]),
    ],
)
def test_what_a_url_holds_is_masked_as_it_stands_and_as_it_is_sent(url: str, sent: list[str]) -> None:
    register_url(url)
    for value in sent:
        assert value not in scrub(f"401: {value} is refused")
        assert value not in scrub(f"401: {quote(value, safe='')} is refused")


def test_words_and_versions_in_a_url_stay_readable() -> None:
    register_url("https://gateway:canary-pw-77@h/v1?api-version=2024-10-21-preview&region=westeurope&timeout=120000")
    said = "gateway, 2024-10-21-preview, westeurope and 120000"
    assert scrub(said) == said
