"""What a run tells Airflow in numbers: an asset event per instance with the counts, and metrics on the wire."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from partner_sync.errors import SnapshotError
from partner_sync.sandbox import large_world

WORLD = {"accounts": 60, "organizations": 90, "creates": 2, "updates": 3, "marks": 1}


def events() -> list[Any]:
    """All asset events so far, oldest first."""
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return [
            (one.asset.name, dict(one.extra)) for one in session.scalars(select(AssetEvent).order_by(AssetEvent.id))
        ]


@pytest.fixture
def news(database) -> Any:
    """The events since the last look."""
    seen = len(events())

    def look() -> list[Any]:
        nonlocal seen
        new = events()[seen:]
        seen += len(new)
        return new

    return look


# -- asset events -------------------------------------------------------------------------------------------


def test_a_run_emits_one_event_per_instance_with_its_counts(stage, news):
    world = stage(large_world(**WORLD))
    run = world.run()
    ((name, extra),) = news()
    assert "partner_sync/global" == name
    assert (run.record.plan.id, run.record.trigger.run_id) == (extra.pop("plan_id"), extra.pop("run_id"))
    counts = {"create": 2, "update": 3, "mark": 1, "withheld": 0, "problems": 0, "confirmed": 6, "superseded": 0}
    assert counts == extra


def test_a_run_with_nothing_to_do_emits_one_too(stage, news):
    world = stage(large_world(accounts=60, organizations=90))
    assert "skipped" == world.run().tasks["sync"]
    ((name, extra),) = news()
    assert ("partner_sync/global", 0, 0) == (name, extra["update"], extra["confirmed"])


def test_what_is_withheld_does_not_hold_up_the_event(stage, news):
    world = stage(large_world(accounts=60, organizations=90, updates=1, marks=20))
    assert "failed" == world.run().state
    ((_, extra),) = news()
    assert (20, 0, 1) == (extra["withheld"], extra["mark"], extra["confirmed"])


def test_a_damaged_file_of_another_batch_holds_up_the_event_and_not_the_batch(stage, news):
    world = stage(large_world(**WORLD))
    run = world.run()
    news()
    files = sorted((world.folder / "archive").glob("runs/*/*/*/verdicts/*.1.jsonl"))
    damaged = files[0].with_name(files[0].name.replace(".1.", ".9."))
    damaged.write_text("{")
    with pytest.raises(SnapshotError):  # this test cannot read it either, once the run has ended
        world.clear(run, ("sync", 1))
    damaged.unlink()
    assert "success" == world.look_at(run.dag_run.logical_date, []).state
    assert [] == news()


def test_batches_that_each_find_every_verdict_emit_one_event_between_them_and_again_when_cleared(stage, news):
    world = stage(large_world(**WORLD))
    run = world.run()
    assert 1 == len(news())
    for _ in range(2):
        assert "success" == world.clear(run, "sync").state  # all three batches find the verdicts of the first run
        assert 1 == len(news())


@pytest.mark.parametrize("conf", [{"dry_run": True}, {}], ids=["dry run", "rejected row"])
def test_a_dry_run_and_a_run_with_a_rejected_row_emit_none(stage, news, conf):
    world = stage(large_world(**WORLD))
    world.sandbox.fault("fail_rows", rows=[0], times=1)
    world.run(**conf)
    assert [] == news()


def test_a_later_stage_scheduled_on_an_instance_is_queued_and_sees_the_counts(stage, news, database):
    from airflow.models.asset import AssetDagRunQueue, AssetModel
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.sdk import DAG
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from partner_sync.orchestration.telemetry import asset

    seen: list[Any] = []

    def users(inlet_events: Any) -> None:
        seen.extend((event.extra["run_id"], event.extra["confirmed"]) for event in inlet_events[asset("global")])

    with DAG("users", schedule=[asset("global")]) as consumer:
        PythonOperator(task_id="users", python_callable=users, inlets=[asset("global")])
    known(consumer)
    run = stage(large_world(**WORLD)).run()
    with create_session() as session:
        queued = session.execute(select(AssetDagRunQueue.target_dag_id, AssetModel.name).join(AssetModel)).all()
    assert [("users", "partner_sync/global")] == [tuple(row) for row in queued]
    assert "success" == str(consumer.test().state)
    assert (run.record.trigger.run_id, 6) in seen


def known(dag: Any) -> None:
    """What the DAG processor does with a DAG that it finds: its assets become active, its schedule is known."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.collection import update_dag_parsing_results_in_db
    from airflow.serialization.serialized_objects import LazyDeserializedDAG
    from airflow.utils.session import create_session

    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)
        session.flush()
        lazy = [LazyDeserializedDAG.from_dag(dag)]
        update_dag_parsing_results_in_db("dags-folder", None, lazy, {}, None, set(), session)


# -- metrics ------------------------------------------------------------------------------------------------


@pytest.fixture
def statsd(monkeypatch) -> Iterator[Any]:
    """A StatsD server on loopback, and Airflow set to it as a task's process sets it."""
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics import stats_utils

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        server.settimeout(0.2)
        for name, value in {"ON": True, "HOST": "127.0.0.1", "PORT": server.getsockname()[1]}.items():
            monkeypatch.setenv(f"AIRFLOW__METRICS__STATSD_{name}", str(value))
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED", "True")  # tags become visible
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)

        def received() -> list[str]:
            lines = []
            while True:
                try:
                    lines += server.recv(65536).decode().splitlines()
                except TimeoutError:
                    return [line for line in lines if "partner_sync." in line]

        yield received
    monkeypatch.undo()
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)


def totals(lines: list[str]) -> Counter[str]:
    """What a StatsD server makes of counters: their sum by name."""
    found: Counter[str] = Counter()
    for line in lines:
        name, value = line.split("|")[0].rsplit(":", 1)
        if line.split("|")[1] == "c":
            found[name.split(",")[0].removeprefix("airflow.partner_sync.")] += int(value)
    return found


def test_the_metrics_of_a_run_add_up_to_its_numbers(stage, statsd):
    world = stage(large_world(**WORLD))
    run = world.run()
    lines = statsd()
    found = totals(lines)
    assert (6, 6, 0, 0, 0) == tuple(
        found[name] for name in ("planned", "confirmed", "rejected", "unknown", "superseded")
    )
    assert (0, 0) == (found["withheld"], found["problems"])
    made = Counter(call["system"] for call in world.sandbox.calls() if "oauth" not in call["path"])
    assert made["salesforce"] == sum(totals([line for line in lines if "system=salesforce" in line]).values())
    assert made["zendesk"] == sum(totals([line for line in lines if "system=global" in line]).values())
    assert run.record.plan.counts["update"] == 3
    assert [line for line in lines if line.startswith("airflow.partner_sync.planned,instance=global,kind=create:2|c")]
    seconds = [float(line.split(":")[1].split("|")[0]) for line in lines if line.startswith("airflow.partner_sync.sec")]
    assert 0 < seconds[0] < seconds[-1]  # since the run's start, which is the logical date in dag.test()


def test_what_went_wrong_is_in_the_metrics_too(stage, statsd):
    world = stage(large_world(accounts=60, organizations=90, updates=3, marks=20))
    world.sandbox.fault("fail_rows", rows=[0], times=1)
    world.run()
    found = totals(statsd())
    assert (3, 2, 1, 20) == tuple(found[name] for name in ("planned", "confirmed", "rejected", "withheld"))
