"""The UI in a browser: what a person does and sees."""
