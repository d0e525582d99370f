package bot

// Names of log fields. What people wrote and what cards say is never a field.
const (
	fieldRef      = "ref"
	fieldCode     = "code"
	fieldKind     = "kind"
	fieldEnvelope = "envelope"
	fieldCommand  = "command"
	fieldWorkflow = "workflow"
	fieldPerson   = "person"
	fieldTeam     = "team"
	fieldMethod   = "method"
	fieldScope    = "scope"
	fieldEffect   = "effect"
	fieldChannel  = "channel"
	fieldCause    = "cause"
	fieldWait     = "wait"
	fieldPanic    = "panic"
)
