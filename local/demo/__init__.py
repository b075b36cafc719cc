"""The demo: Cairn's main job on a simulated tenant, told as a story whose every claim is checked.

story.py      the frame: a stack of its own in a temporary folder, the chapters in order, the ending
chapters.py   one function a chapter; a new chapter is one more function in `CHAPTERS`
scene.py      what a chapter may use
interface.py  Cairn's HTTP interface, as any script would call it
truth.py      what the simulated tenant really holds
vault.py      the restore point's files, read without Cairn
stage.py      how the story looks: bars on a terminal, plain lines when piped
"""
