// One row of the table of roles: gives one principal one role on one target, and on nothing around it.

@description('Required. Kind of the target: storage, vaultContainer, key, topic, insights or scheduler.')
@allowed(['storage', 'vaultContainer', 'key', 'topic', 'insights', 'scheduler'])
param kind string

@description('Required. Name of the target; for a key or a container, with its parent\'s name and a slash before it.')
param target string

@description('Required. GUID of the role.')
param roleId string

@description('Required. Object id of the principal.')
param principalId string

var parts = split(target, '/')
var assigned = {
  principalId: principalId
  principalType: 'ServicePrincipal'
  roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
}
var name = guid(resourceGroup().id, kind, target, principalId, roleId)

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = if (kind == 'storage') {
  name: target
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' existing = if (kind == 'vaultContainer') {
  name: '${parts[0]}/default/${last(parts)}'
}

resource key 'Microsoft.KeyVault/vaults/keys@2024-11-01' existing = if (kind == 'key') {
  name: '${parts[0]}/${last(parts)}'
}

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = if (kind == 'topic') {
  name: target
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = if (kind == 'insights') {
  name: target
}

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' existing = if (kind == 'scheduler') {
  name: target
}

resource onAccount 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'storage') {
  name: name
  scope: account
  properties: assigned
}

resource onContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'vaultContainer') {
  name: name
  scope: container
  properties: assigned
}

resource onKey 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'key') {
  name: name
  scope: key
  properties: assigned
}

resource onTopic 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'topic') {
  name: name
  scope: topic
  properties: assigned
}

resource onInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'insights') {
  name: name
  scope: insights
  properties: assigned
}

resource onScheduler 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'scheduler') {
  name: name
  scope: scheduler
  properties: assigned
}
