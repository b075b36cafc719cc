// Production everywhere at once; one region alone is deployed with its own file beside this one, which says the same.
using '../regions.bicep'

param environmentName = 'production'
param regions = [
  {
    location: 'westeurope'
    vaultRedundancy: 'GZRS'
    customerManagedKey: true
    privateEndpoints: true
    network: { addressPrefix: '10.80.0.0/24', appPrefix: '10.80.0.0/26', endpointPrefix: '10.80.0.64/26', staticEgress: true, egressPrefixLength: 31 }
    scale: { instanceMemoryMB: 2048, maximumInstances: 40, alwaysReady: 1 }
    engineOptions: { partitionCount: 4 }
    budget: { amount: 400, startDate: '2026-12-01' }
  }
  {
    location: 'eastus2'
    vaultRedundancy: 'GZRS'
    customerManagedKey: true
    privateEndpoints: true
    network: { addressPrefix: '10.81.0.0/24', appPrefix: '10.81.0.0/26', endpointPrefix: '10.81.0.64/26', staticEgress: true, egressPrefixLength: 31 }
    engine: 'DurableTaskScheduler'
    engineOptions: { schedulerSku: 'Dedicated', schedulerCapacity: 1 }
    scale: { instanceMemoryMB: 2048, maximumInstances: 100, alwaysReady: 1 }
    budget: { amount: 1500, startDate: '2026-12-01' }
  }
]
param alertMails = ['cairn-operations@example.com']
param tags = { owner: 'identity', dataClassification: 'confidential' }
