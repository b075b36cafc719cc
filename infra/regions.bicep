// Many regions: one Cairn in each, all alike but for what each says of itself. They share nothing and know nothing of
// each other; a tenant is registered in the region where its data shall lie.

targetScope = 'subscription'

@description('Required. Environment, such as production or test.')
@minLength(2)
@maxLength(12)
param environmentName string

@description('Required. The regions, each {location} with whatever parameter of main.bicep it has of its own.')
param regions array

@description('Optional. Mail addresses that hear of alerts and of budgets, in all regions.')
param alertMails array = []

@description('Optional. Budget of each region: {amount, startDate: YYYY-MM-01}. Empty means none.')
param budget object = {}

@description('Optional. Web hooks that hear of Cairn\'s own alerts in all regions, by a name for each.')
@secure()
param alertWebhooks object = {}

@description('Optional. Tenants whose people and scripts may call the interfaces; empty means this one.')
param homeTenants array = []

@description('Optional. Tags of every resource.')
param tags object = {}

module region 'main.bicep' = [for one in regions: {
  name: 'cairn-${environmentName}-${one.location}'
  params: {
    environmentName: environmentName
    location: one.location
    cloud: one.?cloud ?? 'global'
    vaultRedundancy: one.?vaultRedundancy ?? 'ZRS'
    customerManagedKey: one.?customerManagedKey ?? false
    softDeleteDays: one.?softDeleteDays ?? 30
    network: one.?network ?? {}
    privateEndpoints: one.?privateEndpoints ?? false
    publicInterface: one.?publicInterface ?? true
    engine: one.?engine ?? 'AzureStorage'
    engineOptions: one.?engineOptions ?? {}
    scale: one.?scale ?? {}
    consentOptions: one.?consentOptions ?? []
    makeRegistrations: one.?makeRegistrations ?? true
    applicationIds: one.?applicationIds ?? {}
    homeTenants: one.?homeTenants ?? homeTenants
    alertMails: one.?alertMails ?? alertMails
    alertWebhooks: alertWebhooks
    budget: one.?budget ?? budget
    diagnostics: one.?diagnostics ?? true
    logs: one.?logs ?? {}
    otherSettings: one.?otherSettings ?? {}
    tags: tags
  }
}]

@description('Addresses of the interfaces, in the order of the regions.')
output urls array = [for (one, number) in regions: region[number].outputs.CAIRN_URL]
