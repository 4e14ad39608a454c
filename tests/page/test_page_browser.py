"""What a person does on the page, in a real browser."""

from __future__ import annotations

import os
import shlex
import struct
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from stack_fastapi.emulator import Served, StackEmulator

from .chromium import MissingError, launched
from .demo import Demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request

ARTEFACTS = Path(__file__).parents[1] / "artefacts" / "page"
LOOPBACK = {"127.0.0.1", "localhost"}
SCREENS = (
    "users",
    "users/{user}",
    "teams",
    "teams/{team}",
    "permissions",
    "keys",
    "sessions",
    "emails",
    "requests",
    "faults",
    "project",
)
#: Every text with less contrast to what is behind it than WCAG 2.2 asks for (1.4.3, level AA).
TOO_FAINT = """() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const [a, b] = [parse(getComputedStyle(element).color), behind(element)].map(light);
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) found.push(`${walker.currentNode.data.trim()} ${ratio.toFixed(2)}`);
  }
  return found;
}"""
#: What the keyboard should reach, in order.
REACHABLE = """() => [...document.querySelectorAll(
  'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
  .filter(e => e.checkVisibility({visibilityProperty: true}) && !e.disabled)
  .map(e => e.dataset.n = String(Math.random()))"""


@pytest.fixture(autouse=True)
def no_blocking_calls() -> None:
    """Not here: Playwright runs an event loop of its own beneath the test, and blocks in it."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        with launched() as found:
            yield found
    except MissingError as missing:
        if os.environ.get("CI"):
            pytest.fail(f"CI runs the browser tests, but {missing}")
        pytest.skip(str(missing))


@pytest.fixture
def demo() -> Demo:
    return Demo()


@pytest.fixture
def emulator(demo: Demo) -> StackEmulator:
    return demo.emulator


@pytest.fixture
def served(emulator: StackEmulator) -> Iterator[Served]:
    with emulator.serve() as found:
        yield found


@pytest.fixture
def looks() -> dict[str, Any]:
    """How the browser is set up; tests say otherwise with a mark."""
    return {"viewport": {"width": 1200, "height": 800}}


@pytest.fixture
def context(
    browser: Browser, served: Served, looks: dict[str, Any], request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    found = browser.new_context(base_url=served.url, **looks)
    found.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.url)
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab that complains about nothing and asks nobody but this machine."""
    complaints: list[str] = []
    hosts: set[str | None] = set()

    def asked(request: Request) -> None:
        hosts.add(urlsplit(request.url).hostname)

    found = context.new_page()
    found.on("console", lambda message: complaints.append(message.text))
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on("dialog", lambda dialog: complaints.append(dialog.message))
    context.on("request", asked)
    yield found
    assert complaints == []
    assert hosts <= LOOPBACK


def shot(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)


def path_of(demo: Demo, screen: str) -> str:
    below = screen.format(user=demo.users[0].id, team=demo.team.id)
    return f"/local-stack/page/projects/{demo.emulator.project.id}/{below}"


def hear(page: Page, text: str) -> None:
    """Wait until the status says so."""
    page.get_by_role("status").get_by_text(text, exact=True).wait_for()


def test_make_a_user_sign_in_and_copy_the_token(demo: Demo, page: Page) -> None:
    page.goto("/")
    page.get_by_text("New user").click()
    page.get_by_label("Display name").fill("Grace")
    page.get_by_label("E-mail address", exact=True).fill("grace@example.com")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Create the user").click()
    hear(page, "Created.")
    assert page.get_by_role("heading", level=1).inner_text() == "Grace"
    assert page.get_by_label("Access token", exact=True).count() == 0

    page.get_by_role("button", name="Sign in").click()
    token = page.get_by_label("Access token", exact=True).input_value()
    page.get_by_role("button", name="Copy Access token").click()
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == token
    shot(page, "signed-in")

    words = shlex.split(page.get_by_label("Ask the local Stack who this is").input_value())
    headers = dict(word.split(": ") for word in words[2::2])
    asked = urllib.request.Request(words[-1], headers=headers)  # noqa: S310 - loopback
    with urllib.request.urlopen(asked) as answer:  # noqa: S310 - loopback
        assert b"grace@example.com" in answer.read()
    page.goto(page.url)
    assert page.get_by_label("Access token", exact=True).count() == 0


def test_an_api_key_is_shown_once(demo: Demo, page: Page) -> None:
    page.goto(path_of(demo, "users/{user}"))
    page.locator("summary", has_text="New API key").click()
    page.get_by_label("Description").fill("nightly")
    page.get_by_role("button", name="Make the key").click()
    key = page.get_by_label("The key, shown only now").input_value()
    assert key.startswith("sk_")
    page.goto(page.url)
    assert key not in page.content()
    page.get_by_role("button", name=f"Revoke key sk_…{key[-4:]}").click()
    hear(page, "The API key is revoked.")


def test_grant_and_revoke_a_permission(demo: Demo, page: Page) -> None:
    page.goto(path_of(demo, "users/{user}"))
    card = page.get_by_role("region", name="Project permissions")
    card.get_by_label("Permission", exact=True).select_option("billing")
    card.get_by_role("button", name="Grant").click()
    hear(page, "The permission is granted.")
    assert "billing" in demo.users[0].permissions
    page.get_by_role("button", name="Revoke billing").click()
    assert "billing" not in demo.users[0].permissions


def test_a_fault_is_injected_and_the_open_log_shows_it(
    demo: Demo, page: Page, served: Served
) -> None:
    page.goto(path_of(demo, "faults"))
    page.get_by_label("What goes wrong").select_option("status")
    page.get_by_label("Path").fill("*/users/me")
    page.get_by_label("Times").fill("1")
    page.get_by_label("Status", exact=True).fill("502")
    page.get_by_role("button", name="Play the fault").click()
    hear(page, "The fault is played from now on.")

    page.get_by_role("link", name="Requests").click()
    page.get_by_text("Nothing was asked yet").wait_for()
    assert demo.ask(served.url, "/users/me") == 502
    page.get_by_text("fault: status").wait_for()
    page.get_by_role("button", name="Pause").click()
    assert demo.ask(served.url, "/teams") == 200
    page.get_by_role("button", name="Pause", pressed=True).click()
    page.get_by_text("/api/v1/teams").wait_for()
    shot(page, "log")
    page.get_by_role("button", name="Clear the log").click()
    hear(page, "The log is empty.")


def test_who_is_at_work_in_the_live_part_is_not_disturbed(
    demo: Demo, page: Page, served: Served
) -> None:
    demo.work(served.url)
    page.goto(path_of(demo, "requests"))
    link = page.get_by_role("link", name="Alice Moreau").first
    link.focus()
    demo.ask(served.url, "/projects/current")
    with pytest.raises(Exception, match="Timeout"):
        page.get_by_text("/projects/current").wait_for(timeout=3000)
    page.get_by_role("button", name="Pause").focus()
    page.get_by_text("/projects/current").wait_for()


def test_everything_is_reached_with_the_tabulator(demo: Demo, page: Page) -> None:
    for screen in SCREENS:
        page.goto(path_of(demo, screen))
        wanted = page.evaluate(REACHABLE)
        reached = []
        for _ in wanted:
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.dataset.n"))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid", screen
        assert reached == wanted, screen


def test_a_walk_with_the_keyboard_alone(demo: Demo, page: Page, emulator: StackEmulator) -> None:
    press, type_ = page.keyboard.press, page.keyboard.type

    def to(name: str) -> None:
        """On with the tabulator until the thing with this name or label has the focus."""
        for _ in range(100):
            press("Tab")
            if page.evaluate(
                "name => { const e = document.activeElement;"
                " return [e.innerText, e.labels?.[0]?.innerText].some(t => t?.startsWith(name)) }",
                name,
            ):
                return
        pytest.fail(f"{name} is out of reach")

    page.goto("/")
    press("Tab")
    shot(page, "skip-link")
    press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    to("New user")
    press("Enter")
    to("Display name")
    type_("Heidi")
    press("Enter")
    page.get_by_role("heading", name="Heidi").wait_for()
    to("Sign in")
    press("Enter")
    page.get_by_label("Access token", exact=True).wait_for()
    to("Copy")
    press("Enter")
    page.get_by_text("Copied.").wait_for()
    to("Delete this user")
    press("Enter")
    to("Delete Heidi")
    press("Enter")
    page.get_by_text("Deleted.").wait_for()
    assert len(emulator.project.users) == len(demo.users) + 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_in_both_modes(demo: Demo, page: Page, served: Served, scheme: str) -> None:
    demo.work(served.url)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for screen in SCREENS:
        page.goto(path_of(demo, screen))
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert page.evaluate(TOO_FAINT) == [], screen
        shot(page, f"{screen.partition('/')[0]}{'-one' if '/' in screen else ''}-{scheme}")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(ground.removeprefix("rgb(").partition(",")[0])
    assert (red < 40) is (scheme == "dark")


@pytest.mark.parametrize("width", [320, 390, 700])
def test_a_narrow_window(demo: Demo, page: Page, served: Served, width: int) -> None:
    demo.work(served.url)
    page.set_viewport_size({"width": width, "height": 800})
    for screen in SCREENS:
        page.goto(path_of(demo, screen))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, screen
        if width == 390:
            shot(page, f"{screen.partition('/')[0]}{'-one' if '/' in screen else ''}-narrow")


class TestWithoutScripts:
    @pytest.fixture
    def looks(self) -> dict[str, Any]:
        return {"java_script_enabled": False}

    def test_all_but_copying_works(self, demo: Demo, page: Page, served: Served) -> None:
        demo.work(served.url)
        page.goto("/")
        page.get_by_text("New user").click()
        page.get_by_label("Display name").fill("Ivan")
        page.get_by_role("button", name="Create the user").click()
        hear(page, "Created.")
        page.get_by_role("button", name="Sign in").click()
        assert page.get_by_label("Access token", exact=True).input_value().count(".") == 2
        assert page.get_by_role("button", name="Copy").count() == 0
        page.get_by_role("navigation", name="Areas").get_by_role("link", name="Requests").click()
        assert page.get_by_text("UNPARSABLE_ACCESS_TOKEN").count() == 1
        assert page.get_by_role("button", name="Pause").count() == 0


def test_markup_in_names_stays_text(demo: Demo, page: Page) -> None:
    name = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    user = demo.emulator.create_user(display_name=name, client_metadata={name: name})
    page.goto("/")
    page.get_by_role("link", name=name).click()
    assert page.get_by_role("heading", level=1).inner_text() == name
    assert user.id in page.url


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1"])
def test_another_sites_form_and_frame_do_nothing(
    demo: Demo, browser: Browser, served: Served, emulator: StackEmulator, origin: str
) -> None:
    context = browser.new_context(base_url=served.url)
    page = context.new_page()
    page.goto(path_of(demo, "faults"))
    token = page.locator("input[name=token]").first.input_value()
    before = len(emulator.project.users)
    target = served.url + path_of(demo, "users")
    body = f"""<iframe src="{served.url}/"></iframe>
      <form method="post" action="{target}"><input name="token" value="{token}">
      <input name="do" value="create"><button>Win</button></form>"""
    page.route(f"{origin}/**", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.goto(f"{origin}/trap")
    assert "Users" not in page.frames[1].content()
    page.get_by_role("button", name="Win").click()
    page.wait_for_url(lambda url: not url.startswith(origin))
    assert len(emulator.project.users) == before
    context.close()


#: What a page of another site can try: a script's requests, and elements that load something.
TRY = """async ({url, client, server, token}) => {
  const status = async (path, headers) => (await fetch(url + path, {headers})).status;
  const loaded = (tag, src) => new Promise(done => {
    const element = document.createElement(tag);
    element.onload = () => done(true);
    element.onerror = () => done(false);
    element.src = src;
    document.body.append(element);
  });
  return {
    client: await status('/api/v1/projects/current', client),
    server: await status('/api/v1/users', server),
    blind: await fetch(url + token, {mode: 'no-cors'}).then(() => true, () => false),
    script: await loaded('script', url + token),
    picture: await loaded('img', url + '/local-stack/page/static/icon.svg'),
  };
}"""


class Trap(BaseHTTPRequestHandler):
    """A site of its own: a browser keeps pages that are not from this machine away from it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture(scope="module")
def trap() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Trap) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_sites_scripts_have_client_access_and_get_no_token(
    demo: Demo, browser: Browser, served: Served, trap: int, host: str
) -> None:
    project = demo.emulator.project
    sessions, user = dict(project.sessions), next(iter(project.users))
    home = {"x-stack-project-id": project.id}
    tried = {
        "url": served.url,
        "client": {**home, "x-stack-access-type": "client"},
        "server": {
            **home,
            "x-stack-access-type": "server",
            "x-stack-secret-server-key": project.secret_server_key,
        },
        "token": f"/local-stack/token?user={user}",
    }
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://{host}:{trap}/")
    assert page.evaluate(TRY, tried) == {
        "client": 200,
        "server": 403,
        "blind": False,
        "script": False,
        "picture": False,
    }
    assert project.sessions == sessions
    context.close()


def test_the_readmes_pictures_have_their_size() -> None:
    folder = Path(__file__).parents[2] / "docs" / "images"
    pictures = sorted(folder.glob("local-stack-*.png"))
    assert [picture.name for picture in pictures] == [
        "local-stack-dark.png",
        "local-stack-light.png",
    ]
    for picture in pictures:
        content = picture.read_bytes()
        assert struct.unpack(">II", content[16:24]) == (1200, 800)
        assert len(content) < 150_000
