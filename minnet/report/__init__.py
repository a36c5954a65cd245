"""What a comparison says: tables, figures and the page. Import the module you need: each is heavy."""
