"""How a mapped task of `sync` ends red: rows are not confirmed, or an element fails so that a person decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from partner_sync.archive.records import VerdictTally
from partner_sync.errors import PermanentError, SnapshotError, VerdictError, WithheldError
from partner_sync.model import FAILED_VERDICTS
from partner_sync.orchestration import locations, xcoms

if TYPE_CHECKING:
    from partner_sync.archive.archive import Archive
    from partner_sync.archive.records import RowVerdict
    from partner_sync.orchestration.run_context import Context


def fail_on_purpose(element: str, archive: Archive, context: Context) -> NoReturn:
    """Raises the error for a person to decide. The plan comes from the archive, where they review it as well."""
    dag_run = context["dag_run"]
    record = archive.run(archive.run_folder(dag_run.run_id, dag_run.run_after))
    if record is None:
        raise SnapshotError(f"The archive has no run.json of {dag_run.run_id}. {xcoms.again('compare')}")
    if element == "withheld":
        holds = [hold for hold in record.plan.holds if hold.opens_case]
        raise WithheldError(
            "\n".join(f"{hold.why} {hold.next_step}\n{locations.review_url(hold.id)}" for hold in holds)
        )
    if element == "instances":
        unread = "; ".join(f"{one.instance}: {one.why}" for one in record.plan.unread)
        raise PermanentError(f"Not read, so nothing is planned there; the other instances were written. {unread}")
    problems = [problem for problem in record.plan.problems if problem.acknowledged is None]
    kinds = sorted({problem.kind for problem in problems})
    raise PermanentError(
        f'{len(problems)} problems ({", ".join(kinds)}), and the config says problems = "fail". Healthy'
        " changes are written. Each problem and its advice are in the archive's run.json."
    )


def fail_with(batch: str, verdicts: Sequence[RowVerdict]) -> NoReturn:
    failed = [row for row in verdicts if row.verdict in FAILED_VERDICTS]
    ids = [str(row.organization_id or row.account_id) for row in failed]
    first = "; ".join(f"{name} {row.verdict}: {row.reason}" for name, row in zip(ids[:10], failed, strict=False))
    more = f"; and {len(ids) - 10} more" if len(ids) > 10 else ""
    raise VerdictError(
        f"{batch}: {len(failed)} of {len(verdicts)} rows are not confirmed: {first}{more}. Zendesk's message on each is"
        " in the archive's verdicts. Fix the cause; the next run plans these rows again.",
        counts=VerdictTally.of(failed),
    )
