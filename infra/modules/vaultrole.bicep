// What Cairn may do in its vault, and no more. It writes new blobs, reads, retains for longer, and deletes what is not
// retained any more. Left out on purpose: deleting previous versions, changing containers or the account's policies.
// Azure knows one permission for setting, extending and removing a blob's policy; what keeps it one-way is that Cairn's
// policies are locked from the start, and a locked policy can only be extended, by anybody.

@description('Required. Name of the role, unique in the directory.')
param roleName string

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'cairn-vault-writer')
  properties: {
    roleName: roleName
    description: 'Writes, reads and retains restore points in a Cairn vault.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/immutableStorage/runAsSuperUser/action'
        ]
        notDataActions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/deleteBlobVersion/action'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/permanentDelete/action'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags/write'
        ]
      }
    ]
  }
}

@description('The role\'s own GUID.')
output roleId string = role.name
