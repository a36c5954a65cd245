"""A page that follows work under way: a small server, the news it sends, and who may read them."""
