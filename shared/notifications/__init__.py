"""Notifications: events that people of one tenant must hear of, by e-mail and by signed webhooks.

    templates     which event codes make which notification, and its words
    channels      what a tenant has asked for: recipients, webhooks, templates; kept encrypted
    outbox        deliveries that wait, and the record of those that were made or given up
    delivery      sends what waits; Sender is what a channel's transport must do
    email         SMTP, or Azure Communication Services
    webhook       signed POSTs, which lead to no private address

Event Grid hears of every alert in any case (shared/alerts). Nothing here ever blocks the work: an event puts a row into
the outbox, and a timer does the rest. Addresses and secrets stand in the encrypted settings alone; deliveries name them
by an id that is made from them.
"""
