"""Exchange calendars."""
