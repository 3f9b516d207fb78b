"""What a step descends, one objective a file; they load torch, and are loaded when a training begins."""
