"""The words of the field as types: contract, position, quote, book, decision, order."""
