"""The pytest plugin in test suites of apps: each test here runs pytest."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import pytest

pytest_plugins = ["pytester"]

#: Pytest finds an installed plugin by itself; an installation older than the plugin names it.
IS_FOUND = any(point.name == "stack_fastapi" for point in entry_points(group="pytest11"))
PLUGIN = () if IS_FOUND else ("-p", "stack_fastapi.testing.plugin")
#: Old versions of Starlette's test client use an old name of anyio's.
STARLETTE = "ignore:The anyio.abc.BlockingPortal alias is deprecated:DeprecationWarning"
QUIET = ("-W", "error", "-W", STARLETTE, "-p", "no:cacheprovider", "-p", "no:asyncio")

APP = """
    from fastapi import FastAPI
    from stack_fastapi import CurrentUser, StackAuthMiddleware

    def create_app(auth=None):
        app = FastAPI()
        app.add_middleware(StackAuthMiddleware, auth=auth)

        @app.get("/me")
        async def me(user: CurrentUser) -> str:
            return user.id

        return app
"""


class Keeper:
    """Keeps what inner runs import; the fixture puts it back behind pytester.

    Pytester forgets those modules. A library that is imported once more, where another one still
    holds the first import, has two of each class then.
    """

    def __init__(self) -> None:
        self._modules: dict[str, ModuleType] = {}

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        folder = str(config.rootpath)
        self._modules |= {
            name: module
            for name, module in sys.modules.items()
            if not str(getattr(module, "__file__", "")).startswith(folder)
        }

    def restore(self) -> None:
        for name, module in self._modules.items():
            sys.modules.setdefault(name, module)


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    keeper = Keeper()
    yield keeper
    keeper.restore()


@pytest.fixture
def suite(keeper: Keeper, pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.plugins.append(keeper)
    pytester.makepyfile(app=APP)
    pytester.syspathinsert()
    return pytester


def passed(suite: pytest.Pytester, *arguments: str, plugins: tuple[str, ...] = QUIET) -> int:
    """How many tests passed; none may do anything else."""
    words = (*PLUGIN, *plugins, *arguments)
    outcomes = suite.runpytest_inprocess(*words, plugins=suite.plugins).parseoutcomes()
    assert set(outcomes) == {"passed"}, outcomes
    return outcomes["passed"]


def test_with_the_test_client(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        from app import create_app
        from fastapi.testclient import TestClient

        def test_me(stack_auth, signed_in):
            me = signed_in(primary_email="alice@example.com")
            with TestClient(create_app(stack_auth)) as client:
                assert client.get("/me").status_code == 401
                assert client.get("/me", headers=me).json() == me.user.id

        def test_types(stack_auth, signed_in):
            client = TestClient(create_app(stack_auth))
            assert client.get("/me", headers=signed_in(type="anonymous")).status_code == 401
            assert client.get("/me", headers=signed_in(type="restricted")).status_code == 403

        def test_each_test_has_a_stack_of_its_own(stack, stack_settings):
            assert len(stack.project.users) == 0
            assert stack_settings.project_id == stack.project.id
            assert stack_settings.api_url == stack.url == "http://stack.localhost"

        def test_outages(stack, stack_auth, signed_in):
            from stack_fastapi.emulator import Fault

            me = signed_in()
            stack.faults.add(Fault(kind="html"))
            answer = TestClient(create_app(stack_auth)).get("/me", headers=me)
            assert answer.status_code == 503
        """
    )
    assert passed(suite) == 4


ASYNCHRONOUS = """
    import httpx
    import pytest
    from app import create_app

    {mark}

    async def test_me(stack_auth, signed_in):
        me = signed_in()
        transport = httpx.ASGITransport(app=create_app(stack_auth))
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            assert (await client.get("/me", headers=me)).json() == me.user.id
"""


def test_with_anyio(suite: pytest.Pytester) -> None:
    backend = "@pytest.fixture\n    def anyio_backend():\n        return 'asyncio'"
    mark = f"pytestmark = pytest.mark.anyio\n\n    {backend}"
    suite.makepyfile(ASYNCHRONOUS.format(mark=mark))
    assert passed(suite) == 1


@pytest.mark.skipif(
    importlib.util.find_spec("pytest_asyncio") is None, reason="pytest-asyncio is not installed"
)
@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_with_pytest_asyncio(suite: pytest.Pytester, mode: str) -> None:
    mark = "pytestmark = pytest.mark.asyncio" if mode == "strict" else ""
    suite.makepyfile(ASYNCHRONOUS.format(mark=mark))
    suite.makeini(f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function")
    assert passed(suite, plugins=QUIET[:-2]) == 1


def test_on_a_real_socket(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.makepyfile(
        """
        import json
        import os
        from urllib.request import Request, urlopen

        from app import create_app
        from fastapi.testclient import TestClient

        def keys(url, project_id):
            with urlopen(f"{url}/api/v1/projects/{project_id}/.well-known/jwks.json") as answer:
                return json.load(answer)["keys"]

        def test_server(stack_settings, stack_auth, signed_in, stack, stack_server):
            assert stack_settings.api_url == stack_server.url == stack.url
            assert keys(stack_server.url, stack.project.id)
            me = signed_in()
            client = TestClient(create_app(stack_auth))
            assert client.get("/me", headers=me).json() == me.user.id

        def test_environment(signed_in, stack_env, stack):
            assert os.environ["STACK_API_URL"] == stack_env["STACK_API_URL"] == stack.url
            assert "HEXCLAVE_PROJECT_ID" not in os.environ
            me = signed_in()
            with TestClient(create_app()) as client:
                assert client.get("/me", headers=me).json() == me.user.id

        def test_afterwards():
            assert "STACK_API_URL" not in os.environ
            assert os.environ["HEXCLAVE_PROJECT_ID"] == "outside"
        """
    )
    monkeypatch.setenv("HEXCLAVE_PROJECT_ID", "outside")
    assert passed(suite) == 3


SEED = {"projects": {"p": {"id": "seeded", "users": [{"display_name": "Alice"}]}}}


def test_the_marker_says_what_the_stack_starts_with(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        f"""
        import pathlib

        import pytest

        SEED = {SEED!r}
        HERE = pathlib.Path(__file__).parent

        @pytest.mark.stack_seed(SEED)
        def test_mapping(stack):
            assert stack.project.id == "seeded"

        @pytest.mark.stack_seed("world.json")
        def test_file(stack):
            assert [user.display_name for user in stack.project.users.values()] == ["Alice"]

        @pytest.mark.stack_seed(HERE / "world.json")
        def test_path(stack, signed_in):
            assert stack.project.id == "seeded"

        @pytest.mark.stack_seed("world.json")
        class TestClass:
            def test_inherited(self, stack):
                assert stack.project.id == "seeded"

            @pytest.mark.stack_seed({{"projects": {{"p": {{"id": "closest"}}}}}})
            def test_the_closest_counts(self, stack):
                assert stack.project.id == "closest"

        def test_none(stack):
            assert stack.project.id != "seeded"
        """
    )
    (suite.path / "world.json").write_text(json.dumps(SEED))
    assert passed(suite, "--strict-markers") == 6


@pytest.mark.parametrize("arguments", ["", "()", "(projects={})", "({}, {})"])
def test_a_marker_without_a_seed_says_how_it_is_written(
    suite: pytest.Pytester, arguments: str
) -> None:
    suite.makepyfile(
        f"""
        import pytest

        @pytest.mark.stack_seed{arguments}
        def test_nothing(stack):
            pass
        """
    )
    result = suite.runpytest_inprocess(*PLUGIN, *QUIET, plugins=suite.plugins)
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["*write @pytest.mark.stack_seed(seed)*"])


def test_webhooks(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        from standardwebhooks import Webhook

        def test_webhook(stack, stack_webhook, signed_in):
            delivery = stack_webhook("user.updated", signed_in().user)
            headers = {k.replace("svix", "webhook"): v for k, v in delivery.headers.items()}
            message = Webhook(stack.webhooks.secret).verify(delivery.content, headers)
            assert message["type"] == "user.updated"
        """
    )
    assert passed(suite) == 1


def test_in_several_processes(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest
        from app import create_app
        from fastapi.testclient import TestClient

        @pytest.mark.parametrize("number", range(6))
        def test_me(stack_auth, signed_in, stack_server, number):
            me = signed_in()
            answer = TestClient(create_app(stack_auth)).get("/me", headers=me)
            assert answer.json() == me.user.id
        """
    )
    assert passed(suite, "-n", "2") == 6


# ---------------------------------------------------------------- what it costs

#: Loads the plugin's file alone, so that only what it imports itself counts.
ALONE = """
import importlib.util, sys, types, pytest
before = set(sys.modules)
for name in ("stack_fastapi", "stack_fastapi.testing"):
    sys.modules[name] = types.ModuleType(name)
spec = importlib.util.spec_from_file_location("stack_fastapi.testing.plugin", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""
#: Loads it as pytest does.
WHOLE = """
import sys
import stack_fastapi.testing.plugin
print(*sorted(sys.modules))
"""


def printed(code: str, *arguments: str) -> set[str]:
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own script
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    return set(done.stdout.split())


def test_the_plugin_imports_nothing_but_pytest() -> None:
    spec = importlib.util.find_spec("stack_fastapi.testing.plugin")
    assert spec is not None
    assert printed(ALONE, str(spec.origin)) <= {"stack_fastapi"}


def test_loading_it_loads_no_emulator() -> None:
    loaded = printed(WHOLE)
    assert "stack_fastapi.testing.plugin" in loaded
    used = {
        name for name in loaded if name.startswith(("stack_fastapi.emulator", "uvicorn", "fastapi"))
    }
    assert used == set()
    helpers = {name for name in loaded if name.startswith("stack_fastapi.testing.")}
    assert helpers == {"stack_fastapi.testing.plugin"}


def test_the_docstring_names_every_fixture() -> None:
    from stack_fastapi.testing import plugin  # noqa: PLC0415 - the tests above run without it

    source = Path(plugin.__file__).read_text()
    fixtures = {
        line.split("(")[0].removeprefix("def ")
        for before, line in zip(source.splitlines(), source.splitlines()[1:], strict=False)
        if before == "@pytest.fixture"
    }
    assert fixtures == {
        row.split("`")[1] for row in (plugin.__doc__ or "").splitlines() if row.startswith("| `")
    }
