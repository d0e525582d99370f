package workflows

import (
	"context"
	"slices"
	"strings"
	"time"
)

// StepUp is what an identity provider said of who clicked: an ID token that held, without the token; or that a
// one-time code was right ([ByCode]). It
// stands in the event of what was decided with it, as part of its [Actor]. Source: OpenID Connect Core,
// ID Token.
type StepUp struct {
	Issuer string `json:"iss"`
	// Subject is a hash of issuer and subject, hexadecimal: equal for the same person, and no more.
	Subject string `json:"sub"`
	// AuthTime is when the person showed the provider who they are; zero where it does not say.
	AuthTime time.Time `json:"auth_time,omitzero"`
	// Methods (amr) and Class (acr) are how, in the provider's own words; it need not say.
	Methods []string `json:"amr,omitempty"`
	Class   string   `json:"acr,omitempty"`
}

// AccountOfPeople stands in the place of an account where something is of a person and serves all accounts, as
// their authenticator app. No account can be called so. Its policy has the administrators and auditors of all
// accounts that ask for proofs.
const AccountOfPeople = "-"

// ByCode is the [StepUp.Issuer] of a proof by one-time code: Keyholder looked at it itself.
const ByCode = "one-time code"

// Said is that there was a proof, and by what, where that is not the identity provider.
func (s StepUp) Said() string {
	if s.Issuer == ByCode {
		return WithProof + " by " + ByCode
	}
	return WithProof
}

// WithProof is said behind who did something with a [StepUp].
const WithProof = "with proof"

// Asked is that somebody is being asked to show who they are: enough to tell them that nothing came of it, and
// nothing with which it could be shown.
type Asked struct {
	Team   string `json:"team"`
	Person string `json:"person"`
	// Command is the ID of what waits for it, About what that is, as in [StepUpWanted]; Workflow is what it is of,
	// empty where it opens one or is of none.
	Command  string    `json:"command"`
	About    string    `json:"about"`
	Workflow string    `json:"workflow,omitempty"`
	At       time.Time `json:"at"`
}

// AskedNote is an [Asked] that this process looks after. Stands is how the book has it written.
type AskedNote struct {
	Asked
	Stands string
}

// AskedBook is where all processes note whom they are asking, so that nobody is asked twice at once, and that
// somebody tells those whose process died. A note is its process's for some seconds. Errors: [ErrAway], [ErrUnclear].
type AskedBook interface {
	// Ask notes it; where the person is being asked already, that is answered instead.
	Ask(ctx context.Context, a Asked) (mine AskedNote, was *Asked, err error)
	// StillAsked keeps a note for some seconds more; false: it is another process's now.
	StillAsked(ctx context.Context, a AskedNote) (AskedNote, bool, error)
	// NoLongerAsked ends a note that is still ours.
	NoLongerAsked(ctx context.Context, a AskedNote) error
	// AskedByNobody answers the notes that no process keeps any more; they are ours from here on.
	AskedByNobody(ctx context.Context) ([]AskedNote, error)
}

// StepUpWanted answers a command that would be recorded if whoever gave it had shown who they are:
// nothing was recorded. The same command with a proof is decided as if it came then.
type StepUpWanted struct {
	// Account is the account whose policy asks for it; empty for a delegation, which serves them all.
	Account string
	// About says in one sentence what is about to be decided, in Slack mrkdwn, as
	// "*Confirm*: Hand Acme Production to celigo@acme.example (`t07-7KQ2M9XA`)".
	About string
}

// Error tells what is missing.
func (p *StepUpWanted) Error() string { return "a proof is wanted for: " + p.About }

// StepDelegate is the name in [Policy.StepUp] for giving one's word to somebody else. Without it a
// stolen session could have a colleague of the thief vote with a proof of their own.
const StepDelegate = "delegate"

// Narrowed is a [State] of which [Policy.StepUp] can name a part: "access.approve:administrator" asks
// for a proof of approvals only where administrator is gained.
type Narrowed interface {
	// Narrows answers the words behind the colon that hold for this workflow.
	Narrows() []string
}

// sameClick reports whether a click is the one that a policy names: a yes with a comment is a yes, and
// would else be the way around a proof.
func sameClick(named, click string) bool {
	machine, comments := strings.CutSuffix(click, ".comment")
	return named == click || comments && (named == machine+".confirm" || named == machine+".approve")
}

// namesClick reports whether a policy asks for a proof of a click in any workflow.
func (p Policy) NamesClick(name string) bool {
	return slices.ContainsFunc(p.StepUp, func(n string) bool {
		click, _, _ := strings.Cut(n, ":")
		return sameClick(click, name)
	})
}

// stepsUp reports whether a policy asks for a proof of a click, for a workflow that a state describes.
func (p Policy) StepsUp(name string, s State) bool {
	return slices.ContainsFunc(p.StepUp, func(named string) bool {
		click, part, narrowed := strings.Cut(named, ":")
		if !sameClick(click, name) {
			return false
		}
		n, can := s.(Narrowed)
		return !narrowed || can && slices.Contains(n.Narrows(), part)
	})
}
