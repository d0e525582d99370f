package bot

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/stepup"
	"github.com/keyholder/keyholder/workflows"
)

// Desk is what the bot asks of the record; [loops.Desk] implements it. It stands here as an
// interface so that tests can be slow, broken or absent in its place. Errors of all methods:
// [*workflows.Refusal] with a sentence for the person, the sentinels of package workflows, the
// context's.
type Desk interface {
	// Do decides one command and makes the decision durable.
	Do(ctx context.Context, cmd workflows.Command) (workflows.Reply, error)
	// Would answers what opening a workflow would be refused for whatever its form says, nil for
	// nothing; it records nothing.
	Would(ctx context.Context, cmd workflows.Command) error
	// NewWorkflowID derives a workflow's ID; equal seeds give equal IDs.
	NewWorkflowID(machine, account string, seeds ...string) (string, error)
	// NamedWorkflowID is the ID of a workflow that is named after what it is about, as a campaign after its period.
	NamedWorkflowID(machine, account, name string) (string, error)
	// State answers a workflow's state, of its machine's own type.
	State(ctx context.Context, workflow string) (workflows.State, error)
	// Accounts answers every configured account in the file's order.
	Accounts(ctx context.Context) ([]workflows.AccountInfo, error)
	// Account answers one account. One that is not configured has a policy without a name.
	Account(ctx context.Context, id string) (workflows.AccountInfo, error)
	// Look answers one workflow.
	Look(ctx context.Context, workflow string) (workflows.Overview, error)
	// OpenOf and WaitingFor list open workflows, oldest first.
	OpenOf(ctx context.Context, account string) ([]workflows.Overview, error)
	WaitingFor(ctx context.Context, person string) ([]workflows.Overview, error)
	// Story retells a workflow, oldest first.
	Story(ctx context.Context, workflow string) ([]workflows.StoryLine, error)
	// Delegate records that cmd.Actor lets another person decide until a time (zero: as long as
	// allowed); an empty to ends it.
	Delegate(ctx context.Context, cmd workflows.Command, to string, until time.Time) (workflows.Reply, error)
	// Delegation answers whom a person lets decide in their place; nil: nobody.
	Delegation(ctx context.Context, person string) (*approvals.Delegation, error)
	// MayRead reports whether a person may read an account's record.
	MayRead(ctx context.Context, person workflows.Person, account string) bool
	// Around answers what is known now of everybody whom an account's policy names, and of others.
	Around(ctx context.Context, account string, others ...string) (workflows.Facts, error)
	// Place answers where a workflow's card stands.
	Place(ctx context.Context, workflow, name, recipient string) (workflows.Place, bool, error)
	// Card answers what a person's own card of a workflow shows now, and the machine of its buttons.
	Card(ctx context.Context, workflow, person string) (card workflows.Card, machine string, ok bool, err error)
}

// Form makes the modal that opens a workflow of one machine, as what stands in it wants it: chosen has that by
// block, of a new form the account that was named. It is made anew when an input is changed that
// [workflows.Input.Follows]. What it asks elsewhere must be back well before the trigger's 3 s; it then does without.
type Form func(ctx context.Context, policies []workflows.Policy, chosen map[string]string,
	now time.Time) workflows.Modal

// Metrics are told what happens. Each may be nil; each is called from many goroutines and must not block.
type Metrics struct {
	// Envelope is called once per envelope with its kind ("block_actions", "slash_commands", ...),
	// the outcome ("ok", a code of sentences.go, "busy") and the time from its receipt to its
	// acknowledgement.
	Envelope func(kind, outcome string, took time.Duration)
	// Connected is called at each Socket Mode connection that said hello, with how many of the
	// app's there are by Slack's count, this one included.
	Connected func(connections int, at time.Time)
}

// Archive is the exported files of a review.
type Archive struct {
	Name     string // of the file
	Zip      []byte
	Manifest string // SHA-256 of its manifest.json, as it stands in the record
}

// Options wire a Bot. API, People, Command, Desk and Now are required.
type Options struct {
	// API is the road to Slack, People what looks up who somebody is there.
	API    *slackapi.Client
	People *roster.Roster
	// Command is the slash command, as "/io".
	Command string
	Desk    Desk
	// Forms holds the request form of each machine by the machine's name ("transfer"), Machines the
	// prefixes of action_ids of those that are not opened by a form; nil: "review". The buttons and
	// forms of all others are refused.
	Forms    map[string]Form
	Machines []string
	// Census reads the users of one environment ("" is production) of an account, for "who"; nil:
	// that word is not there.
	Census func(ctx context.Context, account, environment string) (workflows.Census, error)
	// Tokens reads the API tokens of one environment, for what a review would ask; nil: it says nothing of them.
	Tokens func(ctx context.Context, account, environment string) ([]workflows.APIToken, error)
	// Evidence makes the exported files of a review for a person, for "review ID export", and
	// records their hash. Errors: [*workflows.Refusal] with a sentence, [workflows.ErrNoWorkflow],
	// [workflows.ErrAway]. nil: there are none to be had in Slack.
	Evidence func(ctx context.Context, id, person string) (Archive, error)
	// Looked is told that somebody looked who has access to an account, so that it is compared with
	// the record now; nil: nobody is. It must not block.
	Looked func(account string)
	// Changed is told that somebody's Slack account has changed, so that what rests on them is
	// looked at; nil: nobody is. It must not block.
	Changed func(person string)
	// StepUp is the identity provider at which people show who they are before what the policies name
	// counts; nil: no policy names anything.
	StepUp *stepup.Provider
	// Asked is where it is noted that somebody is asked there, for all processes; nil: this one is alone.
	Asked workflows.AskedBook
	// Codes are one-time codes, by which they can show it as well, or instead where StepUp is nil; nil: they are off.
	Codes *stepup.Codes
	Log   zerolog.Logger
	// Now is the time of commands, RealNow this machine's clock for budgets and caches; nil: Now.
	Now, RealNow func() time.Time
	Metrics      Metrics
	// Stages hears what becomes of each envelope, for traces; nil: nobody does.
	Stages workflows.Stages
}

func (o Options) check() (Options, error) {
	var faults []error
	if o.API == nil || o.People == nil {
		faults = append(faults, errors.New("a road to Slack and a roster are needed"))
	}
	if o.Command == "" {
		o.Command = "/io"
	}
	if o.Machines == nil {
		o.Machines = []string{"review"}
	}
	if o.Now == nil {
		faults = append(faults, errors.New("a clock is needed"))
	}
	if o.RealNow == nil {
		o.RealNow = o.Now
	}
	return o, errors.Join(faults...)
}
