"""What other codebases published or wrote, for MMAction2."""
