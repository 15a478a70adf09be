"""Pages for people: HTML files that need nothing but themselves."""
