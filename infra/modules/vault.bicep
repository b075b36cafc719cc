// The vault: restore points, written once. Immutability is per version, and locked by the app as it writes; this
// deployment gives nobody a way to shorten it. Its account holds nothing else.

@description('Required. Name of the storage account, 3 to 24 small letters and digits.')
@minLength(3)
@maxLength(24)
param name string

@description('Required. Azure region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Redundancy: zone (ZRS), geo (GRS), or both (GZRS).')
@allowed(['ZRS', 'GRS', 'GZRS'])
param redundancy string

@description('Required. Whether the account can be reached without a private endpoint.')
param publicAccess bool

@description('Conditional. Identity, key and Key Vault of a customer-managed key, as encryption.bicep gives them; empty means Microsoft\'s keys.')
param encryption object = {}

@description('Required. Days for which a deleted blob, version or container can be brought back.')
@minValue(7)
@maxValue(365)
param softDeleteDays int

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_${redundancy}' }
  identity: empty(encryption) ? null : {
    type: 'UserAssigned'
    userAssignedIdentities: { '${encryption.identityId}': {} }
  }
  properties: {
    accessTier: 'Cool'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    supportsHttpsTrafficOnly: true
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: publicAccess ? 'Allow' : 'Deny'
    }
    encryption: {
      requireInfrastructureEncryption: true
      keySource: empty(encryption) ? 'Microsoft.Storage' : 'Microsoft.Keyvault'
      identity: empty(encryption) ? null : { userAssignedIdentity: encryption.identityId }
      keyvaultproperties: empty(encryption) ? null : {
        keyname: encryption.keyName
        keyvaulturi: encryption.vaultUri
      }
      services: {
        blob: { enabled: true, keyType: 'Account' }
        file: { enabled: true, keyType: 'Account' }
      }
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: true
    deleteRetentionPolicy: { enabled: true, days: softDeleteDays }
    containerDeleteRetentionPolicy: { enabled: true, days: softDeleteDays }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: blobs
  name: 'vault'
  properties: {
    publicAccess: 'None'
    immutableStorageWithVersioning: { enabled: true }
  }
}

// Expiry deletes current versions; what stays behind as a previous version goes by this rule, once its own
// immutability has ended (Azure keeps a protected version whatever a lifecycle rule says).
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2024-01-01' = {
  parent: account
  name: 'default'
  dependsOn: [blobs]
  properties: {
    policy: {
      rules: [
        {
          name: 'previous-versions'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'] }
            actions: { version: { delete: { daysAfterCreationGreaterThan: 1 } } }
          }
        }
      ]
    }
  }
}

@description('Resource id of the account.')
output id string = account.id

@description('Name of the account.')
output name string = account.name

@description('Name of the container that holds restore points.')
output containerName string = container.name

@description('Blob endpoint, without a slash at its end.')
output blobUrl string = 'https://${account.name}.blob.${environment().suffixes.storage}'
