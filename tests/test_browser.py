"""The report and the dashboard in a real browser that may not reach any other host."""

import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import yaml
from playwright.sync_api import expect, sync_playwright
from run_folder import make_run

from clipkit.media.writer import write_video
from clipkit.output.report import write_report

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOKEN = "a-token-for-tests"
LOAD_MS = 120_000

expect.set_options(timeout=LOAD_MS)

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    if not CHROMIUM.exists():
        if os.environ.get("CLIPKIT_REQUIRE") == "all":
            pytest.fail(f"{CHROMIUM} is missing and CLIPKIT_REQUIRE=all")
        pytest.skip(f"no {CHROMIUM}")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=CHROMIUM, headless=True, args=FLAGS
        )
        context.set_default_timeout(LOAD_MS)
        yield context
        context.close()


class Watched:
    """A page with everything that it asked for, complained about and was answered."""

    def __init__(self, context, allowed: str) -> None:
        self.page = context.new_page()
        self.outside: list[str] = []
        self.complaints: list[str] = []
        self.answers: dict[str, list[int]] = {}
        self.allowed = (allowed, "data:", "blob:")
        self.page.route(re.compile(r"^(?!data:|blob:)"), self._route)
        self.page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", lambda answer: self.answers.setdefault(answer.url, []).append(answer.status))

    def _route(self, route) -> None:
        if route.request.url.startswith(self.allowed):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()


@pytest.fixture
def watch(context):
    watched = []

    def open_page(allowed: str) -> Watched:
        watched.append(Watched(context, allowed))
        return watched[-1]

    yield open_page
    for each in watched:
        each.page.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    rng = np.random.default_rng(3)
    # Noise does not shrink: a file of some MB, which a browser does not fetch whole to show its start.
    noise = (rng.integers(0, 256, (320, 180, 3), np.uint8) for _ in range(200))
    clip = tmp_path_factory.mktemp("clip") / "noise.mp4"
    write_video(clip, noise, frame_rate=25)
    assert clip.stat().st_size > 2_000_000
    make_run(folder / "A talk & more", rng, clip_file=clip, n_candidates=60, title='</script><b onclick="x">evil</b>')
    (folder / "damaged").mkdir()
    (folder / "damaged" / "run.json").write_text("{ broken", encoding="utf-8")
    (folder / "secret.txt").write_text("secret", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def server(reports, tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "CLIPKIT_TOKEN": TOKEN, "CLIPKIT_HOME": str(home)}
    command = [sys.executable, "-m", "clipkit.ui.server", str(reports), "--port", str(port)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=home) as process:
        try:
            lines = []
            while not (lines and lines[-1].startswith("clipkit dashboard:")):
                lines.append(process.stderr.readline())
                assert lines[-1], "".join(lines)
            assert lines[-1].strip() == f"clipkit dashboard: http://127.0.0.1:{port}/?token={TOKEN}"
            yield f"http://127.0.0.1:{port}", home
        finally:
            process.terminate()
            process.wait(60)
            process.stderr.close()


def status(url: str, **headers: str) -> int:
    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    opener = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_report_opens_from_disk_alone(reports, watch, width, scheme):
    path = write_report(reports / "A talk & more")
    watched = watch(f"file://{str(reports).replace(' ', '%20')}")
    page = watched.page
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)

    page.goto(path.as_uri())
    expect(page.locator(".plot .main-svg")).to_have_count(18)

    assert watched.outside == []
    assert watched.complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.querySelectorAll('.plot')].every(box => box.clientWidth > 200)")
    ink = page.evaluate("getComputedStyle(document.querySelector('.plot text')).fill")
    assert ink == page.evaluate("getComputedStyle(document.body).color")


def test_a_clip_plays_in_the_report(reports, watch):
    path = write_report(reports / "A talk & more")
    watched = watch(f"file://{str(reports).replace(' ', '%20')}")

    watched.page.goto(path.as_uri())
    watched.page.evaluate("document.querySelector('video').preload = 'metadata'")
    expect(watched.page.locator("video").first).to_have_js_property("videoWidth", 180)

    assert watched.complaints == []


def test_nothing_is_given_out_without_the_token(server):
    base, _ = server
    clip = f"{base}/runs/A%20talk%20%26%20more/clips/1_tiktok.mp4"

    assert status(f"{base}/voila/render/dashboard.ipynb") in (302, 401, 403)
    assert status(clip) in (302, 401, 403)
    assert status(clip, Range="bytes=0-9") in (302, 401, 403)
    assert status(f"{base}/files/dashboard.ipynb") in (302, 401, 403)
    assert status(f"{base}/api/kernels") in (302, 401, 403)
    assert status(f"{clip}?token=wrong") in (302, 401, 403)


def test_only_finished_files_below_the_reports_folder_are_given_out(server, reports, tmp_path):
    base, _ = server
    run = f"{base}/runs/A%20talk%20%26%20more"
    outside = tmp_path / "outside.mp4"
    outside.write_bytes(b"outside")
    (reports / "A talk & more" / "clips" / "link.mp4").symlink_to(outside)

    def answer(url: str, **headers: str) -> int:
        return status(url, Authorization=f"token {TOKEN}", **headers)

    assert answer(f"{run}/clips/1_tiktok.mp4", Range="bytes=0-9") == 206
    assert answer(f"{run}/clips/1_tiktok.jpg") == 200
    assert answer(f"{run}/run.json") == 404
    assert answer(f"{base}/runs/secret.txt") == 404
    assert answer(f"{run}/clips/link.mp4") in (403, 404)
    assert answer(f"{base}/runs/%2e%2e/{outside.name}") in (403, 404)
    assert answer(f"{base}/runs/..%2f..%2f..%2fetc%2fpasswd") in (403, 404)
    assert answer(f"{base}/voila/files/dashboard.ipynb") == 403


def test_another_host_name_is_refused(server):
    base, _ = server

    assert status(f"{base}/voila/render/dashboard.ipynb?token={TOKEN}", Host="evil.example") in (403, 404)


def test_dashboard_in_a_browser(server, watch):
    base, home = server
    watched = watch(base)
    page = watched.page
    page.set_viewport_size({"width": 1280, "height": 900})

    page.goto(f"{base}/?token={TOKEN}")
    page.wait_for_selector(".ck tr.chosen", timeout=LOAD_MS)

    # It is live.
    line = "document.querySelector('.ck polyline')?.getAttribute('points')"
    page.wait_for_function(f"{line}?.includes(' ')")
    before = page.evaluate(line)
    page.wait_for_function(f"{line} !== {before!r}")

    # A clip plays by byte ranges.
    page.select_option("select", index=0)
    page.wait_for_function("document.querySelector('video').readyState >= 1")
    page.evaluate("document.querySelector('video').currentTime = 7.5")
    page.wait_for_function(
        "!document.querySelector('video').seeking && document.querySelector('video').readyState >= 2"
    )
    assert 206 in watched.answers[page.evaluate("document.querySelector('video').currentSrc")]

    # A weight changes the ranking.
    ranks = "[...document.querySelectorAll('.ck tbody tr td:nth-child(2)')].map(cell => cell.textContent)"
    assert page.evaluate(ranks)[:3] == ["1", "2", "3"]
    page.locator(".widget-slider", has_text="position").locator("[contenteditable]").fill("1")
    page.keyboard.press("Enter")
    page.wait_for_function(f"{ranks}.slice(0, 5).join() !== '1,2,3,4,5'")
    ticks = "[...document.querySelectorAll('.xtick text')].map(tick => tick.textContent)"
    page.wait_for_function(f"{ticks}.length > 2 && {ticks}.every(tick => tick.includes(':'))")

    # It is saved as a profile.
    page.get_by_placeholder("name of the profile").fill("from the page")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Save as profile").click()
    page.wait_for_selector("text=Saved as")
    saved = yaml.safe_load((home / "profiles" / "from the page.yaml").read_text(encoding="utf-8"))
    assert saved == {"scoring": {"weights": {"position": 1.0}}}

    # A damaged run is shown as such, and the page goes on.
    page.select_option("select", index=1)
    page.wait_for_selector("text=run.json is damaged")

    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert watched.outside == []
    assert [text for text in watched.complaints if "favicon" not in text] == []
