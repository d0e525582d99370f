package access

import (
	"cmp"
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// Stages; the last six are the ends.
const (
	Waiting   = "waiting" // for another request that changes the same access; only what a review decided waits
	Reading   = "reading"
	Approving = "approving"
	Doing     = "doing"
	Pending   = "pending"
	Active    = "active"
	Restoring = "restoring"

	Done      = "done"
	Ended     = "ended" // a time-box that came to its end
	Refused   = "refused"
	Cancelled = "cancelled"
	Expired   = "expired"
	Failed    = "failed"
)

// Kinds of change.
const (
	Grant  = workflows.ChangeGrant
	Change = workflows.ChangeAccess
	Remove = workflows.ChangeRemove
)

// State is all that an access workflow knows, the fold of its events.
type State struct {
	workflows.Head
	Frozen
	// Told are the people who have a card, in the order they got it. Nobody loses their card.
	Told []string `json:"told,omitempty"`
	// Address is what the user's address is by now, "" while it is the one that was asked for.
	Address string `json:"address,omitempty"`

	Wait Wait `json:"wait"`
	Call Call `json:"call"`
	Read Read `json:"read"`

	// Question is whether it may be; Approved that it was decided with yes.
	Question question.Question `json:"question"`
	Approved bool              `json:"approved,omitempty"`

	Hand       Hand       `json:"hand"`
	Written    Written    `json:"written"`
	Invitation Invitation `json:"invitation"`
	Box        Box        `json:"box"`
	Ending     Ending     `json:"ending"`
	Changed    Changed    `json:"changed"`

	// Late: what a review decided is not done in its time.
	Late *Notice `json:"late,omitempty"`
	// Kept: a review kept what this is to remove.
	Kept *keptWord `json:"kept,omitempty"`
	End  *Finished `json:"end,omitempty"`
}

// requested is the body of the opening event.
type requested struct {
	workflows.Opening
	Frozen
}

// Frozen is what the opening event fixes for good.
type Frozen struct {
	AccountName string `json:"account_name"`
	Environment string `json:"environment,omitempty"` // "" is production
	Requester   string `json:"requester"`
	Person      string `json:"person,omitempty"` // Slack user, when there is one
	Email       string `json:"email"`
	// Who is the user at integrator.io: from an earlier decision first, then as seen last.
	Who        workflows.UserRef `json:"who,omitzero"`
	Change     string            `json:"change"`
	Want       workflows.Access  `json:"want"` // empty role for remove
	For        string            `json:"for"`
	Length     time.Duration     `json:"length,omitempty"`  // 0: for always
	Outside    bool              `json:"outside,omitempty"` // the address is not of the company's domains
	Urgent     bool              `json:"urgent,omitempty"`
	Reason     string            `json:"reason"`
	Electorate []string          `json:"electorate,omitempty"`
	Lists      [][]string        `json:"lists,omitempty"` // of each of which somebody must approve
	Quorum     int               `json:"quorum"`
	// who asked and whose access it is, by all that is known of them
	Parties []approvals.Party      `json:"parties,omitempty"`
	ForSelf bool                   `json:"for_self,omitempty"` // they are one person
	Bars    []approvals.Bar        `json:"bars,omitempty"`     // whom that keeps from deciding
	Holders []string               `json:"holders,omitempty"`
	Admins  []string               `json:"admins,omitempty"`
	Channel string                 `json:"channel,omitempty"`
	Policy  workflows.AccessPolicy `json:"policy"`
	Token   bool                   `json:"token,omitempty"`
	// Quiet are those who may answer questions and get no card for them.
	Quiet []string `json:"quiet,omitempty"`
	// Review is set where a review decided it, and nobody is asked.
	Review *Reviewed `json:"review,omitempty"`
}

// Wait is that it goes on only when something outside of it is over.
type Wait struct {
	// Again is when it looks again, On the workflow that it waits for, Away why integrator.io cannot
	// be read now.
	Again time.Time `json:"again,omitzero"`
	On    string    `json:"on,omitempty"`
	Away  string    `json:"away,omitempty"`
}

// Call is what integrator.io was asked last.
type Call struct {
	InFlight bool      `json:"in_flight,omitempty"` // it has not answered
	At       time.Time `json:"at,omitzero"`
	Slow     bool      `json:"slow,omitempty"` // people are told that it does not answer
	// Answered is the call whose answer made the change; the same answer once more changes nothing.
	Answered string `json:"answered,omitempty"`
}

// Read is what a person had when that was first read, and what follows from it; the body of that
// event.
type Read struct {
	User   *workflows.User `json:"user,omitempty"` // nil for nothing
	OK     bool            `json:"ok,omitempty"`
	Empty  bool            `json:"empty,omitempty"`  // the list of users had nobody, which proves nothing
	Unread string          `json:"unread,omitempty"` // why it could not be read
	Does   string          `json:"does,omitempty"`   // the kind of change that it is, as things are
	// Key is what the account's record keeps this access under.
	Key   string            `json:"key,omitempty"`
	Names map[string]string `json:"names,omitempty"` // of integrations
	// Former is what stands once nothing for a time only is left.
	Former workflows.Former `json:"former"`
	// Timed: a time ran that gave what was read, so having it already is not having it for longer.
	Timed bool                   `json:"timed,omitempty"`
	SSO   bool                   `json:"sso,omitempty"`
	Caps  workflows.Capabilities `json:"caps"`
}

// Hand is the step that people do in the pages of integrator.io.
type Hand struct {
	Manual   bool   `json:"manual,omitempty"`   // a person does it
	Attested string `json:"attested,omitempty"` // who said last that it is done
	Checks   bool   `json:"checks,omitempty"`   // somebody said so, and it is being read
	// Watched is the mark of what was last seen meanwhile.
	Watched string `json:"watched,omitempty"`
	// Code and Message are why Keyholder did not do it, or what was seen instead.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Written is what was written at integrator.io.
type Written struct {
	User *workflows.User `json:"user,omitempty"` // as read back
	How  string          `json:"how,omitempty"`  // acted, verified, attested
	// Unusable: it is written, but cannot be used yet, so that ending now means to restore.
	Unusable bool `json:"unusable,omitempty"`
}

// Invitation is an open invitation.
type Invitation struct {
	Mark      string    `json:"mark,omitempty"` // as last seen
	Declined  time.Time `json:"declined,omitzero"`
	Resending bool      `json:"resending,omitempty"` // it is on its way once more
	ResentBy  string    `json:"resent_by,omitempty"`
	ResentAt  time.Time `json:"resent_at,omitzero"`
	Unsent    string    `json:"unsent,omitempty"` // why it could not be sent again
}

// Box is the time for which access is given.
type Box struct {
	From time.Time `json:"from,omitzero"` // when it could first be used
	// Notices is how many warnings of the present end were given; Noticed all that were, as their
	// messages stay.
	Notices int      `json:"notices,omitempty"`
	Noticed []Notice `json:"noticed,omitempty"`
	// More is the question for more time that By asked, last; Asks that it is open. Past are the
	// answers to such questions that are over.
	More question.Question `json:"more"`
	By   string            `json:"by,omitempty"`
	Asks bool              `json:"asks,omitempty"`
	Past []approvals.Vote  `json:"past,omitempty"`
	// Proven are those of Past, by their place, whose voter had shown who they are.
	Proven []int  `json:"proven,omitempty"`
	NoMore string `json:"no_more,omitempty"` // why the last question for more time was refused
	// NoMoreLeft is who had left, when more time was not given for that.
	NoMoreLeft string `json:"no_more_left,omitempty"`
}

// Ending is how what was given comes to its end.
type Ending struct {
	Stop string `json:"stop,omitempty"` // why it was stopped while it was on its way
	Why  string `json:"why,omitempty"`  // why it is being restored: time, early, refused and so on
	By   string `json:"by,omitempty"`
	Back *back  `json:"back,omitempty"` // what that brings back
}

// Changed is what somebody made of an access, of which nobody here decided.
type Changed struct {
	// Looking: integrator.io refused to write over it, and it is being read.
	Looking bool   `json:"looking,omitempty"`
	Words   string `json:"words,omitempty"`  // integrator.io's of that
	Locked  bool   `json:"locked,omitempty"` // the lock was taken once more for that while
	// Asks: people are asked whether it stays.
	Asks   bool              `json:"asks,omitempty"`
	There  *there            `json:"there,omitempty"` // what was read
	Taking question.Expected `json:"taking"`          // those who leave it as it is, where one is not enough
	// Left is the mark of an access that LeftBy took as expected on the card of a finding: it is not
	// asked about again.
	Left   string `json:"left,omitempty"`
	LeftBy string `json:"left_by,omitempty"`
}

// there is what integrator.io shows where something else was expected.
type there struct {
	User *workflows.User `json:"user,omitempty"`
	OK   bool            `json:"ok,omitempty"` // it could be read
}

// Notice is that people were told something with a time, kept because its message stays.
type Notice struct {
	N     int       `json:"n,omitempty"`
	Until time.Time `json:"until"`
	At    time.Time `json:"at"`
	To    []string  `json:"to"`
}

// Finished is the end.
type Finished struct {
	Outcome string          `json:"outcome"`
	By      workflows.Actor `json:"by"`
	At      time.Time       `json:"at"`
	Reason  string          `json:"reason,omitempty"`
	Code    string          `json:"code,omitempty"`
	Message string          `json:"message,omitempty"`
	How     string          `json:"how,omitempty"` // how what was given came to its end: acted, verified, attested
	Who     string          `json:"who,omitempty"` // who says so
}

// clone copies what folds change in place.
func (s State) clone() State {
	s.Told, s.Box.Noticed = slices.Clip(s.Told), slices.Clip(s.Box.Noticed)
	s.Box.Past, s.Box.Proven = slices.Clip(s.Box.Past), slices.Clip(s.Box.Proven)
	return s
}

// AskedBy implements [workflows.Requested].
func (s State) AskedBy() string { return s.Requester }

// Title implements [workflows.State].
func (s State) Title() string {
	switch s.Change {
	case Remove:
		return "Remove " + s.Email + " from " + s.where()
	case Change:
		return "Change the access of " + s.Email + " in " + s.where()
	}
	return "Give " + s.Email + " access to " + s.where()
}

// where names the account and, when it is not production, the environment.
func (fr Frozen) where() string {
	if fr.Environment == "" {
		return fr.AccountName
	}
	return fr.AccountName + " (" + fr.Environment + ")"
}

// lock is the account's lock for this person's access.
func (fr Frozen) lock() string { return "access/" + workflows.GivenKey(fr.Environment, fr.Email) }

// address is what they have now.
func (s State) address() string { return cmp.Or(s.Address, s.Email) }

// byHand reports whether only people can act, because no token is there or integrator.io does not
// know it.
func (s State) byHand() bool { return !s.Token || s.Read.Caps.Token == workflows.No }

// canSee reports whether what people did can be seen by reading.
func (s State) canSee() bool { return !s.byHand() && s.Read.Caps.ReadUsers == workflows.Yes }

// boxed reports whether the access is for a time only.
func (s State) boxed() bool { return s.Length > 0 && s.Read.Does != Remove }

// Narrows implements [workflows.Narrowed]: the role that is gained, and whether it is urgent.
func (s State) Narrows() []string {
	var out []string
	if s.Want.Role != "" {
		out = append(out, s.Want.Role)
	}
	if s.Urgent {
		out = append(out, "urgent")
	}
	return out
}
