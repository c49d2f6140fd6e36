"""From a run or a NIR file through a target's stages to an artefact and a report."""
