// The network, where one is asked for: a subnet that the app goes out from, a subnet for private endpoints, and a NAT
// gateway with a prefix of its own, so that tenants can allow Cairn by address.

@description('Required. Beginning of every name here.')
param name string

@description('Required. Azure region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Address space of the network.')
param addressPrefix string

@description('Required. Part of it that the app goes out from, at least a /27.')
param appPrefix string

@description('Required. Part of it for private endpoints, at least a /27.')
param endpointPrefix string

@description('Required. Whether outgoing traffic has addresses of its own.')
param staticEgress bool

@description('Required. Length of the public prefix that it then has: 31 is two addresses, 28 sixteen.')
@minValue(28)
@maxValue(31)
param egressPrefixLength int

resource guard 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'nothing-comes-in-from-the-internet'
        properties: {
          priority: 4000
          direction: 'Inbound'
          access: 'Deny'
          protocol: '*'
          sourceAddressPrefix: 'Internet'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource prefix 'Microsoft.Network/publicIPPrefixes@2024-05-01' = if (staticEgress) {
  name: 'ippre-${name}'
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Regional' }
  properties: { prefixLength: egressPrefixLength, publicIPAddressVersion: 'IPv4' }
}

resource gateway 'Microsoft.Network/natGateways@2024-05-01' = if (staticEgress) {
  name: 'ng-${name}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { idleTimeoutInMinutes: 10, publicIpPrefixes: [{ id: prefix.id }] }
}

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: 'vnet-${name}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: appPrefix
          defaultOutboundAccess: false
          networkSecurityGroup: { id: guard.id }
          natGateway: staticEgress ? { id: gateway.id } : null
          delegations: [
            {
              name: 'flex-consumption'
              properties: { serviceName: 'Microsoft.App/environments' }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpointPrefix
          defaultOutboundAccess: false
          networkSecurityGroup: { id: guard.id }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }
}

@description('Resource id of the network.')
output id string = network.id

@description('Resource id of the subnet that the app goes out from.')
output appSubnetId string = network.properties.subnets[0].id

@description('Resource id of the subnet of the private endpoints.')
output endpointSubnetId string = network.properties.subnets[1].id

@description('The public prefix that Cairn\'s calls to Microsoft Graph come from; empty without static egress.')
output egressPrefix string = staticEgress ? prefix!.properties.ipPrefix : ''
