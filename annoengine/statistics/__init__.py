"""What a caption dataset is like, in numbers, tables and plots, beside what papers published."""
