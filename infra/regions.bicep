// Many regions: one Cairn in each, all alike but for what each says of itself. They share nothing and know nothing of
// each other; a tenant is registered in the region where its data shall lie.

targetScope = 'subscription'

@description('Required. Environment, such as production or test.')
@minLength(2)
@maxLength(12)
param environmentName string

@description('Required. The regions, each {location} with whatever of vaultRedundancy, network, engine, scale is its own.')
param regions array

@description('Optional. Mail addresses that hear of alerts and of budgets, in all regions.')
param alertMails array = []

@description('Optional. Budget of each region: {amount, startDate: YYYY-MM-01}. Empty means none.')
param budget object = {}

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
    network: one.?network ?? {}
    privateEndpoints: one.?privateEndpoints ?? false
    engine: one.?engine ?? 'AzureStorage'
    engineOptions: one.?engineOptions ?? {}
    scale: one.?scale ?? {}
    alertMails: alertMails
    budget: budget
    tags: tags
  }
}]

@description('Addresses of the interfaces, in the order of the regions.')
output urls array = [for (one, number) in regions: region[number].outputs.CAIRN_URL]
