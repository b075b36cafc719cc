"""Alerts: events that somebody must hear of, sent to Event Grid as CloudEvents, at least once each.

An alert is a row in the outbox from the moment its event is written until Event Grid has taken it, so a restart loses
none; a timer sends what waits. Event Grid's own subscriptions carry it on (e-mail, webhook, queue).
"""
