// No way in but through the network: a private endpoint for every service that Cairn uses, in one table.

@description('Required. Beginning of every name here.')
param name string

@description('Required. Azure region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Resource id of the network.')
param networkId string

@description('Required. Resource id of the subnet of the endpoints.')
param subnetId string

@description('Required. Resource ids of the services: vault, host, records, keyVault, topic.')
param serviceIds object

var blob = 'privatelink.blob.${environment().suffixes.storage}'
var queue = 'privatelink.queue.${environment().suffixes.storage}'
var tables = 'privatelink.table.${environment().suffixes.storage}'
var keys = replace(environment().suffixes.keyvaultDns, '.vault.', 'privatelink.vaultcore.')
var topics = 'privatelink.eventgrid.azure.net'

var table = [
  { what: 'vault-blob', service: serviceIds.vault, group: 'blob', zone: blob }
  { what: 'host-blob', service: serviceIds.host, group: 'blob', zone: blob }
  { what: 'host-queue', service: serviceIds.host, group: 'queue', zone: queue }
  { what: 'host-table', service: serviceIds.host, group: 'table', zone: tables }
  { what: 'records-blob', service: serviceIds.records, group: 'blob', zone: blob }
  { what: 'records-table', service: serviceIds.records, group: 'table', zone: tables }
  { what: 'key', service: serviceIds.keyVault, group: 'vault', zone: keys }
  { what: 'topic', service: serviceIds.topic, group: 'topic', zone: topics }
]

module zones 'dns.bicep' = {
  name: 'dns'
  params: {
    zoneNames: [blob, queue, tables, keys, topics]
    networkId: networkId
    tags: tags
  }
}

module endpoints 'endpoint.bicep' = [for row in table: {
  name: 'endpoint-${row.what}'
  dependsOn: [zones]
  params: {
    name: 'pep-${name}-${row.what}'
    location: location
    tags: tags
    serviceId: row.service
    group: row.group
    zoneName: row.zone
    subnetId: subnetId
  }
}]
