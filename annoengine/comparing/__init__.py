"""Two ways of captioning the same images, side by side."""
