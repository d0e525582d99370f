package workflows

import (
	"context"
)

// Stages of what happens, as traces name them. The first three begin a trace; the others belong to what began one.
const (
	StageEnvelope = "envelope" // Slack told something: a click, a form, a command
	StageDelivery = "delivery" // an effect is brought to its destination
	StageTimer    = "timer"    // a timer is due

	StageDecode = "decode" // what Slack told is read
	StageLoad   = "load"   // records are read
	StageDecide = "decide" // facts are fetched, and the machine answers
	StageCommit = "commit" // what it answered is stored
	StageAck    = "ack"    // Slack hears that it was
	StageSend   = "send"   // the other side is called
	StageFinish = "finish" // the end of a delivery is stored
)

// About says what a stage was about: names and IDs, never a person, an address or a text. What is empty is not known.
type About struct {
	Kind        string // of the envelope
	Workflow    string
	Machine     string
	Command     string
	Account     string
	Destination string // as [Effect.Destination]
	Outcome     string // of an acknowledgement or of a call
	Attempt     int    // of a delivery, from 1
}

// Stages hears when a stage begins, and through what it answers when it ended, what it was about, and how; the context
// is for what happens within. It must not block. nil hears nothing, and costs nothing.
type Stages func(ctx context.Context, stage string) (context.Context, func(About, error))

// Begin begins a stage.
func (s Stages) Begin(ctx context.Context, stage string) (context.Context, func(About, error)) {
	if s == nil {
		return ctx, unheard
	}
	return s(ctx, stage)
}

func unheard(About, error) {}

// Word is an outcome as traces name it.
func (o Outcome) Word() string {
	switch {
	case o.Limited:
		return "limited"
	case o.Refused:
		return "refused"
	case o.Done:
		return "done"
	}
	return "again"
}

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
