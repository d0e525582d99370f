package workflows

import (
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
