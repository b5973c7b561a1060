"""Pictures refined until their checklist holds: checklists, drawn scenes, and what refines pictures."""
