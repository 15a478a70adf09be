"""What a market's figures say: implied volatility, gamma exposure and the signal drawn from them."""
