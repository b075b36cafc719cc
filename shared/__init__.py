"""What Cairn knows of Entra, the repository and recovery; never of Azure Functions."""
