// Azure Monitor alerts over Cairn's own metrics: one table of queries, one loop. What to do for each: docs/runbooks.md.

@description('Required. Beginning of every name here.')
param name string

@description('Required. Azure region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Required. Mail addresses that hear of it; none is allowed, and then alerts show in the portal alone.')
param mails array

@description('Required. Refusals by Graph\'s throttling within a quarter of an hour that are too many.')
param throttledLimit int

@description('Required. Seconds that a task may wait to be begun.')
param queueAgeLimitSeconds int

var alerts = [
  {
    name: 'backup-missed'
    severity: 1
    says: 'A tenant has had no restore point for longer than its schedule allows.'
    query: 'AppMetrics | where Name == "cairn.alerts" | extend code = tostring(Properties["cairn.code"]) | where code == "tenantUnprotected"'
  }
  {
    name: 'failures'
    severity: 2
    says: 'Cairn raised an alert: something failed, is damaged or not whole. Its code says which.'
    query: 'AppMetrics | where Name == "cairn.alerts" | extend code = tostring(Properties["cairn.code"]) | where code != "tenantUnprotected"'
  }
  {
    name: 'throttling'
    severity: 3
    says: 'Microsoft Graph refuses more requests than usual, so backups take longer.'
    query: 'AppMetrics | where Name == "cairn.graph.throttled" | summarize refused = sum(Sum) | where refused > ${throttledLimit}'
  }
  {
    name: 'queue-age'
    severity: 2
    says: 'A task waits to be begun for too long.'
    query: 'AppMetrics | where Name == "cairn.task.queue_age" | summarize seconds = max(Max) | where seconds > ${queueAgeLimitSeconds}'
  }
  {
    name: 'silence'
    severity: 1
    says: 'Cairn has not said for a quarter of an hour that it runs.'
    query: 'AppMetrics | where Name == "cairn.task.queue_age" | summarize heard = count() | where heard == 0'
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'cairn'
    enabled: true
    emailReceivers: [for (mail, number) in mails: {
      name: 'mail-${number}'
      emailAddress: mail
      useCommonAlertSchema: true
    }]
  }
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-03-15-preview' = [for alert in alerts: {
  name: 'alert-${name}-${alert.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Cairn: ${alert.name}'
    description: '${alert.says} docs/runbooks.md says what to do.'
    severity: alert.severity
    enabled: true
    scopes: [workspaceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    skipQueryValidation: true // the tables come into being with the first telemetry
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}]
