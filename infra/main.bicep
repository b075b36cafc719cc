// One Cairn in one region: read it as the architecture diagram. Everything lies in one resource group; names follow from
// subscription, environment and region, so deploying twice changes nothing and two regions never meet.
//
//   people ── interface app ──► function app ──► Microsoft Graph (through applications that tenants consent to)
//                                   │ one identity, roles.bicep says what it may do
//            ┌──────────────┬───────┼────────┬──────────────┬─────────────┐
//          vault         records  host    Key Vault     Event Grid   Application Insights
//       (immutable)     workspace storage  (wraps)       (alerts)      (alerts, budget)

targetScope = 'subscription'

@description('Required. Environment, such as production or test: 2 to 12 small letters and digits.')
@minLength(2)
@maxLength(12)
param environmentName string

@description('Required. Azure region; everything of this deployment lies in it.')
param location string

@description('Optional. The Microsoft cloud of this deployment and of the tenants it protects.')
@allowed(['global', 'usGovL4', 'usGovL5', 'china'])
param cloud string = 'global'

@description('Optional. Redundancy of the vault: zone (ZRS), geo (GRS) or both (GZRS).')
@allowed(['ZRS', 'GRS', 'GZRS'])
param vaultRedundancy string = 'ZRS'

@description('Optional. Whether the vault is encrypted with a key of yours in Key Vault. To be chosen before the first backup.')
param customerManagedKey bool = false

@description('Optional. Days for which deleted blobs can be brought back.')
param softDeleteDays int = 30

@description('Optional. A network: {addressPrefix, appPrefix, endpointPrefix, staticEgress, egressPrefixLength}. Empty means none.')
param network object = {}

@description('Optional. Whether storage, Key Vault and alerts have private endpoints only; needs a network.')
param privateEndpoints bool = false

@description('Optional. Whether the interface can be reached from the internet; it asks everybody for a token in any case.')
param publicInterface bool = true

@description('Optional. What keeps orchestrations: AzureStorage, or DurableTaskScheduler for hundreds of tenants.')
@allowed(['AzureStorage', 'DurableTaskScheduler'])
param engine string = 'AzureStorage'

@description('Optional. The engine: {partitionCount, activitiesPerInstance, orchestratorsPerInstance, schedulerSku, schedulerCapacity}.')
param engineOptions object = {}

@description('Optional. Scale: {instanceMemoryMB, maximumInstances, alwaysReady, zoneRedundant}.')
param scale object = {}

@description('Optional. Options of tenants\' settings whose further permissions the applications ask for.')
param consentOptions array = []

@description('Optional. Whether the applications in Entra are made here. Without, give applicationIds.')
param makeRegistrations bool = true

@description('Conditional. Applications made by somebody else: {basicClientId, restoreClientId, audience}.')
param applicationIds object = {}

@description('Optional. Tenants whose people and scripts may call the interface; empty means this one.')
param homeTenants array = []

@description('Optional. Mail addresses that hear of alerts and of the budget.')
param alertMails array = []

@description('Optional. Web hooks that hear of Cairn\'s own alerts, by a name for each.')
@secure()
param alertWebhooks object = {}

@description('Optional. Budget: {amount, startDate: YYYY-MM-01}. Empty means none.')
param budget object = {}

@description('Optional. Whether reads and writes of vault, key and records are logged.')
param diagnostics bool = true

@description('Optional. Logs: {retentionDays, dailyQuotaGb}.')
param logs object = {}

@description('Optional. Other settings of docs/settings.md, by name; they win over what this file sets.')
param otherSettings object = {}

@description('Optional. Tags of every resource.')
param tags object = {}

var token = take(uniqueString(subscription().subscriptionId, environmentName, location), 8)
var name = 'cairn-${environmentName}-${location}'
var appName = 'func-cairn-${environmentName}-${token}'
var allTags = union({ application: 'cairn', environment: environmentName, 'azd-env-name': '${environmentName}-${location}' }, tags)
var hasNetwork = !empty(network)
var open = !privateEndpoints
var onScheduler = engine == 'DurableTaskScheduler'
var taskHub = 'cairn${token}'
var engineWith = union({ partitionCount: 4, activitiesPerInstance: 10, orchestratorsPerInstance: 20, schedulerSku: 'Consumption', schedulerCapacity: 1 }, engineOptions)
var scaleWith = union({ instanceMemoryMB: 2048, maximumInstances: 40, alwaysReady: 0, zoneRedundant: false }, scale)
var logsWith = union({ retentionDays: 90, dailyQuotaGb: 5 }, logs)
var networkWith = union({ addressPrefix: '10.80.0.0/24', appPrefix: '10.80.0.0/26', endpointPrefix: '10.80.0.64/26', staticEgress: true, egressPrefixLength: 31 }, network)

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-${name}'
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  scope: group
  name: 'identity'
  params: { name: 'id-${name}', location: location, tags: allTags }
}

module reach 'modules/network.bicep' = if (hasNetwork) {
  scope: group
  name: 'network'
  params: {
    name: name
    location: location
    tags: allTags
    addressPrefix: networkWith.addressPrefix
    appPrefix: networkWith.appPrefix
    endpointPrefix: networkWith.endpointPrefix
    staticEgress: networkWith.staticEgress
    egressPrefixLength: networkWith.egressPrefixLength
  }
}

module keyVault 'modules/keyvault.bicep' = {
  scope: group
  name: 'keyvault'
  params: { name: 'kv-cairn-${token}', location: location, tags: allTags, publicAccess: open }
}

module encryption 'modules/encryption.bicep' = if (customerManagedKey) {
  scope: group
  name: 'encryption'
  params: { identityName: 'id-${name}-encryption', location: location, tags: allTags, keyVaultName: keyVault.outputs.name }
}

module vault 'modules/vault.bicep' = {
  scope: group
  name: 'vault'
  params: {
    name: 'cairnvault${token}'
    location: location
    tags: allTags
    redundancy: vaultRedundancy
    publicAccess: open
    encryption: customerManagedKey ? encryption!.outputs.encryption : {}
    softDeleteDays: softDeleteDays
  }
}

module records 'modules/storage.bicep' = {
  scope: group
  name: 'records'
  params: {
    name: 'cairnrecords${token}'
    location: location
    tags: allTags
    redundancy: 'ZRS'
    publicAccess: open
    containers: ['workspace', 'dead-letters']
    queues: ['alerts']
    shortLived: [{ container: 'dead-letters', days: 30 }]
  }
}

module host 'modules/storage.bicep' = {
  scope: group
  name: 'host'
  params: {
    name: 'cairnhost${token}'
    location: location
    tags: allTags
    redundancy: 'ZRS'
    publicAccess: open
    containers: ['packages']
    queues: []
  }
}

module topic 'modules/topic.bicep' = {
  scope: group
  name: 'topic'
  params: {
    name: 'evgt-cairn-${token}'
    location: location
    tags: allTags
    publicAccess: open
    storageAccountName: records.outputs.name
    queueName: 'alerts'
    deadLetterContainer: 'dead-letters'
    webhooks: alertWebhooks
  }
}

module observability 'modules/observability.bicep' = {
  scope: group
  name: 'observability'
  params: {
    workspaceName: 'log-${name}'
    insightsName: 'appi-${name}'
    location: location
    tags: allTags
    retentionDays: logsWith.retentionDays
    dailyQuotaGb: logsWith.dailyQuotaGb
  }
}

module scheduler 'modules/scheduler.bicep' = if (onScheduler) {
  scope: group
  name: 'scheduler'
  params: {
    name: 'dts-cairn-${token}'
    location: location
    tags: allTags
    hubName: taskHub
    sku: engineWith.schedulerSku
    capacity: engineWith.schedulerCapacity
  }
}

module vaultRole 'modules/vaultrole.bicep' = {
  scope: group
  name: 'vaultrole'
  params: { roleName: 'Cairn vault writer ${token}' }
}

module roles 'modules/roles.bicep' = {
  scope: group
  name: 'roles'
  params: {
    principalId: identity.outputs.principalId
    vaultWriterRoleId: vaultRole.outputs.roleId
    targets: {
      host: host.outputs.name
      records: records.outputs.name
      vault: vault.outputs.name
      vaultContainer: vault.outputs.containerName
      keyVault: keyVault.outputs.name
      key: keyVault.outputs.keyName
      topic: topic.outputs.name
      insights: observability.outputs.insightsName
      scheduler: onScheduler ? scheduler!.outputs.name : ''
    }
  }
}

module endpoints 'modules/endpoints.bicep' = if (hasNetwork && privateEndpoints) {
  scope: group
  name: 'endpoints'
  params: {
    name: name
    location: location
    tags: allTags
    networkId: reach!.outputs.id
    subnetId: reach!.outputs.endpointSubnetId
    serviceIds: {
      vault: vault.outputs.id
      host: host.outputs.id
      records: records.outputs.id
      keyVault: keyVault.outputs.id
      topic: topic.outputs.id
    }
  }
}

module registrations 'modules/registrations.bicep' = if (makeRegistrations) {
  scope: group
  name: 'registrations'
  params: {
    suffix: '${environmentName}-${location}'
    identityPrincipalId: identity.outputs.principalId
    appUrl: 'https://${appName}.azurewebsites.net'
    cloud: cloud
    options: consentOptions
  }
}

module app 'modules/app.bicep' = {
  scope: group
  name: 'app'
  dependsOn: [roles, endpoints]
  params: {
    name: appName
    planName: 'plan-${name}'
    location: location
    tags: allTags
    identity: { id: identity.outputs.id, clientId: identity.outputs.clientId }
    hostStorage: {
      name: host.outputs.name
      blobUrl: host.outputs.blobUrl
      queueUrl: host.outputs.queueUrl
      tableUrl: host.outputs.tableUrl
    }
    packageContainer: 'packages'
    insightsConnectionString: observability.outputs.connectionString
    instanceMemoryMB: scaleWith.instanceMemoryMB
    maximumInstances: scaleWith.maximumInstances
    alwaysReady: scaleWith.alwaysReady
    zoneRedundant: scaleWith.zoneRedundant
    publicAccess: publicInterface
    subnetId: hasNetwork ? reach!.outputs.appSubnetId : ''
    settings: union(loadJsonContent('settings.json'), {
      CAIRN_CLOUD: cloud
      CAIRN_REGION: location
      CAIRN_CLIENT_ID: makeRegistrations ? registrations!.outputs.basicClientId : applicationIds.basicClientId
      CAIRN_RESTORE_CLIENT_ID: makeRegistrations ? registrations!.outputs.restoreClientId : applicationIds.restoreClientId
      CAIRN_MANAGED_IDENTITY_CLIENT_ID: identity.outputs.clientId
      CAIRN_VAULT_URL: vault.outputs.blobUrl
      CAIRN_WORKSPACE_URL: records.outputs.blobUrl
      CAIRN_RECORDS_URL: records.outputs.tableUrl
      CAIRN_KEY_URL: keyVault.outputs.keyUrl
      CAIRN_AUTH_ISSUER: '${environment().authentication.loginEndpoint}{tenantid}/v2.0'
      CAIRN_AUTH_AUDIENCE: makeRegistrations ? registrations!.outputs.audience : applicationIds.audience
      CAIRN_HOME_TENANTS: empty(homeTenants) ? tenant().tenantId : join(homeTenants, ',')
      CAIRN_EVENT_GRID_ENDPOINT: topic.outputs.endpoint
      CAIRN_TASK_HUB: taskHub
    }, otherSettings)
    engineSettings: union({
      AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions: string(engineWith.activitiesPerInstance)
      AzureFunctionsJobHost__extensions__durableTask__maxConcurrentOrchestratorFunctions: string(engineWith.orchestratorsPerInstance)
    }, onScheduler ? {
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'azureManaged'
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING'
      DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${scheduler!.outputs.endpoint};Authentication=ManagedIdentity;ClientID=${identity.outputs.clientId}'
    } : {
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__partitionCount: string(engineWith.partitionCount)
    })
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  name: 'alerts'
  params: {
    name: name
    location: location
    tags: allTags
    workspaceId: observability.outputs.workspaceId
    mails: alertMails
    throttledLimit: 500
    queueAgeLimitSeconds: 900
  }
}

module audit 'modules/diagnostics.bicep' = if (diagnostics) {
  scope: group
  name: 'diagnostics'
  params: {
    workspaceId: observability.outputs.workspaceId
    vaultName: vault.outputs.name
    recordsName: records.outputs.name
    keyVaultName: keyVault.outputs.name
    topicName: topic.outputs.name
  }
}

module spending 'modules/budget.bicep' = if (!empty(budget) && !empty(alertMails)) {
  scope: group
  name: 'budget'
  params: { name: name, amount: budget.amount, startDate: budget.startDate, mails: alertMails }
}

@description('Address of the interface.')
output CAIRN_URL string = app.outputs.url

@description('Name of the function app, for azd and for logs.')
output SERVICE_API_NAME string = app.outputs.name

@description('Resource group of this deployment.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Where a tenant\'s administrator consents to being backed up.')
output CONSENT_BASIC_URL string = makeRegistrations ? '${environment().authentication.loginEndpoint}organizations/adminconsent?client_id=${registrations!.outputs.basicClientId}' : ''

@description('Where a tenant\'s administrator consents to being restored.')
output CONSENT_RESTORE_URL string = makeRegistrations ? '${environment().authentication.loginEndpoint}organizations/adminconsent?client_id=${registrations!.outputs.restoreClientId}' : ''

@description('The public prefix that Cairn calls Microsoft Graph from, for tenants that allow by address; empty without static egress.')
output EGRESS_PREFIX string = hasNetwork ? reach!.outputs.egressPrefix : ''
