"""The rules of the writing protocol. Each one is a switch: without it, some schedule goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, fields

SUBMITS = 3
"""Submits of one batch."""
TIMEOUTS = 25
"""Ticks that a submit may take to arrive: connect and read time-outs together."""
DEADLINE = 14
"""Ticks after the announcement in which a submit may begin."""
LAG = 20
"""Ticks that Zendesk may not show a job it accepted, neither in its list nor by id."""
GONE = 90
"""Execution timeout of a task: only a process that Airflow takes for dead lives longer."""
MAX_AGE = 160
"""Ticks after the begin of its account snapshot in which a plan may be written."""
VALID = 250
"""Ticks that an approval is in force."""
LOOKS = 3
"""Lists of `latest/`, two ticks apart, that must all lack the batch's plan before the archive counts as a wrong one."""


@dataclass(frozen=True)
class Rules:
    """True: the rule holds."""

    # which plan is the newest
    snapshot_order: bool = True
    """Plans are ordered by the begin of their account snapshot; else by the end of `compare`."""
    name_per_plan: bool = True
    """Each plan is named in `latest/` by an object of its own; else one object is read and overwritten."""
    foreign_names_ignored: bool = True
    """Names in `latest/` that do not parse are ignored; else they sort as the newest."""
    refuses_none: bool = True
    """A batch that finds no latest plan sends nothing: this is not the archive that `compare` wrote to."""
    refuses_older: bool = True
    """The same if the latest plan is older than the batch's own."""
    three_looks: bool = True
    """Both count only if three looks agree, since a listing can miss a name; else if two do."""
    max_plan_age: bool = True
    """A plan older than MAX_AGE is not written."""

    # the open-job register
    own_claims: bool = True
    """Each claim is an object of its own; else all claims of a batch overwrite one object.

    A batch reports what any of its claims sent, and closing removes what was reported, but no claim that another
    process has announced.
    """
    settles_own: bool = True
    """What an earlier visit announced is followed before the batch claims again."""
    waits_for_older: bool = True
    """No batch writes while claims of older plans are open."""
    jobs_limit: bool = True
    """No batch writes while `limit` other batches may have a job that runs."""
    claims_first: bool = True
    """A batch counts the others after it has written its claim; else it may count what it read before."""
    released_is_settled: bool = True
    """A released claim that must stay, since an earlier one sent rows, blocks nobody."""
    first_claims: bool = True
    """The claims of the batch are compared before the announcement."""
    last_claims: bool = True
    """They are compared again, last of all, before the submit."""
    others_yield: bool = True
    """Both times, a younger or announced claim of the batch means: nothing is sent."""
    verdicts_since: bool = True
    """So do verdicts of the batch that are younger than the claim."""
    last_latest: bool = True
    """The last look includes the latest plan."""
    deadline: bool = True
    """A submit begins at most DEADLINE after its announcement, and settling waits for that too."""

    # submits whose response was lost, jobs that Zendesk does not show
    waits_for_timeouts: bool = True
    """A submit without a known job counts as ended only after the time-outs."""
    waits_for_lag: bool = True
    """It counts as ended only after its job would have to be in the list of jobs."""
    first_look: bool = True
    """Only jobs that ran at the first look after that can be the lost one; else any that runs."""
    known_before: bool = True
    """The list of jobs is read back to the newest job known before the submit; else to the newest one known now."""
    job_404: bool = True
    """A job that Zendesk does not know is treated as a lost response; else as ended."""

    # verdicts
    rereads: bool = True
    """Organizations are read again before the announcement."""
    field_by_field: bool = True
    """Each field of a row is judged on its own when it is read again; else a row is written whole."""
    settler_reports: bool = True
    """The process that settles an abandoned claim reads its rows back and reports."""
    compare_settles: bool = True
    """A plan without batches settles what is abandoned; else nobody does until a plan has one."""
    newest_verdict: bool = True
    """The newest verdict of a row counts; else one by a settler counts first."""
    any_try: bool = True
    """A row counts as written if any try wrote it; else if the newest did."""

    # decisions
    exact_row: bool = True
    """An approval is of one row with its exact fields, old and new values; else of the row."""
    different_users: bool = True
    """Where two people must approve, they are two users; else two approvals suffice."""
    leave_is_final: bool = True
    """A `leave` ends older approvals for good; else only until it is withdrawn."""
    first_decisions: bool = True
    """A visit reads decisions before it reads the rows again, and drops rows whose decision is no longer in force."""
    last_decisions: bool = True
    """The last look includes decisions."""
    taken_before: bool = True
    """Approvals are taken before the submit; else after the read-back."""
    taken_back: bool = True
    """A process that knows that it sent nothing takes its own taking back."""
    taken_kept: bool = True
    """A lost response leaves the approval taken."""
    leave_outlives: bool = True
    """A leave that is over moves only after every approval that it ended; else at once."""
    moves_unclaimed: bool = True
    """A used approval moves only when no claim that took it is open; else at once."""
    restore_ends: bool = True
    """A restore has ended for good once the mapping wanted something else."""
    restore_since: bool = True
    """Only a snapshot begun after the decision can show that; else any."""
    restore_spares: bool = True
    """A field that shows neither what the run wrote nor what was there before is not restored."""


NAMES = tuple(rule.name for rule in fields(Rules))
