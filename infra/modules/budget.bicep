// A budget of this deployment, with mails when it is nearly and when it is wholly spent. It stops nothing.

@description('Required. Name of the budget.')
param name string

@description('Required. Amount a month, in the subscription\'s currency.')
param amount int

@description('Required. First day of the month it begins in, as YYYY-MM-01. Azure takes no change to an earlier one.')
param startDate string

@description('Required. Mail addresses that hear of it.')
param mails array

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: { startDate: startDate }
    notifications: {
      nearly: { enabled: true, operator: 'GreaterThan', threshold: 80, thresholdType: 'Actual', contactEmails: mails }
      wholly: { enabled: true, operator: 'GreaterThan', threshold: 100, thresholdType: 'Actual', contactEmails: mails }
      foreseen: { enabled: true, operator: 'GreaterThan', threshold: 120, thresholdType: 'Forecasted', contactEmails: mails }
    }
  }
}
