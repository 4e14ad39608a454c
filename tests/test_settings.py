"""Settings: where they come from, and that everything wrong is said at once and shows no secret."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import SecretStr, ValidationError

from stack_fastapi import ConfigurationError, StackAuth, StackAuthSettings

KEY = "ssk_secret-that-must-not-show"
WEBHOOK_SECRET = "whsec_bG9jYWwtZW11bGF0b3Itc2VjcmV0"
STACK, HEXCLAVE = "https://api.stack-auth.com", "https://api.hexclave.com"

SettingsMaker = Callable[..., StackAuthSettings]
Environment = Callable[..., None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    def set_all(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_all


def problems_of(**values: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        StackAuthSettings(**values)
    return caught.value.problems


# ---------------------------------------------------------------- where they come from


@pytest.mark.parametrize("prefix", ["STACK_", "HEXCLAVE_"])
def test_every_field_is_read_from_the_environment(environment: Environment, prefix: str) -> None:
    texts: dict[str, tuple[str, object]] = {
        "project_id": ("internal", "internal"),
        "secret_server_key": (KEY, SecretStr(KEY)),
        "publishable_client_key": ("pck_x", SecretStr("pck_x")),
        "api_url": ("http://127.0.0.1:8102/", "http://127.0.0.1:8102"),
        "issuers": (
            "https://a.example, https://b.example/api/v1",
            ("https://a.example", "https://b.example"),
        ),
        "user_cache_ttl": ("0", 0.0),
        "user_cache_size": ("12", 12),
        "stale_if_error": ("1.5", 1.5),
        "timeout": ("2", 2.0),
        "token_sources": ("header,cookie", ("header", "cookie")),
        "allowed_origins": ("https://A.example:8443", ("https://a.example:8443",)),
        "allow_anonymous": ("true", True),
        "allow_restricted": ("1", True),
        "leeway": ("3", 3.0),
        "clock_skew": ("4", 4.0),
        "max_token_lifetime": ("600", 600.0),
        "jwks_ttl": ("7", 7.0),
        "jwks_cooldown": ("8", 8.0),
        "webhook_secret": (WEBHOOK_SECRET, SecretStr(WEBHOOK_SECRET)),
    }
    environment(**{prefix + field.upper(): text for field, (text, _) in texts.items()})
    read = dict(StackAuthSettings())
    assert read == {field: value for field, (_, value) in texts.items()}


def test_the_documented_defaults_hold(make_settings: SettingsMaker) -> None:
    assert dict(make_settings(project_id="p", secret_server_key=KEY)) == {
        "project_id": "p",
        "secret_server_key": SecretStr(KEY),
        "publishable_client_key": None,
        "api_url": STACK,
        "issuers": (),
        "user_cache_ttl": 60,
        "user_cache_size": 10_000,
        "stale_if_error": 300,
        "timeout": 5,
        "token_sources": ("header", "bearer"),
        "allowed_origins": (),
        "allow_anonymous": False,
        "allow_restricted": False,
        "leeway": 0,
        "clock_skew": 30,
        "max_token_lifetime": 86_400,
        "jwks_ttl": 3_600,
        "jwks_cooldown": 30,
        "webhook_secret": None,
    }


def test_an_argument_beats_the_environment(environment: Environment) -> None:
    environment(STACK_PROJECT_ID="from-stack", STACK_SECRET_SERVER_KEY=KEY)
    assert StackAuthSettings(project_id="argument").project_id == "argument"


def test_an_argument_decides_where_both_names_differ(environment: Environment) -> None:
    environment(STACK_PROJECT_ID="one", HEXCLAVE_PROJECT_ID="two", STACK_SECRET_SERVER_KEY=KEY)
    assert StackAuthSettings(project_id="three").project_id == "three"


def test_the_new_name_is_asked_before_the_old_one(environment: Environment) -> None:
    environment(STACK_PROJECT_ID="same", HEXCLAVE_PROJECT_ID="same", STACK_TIMEOUT="2")
    environment(HEXCLAVE_SECRET_SERVER_KEY=KEY, STACK_SECRET_SERVER_KEY="")
    settings = StackAuthSettings()
    assert (settings.project_id, settings.timeout) == ("same", 2)
    assert settings.secret_server_key.get_secret_value() == KEY


def test_an_empty_variable_counts_as_unset(environment: Environment) -> None:
    environment(HEXCLAVE_PROJECT_ID="", STACK_PROJECT_ID="p", STACK_SECRET_SERVER_KEY=KEY)
    environment(STACK_TIMEOUT="", HEXCLAVE_TIMEOUT="")
    settings = StackAuthSettings()
    assert (settings.project_id, settings.timeout) == ("p", 5)


def test_two_names_that_differ_are_an_error_that_names_both(environment: Environment) -> None:
    environment(STACK_PROJECT_ID="one", HEXCLAVE_PROJECT_ID="two")
    environment(STACK_SECRET_SERVER_KEY=KEY, HEXCLAVE_SECRET_SERVER_KEY=KEY + "2")
    first, second = problems_of()
    assert "HEXCLAVE_PROJECT_ID" in first
    assert "STACK_PROJECT_ID" in first.replace("HEXCLAVE_PROJECT_ID", "")
    assert "STACK_SECRET_SERVER_KEY" in second.replace("HEXCLAVE_SECRET_SERVER_KEY", "")
    assert KEY not in first + second


def test_dotenv_files_are_the_apps_business(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / ".env").write_text("STACK_PROJECT_ID=from-a-file\n")
    monkeypatch.chdir(tmp_path)
    environment(STACK_SECRET_SERVER_KEY=KEY)
    (problem,) = problems_of()
    assert problem.startswith("project_id is missing")


# ---------------------------------------------------------------- everything wrong, at once


def test_one_message_names_every_problem_and_the_variable_that_mends_it(
    environment: Environment,
) -> None:
    environment(STACK_API_URL="ftp://x", STACK_LEEWAY="-1", STACK_TOKEN_SOURCES="haeder")
    with pytest.raises(ConfigurationError) as caught:
        StackAuth()
    fields = ("project_id", "secret_server_key", "api_url", "leeway", "token_sources")
    assert {problem.split(" ")[0] for problem in caught.value.problems} == set(fields)
    for field in fields:
        assert f"STACK_{field.upper()}" in str(caught.value)
        assert f"HEXCLAVE_{field.upper()}" in str(caught.value)
    assert "'header', 'bearer'" in str(caught.value)


def test_a_conflict_is_told_together_with_the_rest(environment: Environment) -> None:
    environment(STACK_TIMEOUT="1", HEXCLAVE_TIMEOUT="2", STACK_PROJECT_ID="p")
    conflict, missing = problems_of()
    assert conflict.startswith("timeout: ")
    assert missing.startswith("secret_server_key is missing")


def test_an_unknown_setting_is_told_by_name() -> None:
    (problem,) = problems_of(project_id="p", secret_server_key=KEY, tiemout=1)
    assert problem.startswith("tiemout: ")


BAD_URLS = (
    *("", "x", "//x", "ftp://x", "api.stack-auth.com", "http://", "http://:80", "http://[::1"),
    *("https://u:p@x", "https://u@x", "https://x?a=b", "https://x#a", "https://x?", "https://x#"),
    *(
        "http://x:abc",
        "http://x:99999",
        "http://exa mple.com",
        "http://exa\nmple.com",
        "http://x\\y",
    ),
)
BAD_ORIGINS = (
    *("null", "*", "app.example.com", "https://a.example/", "https://a.example/x", "ftp://a"),
    *("https://", "https://u@a.example", "https://a b", "https://*.example.com", "https://a:abc"),
)
BAD_WORDS = ("", " ", "a b", "a/b", "a?b", "a#b", "a:b", "a%2fb", "a\\b", "ä", "a\n", "a\x00")
BAD_KEYS = ("", " ", "ssk a", "ssk_a\n", "ssk_ä", "ssk_\x7f")
BAD_SECONDS = ("-1", "nan", "inf", "-inf", "soon", "1s")
BAD_SPANS = (*BAD_SECONDS, "0")
BAD_WEBHOOK_SECRETS = (
    *("", " ", "whsec_", "whsec", "a" * 32, "Whsec_" + "A" * 32, "whsec_" + "A" * 20),
    *(
        "whsec_" + "A" * 31,
        "whsec_" + "A" * 31 + "ä",
        "whsec_" + "A" * 32 + "\n",
        "whsk_" + "A" * 32,
    ),
)
BAD_VALUES: dict[str, Sequence[Any]] = {
    "project_id": (*BAD_WORDS, None, 1),
    "secret_server_key": (*BAD_KEYS, "pck_x", None, 1),
    "publishable_client_key": BAD_KEYS,
    "api_url": (*BAD_URLS, None),
    "issuers": (*BAD_URLS[1:], [""], ["https://a.example", "x"], 1),
    "user_cache_ttl": BAD_SECONDS,
    "user_cache_size": ("0", "-1", "1.5", "many", "9" * 5000),
    "stale_if_error": BAD_SECONDS,
    "timeout": BAD_SPANS,
    "token_sources": ("", " , ", "haeder", "header,x", ["header", "Bearer"], 1),
    "allowed_origins": (*BAD_ORIGINS, [""], 1),
    "allow_anonymous": ("maybe", "2", None),
    "allow_restricted": ("maybe", "2", None),
    "leeway": BAD_SECONDS,
    "clock_skew": BAD_SECONDS,
    "max_token_lifetime": BAD_SPANS,
    "jwks_ttl": BAD_SPANS,
    "jwks_cooldown": BAD_SPANS,
    "webhook_secret": (*BAD_WEBHOOK_SECRETS, 1),
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param(field, value, id=f"{field}={str(value)[:20]!r}")
        for field, values in BAD_VALUES.items()
        for value in values
    ],
)
def test_a_wrong_value_stops_the_start_up(field: str, value: object) -> None:
    (problem, *more) = problems_of(**{"project_id": "p", "secret_server_key": KEY, field: value})
    assert more == []
    assert f"STACK_{field.upper()}" in problem
    assert KEY not in problem


def test_the_table_of_wrong_values_has_every_field() -> None:
    assert BAD_VALUES.keys() == StackAuthSettings.model_fields.keys()


@given(st.text(max_size=40))
def test_any_text_is_a_setting_or_a_configuration_error(text: str) -> None:
    for field in StackAuthSettings.model_fields:
        values = {"project_id": "p", "secret_server_key": KEY, field: text}
        with contextlib.suppress(ConfigurationError):
            assert isinstance(StackAuthSettings(**values), StackAuthSettings)


# ---------------------------------------------------------------- URLs


@pytest.mark.parametrize("url", ["https://x.example/sub", "http://[::1]:8102", "http://localhost"])
@pytest.mark.parametrize("tail", ["", "/", "//", "/api/v1", "/api/v1/", " "])
def test_a_url_may_end_as_people_write_it(
    make_settings: SettingsMaker, url: str, tail: str
) -> None:
    settings = make_settings(api_url=url + tail, issuers=[url + tail])
    assert settings.api_url == url
    assert settings.issuer_bases == (url,)


@pytest.mark.parametrize(
    ("api_url", "issuers", "bases"),
    [
        (STACK, [], {STACK, HEXCLAVE}),
        (HEXCLAVE, [], {STACK, HEXCLAVE}),
        ("https://API.Hexclave.com", [], {STACK, HEXCLAVE}),
        ("http://stack.local", [], {"http://stack.local"}),
        ("http://stack.local", ["https://s.example"], {"http://stack.local", "https://s.example"}),
        ("http://stack.local", [STACK], {"http://stack.local", STACK, HEXCLAVE}),
        (STACK, ["https://s.example"], {"https://s.example", STACK, HEXCLAVE}),
    ],
)
def test_the_clouds_hosts_are_aliases_of_each_other_and_of_nothing_else(
    make_settings: SettingsMaker, api_url: str, issuers: list[str], bases: set[str]
) -> None:
    found = make_settings(api_url=api_url, issuers=issuers).issuer_bases
    assert set(found) == bases
    assert len(found) == len(bases)


# ---------------------------------------------------------------- secrets, and changes


def test_no_repr_and_no_dump_shows_a_key(make_settings: SettingsMaker) -> None:
    settings = make_settings(secret_server_key=KEY, publishable_client_key="pck_" + KEY)
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert KEY not in shown


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret_server_key": KEY, "timeout": "x"},
        {"secret_server_key": KEY + " "},
        {"secret_server_key": [KEY]},
        {"secret_server_key": KEY, "publishable_client_key": KEY + "\n"},
        {"secret_server_key": KEY, "unknown": KEY},
        {"secret_server_key": KEY, "webhook_secret": "whsec_" + KEY},
    ],
    ids=str,
)
def test_no_traceback_shows_a_key(wrong: dict[str, Any]) -> None:
    """Not even one with the local variables of the kit's frames."""
    error: ConfigurationError | None = None
    try:
        StackAuthSettings(project_id="p", **wrong)
    except ConfigurationError as caught:
        error = caught
    assert error is not None
    assert (error.__cause__, error.__context__) == (None, None)
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in report.stack if frame.filename != __file__]
    assert ours
    assert KEY not in str(error) + repr(error) + "".join(str(frame.locals) for frame in ours)


def test_settings_cannot_be_changed(make_settings: SettingsMaker) -> None:
    settings = make_settings()
    for field in StackAuthSettings.model_fields:
        with pytest.raises((ValidationError, AttributeError, TypeError)) as caught:
            setattr(settings, field, KEY)
        assert KEY not in f"{caught.value} {caught.value!r}"
    assert settings == make_settings()
