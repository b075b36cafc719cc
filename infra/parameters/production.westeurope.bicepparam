// Production in West Europe: closed to the internet but for the interface, with addresses that tenants can allow.
using '../main.bicep'

param environmentName = 'production'
param location = 'westeurope'
param vaultRedundancy = 'GZRS'
param customerManagedKey = true
param privateEndpoints = true
param network = {
  addressPrefix: '10.80.0.0/24'
  appPrefix: '10.80.0.0/26'
  endpointPrefix: '10.80.0.64/26'
  staticEgress: true
  egressPrefixLength: 31
}
param scale = { instanceMemoryMB: 2048, maximumInstances: 40, alwaysReady: 1 }
param engineOptions = { partitionCount: 4 }
param alertMails = ['cairn-operations@example.com']
param budget = { amount: 400, startDate: '2026-12-01' }
param tags = { owner: 'identity', dataClassification: 'confidential' }
