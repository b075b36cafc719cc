// Cairn's applications in Entra: two that tenants consent to (basic reads, restore changes), and the interface that
// people sign in to. No secret anywhere: the app's identity stands behind the two by a federated credential. The
// permissions come from the catalog (infra/permissions.json, made by `make docs`, held fresh by a test).

extension microsoftGraphV1

@description('Required. Ending of every name: environment and region.')
param suffix string

@description('Required. Object id of the app\'s identity.')
param identityPrincipalId string

@description('Required. Address of the interface.')
param appUrl string

@description('Required. The Microsoft cloud of the tenants: global, usGovL4, usGovL5 or china.')
@allowed(['global', 'usGovL4', 'usGovL5', 'china'])
param cloud string

@description('Required. Options of tenants\' settings whose further permissions are asked for as well.')
param options array

var permissions = loadJsonContent('../permissions.json')
var roles = loadJsonContent('../approles.json')
var graphAppId = '00000003-0000-0000-c000-000000000000'
var consents = [
  { kind: 'basic', name: 'Cairn', says: 'Backs up this directory. It reads, and changes nothing.' }
  { kind: 'restore', name: 'Cairn restore', says: 'Restores this directory from a backup, when an administrator asks for it.' }
]

resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: graphAppId
}

resource consented 'Microsoft.Graph/applications@v1.0' = [for consent in consents: {
  uniqueName: 'cairn-${consent.kind}-${suffix}'
  displayName: '${consent.name} (${suffix})'
  description: consent.says
  signInAudience: 'AzureADMultipleOrgs'
  web: {
    redirectUris: ['${appUrl}/api/v1/health']
    implicitGrantSettings: { enableAccessTokenIssuance: false, enableIdTokenIssuance: false }
  }
  requiredResourceAccess: [
    {
      resourceAppId: graphAppId
      resourceAccess: map(
        filter(graph.appRoles, role => contains(union(permissions[cloud][consent.kind].always, flatten(map(options, option => permissions[cloud][consent.kind].options[?option] ?? []))), role.value)),
        role => { id: role.id, type: 'Role' }
      )
    }
  ]
}]

resource federated 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = [for (consent, number) in consents: {
  name: '${consented[number].uniqueName}/managed-identity'
  issuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
  subject: identityPrincipalId
  audiences: ['api://AzureADTokenExchange']
  description: 'The identity of Cairn\'s function app.'
}]

resource principals 'Microsoft.Graph/servicePrincipals@v1.0' = [for (consent, number) in consents: {
  appId: consented[number].appId
}]

resource interface 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: 'cairn-interface-${suffix}'
  displayName: 'Cairn interface (${suffix})'
  description: 'People and scripts that work with Cairn sign in to this.'
  signInAudience: 'AzureADMyOrg'
  identifierUris: ['api://${tenant().tenantId}/cairn-${suffix}']
  api: {
    requestedAccessTokenVersion: 2
    oauth2PermissionScopes: [
      {
        id: guid('cairn', suffix, 'use')
        value: 'use'
        type: 'User'
        isEnabled: true
        adminConsentDisplayName: 'Use Cairn'
        adminConsentDescription: 'Use Cairn as the signed-in person, with the roles that person has.'
        userConsentDisplayName: 'Use Cairn'
        userConsentDescription: 'Use Cairn as you, with the roles you have.'
      }
    ]
  }
  appRoles: [for role in roles: {
    id: guid('cairn', 'role', role.value)
    value: role.value
    displayName: role.value
    description: role.description
    allowedMemberTypes: ['User', 'Application']
    isEnabled: true
  }]
  groupMembershipClaims: 'SecurityGroup' // assignments may name a group; above 200 groups Entra leaves the claim out
  optionalClaims: {
    accessToken: [{ name: 'auth_time', essential: false }, { name: 'idtyp', essential: false }]
  }
}

resource interfacePrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: interface.appId
  appRoleAssignmentRequired: true
}

@description('Client id of the application that reads.')
output basicClientId string = consented[0].appId

@description('Client id of the application that restores.')
output restoreClientId string = consented[1].appId

@description('Audience of the interface\'s tokens: with version 2 tokens, its client id.')
output audience string = interface.appId
