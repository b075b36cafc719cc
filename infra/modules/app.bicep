// Cairn itself: one function app on Flex Consumption, signed in to everything by its identity.

@description('Required. Name of the function app.')
param name string

@description('Required. Name of its plan.')
param planName string

@description('Required. Azure region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Resource id and client id of the app\'s identity, as {id, clientId}.')
param identity object

@description('Required. The host\'s own storage account, as {name, blobUrl, queueUrl, tableUrl}.')
param hostStorage object

@description('Required. Container of that account in which deployment packages lie.')
param packageContainer string

@description('Required. Connection string of Application Insights; it is signed in to by the identity.')
param insightsConnectionString string

@description('Required. Cairn\'s own settings, by name: docs/settings.md.')
param settings object

@description('Required. The engine\'s settings: what host.json reads from its environment.')
param engineSettings object

@description('Required. Megabytes of an instance: 512, 2048 or 4096.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int

@description('Required. Most instances at once.')
@minValue(1)
@maxValue(1000)
param maximumInstances int

@description('Required. Instances that are always ready for HTTP; 0 lets the app sleep.')
@minValue(0)
@maxValue(20)
param alwaysReady int

@description('Required. Whether instances are spread over the zones of the region; needs two that are always ready.')
param zoneRedundant bool

@description('Required. Whether the interface can be reached without a private endpoint.')
param publicAccess bool

@description('Conditional. Resource id of the subnet that the app goes out from; empty without a network.')
param subnetId string = ''

var hostSettings = {
  AzureWebJobsStorage__accountName: hostStorage.name
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.clientId
  AzureWebJobsStorage__blobServiceUri: hostStorage.blobUrl
  AzureWebJobsStorage__queueServiceUri: hostStorage.queueUrl
  AzureWebJobsStorage__tableServiceUri: hostStorage.tableUrl
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.clientId};Authorization=AAD'
  PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true' // the worker sets up OpenTelemetry's exporter, Cairn only its API
  AZURE_CLIENT_ID: identity.clientId
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      healthCheckPath: '/api/v1/health'
    }
    functionAppConfig: {
      runtime: { name: 'python', version: '3.13' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostStorage.blobUrl}/${packageContainer}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity.id }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstances
        alwaysReady: alwaysReady == 0 ? [] : [{ name: 'http', instanceCount: alwaysReady }]
        triggers: { http: { perInstanceConcurrency: 16 } }
      }
    }
  }
}

resource settingsOfApp 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(hostSettings, settings, engineSettings)
}

resource noBasicPublishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = [for door in ['ftp', 'scm']: {
  parent: app
  name: door
  properties: { allow: false }
}]

@description('Name of the function app.')
output name string = app.name

@description('Address of the interface.')
output url string = 'https://${app.properties.defaultHostName}'
