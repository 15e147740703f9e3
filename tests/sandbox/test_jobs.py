"""Bulk jobs: queued, working, ended, with what became of each item in the order of the request."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from partner_sync.sandbox import Sandbox


def bodies(count: int) -> dict[str, Any]:
    return {"organizations": [{"name": f"n{number}", "external_id": f"X{number}"} for number in range(count)]}


def create_many(zendesk: Any, count: int = 1) -> dict[str, Any]:
    return dict(zendesk.submit("POST", "/organizations/create_many.json", bodies(count)))


def until(zendesk: Any, job: dict[str, Any], status: str) -> dict[str, Any]:
    """Poll until the job has a status; fails after ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        shown = zendesk.get(f"/job_statuses/{job['id']}")["job_status"]
        if shown["status"] == status:
            return dict(shown)
    raise AssertionError(f"the job did not become {status}")


def test_a_job_is_answered_as_queued(zendesk: Any) -> None:
    answer = zendesk.call("POST", "/organizations/create_many", json=bodies(2))
    job = answer.json()["job_status"]
    assert answer.status_code == 200
    assert re.fullmatch(r"V3-[0-9a-f]{32}", job["id"])
    assert job == {
        "id": job["id"],
        "url": f"https://z3n-acme.zendesk.example/api/v2/job_statuses/{job['id']}.json",
        "total": 2,
        "progress": None,
        "status": "queued",
        "message": None,
        "results": None,
        "job_type": "Bulk Create Organization",
    }
    assert answer.headers["zendesk-ratelimit-inflight-jobs"] == "total=30; remaining=29; resets=60"


def test_a_job_works_item_by_item_and_then_completes_without_being_polled(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.settings(job_seconds=0.5)
    job = create_many(zendesk, 10)
    assert zendesk.get("/organizations/count")["count"]["value"] == 0
    working = until(zendesk, job, "working")
    assert working["message"] == f"Creating organization #{working['progress']}"
    assert working["results"] is None
    until(zendesk, job, "completed")
    times = [write["at"] for write in sandbox.writes()]
    assert times == sorted(times)
    assert 0.3 < times[-1] - times[0] <= 0.5


def test_a_completed_job_has_a_result_for_each_item(zendesk: Any) -> None:
    done = zendesk.ended(create_many(zendesk, 3))
    assert (done["status"], done["progress"], done["total"]) == ("completed", 3, 3)
    assert re.fullmatch(r"Completed at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000", done["message"])
    by_name = {row["name"]: row["id"] for row in zendesk.sandbox.organizations()}
    assert done["results"] == [{"status": "Created", "id": by_name[name]} for name in ("n0", "n1", "n2")]


def test_a_create_that_fails_does_not_stop_the_others(zendesk: Any) -> None:
    zendesk.create(name="N1")
    done = zendesk.ended(create_many(zendesk, 3))
    assert done["status"] == "completed"
    assert done["results"][1] == {
        "index": 1,
        "error": "OrganizationCreateFailed",
        "details": "Name:  n1 has already been taken",
    }
    assert [set(each) for each in done["results"]] == [
        {"status", "id"},
        {"index", "error", "details"},
        {"status", "id"},
    ]


def test_a_batch_gives_each_organization_its_own_change(zendesk: Any) -> None:
    first, second = zendesk.create(name="a"), zendesk.create(name="b")
    batch = [
        {"id": first["id"], "name": "c"},
        {"id": second["id"], "name": "C"},
        {"id": 77, "name": "d"},
        {"name": "e"},
    ]
    job = zendesk.submit("PUT", "/organizations/update_many.json", {"organizations": batch})
    done = zendesk.ended(job)
    assert done["job_type"] == "Bulk Update Organization"
    assert done["results"][:2] == [
        {"action": "update", "id": first["id"], "status": "Updated", "success": True},
        {
            "index": 1,
            "error": "OrganizationUpdateFailed",
            "id": second["id"],
            "details": "Name:  C has already been taken",
        },
    ]
    assert [(each["index"], each["error"], each["id"]) for each in done["results"][2:]] == [
        (2, "OrganizationNotFound", 77),
        (3, "OrganizationNotFound", None),
    ]


@pytest.mark.parametrize("parameter", ["ids", "external_ids"])
def test_the_other_form_gives_many_the_same_change(sandbox: Sandbox, zendesk: Any, parameter: str) -> None:
    ids = sandbox.add_organizations([{"name": "a", "external_id": "A"}, {"name": "b", "external_id": "B"}])
    values = ",".join(map(str, ids)) if parameter == "ids" else "a,b"
    change = {"organization": {"organization_fields": {"mark_for_deletion": True}}}
    job = zendesk.submit("PUT", "/organizations/update_many", change, **{parameter: values})
    assert [each["status"] for each in zendesk.ended(job)["results"]] == ["Updated", "Updated"]
    marks = [row["organization_fields"]["mark_for_deletion"] for row in sandbox.organizations()]
    assert marks == [True, True]


def test_many_can_be_deleted(sandbox: Sandbox, zendesk: Any) -> None:
    ids = sandbox.add_organizations([{"name": "a"}, {"name": "b"}])
    done = zendesk.ended(zendesk.submit("DELETE", "/organizations/destroy_many", ids=f"{ids[0]},77"))
    assert done["results"][0] == {"action": "delete", "id": ids[0], "status": "Deleted", "success": True}
    assert done["results"][1]["error"] == "OrganizationNotFound"
    assert [row["id"] for row in sandbox.organizations()] == ids[1:]


def test_unknown_keys_of_a_batch_are_dropped_and_named(zendesk: Any) -> None:
    organization = zendesk.create(name="a")
    batch = [{"id": organization["id"], "nmae": "b", "organization_fields": {"acount": 1}}]
    answer = zendesk.call("PUT", "/organizations/update_many", json={"organizations": batch})
    warning = answer.headers["x-zendesk-api-warn"]
    assert '["organizations.nmae", "organizations.organization_fields.acount"]' in warning
    assert zendesk.ended(answer.json()["job_status"])["results"][0]["success"] is True
    assert zendesk.sandbox.writes()[-1]["no_op"] is True


@pytest.mark.parametrize(
    ("method", "path", "body", "parameters"),
    [
        ("POST", "/organizations/create_many", bodies(101), {}),
        ("PUT", "/organizations/update_many", bodies(101), {}),
        ("PUT", "/organizations/update_many", {"organization": {}}, {"ids": ",".join(["1"] * 101)}),
        ("DELETE", "/organizations/destroy_many", None, {"ids": ",".join(["1"] * 101)}),
    ],
)
def test_more_than_100_items_are_refused_in_the_recorded_words(
    zendesk: Any, method: str, path: str, body: Any, parameters: dict[str, str]
) -> None:
    answer = zendesk.call(method, path, json=body, params=parameters)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "TooManyValues",
        "description": "Parameter  cannot specify more than 100 values",
        "max_count": 100,
    }


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/organizations/create_many", {}),
        ("POST", "/organizations/create_many", {"organizations": []}),
        ("POST", "/organizations/create_many", {"organizations": ["a"]}),
        ("PUT", "/organizations/update_many", {"organization": {"name": "a"}}),
        ("PUT", "/organizations/update_many?ids=1", {}),
        ("DELETE", "/organizations/destroy_many", None),
    ],
)
def test_a_job_without_items_is_refused(zendesk: Any, method: str, path: str, body: Any) -> None:
    assert zendesk.call(method, path, json=body).status_code == 400


def test_at_most_30_jobs_are_in_flight(sandbox: Sandbox, zendesk: Any) -> None:
    foreign = sandbox.add_jobs(count=28, seconds=60)
    own = [create_many(zendesk)["id"], create_many(zendesk)["id"]]
    answer = zendesk.call("POST", "/organizations/create_many", json=bodies(1))
    assert answer.status_code == 429
    assert answer.json() == {
        "error": "TooManyJobs",
        "description": "Too many OrganizationBulkCreateJob jobs are currently queued or running. Try again later.",
        "current_job_ids": [*foreign, *own],
    }
    assert answer.headers["zendesk-ratelimit-inflight-jobs"] == "total=30; remaining=0; resets=60"
    sandbox.end_job(foreign[0])
    assert create_many(zendesk)["status"] == "queued"
    assert sandbox.overview()["counts"]["most_jobs_in_flight"] == 30


def test_jobs_are_listed_newest_first(zendesk: Any) -> None:
    ids = [create_many(zendesk)["id"] for _ in range(3)]
    first = zendesk.get("/job_statuses.json", {"page[size]": 2})
    second = zendesk.get("/job_statuses", {"page[size]": 2, "page[after]": first["meta"]["after_cursor"]})
    assert [job["id"] for job in first["job_statuses"] + second["job_statuses"]] == ids[::-1]
    assert (first["meta"]["has_more"], second["meta"]["has_more"]) == (True, False)
    assert zendesk.get("/job_statuses")["count"] == 3


def test_many_jobs_are_polled_at_once_without_unknown_ones(zendesk: Any) -> None:
    ids = [create_many(zendesk)["id"] for _ in range(2)]
    answer = zendesk.get("/job_statuses/show_many", {"ids": ",".join([*ids, "V3-none"])})
    assert [job["id"] for job in answer["job_statuses"]] == ids
    assert answer["count"] == 2


def test_an_unknown_job_is_a_404(zendesk: Any) -> None:
    answer = zendesk.call("GET", "/job_statuses/V3-none")
    assert (answer.status_code, answer.json()) == (404, {"error": "RecordNotFound", "description": "Not found"})


def test_an_ended_job_is_forgotten_after_its_time(sandbox: Sandbox, zendesk: Any) -> None:
    job = create_many(zendesk)
    sandbox.end_job(job["id"])
    sandbox.settings(jobs_kept_seconds=0)
    assert zendesk.call("GET", f"/job_statuses/{job['id']}").status_code == 404


def test_a_job_of_no_duration_is_done_at_the_first_poll(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.settings(job_seconds=0)
    job = create_many(zendesk)
    assert zendesk.get(f"/job_statuses/{job['id']}")["job_status"]["status"] == "completed"


def test_calls_that_concern_a_job_carry_its_id(sandbox: Sandbox, zendesk: Any) -> None:
    job = create_many(zendesk)
    zendesk.get(f"/job_statuses/{job['id']}")
    zendesk.ended(job)
    assert [call["job_id"] for call in sandbox.calls()][-3:] == [job["id"]] * 3
    assert sandbox.writes()[0]["job_id"] == job["id"]
