"""The whole application on one page: what starts it, and what it runs.

Timers and HTTP start orchestrations; orchestrations call activities; activities use what is in `shared`.
"""

import azure.durable_functions as df
import azure.functions as func

import activities.audit
import activities.backup
import activities.consents
import activities.differences
import activities.export
import activities.notifications
import activities.rebuild
import activities.restore
import activities.retention
import activities.tasks
import activities.unpack
import activities.verify
import orchestrators.backup
import orchestrators.differences
import orchestrators.export
import orchestrators.rebuild
import orchestrators.restore
import orchestrators.retention
import orchestrators.unpack
import orchestrators.verify
from api.app import create_api
from api.durable import current_client
from shared.telemetry import continued, span

ORCHESTRATORS = (
    orchestrators.backup.back_up_tenant,
    orchestrators.backup.capture_lane,
    orchestrators.verify.verify_backup,
    orchestrators.unpack.unpack_backup,
    orchestrators.export.export_objects,
    orchestrators.export.export_changes,
    orchestrators.differences.report_differences,
    orchestrators.differences.read_live,
    orchestrators.retention.expire_backups,
    orchestrators.rebuild.rebuild_records,
    orchestrators.restore.restore_tenant,
    orchestrators.restore.apply_lane,
)
ACTIVITIES = (
    activities.backup.begin_backup,
    activities.backup.capture_slice,
    activities.backup.seal_backup,
    activities.restore.apply_batch,
    activities.restore.begin_apply,
    activities.restore.finish_restore,
    activities.restore.plan_restore,
    activities.restore.verify_restore,
    activities.retention.expire_tenant,
    activities.rebuild.rebuild_slice,
    activities.tasks.close_task,
    activities.verify.verify_slice,
    activities.unpack.unpack_slice,
    activities.unpack.finish_unpack,
    activities.export.write_export,
    activities.differences.begin_differences,
    activities.differences.read_live_slice,
    activities.differences.seal_live,
    activities.differences.compare_states,
    activities.differences.finish_differences,
    activities.differences.close_report,
    activities.differences.watch_backup,
    activities.differences.write_changes,
)

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)  # the interface checks bearer tokens itself, on every route
web = func.AsgiMiddleware(create_api())  # type: ignore[no-untyped-call]  # the library has no types there

for orchestrator in ORCHESTRATORS:
    app.orchestration_trigger(context_name="ctx")(orchestrator)
for activity in ACTIVITIES:
    app.activity_trigger(input_name="message")(activity)


@app.route(route="{*path}", methods=list(func.HttpMethod))
@app.durable_client_input(client_name="client")
async def http(
    req: func.HttpRequest, context: func.Context, client: df.DurableFunctionsClient
) -> func.HttpResponse:
    """The HTTP interface: FastAPI behind one catch-all route, with the durable client within its reach."""
    token = current_client.set(client)
    try:
        with continued(req.headers.get("traceparent", "")), span("http", {"http.request.method": req.method or ""}):
            answered: func.HttpResponse = await web.handle_async(req, context)
        return answered
    finally:
        current_client.reset(token)


@app.timer_trigger(schedule="%CAIRN_SCHEDULE_CRON%", arg_name="timer", run_on_startup=False)
@app.durable_client_input(client_name="client")
async def start_due_work(timer: func.TimerRequest, client: df.DurableFunctionsClient) -> None:
    """Start the backups, verifications and expiries that are due, tenant by tenant."""
    await activities.tasks.start_due_work(client)


@app.timer_trigger(schedule="%CAIRN_WATCH_CRON%", arg_name="timer", run_on_startup=True)
@app.durable_client_input(client_name="client")
async def watch_tasks(timer: func.TimerRequest, client: df.DurableFunctionsClient) -> None:
    """Take up or close the tasks whose orchestration is gone; at start-up also those that a restart cut off."""
    await activities.tasks.watch_tasks(client)


@app.timer_trigger(schedule="%CAIRN_ALERT_CRON%", arg_name="timer", run_on_startup=False)
async def send_alerts(timer: func.TimerRequest) -> None:
    """Send the alerts that wait."""
    await activities.tasks.send_alerts()


@app.timer_trigger(schedule="%CAIRN_AUDIT_CRON%", arg_name="timer", run_on_startup=False)
async def seal_audit(timer: func.TimerRequest) -> None:
    """Put what is new in the audit trail into the vault, and check the trail once a day."""
    await activities.audit.seal_audit()


@app.timer_trigger(schedule="%CAIRN_CONSENT_CRON%", arg_name="timer", run_on_startup=False)
async def check_consents(timer: func.TimerRequest) -> None:
    """Check the consents that have not been checked for some hours."""
    await activities.consents.check_consents()


@app.timer_trigger(schedule="%CAIRN_NOTIFICATION_CRON%", arg_name="timer", run_on_startup=False)
async def send_notifications(timer: func.TimerRequest) -> None:
    """Send the notifications that wait."""
    await activities.notifications.send_notifications()
