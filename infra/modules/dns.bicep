// The private DNS zones in which the services behind private endpoints are found, each once.

@description('Required. Names of the zones.')
param zoneNames array

@description('Required. Resource id of the network in which they count.')
param networkId string

@description('Required. Tags of every resource.')
param tags object

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for zoneName in zoneNames: {
  name: zoneName
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (zoneName, number) in zoneNames: {
  parent: zones[number]
  name: uniqueString(networkId)
  location: 'global'
  tags: tags
  properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
}]
