"""Somebody at a browser: what they open inside Airflow, and all that their pages asked for and said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from playwright.sync_api import BrowserContext, Frame, FrameLocator, Page, expect

from partner_sync.local.home import ADMIN
from tests.scheduler.running import Airflow, until

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@dataclass
class Visitor:
    """One browser of their own, with one page open."""

    airflow: Airflow
    context: BrowserContext
    page: Page
    hosts: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    @classmethod
    def arrives(cls, airflow: Airflow, context: BrowserContext) -> Visitor:
        context.set_default_timeout(20_000)
        made = cls(airflow, context, context.new_page())
        context.on("request", lambda request: made._ask(request.url))
        context.on("console", made._hear)
        context.on("weberror", lambda error: made.said.append(f"error: {error.error}"))
        context.on("dialog", made._dismiss)
        return made

    def _ask(self, url: str) -> None:
        """The host that was asked; what a page makes by itself has none."""
        if host := urlsplit(url).hostname:
            self.hosts.add(host)

    def _hear(self, message: Any) -> None:
        """Errors of our pages, a refused script or style among them; that there is no plan yet is none."""
        if message.type == "error" and "/partner-sync/" in message.location["url"] and " 404 " not in message.text:
            self.said.append(message.text)

    def _dismiss(self, dialog: Any) -> None:
        self.said.append("a dialog")
        dialog.dismiss()

    # -- ways in --------------------------------------------------------------------------------------------

    def log_in(self) -> None:
        """By Airflow's own form."""
        self.page.goto(f"{self.airflow.url}/auth/login")
        self.page.locator("input[name=username]").fill(ADMIN)
        self.page.locator("input[name=password]").fill(self.airflow.home.password())
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: "/auth/" not in url)

    def see(self, page: str = "", **asked: str) -> FrameLocator:
        """An address of ours inside Airflow, as somebody opens it who was sent it."""
        self.page.goto(f"{self.airflow.url}/plugin/partner-sync/partner-sync/{page}?{urlencode(asked)}")
        self.ours.locator("main").wait_for()
        return self.ours

    def see_plan(self, run_id: str) -> FrameLocator:
        """The tab on the page of a run."""
        self.page.goto(f"{self.airflow.url}/dags/partner_sync/runs/{quote(run_id)}")
        self.page.locator("a[href$='/plugin/partner-sync-plan']").click()
        self.ours.locator("main").wait_for()
        return self.ours

    # -- deciding -------------------------------------------------------------------------------------------

    def decide(self, button: str, note: str, *, wait: bool = True) -> str:
        """Writes the note that is open and presses the button; returns the id of the run that this starts."""
        before = self.airflow.run_ids()
        self.press(button, note)
        until("Airflow has a new run", 30, lambda: self.airflow.run_ids() > before)
        (new,) = self.airflow.run_ids() - before
        if wait:
            self.watch()
            self.airflow.finished(new)
        return new

    def press(self, button: str, note: str) -> None:
        self.ours.locator("textarea:visible").fill(note)
        self.ours.get_by_role("button", name=button, exact=True).click()

    def watch(self) -> None:
        """Until the page says, without a reload, that the run is over that it started."""
        expect(self.ours.locator("#live")).to_contain_text("View the run", timeout=90_000)
        expect(self.ours.locator("#live[hx-get]")).to_have_count(0, timeout=90_000)

    # -- what they see --------------------------------------------------------------------------------------

    @property
    def ours(self) -> FrameLocator:
        """Our page, inside Airflow's frame."""
        return self.page.frame_locator("iframe")

    @property
    def frame(self) -> Frame:
        return next(frame for frame in self.page.frames if "/partner-sync/" in frame.url and frame.parent_frame)

    def faults(self, axe: str, screens: dict[str, dict[str, str]]) -> list[tuple[str, str, str]]:
        """What is wrong with our screens, outside the frame: serious faults of accessibility, and too much width."""
        found = []
        for screen, asked in screens.items():
            self.page.goto(f"{self.airflow.url}/partner-sync/{screen}?{urlencode(asked)}")
            self.page.evaluate(axe)
            for one in self.page.evaluate("axe.run()")["violations"]:
                if one["impact"] in ("serious", "critical"):
                    found.append((screen, one["id"], one["nodes"][0]["html"]))
            if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append((screen, "wider than the window", ""))
        return found
