"""The rows of one batch in one try of its task: reads them again, judges them, and archives their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from partner_sync.archive.archive import Archive
from partner_sync.archive.records import OpenJob, RowVerdict
from partner_sync.model import Batch, Create
from partner_sync.sync.register import sent_by
from partner_sync.sync.verdicts import Judgment, OrganizationReader, Raw, after_write, before_write, refusals
from partner_sync.vendors.zendesk_client import Job

READS_BACK = 3
"""How often to read a row that Zendesk did not refuse but does not show, before it counts as rejected."""


class ShownOrganizations(Protocol):
    """What this module needs of a Zendesk instance."""

    @property
    def calls(self) -> int: ...
    def show_many(
        self, *, ids: Sequence[int] | None = None, external_ids: Sequence[str] | None = None
    ) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class BatchRows:
    """Every change of `batch`, by its position."""

    batch: Batch
    zendesk: ShownOrganizations
    archive: Archive
    reader: OrganizationReader
    now: Callable[[], datetime]
    run_after: datetime
    try_number: int

    def judge_before_write(self) -> list[Judgment]:
        pairs = zip(self.batch.changes, self._read_again(), strict=True)
        return [_with_id(before_write(change, raw, self.reader), raw) for change, raw in pairs]

    def judge_after_write(self, sent: Collection[int], messages: Mapping[int, str]) -> list[Judgment]:
        """Judges the rows in `sent` by their write, the others as before a write; `messages` are Zendesk's refusals."""
        judged = []
        for position, (change, raw) in enumerate(zip(self.batch.changes, self._read_again(), strict=True)):
            if position in sent:
                judged.append(_with_id(after_write(change, raw, self.reader, messages.get(position)), raw))
                continue
            row = before_write(change, raw, self.reader)
            if row.verdict is None:
                row = Judgment("superseded", "changed by others after it was read again; the next run plans it again")
            judged.append(_with_id(row, raw))
        return judged

    def judge_job(self, entry: OpenJob, job: Job, wait: Callable[[], None]) -> tuple[list[Judgment], dict[int, str]]:
        """Reads the batch back after its job ended, and judges every row by what Zendesk shows; with the refusals."""
        sent = entry.rows
        messages = refusals(job.results, [(row, self.batch.changes[row]) for row in sorted(sent)])
        refused = (
            set(messages) if entry.submits == 1 else set()
        )  # an earlier submit may have written what is refused now
        failed = set(sent) - set(messages) if job.status != "completed" else set()
        why = f"job {job.status}: {job.message or 'no reason given'}"
        messages |= dict.fromkeys(failed, why)
        judged: list[Judgment] = []
        for attempt in range(READS_BACK):
            if attempt:
                wait()
            judged = self.judge_after_write(sent, messages)
            if not any(judged[row].verdict == "rejected" and row not in messages for row in sent):
                break
        judged = [_by_others(row) if at in refused else row for at, row in enumerate(judged)]
        judged = [replace(row, whole_job=at in failed and row.verdict == "rejected") for at, row in enumerate(judged)]
        return judged, messages

    def judge_unread(self, sent: Collection[int]) -> list[Judgment]:
        """Judges the rows in `sent` where the result of their job was not read, and never will be."""
        judged = []
        for position, row in enumerate(self.judge_after_write(sent, {})):
            if position not in sent and row.verdict != "confirmed":
                row = replace(row, verdict="superseded", reason="not sent; the next run plans it again")
            elif row.verdict == "rejected":
                why = "sent, but Zendesk does not show it, and the result of its job was not read"
                row = replace(row, verdict="unknown", reason=why)
            judged.append(row)
        return judged

    def _read_again(self) -> list[Raw | None]:
        """Reads the batch's organizations, in the batch's order; None where Zendesk has none.

        Finds a create by its `external_id`, which Zendesk keeps unique regardless of case.
        """
        changes = self.batch.changes
        if self.batch.kind == "create":
            raws = self.zendesk.show_many(external_ids=[change.account_id for change in changes])
            by_account = {str(raw.get("external_id")).casefold(): raw for raw in raws}
            return [by_account.get(change.account_id.casefold()) for change in changes]
        ids = [change.organization_id for change in changes if not isinstance(change, Create)]
        by_id = {raw["id"]: raw for raw in self.zendesk.show_many(ids=ids)}
        return [by_id.get(change.organization_id) for change in changes]

    def archive_verdicts(
        self, entry: OpenJob, judged: Sequence[Judgment], messages: Mapping[int, str], *, settles: bool = False
    ) -> tuple[RowVerdict, ...]:
        """Archives a verdict for every change; `messages` is what Zendesk reported, by position in the batch.

        `settles`: the entry is another batch's, which may still report by itself.
        """
        batch, calls, at = self.batch, entry.calls * (not settles) + self.zendesk.calls, self.now()
        earlier = self._tries()
        wrote = [position in entry.rows and not row.by_others for position, row in enumerate(judged)]
        verdicts = tuple(
            _with_write(
                RowVerdict(
                    run_id=batch.run_id,
                    plan_id=batch.order.plan_id,
                    batch=batch.name,
                    try_number=self.try_number,
                    at=at,
                    instance=batch.instance,
                    kind=change.kind,
                    account_id=change.account_id,
                    organization_id=change.organization_id or row.organization_id,
                    name=change.name,
                    verdict=row.verdict or "unknown",
                    reason=row.reason,
                    vendor_words=messages.get(position, "")[:2000],
                    written=position in entry.sent and not row.by_others,
                    job_id=entry.job_id if wrote[position] else None,
                    calls=calls,
                    written_at=entry.intended if wrote[position] else None,
                    whole_job=row.whole_job,
                ),
                [rows[position] for rows in earlier if position not in entry.rows],
            )
            for position, (change, row) in enumerate(zip(batch.changes, judged, strict=True))
        )
        self.archive.write_verdicts(self.run_after, verdicts, settled=entry.token if settles else None)
        return verdicts

    def archive_unknown(self, claims: Sequence[OpenJob], error: Exception) -> None:
        """Archives the verdict "unknown" if a claim sent rows; a later try that finds the outcome is newer.

        Verdicts written after the last submit stay: then only the removal of the entry can have failed.
        """
        if not (sent := sent_by(claims)):
            return
        intended = [claim.intended for claim in claims if claim.intended is not None]
        if intended and any(row.at >= max(intended) for rows in self._tries() for row in rows):
            return
        failed = f"its task failed before it was read back ({type(error).__name__})"
        unknown, not_sent = Judgment("unknown", f"sent, but {failed}"), Judgment("unknown", f"not sent, and {failed}")
        judged = [unknown if row in sent else not_sent for row in range(len(self.batch.changes))]
        last = next((claim for claim in reversed(claims) if claim.announced), claims[-1])
        self.archive_verdicts(replace(last, sent=sent), judged, {})

    def _tries(self) -> list[list[RowVerdict]]:
        batch = self.batch
        return self.archive.tries(batch.run_id, self.run_after, batch.order.plan_id, batch.name)


def _by_others(row: Judgment) -> Judgment:
    """A row that Zendesk refused and shows as desired nevertheless: somebody else wrote it first."""
    if row.verdict != "confirmed":
        return row
    return replace(row, reason="Zendesk refused it, since somebody else had written the same", by_others=True)


def _with_write(line: RowVerdict, earlier: Sequence[RowVerdict]) -> RowVerdict:
    """A line that also knows an earlier try's write of its row, with its job and time where that was confirmed."""
    writes = [one for one in earlier if one.written and one.verdict != "rejected"]
    if not writes:
        return line
    confirmed = [one for one in writes if one.verdict == "confirmed"]
    if not confirmed:
        return replace(line, written=True)
    first = confirmed[0]
    return replace(line, written=True, job_id=first.job_id, written_at=first.written_at or first.at)


def _with_id(judgment: Judgment, raw: Raw | None) -> Judgment:
    """Adds the id of the organization that was read: the plan does not know it for a create."""
    return judgment if raw is None else replace(judgment, organization_id=raw["id"])
