package workflows

// Names of the fields of log lines, the same in every package, so that one search finds all of one
// thing. Values are IDs, codes and times: never tokens, never the text of a card.
const (
	LogAccount   = "account"
	LogAttempt   = "attempt"
	LogCause     = "cause"
	LogChannel   = "channel"
	LogCode      = "code"
	LogCommand   = "command"
	LogEffect    = "effect"
	LogEnvelope  = "envelope"
	LogKey       = "key"
	LogKind      = "kind"
	LogListen    = "listen"
	LogMethod    = "method"
	LogPanic     = "panic"
	LogPerson    = "person"
	LogPromise   = "promise"
	LogCure      = "cure"
	LogRecord    = "record"
	LogRecords   = "records" // how many
	LogDoubt     = "doubt"
	LogRef       = "ref" // the reference a person was shown
	LogScope     = "scope"
	LogStatus    = "status"
	LogTeam      = "team"
	LogTimer     = "timer"
	LogVersion   = "version"
	LogWait      = "wait"
	LogWorkflow  = "workflow"
	LogWorkspace = "workspace" // the name of its configuration
	LogAccounts  = "accounts"  // how many
	LogOperation = "operation"
)
