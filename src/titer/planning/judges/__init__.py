"""Whether the judges of a study can see the harm, looked at before its run; and the tasks that judge its answers."""
