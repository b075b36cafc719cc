"""Difference reports: two states compared, their changes kept, named, attributed and watched.

    overlay    a tenant's live state, read over the newest restore point and kept beside it
    live       reads it, by the same activities that make a backup
    by_ids     of few objects only these, where their types would be read in full
    comparing  two restore points (or one and the live state) → changes of each type
    names      ids → names
    audit      who did what, as the directory audit log tells
    finishing  noise under its causes, who and when, the figures
    segments   changes on disk
    reports    what there is of reports
    watch      rules that make alerts of changes
"""
