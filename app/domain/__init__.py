"""What Mado decides. Verbs and queries; nothing here commits, renders or sends."""
