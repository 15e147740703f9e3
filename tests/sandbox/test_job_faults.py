"""Faults of bulk jobs: lost, failed, incomplete, endless, late."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from partner_sync.sandbox import Sandbox


def submit(zendesk: Any, count: int = 3) -> dict[str, Any]:
    body = {"organizations": [{"name": f"n{number}", "notes": "x"} for number in range(count)]}
    return dict(zendesk.submit("POST", "/organizations/create_many", body))


def written(sandbox: Sandbox) -> list[str]:
    return sorted(row["name"] for row in sandbox.organizations())


@pytest.mark.parametrize("applied", [True, False, 2])
def test_a_lost_job_is_unknown_for_ever_whether_or_not_it_took_effect(
    sandbox: Sandbox, zendesk: Any, applied: bool | int
) -> None:
    sandbox.fault("lost", applied=applied)
    job = submit(zendesk)
    assert zendesk.call("GET", f"/job_statuses/{job['id']}").status_code == 404
    assert zendesk.get("/job_statuses/show_many", {"ids": job["id"]})["job_statuses"] == []
    assert zendesk.get("/job_statuses", {"page[size]": 10})["job_statuses"] == []
    assert len(written(sandbox)) == {True: 3, False: 0, 2: 2}[applied]


def test_a_lost_job_may_take_effect_in_its_own_time(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("lost", in_time=True)
    job = submit(zendesk)
    assert written(sandbox) == []
    sandbox.end_job(job["id"])
    assert len(written(sandbox)) == 3


@pytest.mark.parametrize(("applied", "names"), [(False, []), (True, ["n0", "n1", "n2"]), (2, ["n0", "n1"])])
def test_a_job_can_fail_without_with_or_with_half_its_effect(
    sandbox: Sandbox, zendesk: Any, applied: bool | int, names: list[str]
) -> None:
    sandbox.fault("failed", applied=applied, message="Job failed")
    done = zendesk.ended(submit(zendesk))
    assert (done["status"], done["message"], done["results"]) == ("failed", "Job failed", None)
    assert written(sandbox) == names


def test_a_job_can_be_killed(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("failed", status="killed")
    assert zendesk.ended(submit(zendesk))["status"] == "killed"


def test_single_rows_can_fail(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("fail_rows", rows=[1], error="Conflict", details="Database collision")
    done = zendesk.ended(submit(zendesk))
    assert done["results"][1] == {"index": 1, "error": "Conflict", "details": "Database collision"}
    assert written(sandbox) == ["n0", "n2"]


def test_rows_that_fail_without_a_code_get_the_usual_one(sandbox: Sandbox, zendesk: Any) -> None:
    organization = zendesk.create(name="a")
    sandbox.fault("fail_rows", path="*/update_many")
    batch = {"organizations": [{"id": organization["id"], "notes": "x"}]}
    done = zendesk.ended(zendesk.submit("PUT", "/organizations/update_many", batch))
    assert done["results"] == [
        {
            "index": 0,
            "error": "OrganizationUpdateFailed",
            "id": organization["id"],
            "details": "Something went wrong",
        }
    ]


def test_results_can_be_missing_for_rows_that_were_written(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("drop_results", count=2)
    done = zendesk.ended(submit(zendesk))
    assert (done["status"], done["total"], len(done["results"])) == ("completed", 3, 1)
    assert len(written(sandbox)) == 3


def test_fields_can_be_dropped_silently_although_the_row_says_success(sandbox: Sandbox, zendesk: Any) -> None:
    organization = zendesk.create(name="a")
    sandbox.fault("drop_fields", keys=["notes", "account_owner"])
    change = {"id": organization["id"], "notes": "x", "details": "y", "organization_fields": {"account_owner": "Ada"}}
    done = zendesk.ended(zendesk.submit("PUT", "/organizations/update_many", {"organizations": [change]}))
    shown = sandbox.organization(organization["id"])
    assert done["results"][0]["success"] is True
    assert (shown["notes"], shown["details"], shown["organization_fields"]["account_owner"]) == (None, "y", None)


@pytest.mark.parametrize(("applied", "progress"), [(False, 0), (2, 2), (True, 3)])
def test_a_job_can_go_on_for_ever_until_it_is_ended_by_hand(
    sandbox: Sandbox, zendesk: Any, applied: bool | int, progress: int
) -> None:
    sandbox.settings(job_seconds=0)
    sandbox.fault("never_ends", applied=applied)
    job = submit(zendesk)
    shown = zendesk.get(f"/job_statuses/{job['id']}")["job_status"]
    assert (shown["status"], shown["progress"]) == ("working", progress)
    assert len(written(sandbox)) == progress
    assert zendesk.ended(job)["status"] == "completed"
    assert len(written(sandbox)) == 3


def test_a_job_can_be_slow(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.settings(job_seconds=0)
    sandbox.fault("slow", seconds=60)
    assert zendesk.get(f"/job_statuses/{submit(zendesk)['id']}")["job_status"]["status"] == "queued"
    assert zendesk.get(f"/job_statuses/{submit(zendesk)['id']}")["job_status"]["status"] == "completed"


def test_the_first_polls_may_find_nothing_yet(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("first_polls_404", polls=2)
    job = submit(zendesk)
    statuses = [zendesk.call("GET", f"/job_statuses/{job['id']}").status_code for _ in range(3)]
    assert statuses == [404, 404, 200]
    assert zendesk.ended(job)["status"] == "completed"


def test_a_submit_can_meet_too_many_jobs(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("too_many_jobs", times=2)
    body = {"organizations": [{"name": "a"}]}
    statuses = [zendesk.call("POST", "/organizations/create_many", json=body).status_code for _ in range(3)]
    assert statuses == [429, 429, 200]
    assert len(sandbox.jobs()) == 1


def test_a_job_fault_waits_for_a_submit_of_its_kind(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("failed", path="*/update_many")
    assert zendesk.ended(submit(zendesk))["status"] == "completed"
    assert sandbox.faults()[0]["times"] == 1


def test_the_wire_and_the_job_can_suffer_in_one_call(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("reset_after", path="*/create_many")
    sandbox.fault("lost", applied=True)
    with pytest.raises(requests.ConnectionError):
        submit(zendesk)
    assert len(written(sandbox)) == 3
    assert zendesk.get("/job_statuses")["job_statuses"] == []


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_texts_can_be_normalized_when_they_are_written(sandbox: Sandbox, zendesk: Any, method: str) -> None:
    sandbox.fault("normalize", path="*_many", times=None)
    texts = {"account_owner": "Ada   Lovelace", "renewal_notes": "Ze\u0301lie\r\nlate \t reply"}
    item: dict[str, Any] = {"name": "A   B", "organization_fields": {**texts, "seats": 5}}
    path = "/organizations/create_many"
    if method == "PUT":
        path = "/organizations/update_many"
        item["id"] = sandbox.add_organizations([{"name": "a"}])[0]
    zendesk.ended(zendesk.submit(method, path, {"organizations": [item]}))
    (organization,) = sandbox.organizations()
    fields = organization["organization_fields"]
    assert (organization["name"], fields["account_owner"], fields["seats"]) == ("A B", "Ada Lovelace", 5)
    assert fields["renewal_notes"] == "Z\xe9lie\nlate reply"
