// A test deployment: small, cheap, open, sleeping when nobody calls.
using '../main.bicep'

param environmentName = 'test'
param location = 'westeurope'
param scale = { instanceMemoryMB: 2048, maximumInstances: 10, alwaysReady: 0 }
param logs = { retentionDays: 30, dailyQuotaGb: 1 }
param alertMails = []
