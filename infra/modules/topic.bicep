// Alerts: an Event Grid topic that takes CloudEvents from Cairn, and who hears of them.

@description('Required. Name of the topic.')
param name string

@description('Required. Azure region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Whether it can be reached without a private endpoint.')
param publicAccess bool

@description('Required. Name of the storage account with the queue that keeps every alert, and with those that nobody took.')
param storageAccountName string

@description('Required. Name of that queue.')
param queueName string

@description('Required. Name of the container for events that could not be delivered.')
param deadLetterContainer string

@description('Optional. Web hooks that hear of every alert; each must answer Event Grid\'s validation.')
@secure()
param webhooks object = {}

var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var queueDataMessageSender = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
  }
}

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageAccountName
}

resource mayDeliver 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in [blobDataContributor, queueDataMessageSender]: {
  name: guid(storage.id, topic.id, role)
  scope: storage
  properties: {
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

resource kept 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'kept'
  dependsOn: [mayDeliver]
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    deliveryWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      destination: {
        endpointType: 'StorageQueue'
        properties: { resourceId: storage.id, queueName: queueName, queueMessageTimeToLiveInSeconds: 604800 }
      }
    }
  }
}

resource heard 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = [for hook in items(webhooks): {
  parent: topic
  name: hook.key
  dependsOn: [mayDeliver]
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    destination: {
      endpointType: 'WebHook'
      properties: { endpointUrl: hook.value, maxEventsPerBatch: 1 }
    }
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
    deadLetterWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: { resourceId: storage.id, blobContainerName: deadLetterContainer }
      }
    }
  }
}]

@description('Resource id of the topic.')
output id string = topic.id

@description('Name of the topic.')
output name string = topic.name

@description('Address that Cairn sends alerts to.')
output endpoint string = topic.properties.endpoint
