"""The index as tables. Times are seconds since 1970, lists and tables within a row are JSON."""

from __future__ import annotations

VERSION = 5
"""Raised when the tables or their contents change: an index of another release is never read."""

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE day (day TEXT PRIMARY KEY, listed REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE object (path TEXT PRIMARY KEY, stamp TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE unreadable (path TEXT PRIMARY KEY, run INTEGER NOT NULL, message TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX unreadable_run ON unreadable (run);

CREATE TABLE run (
    id INTEGER PRIMARY KEY, folder TEXT NOT NULL UNIQUE, day TEXT NOT NULL, run_id TEXT NOT NULL,
    run_after REAL NOT NULL, begun REAL NOT NULL, ended REAL NOT NULL,
    header TEXT,                       -- the RunRecord, its plan without problems
    trigger TEXT,                      -- the Trigger, from the record or from a failure
    failures TEXT NOT NULL DEFAULT '{}',  -- path to Failure
    problem_set INTEGER, plan_id TEXT, made REAL, dry_run INTEGER NOT NULL DEFAULT 0, whole INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'running', cause TEXT, why TEXT NOT NULL DEFAULT '', settled INTEGER NOT NULL DEFAULT 0,
    accounts INTEGER, batches INTEGER NOT NULL DEFAULT 0, batches_done INTEGER NOT NULL DEFAULT 0,
    calls INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX run_begun ON run (begun);
CREATE INDEX run_run_id ON run (run_id);
CREATE INDEX run_day ON run (day);
CREATE INDEX run_running ON run (begun) WHERE state = 'running';
CREATE INDEX run_unsettled ON run (settled) WHERE settled = 0;
CREATE INDEX run_problem_set ON run (problem_set, begun);
CREATE INDEX run_plan ON run (plan_id);

-- What a run read, planned and wrote in one instance.
CREATE TABLE side (
    run INTEGER NOT NULL, instance TEXT NOT NULL, begun REAL NOT NULL, day TEXT NOT NULL,
    organizations INTEGER, types TEXT NOT NULL DEFAULT '{}',
    "create" INTEGER NOT NULL DEFAULT 0, "update" INTEGER NOT NULL DEFAULT 0, mark INTEGER NOT NULL DEFAULT 0,
    withheld INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL DEFAULT 0, updated INTEGER NOT NULL DEFAULT 0, marked INTEGER NOT NULL DEFAULT 0,
    confirmed INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0,
    superseded INTEGER NOT NULL DEFAULT 0, unknown INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run, instance)
) WITHOUT ROWID;
CREATE INDEX side_begun ON side (instance, begun);
CREATE INDEX side_day ON side (day, instance, begun, types);

CREATE TABLE plan (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, plan_id TEXT NOT NULL, made REAL, dry_run INTEGER NOT NULL DEFAULT 0,
    not_restored TEXT NOT NULL DEFAULT '[]',  -- the fields that a decision to undo a run did not put back
    UNIQUE (run, plan_id)
);
CREATE TABLE change (
    id INTEGER PRIMARY KEY, plan INTEGER NOT NULL, n INTEGER NOT NULL, begun REAL NOT NULL,
    kind TEXT NOT NULL, instance TEXT NOT NULL, account_id TEXT NOT NULL, organization_id INTEGER,
    name TEXT NOT NULL, folded TEXT NOT NULL, reason TEXT NOT NULL,
    fields TEXT NOT NULL, field_names TEXT NOT NULL,
    hold TEXT, hold_reason TEXT, tickets INTEGER, users INTEGER,
    outcome TEXT NOT NULL, verdict_reason TEXT NOT NULL DEFAULT '', vendor_words TEXT NOT NULL DEFAULT '',
    decisions TEXT NOT NULL DEFAULT '',  -- the ids of the decisions that let it be written, or left it, by spaces
    written INTEGER NOT NULL DEFAULT 0, written_at REAL, batch TEXT, job_id TEXT, try_number INTEGER, at REAL,
    calls INTEGER
);
CREATE UNIQUE INDEX change_plan ON change (plan, n);
CREATE INDEX change_groups ON change (plan, kind, field_names, outcome, instance, hold);
CREATE INDEX change_account ON change (account_id);
CREATE INDEX change_organization ON change (organization_id);
CREATE INDEX change_hold ON change (hold, begun) WHERE hold IS NOT NULL;
CREATE TABLE changed (  -- confirmed updates by field, and how many of them wrote over an edit in Zendesk
    run INTEGER NOT NULL, instance TEXT NOT NULL, field TEXT NOT NULL, begun REAL NOT NULL, count INTEGER NOT NULL,
    edited INTEGER NOT NULL,
    PRIMARY KEY (run, instance, field)
) WITHOUT ROWID;
CREATE INDEX changed_begun ON changed (begun, instance, field, count, edited);

-- Problems last for weeks: a run refers to a set of problems, and equal sets are stored once.
CREATE TABLE problem (
    id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, identity TEXT NOT NULL, kind TEXT NOT NULL, instance TEXT,
    accounts TEXT NOT NULL, organizations TEXT NOT NULL, detail TEXT NOT NULL, advice TEXT NOT NULL,
    named TEXT NOT NULL,               -- the id by which people name it
    acknowledged TEXT                  -- the id of the decision that leaves it
);
CREATE TABLE problem_subject (
    subject TEXT NOT NULL, problem INTEGER NOT NULL, PRIMARY KEY (subject, problem)
) WITHOUT ROWID;
CREATE TABLE problem_set (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, count INTEGER NOT NULL);
CREATE TABLE problem_in (
    problem INTEGER NOT NULL, problem_set INTEGER NOT NULL, PRIMARY KEY (problem, problem_set)
) WITHOUT ROWID;
CREATE INDEX problem_in_set ON problem_in (problem_set, problem);

-- Partners as of the last read.
CREATE TABLE partner (
    instance TEXT NOT NULL, account_id TEXT NOT NULL, organization_id INTEGER NOT NULL, name TEXT NOT NULL,
    desired TEXT, existing TEXT, marked INTEGER NOT NULL,
    PRIMARY KEY (account_id, instance, organization_id)
) WITHOUT ROWID;
CREATE INDEX partner_organization ON partner (organization_id, instance);
CREATE TABLE last_read (
    instance TEXT PRIMARY KEY, begun REAL NOT NULL, fields TEXT NOT NULL,
    titles TEXT NOT NULL, sources TEXT NOT NULL  -- tables by field: its name in Zendesk, the Salesforce field and rule
) WITHOUT ROWID;

-- Small objects of an instance as they are: decisions, the newest memory, and what ended planning only.
CREATE TABLE kept (
    path TEXT PRIMARY KEY, stamp TEXT NOT NULL, instance TEXT NOT NULL, what TEXT NOT NULL, name TEXT NOT NULL,
    body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX kept_what ON kept (what, instance);

-- Every name that an account or organization was seen with.
CREATE TABLE subject (
    instance TEXT NOT NULL, account_id TEXT NOT NULL, organization_id INTEGER NOT NULL, name TEXT NOT NULL,
    folded TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (account_id, instance, organization_id, name)
) WITHOUT ROWID;
CREATE INDEX subject_organization ON subject (organization_id);
CREATE INDEX subject_folded ON subject (folded, at);
"""
