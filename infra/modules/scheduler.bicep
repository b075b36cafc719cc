// The Durable Task Scheduler, where it is chosen as the engine instead of Azure Storage.

@description('Required. Name of the scheduler.')
param name string

@description('Required. Azure region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Name of the task hub.')
param hubName string

@description('Required. How it is paid: by use, or by reserved capacity.')
@allowed(['Consumption', 'Dedicated'])
param sku string

@description('Required. Reserved capacity units of a dedicated scheduler; unused otherwise.')
param capacity int

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: sku == 'Dedicated' ? { name: sku, capacity: capacity } : { name: sku }
    ipAllowlist: ['0.0.0.0/0'] // addresses are not what lets in: every call is signed in to, and an empty list shuts all out
  }
}

resource hub 'Microsoft.DurableTask/schedulers/taskHubs@2025-11-01' = {
  parent: scheduler
  name: hubName
}

@description('Name of the scheduler.')
output name string = scheduler.name

@description('Address of the scheduler.')
output endpoint string = scheduler.properties.endpoint
