// Production everywhere at once; one region alone is deployed with its own file beside this one.
using '../regions.bicep'

param environmentName = 'production'
param regions = [
  { location: 'westeurope', vaultRedundancy: 'GZRS', customerManagedKey: true, privateEndpoints: true, network: { addressPrefix: '10.80.0.0/24', appPrefix: '10.80.0.0/26', endpointPrefix: '10.80.0.64/26' } }
  { location: 'eastus2', vaultRedundancy: 'GZRS', customerManagedKey: true, privateEndpoints: true, network: { addressPrefix: '10.81.0.0/24', appPrefix: '10.81.0.0/26', endpointPrefix: '10.81.0.64/26' }, engine: 'DurableTaskScheduler', engineOptions: { schedulerSku: 'Dedicated' } }
]
param alertMails = ['cairn-operations@example.com']
param budget = { amount: 1500, startDate: '2026-12-01' }
param tags = { owner: 'identity', dataClassification: 'confidential' }
