"""The sandbox: Salesforce and Zendesk over real HTTP on loopback, stateful, with faults on demand.

``python -m partner_sync.sandbox`` starts it as a process of its own, ``with Sandbox() as sandbox:`` in a thread. It
imitates the vendors as they document themselves and as recordings show them, not what our client happens to need, and
shares no code with the rest of the product: one misreading in both would cancel out. What no document settles is marked
"assumption" where it is decided.

Control API
-----------

Below ``/_sandbox`` on both ports, JSON in and out, no credential. Errors are ``{"error": reason}`` with 400, 404 or
422. ``Sandbox`` and ``Control(url)`` offer each of these as a method.

=======  ==================================  ==========================================================================
GET      /_sandbox                           counts and settings
GET      /_sandbox/cases                     what the world has on purpose: ids of accounts and organizations by case
GET      /_sandbox/calls?since=N             vendor calls after number N: n, at (epoch seconds), system, method, path,
                                             query (names), status (null: no answer), fault, job_id, seconds
GET      /_sandbox/writes?since=N            applied changes of organizations after number N: n, at, by ("job",
                                             "single", "person"), job_id, action ("create", "update", "delete"),
                                             organization_id, external_id, before and after (what changed; fields as
                                             "organization_fields.KEY"), no_op
GET      /_sandbox/accounts                  all living accounts, hidden ones too
POST     /_sandbox/accounts                  a list of accounts, or one; same Id: the given fields change
DELETE   /_sandbox/accounts/ID               into the recycle bin
GET      /_sandbox/deleted-accounts          those in the recycle bin
POST     /_sandbox/accounts/ID/merge         {"into": ID}: into the recycle bin, as the loser of a merge
POST     /_sandbox/accounts/ID/undelete      out of the recycle bin again
POST     /_sandbox/accounts/ID/purge         gone for good, from the recycle bin or alive
POST     /_sandbox/accounts/ID/hide          alive, but no query finds it; /unhide ends that
GET      /_sandbox/account-fields            {path: type}
POST     /_sandbox/account-fields            {path: type}: fields become known to queries
DELETE   /_sandbox/account-fields/PATH
GET      /_sandbox/organizations             all by id; ?name=, ?external_id=, ?salesforce_id= narrow
POST     /_sandbox/organizations             a list of organizations, or one, put there unchecked
GET      /_sandbox/organizations/ID
PATCH    /_sandbox/organizations/ID          an edit by a person: attributes as in Zendesk's "organization"
DELETE   /_sandbox/organizations/ID
POST     /_sandbox/organizations/ID/tickets  {"open": 3, "solved": 40, "users": 12}: its tickets and users from now on
GET      /_sandbox/organization-fields       all, inactive ones too
POST     /_sandbox/organization-fields       {"key", "type"[, "options", "title", "tag", "active", ...]}
PATCH    /_sandbox/organization-fields/KEY   {"active": false}, {"options": [...]}, {"title": ...}
DELETE   /_sandbox/organization-fields/KEY
GET      /_sandbox/settings
PATCH    /_sandbox/settings                  see ``Settings``
POST     /_sandbox/tokens/expire             {"system": "salesforce"}, "zendesk", or null for both
GET      /_sandbox/jobs                      bulk jobs with items, times and what is done
POST     /_sandbox/jobs                      {"count": 3, "seconds": 60}: jobs of other integrations, taking up places
POST     /_sandbox/jobs/ID/end               the job does the rest at once
POST     /_sandbox/reset                     {"world": "default"|"empty"|"large", "seed", "accounts", "organizations",
                                             "creates", "updates", "marks"}; settings stay, everything else is gone
GET      /_sandbox/faults                    all, with what is left of skip and times
POST     /_sandbox/faults                    a list of faults, or one
DELETE   /_sandbox/faults                    lifts all; /faults/ID one
=======  ==================================  ==========================================================================

Pages for people
----------------

GET ``/agent/organizations/ID`` on Zendesk's port and ``/lightning/r/Account/ID/view`` on Salesforce's show one record,
where the vendors have their own page of it.

Faults
------

``{"do": KIND, "system": "zendesk", "method": "GET", "path": "/api/v2/organizations*", "query": "*", "skip": 0,
"times": 1, ...}``. ``path``, ``method`` and ``query`` are patterns with ``*``; ``times`` null is for ever. On the wire:

===================  ==================================================================================================
status               status, headers, body, content_type; effect: true lets the call take effect first
reset_before         the connection breaks before anything happens
reset_after          the call takes effect, then the connection breaks
hang                 seconds, then the call goes on (effect: true), or the connection breaks (effect: false)
slow_body            the body comes over so many seconds
truncated            how: "length" (half of what was announced, then the end) or "json" (half a document)
html                 a sign-in page with status 200 (or status) in place of JSON; effect
redirect             status 302, location
forbidden            403 in the system's own form: the user lacks the permission for such calls
invalid_auth_header  Salesforce's 401 of that name, which calls for a new session
short_read           drop: rows missing at the end of a page; end: true ends the paging early
foreign_links        links, nextRecordsUrl and instance_url name the host
count_updating       the count of organizations has the limit as its value at most, and refreshed_at null
endless              an incremental export has no end; moving: its next page begins a second later, else it is the same
revived              an incremental export shows deleted organizations as living ones
twins                the last count rows of an incremental export also come first on the page, as they were before
clock_skew           the Date header is seconds off
===================  ==================================================================================================

For the next bulk job that is submitted:

===============  ==================================================================================================
lost             its id is unknown for ever; applied: whether it takes effect, in_time: at its time, not at once
failed           status "failed" (or "killed"); applied: true, false, or how many items from the first
fail_rows        rows: places of items that fail, with error and details
drop_results     count results are missing at the end
drop_fields      keys: attributes or organization fields that are silently not applied
normalize        texts are written with one blank for a run of blanks, in NFC, with LF for CRLF
never_ends       stays working; applied as above
slow             seconds
first_polls_404  polls: how many polls find nothing yet
too_many_jobs    the submit is refused with TooManyJobs
===============  ==================================================================================================
"""

from .client import Control, Controls
from .control import ControlError
from .ids import is_salesforce_id, salesforce_id
from .sandbox import Sandbox
from .settings import Settings
from .world import PINNED_ACCOUNT_ID, World, an_empty_world, default_world, large_world

__all__ = [
    "PINNED_ACCOUNT_ID",
    "Control",
    "ControlError",
    "Controls",
    "Sandbox",
    "Settings",
    "World",
    "an_empty_world",
    "default_world",
    "is_salesforce_id",
    "large_world",
    "salesforce_id",
]
