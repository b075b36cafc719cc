// Production in East US 2: the same, with the Durable Task Scheduler as its engine for several hundred tenants.
using '../main.bicep'

param environmentName = 'production'
param location = 'eastus2'
param vaultRedundancy = 'GZRS'
param customerManagedKey = true
param privateEndpoints = true
param network = {
  addressPrefix: '10.81.0.0/24'
  appPrefix: '10.81.0.0/26'
  endpointPrefix: '10.81.0.64/26'
  staticEgress: true
  egressPrefixLength: 31
}
param engine = 'DurableTaskScheduler'
param engineOptions = { schedulerSku: 'Dedicated', schedulerCapacity: 1 }
param scale = { instanceMemoryMB: 2048, maximumInstances: 100, alwaysReady: 1 }
param alertMails = ['cairn-operations@example.com']
param budget = { amount: 1500, startDate: '2026-12-01' }
param tags = { owner: 'identity', dataClassification: 'confidential' }
