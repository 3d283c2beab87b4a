"""Language and country matters: digits, text, phones, calendars, money. Imports no other room."""
