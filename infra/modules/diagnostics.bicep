// Who read and wrote what, into the workspace: the vault's blob requests, the key's use, and alerts that were not taken.

@description('Required. Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Required. Name of the vault account.')
param vaultName string

@description('Required. Name of the records account.')
param recordsName string

@description('Required. Name of the Key Vault.')
param keyVaultName string

@description('Required. Name of the Event Grid topic.')
param topicName string

resource vault 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' existing = {
  name: '${vaultName}/default'
}

resource records 'Microsoft.Storage/storageAccounts/tableServices@2024-01-01' existing = {
  name: '${recordsName}/default'
}

resource keyVault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: keyVaultName
}

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: topicName
}

resource ofVault 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'cairn'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'StorageRead', enabled: true }
      { category: 'StorageWrite', enabled: true }
      { category: 'StorageDelete', enabled: true }
    ]
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

resource ofRecords 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'cairn'
  scope: records
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'StorageDelete', enabled: true }]
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

resource ofKeyVault 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'cairn'
  scope: keyVault
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'audit', enabled: true }]
  }
}

resource ofTopic 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'cairn'
  scope: topic
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'DeliveryFailures', enabled: true }
      { category: 'PublishFailures', enabled: true }
    ]
  }
}
