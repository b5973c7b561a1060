"""Secrets: every key that is loaded is registered here, and scrubbed from whatever is written down."""

from __future__ import annotations

import io
import json
import os
import re
import threading
from base64 import b32encode, b64encode, urlsafe_b64encode
from binascii import hexlify
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit

from loopwright._escapes import Reading, readings
from loopwright._spelled import line_ends, spellings
from loopwright.errors import UserError
from loopwright.files import read_regular

_LARGEST_ENV = 1024 * 1024
"""Bytes of an `.env` file, at most."""

MASK = "***"
"""What stands in place of a secret. Shorter than any secret that is registered."""

SHORTEST = 6
"""Values with fewer characters are not secrets: scrubbing them would tear ordinary words apart."""

SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW", re.IGNORECASE)

_NUMBER = re.compile(r"[-+]?[0-9][0-9_,.]{0,14}([eE][-+]?[0-9]+)?")
"""Up to 15 digits; no key is as short and has digits alone."""
_WORD = r"([A-Z]?[a-z]{1,13}|[A-Z]{1,14})"
_WORDS = re.compile(rf"{_WORD}(_{_WORD}){{0,3}}")
"""Words and names as programs hold them: `ollama`, `Bearer`, `customer_id`; a key has digits, or is longer."""
_PLACEHOLDERS = frozenset(
    {"api-key", "change-me", "lm-studio", "no-key", "no-key-required", "not-needed", "not-required", "your-api-key"}
)
"""What people give a server that checks no key."""
_PASSWORD = re.compile(r"PASSW", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z]{1,16}|[0-9]{4}-[0-9]{2}-[0-9]{2}(-[a-z]{1,10})?")
"""What stands in a URL beside its secrets: words such as `admin`, and versions such as `2024-10-21-preview`."""

_SETTINGS = frozenset({"LOOPWRIGHT_CONCURRENCY", "LOOPWRIGHT_MODEL", "LOOPWRIGHT_RUNS"})
"""Settings of Loopwright that a project may bring. The others say where the user's own keys, data and programs are,
what stands in for a model's reply, and what a cap on cost believes.
"""
_REDIRECTS = re.compile(
    "|".join(
        (
            # Where programs and libraries come from, and what they load.
            r".*PATH",
            r"(LD|DYLD|PYTHON|GIT|DOCKER|BUILDKIT|SSH|SSL|OPENSSL|CURL|REQUESTS|HTTPX|PIP|UV|CONDA|NODE|NPM|JAVA|JDK|PERL|RUBY|"
            r"GCONV|LIBC|GLIBC|MALLOC|XDG|DBUS|PG|HF|CUDA|GGML|LLAMA|LANGCHAIN|LANGSMITH|OTEL|PYDANTIC|JUPYTER|IPYTHON)_?.*",
            r"(BASH_)?ENV|HOME|SHELL|IFS|TMP|TEMP|TMPDIR|USER|LOGNAME|EDITOR|VISUAL|PAGER|BROWSER|SSLKEYLOGFILE|VIRTUAL_ENV",
            r"LOOPWRIGHT_.*|(RAY|FSSPEC|TORCH)_.*|TRANSFORMERS_CACHE",
            # Where traffic goes, and whom it believes.
            r".*(PROXY|PRELOAD|ASKPASS|_CA_BUNDLE|_CERT|_CERT_FILE|_ENDPOINT(_URL.*)?|_API_BASE|_HOST)",
            r"NETRC|AWS_(CONFIG_FILE|SHARED_CREDENTIALS_FILE|PROFILE)|GOOGLE_APPLICATION_CREDENTIALS",
        )
    ),
    re.IGNORECASE,
)
_BASE_URL = "_BASE_URL"
_KEYLESS = frozenset({"LLAMACPP", "LMSTUDIO", "OLLAMA", "VLLM"})
"""Built-in endpoints on this machine, which need no key: what goes to them stays here, whatever a file gives as key."""

_OF_SERVERS = re.compile(r".*_API_KEY|(AWS|AZURE|GOOGLE|GCS|S3|FSSPEC)_.*", re.IGNORECASE)
"""Variables whose values servers of models and of storage get, whether this run asks them or not."""

_lock = threading.Lock()
_forms: tuple[str, ...] = ()
"""Every form in which a secret may be written, without escapes.

The shortest come first, so that short texts are not searched for long forms.
"""
_simple: tuple[str, ...] = ()
"""The same without those that are encoded twice."""
_spelled: tuple[re.Pattern[str], ...] = ()
"""Patterns for each secret that is written in pieces or in numbers."""
_owners: dict[str, str] = {}
"""The pattern of each form to what a user calls the secret."""
_used: set[str] = set()
"""Secrets that somebody gets: a server of models, a database."""
_named: dict[str, str] = {}
"""Variables of `.env` files whose values are masked, and these values."""
UNNAMED = "part of a URL"
_WRAPPED = 16
"""Shorter words are not looked for across the ends of lines, where lines of a program could make them up by chance."""


def register(value: str, name: str = "") -> None:
    """Makes `scrub` take out a value in every form in which it may be written down.

    Args:
        value: The secret. Values shorter than `SHORTEST` characters are ignored.
        name: What a user calls it, for `secrets_in`.
    """
    if len(value) < SHORTEST:
        return
    _used.add(value.strip())
    _register_lines(value, name)


def _register_lines(value: str, name: str) -> None:
    for other in line_ends(value):
        _register(other, name)
    _register(value, name)


def _register(value: str, name: str) -> None:
    with _lock:
        global _forms, _simple, _spelled
        simple = {form for form in (*_encoded(value), *_meanings(value)) if len(form) >= SHORTEST}
        # Also escaped: a sign that stands before the secret by chance may make another escape of its first characters.
        twice = {form for text in _once(value) for form in (*_encoded(text), quote(text, safe=""))}
        forms = simple | {form for form in twice if len(form) >= SHORTEST}
        _forms = _by_length({*_forms, *forms})
        _simple = _by_length({*_simple, *simple})
        patterns = {pattern.pattern: pattern for pattern in (*_spelled, *spellings(value))}
        _spelled = tuple(patterns.values())
        for form in (*map(re.escape, forms), *(pattern.pattern for pattern in spellings(value))):
            _owners[form] = name or _owners.get(form, "")


def register_url(url: str) -> None:
    """Registers what a URL holds that may be a key, as it stands there and as it is sent: decoded.

    That is the password, the user name, and each value of the query; words, dates and short numbers only where there is
    no doubt: for a password, a user name that stands alone, and a value whose name says that it is secret.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # it is no URL, and holds a password all the same
        register(url)
        return
    found = [(parts.password or "", True), (parts.username or "", not parts.password)]
    for field in parts.query.split("&"):
        name, named, value = field.partition("=")
        found.append((value if named else name, SECRET_NAME.search(name) is not None))
    for raw, sure in found:
        for value in {raw, unquote(raw), unquote_plus(raw)}:
            if sure or (is_secret(value) and not _PLAIN.fullmatch(value)):
                register(value)


def is_secret(value: str) -> bool:
    """Whether a value can be a key: no number, and no word or name, which programs hold by chance."""
    plain = value.strip()
    return _can_be_password(value) and not _WORDS.fullmatch(plain) and plain.lower() not in _PLACEHOLDERS


def _can_be_password(value: str) -> bool:
    return len(value) >= SHORTEST and not _NUMBER.fullmatch(value.strip())


def holds_secret(value: str) -> bool:
    """Whether a value holds a registered secret, or is a URL with a user or a password."""
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return "@" in value
    return scrub(value) != value or bool(parts.scheme and (parts.username or parts.password))


def secrets_in(value: object) -> frozenset[str]:
    """Names of the secrets that the texts of a value hold, a value of JSON types; never the secrets themselves."""
    match value:
        case str():
            return frozenset(_owners.get(form) or UNNAMED for _, forms in _held(value) for form in forms)
        case Mapping():
            return frozenset[str]().union(*map(secrets_in, value.keys()), *map(secrets_in, value.values()))
        case list() | tuple():
            return frozenset[str]().union(*map(secrets_in, value))
        case _:
            return frozenset()


def password_value(name: str) -> str | None:
    """The value of a variable of an `.env` file that is masked, and that no server gets, nor a part of it."""
    value = _named.get(name)
    if value is None or _OF_SERVERS.fullmatch(name) or any(used in value or value in used for used in tuple(_used)):
        return None
    return value


def masked_names() -> tuple[str, ...]:
    """Names of the variables of `.env` files whose values are masked, sorted."""
    return tuple(sorted(_named))


def scrub(text: str) -> str:
    """Replaces every registered secret by `MASK`.

    A secret is found as it is, and in base64, base32 or hex, also encoded twice or wrapped over lines. Its characters
    may be escaped as in URLs, JSON, HTML, shells and programs, all or some of them, also several times; be quoted in
    pieces; or be listed as numbers, in hex, decimals or octals. The time follows the length of the text.
    """
    parts, done = [], 0
    for start, end in _merged(_places(text)):
        parts += [text[done:start], MASK]
        done = end
    return "".join((*parts, text[done:])) if parts else text


def scrub_bytes(data: bytes) -> bytes:
    """Bytes of any kind with each registered secret in their texts blotted out; they stay as long as they are."""
    text = data.decode("utf-8", "surrogateescape")
    spans = _merged(_places(text))
    if not spans:
        return data
    parts, done = [], 0
    for start, end in spans:
        hidden = text[start:end].encode("utf-8", "surrogateescape")
        parts += [text[done:start].encode("utf-8", "surrogateescape"), b"*" * len(hidden)]
        done = end
    return b"".join((*parts, text[done:].encode("utf-8", "surrogateescape")))


def _held(text: str) -> Iterator[tuple[Reading, list[str]]]:
    """Each reading of a text that holds secrets, with patterns for the forms in which they stand there."""
    if not _forms or len(text) < len(_forms[0]):
        return
    for reading in readings(text):
        plain, forms = reading.text, _forms if reading.wrapped or reading.source is None else _simple
        least = _WRAPPED if reading.wrapped else 0
        found = [re.escape(form) for form in forms if least <= len(form) <= len(plain) and form in plain]
        if not reading.wrapped:
            found += [pattern.pattern for pattern in _spelled if pattern.search(plain)]
        if found:
            yield reading, found


def _places(text: str) -> Iterator[tuple[int, int]]:
    for reading, forms in _held(text):
        # Longest first, so that a form which holds another one goes as a whole.
        yield from reading.spans(re.finditer("|".join(reversed(forms)), reading.text))


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order, those that overlap as one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def load_env_file(path: Path) -> tuple[str, ...]:
    """Sets the variables of an `.env` file that are not set yet, and registers those that are secret by name.

    The file may come from anybody. So nothing is set that decides where code, keys or traffic come from or go to. A
    base URL is set where the same file gives its key and no other key is set; on this machine, where no other key is.
    That of a built-in endpoint without a key is set on this machine alone.

    Args:
        path: The file; nothing happens where there is none.

    Returns:
        The names that are left out for that reason.

    Raises:
        UserError: The file cannot be read, is not UTF-8, or has what no variable can hold.
    """
    if not path.is_file():
        return ()
    from dotenv import dotenv_values

    try:
        text = read_regular(path, _LARGEST_ENV).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problem = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"cannot be read: {error.strerror}"
        raise UserError(f"{path} {problem}", remedy="Save it as UTF-8, one NAME=VALUE per line.") from None
    values = {
        name: value
        for name, value in dotenv_values(stream=io.StringIO(text), interpolate=False).items()
        if value is not None
    }
    left_out = tuple(name for name in values if name not in os.environ and _redirects(name, values))
    for name, value in values.items():
        if name in left_out:
            continue
        try:
            os.environ.setdefault(name, value)
        except (OSError, ValueError):
            raise UserError(
                f"{path}: the variable {name[:80]!r} cannot be set",
                remedy="A name holds no `=`, and neither name nor value holds a NUL character.",
            ) from None
        can_be = _can_be_password if _PASSWORD.search(name) else is_secret
        if SECRET_NAME.search(name) and can_be(value):
            _register_lines(value, name)
            _named[name] = value
    return left_out


def _redirects(name: str, values: Mapping[str, str]) -> bool:
    """Whether a variable of a file decides where code, keys or traffic come from or go to."""
    if name.upper().endswith(_BASE_URL):
        try:
            host = urlsplit(values[name]).hostname
        except ValueError:
            return True
        endpoint = name[: -len(_BASE_URL)]
        key = f"{endpoint}_API_KEY"
        own = os.environ.get(key)
        if host in ("127.0.0.1", "::1", "localhost"):
            # Anything may listen on this machine, a candidate with the host's network too.
            return own is not None and own != values.get(key)
        return endpoint.upper() in _KEYLESS or key not in values or (own or values[key]) != values[key]
    if name.upper().endswith(("_API_KEY", "_TOKEN")):
        return False
    return name not in _SETTINGS and _REDIRECTS.fullmatch(name) is not None


def _by_length(forms: set[str]) -> tuple[str, ...]:
    return tuple(sorted(forms, key=lambda form: (len(form), form)))


def _meanings(value: str) -> set[str]:
    """The value and what it means where it looks escaped itself, as texts are searched with their escapes undone."""
    return {reading.text for reading in readings(value) if not reading.wrapped}


def _once(value: str) -> set[str]:
    """The value encoded or escaped once, for what is encoded after that."""
    return {
        *(encode(value.encode()).decode() for encode in (b64encode, urlsafe_b64encode, hexlify)),
        *(quote(form, safe="") for form in _encoded(value)),
        quote(value),
        quote_plus(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        value.encode().hex().upper(),
    }


def _encoded(value: str) -> set[str]:
    """The value as it is and encoded. Escapes are undone in the text that is searched."""
    raw = value.encode()
    forms = {value, value.replace(" ", "+"), raw.hex(), raw.hex().upper()}
    for encode, bits, group in ((b64encode, 6, 3), (urlsafe_b64encode, 6, 3), (b32encode, 5, 5)):
        forms.add(encode(raw).decode())
        forms.update(
            _inside(encode(b"\0" * lead + raw).decode(), lead * 8, len(raw) * 8, bits) for lead in range(group)
        )
    return forms


def _inside(encoded: str, lead: int, length: int, bits: int) -> str:
    """The characters of an encoded text that depend on the secret alone, whatever stands before and after it."""
    return encoded[-(-lead // bits) : (lead + length) // bits]
