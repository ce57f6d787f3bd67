"""What is wrong with the words of a caption, whatever they are about: each fault as a number."""
