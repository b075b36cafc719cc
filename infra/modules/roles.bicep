// Who may do what: everything that the app's identity may do in Azure stands in this one table.

@description('Required. Object id of the app\'s identity.')
param principalId string

@description('Required. Names of the targets: host, records, vault, vaultContainer, keyVault, key, topic, insights, scheduler (empty: none).')
param targets object

@description('Required. GUID of the role that writes to the vault.')
param vaultWriterRoleId string

var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
var cryptoServiceEncryptionUser = 'e147488a-f6f5-4113-8e2d-b22465e65bf6' // reads a key, wraps and unwraps with it: no more
var eventGridDataSender = 'd5a91429-5739-47e2-a06b-3470a27159e7'
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'
var durableTaskDataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402'

var table = [
  { what: 'host-blobs', kind: 'storage', target: targets.host, role: blobDataOwner } // leases, packages, large messages
  { what: 'host-queues', kind: 'storage', target: targets.host, role: queueDataContributor } // control and work queues
  { what: 'host-tables', kind: 'storage', target: targets.host, role: tableDataContributor } // orchestration histories
  { what: 'records', kind: 'storage', target: targets.records, role: tableDataContributor } // tasks, events, registry
  { what: 'workspace', kind: 'storage', target: targets.records, role: blobDataContributor } // checkpoints, indexes
  { what: 'vault', kind: 'vaultContainer', target: '${targets.vault}/${targets.vaultContainer}', role: vaultWriterRoleId }
  { what: 'key', kind: 'key', target: '${targets.keyVault}/${targets.key}', role: cryptoServiceEncryptionUser }
  { what: 'topic', kind: 'topic', target: targets.topic, role: eventGridDataSender }
  { what: 'telemetry', kind: 'insights', target: targets.insights, role: metricsPublisher }
  { what: 'scheduler', kind: 'scheduler', target: targets.scheduler, role: durableTaskDataContributor }
]

module assigned 'role.bicep' = [for row in table: if (!empty(row.target)) {
  name: 'role-${row.what}'
  params: {
    kind: row.kind
    target: row.target
    roleId: row.role
    principalId: principalId
  }
}]
