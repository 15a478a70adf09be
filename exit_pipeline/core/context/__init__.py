"""What a chain's figures say: implied volatility, gamma exposure and the signal drawn from it."""
