"""annoengine: a resumable data engine that turns images and their masks into caption datasets."""

__version__ = "0.1.0"
