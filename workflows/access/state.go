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
	Frozen
	Phase string    `json:"stage"`
	Round int       `json:"round"`
	Told  []string  `json:"told,omitempty"`
	Begun time.Time `json:"begun"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"`

	// Before is what the person had when it was read, nil for nothing; Doing is the kind of change that follows from it.
	Before *workflows.User `json:"before,omitempty"`
	ReadOK bool            `json:"read_ok,omitempty"`
	// Former is what stands once nothing for a time only is left; Back what the end that is under way brings back.
	Former   workflows.Former       `json:"former"`
	Back     *back                  `json:"back,omitempty"`
	Timed    bool                   `json:"timed,omitempty"` // a time ran that gave what was read, so having it already is not having it for longer
	Unread   string                 `json:"unread,omitempty"`
	Empty    bool                   `json:"empty,omitempty"` // the list of users had nobody, which proves nothing
	Does     string                 `json:"does,omitempty"`
	Names    map[string]string      `json:"names,omitempty"` // of integrations
	SSO      bool                   `json:"sso,omitempty"`
	Caps     workflows.Capabilities `json:"caps"`
	Slow     bool                   `json:"slow,omitempty"`
	CalledAt time.Time              `json:"called_at,omitzero"`
	InFlight bool                   `json:"in_flight,omitempty"` // a call is on its way

	Ballot   approvals.Ballot `json:"ballot"`
	Asked    []string         `json:"asked,omitempty"`
	Approved bool             `json:"approved,omitempty"`
	// Key is what the account's record keeps this access under; Address what the user's address is by now, "" while it is the one that was
	// asked for.
	Key     string `json:"key,omitempty"`
	Address string `json:"address,omitempty"`
	// Answered is the call whose answer made the change; the same answer once more changes nothing.
	Answered string `json:"answered,omitempty"`
	// WaitFor is who could still answer the open question by the last count; StandIns when the next of the delegations in use ends;
	// Unasked whoever was told that they stand in for nobody any more.
	WaitFor  []string  `json:"wait_for,omitempty"`
	StandIns time.Time `json:"stand_ins,omitzero"`
	Unasked  []Notice  `json:"unasked,omitempty"`

	Manual  bool   `json:"manual,omitempty"` // a person does the step in the pages
	Wrote   bool   `json:"wrote,omitempty"`  // it is written, but not usable yet: ending now means to restore
	Checks  bool   `json:"checks,omitempty"` // somebody said that it is done, and it is being read
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`

	After    *workflows.User `json:"after,omitempty"` // as read back
	How      string          `json:"how,omitempty"`   // acted, verified, attested
	Attested string          `json:"attested,omitempty"`
	Mark     string          `json:"mark,omitempty"` // of the open invitation, as last seen

	BoxFrom  time.Time        `json:"box_from,omitzero"`
	Notices  int              `json:"notices,omitempty"`
	Noticed  []Notice         `json:"noticed,omitempty"`
	Reminded []Notice         `json:"reminded,omitempty"`
	Extend   *Extension       `json:"extend,omitempty"`
	Past     []approvals.Vote `json:"past,omitempty"`    // votes on earlier questions for more time
	NoMore   string           `json:"no_more,omitempty"` // why the last one was refused
	// NoMoreLeft is who had left, when the last one was not given for that.
	NoMoreLeft string `json:"no_more_left,omitempty"`
	StopWhy    string `json:"stop_why,omitempty"` // refused while it was on its way
	EndWhy     string `json:"end_why,omitempty"`  // why it is being restored: time, early, refused
	EndBy      string `json:"end_by,omitempty"`
	Drifted    bool   `json:"drifted,omitempty"` // somebody changed it since: it asks
	// Looking: integrator.io refused to write over an access that somebody changed, and that is being read. There is what was read, if There.OK.
	Looking bool   `json:"looking,omitempty"`
	There   *there `json:"there,omitempty"`
	// Taking are those who leave it as somebody made it, where one is not enough.
	Taking question.Expected `json:"taking"`
	// Locked: the lock was taken once more, as what somebody made of a time-box is being asked about.
	Locked bool `json:"locked,omitempty"`
	// Left is the mark of an access that LeftBy took as expected on the card of a finding: it is not asked about again.
	Left   string `json:"left,omitempty"`
	LeftBy string `json:"left_by,omitempty"`
	// Watched is the mark of what was last seen while people do the step in the pages.
	Watched string `json:"watched,omitempty"`

	// Of an open invitation: when it was declined, and who had it sent again when. Resending: that is on its way.
	Declined  time.Time `json:"declined,omitzero"`
	Resending bool      `json:"resending,omitempty"`
	ResentBy  string    `json:"resent_by,omitempty"`
	ResentAt  time.Time `json:"resent_at,omitzero"`
	Unsent    string    `json:"unsent,omitempty"` // why it could not be sent again

	// RetryAt is when a request that waits looks again, WaitsOn the workflow it waits for; Away says why integrator.io cannot be read now.
	RetryAt time.Time `json:"retry_at,omitzero"`
	WaitsOn string    `json:"waits_on,omitempty"`
	Away    string    `json:"away,omitempty"`
	// Escalation says who was told that too few answer.
	Escalation *Notice `json:"escalation,omitempty"`
	// Late: what a review decided is not done in its time.
	Late *Notice `json:"late,omitempty"`

	End *Finished `json:"end,omitempty"`
}

// Frozen is what the opening event fixes; it is that event's body.
type Frozen struct {
	ID          string `json:"id"`
	AccountID   string `json:"account"`
	AccountName string `json:"account_name"`
	Environment string `json:"environment,omitempty"` // "" is production
	Requester   string `json:"requester"`
	Person      string `json:"person,omitempty"` // Slack user, when there is one
	Email       string `json:"email"`
	// Who is the user at integrator.io: from an earlier decision first, then as seen last.
	Who        workflows.UserRef      `json:"who,omitzero"`
	Change     string                 `json:"change"`
	Want       workflows.Access       `json:"want"` // empty role for remove
	For        string                 `json:"for"`
	Length     time.Duration          `json:"length,omitempty"`  // 0: for always
	Outside    bool                   `json:"outside,omitempty"` // the address is not of the company's domains
	Urgent     bool                   `json:"urgent,omitempty"`
	Reason     string                 `json:"reason"`
	Electorate []string               `json:"electorate,omitempty"`
	Lists      [][]string             `json:"lists,omitempty"` // of each of which somebody must approve
	Quorum     int                    `json:"quorum"`
	Parties    []approvals.Party      `json:"parties,omitempty"`  // who asked and whose access it is, by all that is known of them
	ForSelf    bool                   `json:"for_self,omitempty"` // they are one person
	Bars       []approvals.Bar        `json:"bars,omitempty"`     // whom that keeps from deciding; later votes add to them
	Holders    []string               `json:"holders,omitempty"`
	Admins     []string               `json:"admins,omitempty"`
	Channel    string                 `json:"channel,omitempty"`
	Policy     workflows.AccessPolicy `json:"policy"`
	Token      bool                   `json:"token,omitempty"`
	UIHost     string                 `json:"ui_host,omitempty"`

	// What follows is set when a review decided: its ID, the packet that is told, the row there, the mark and the record's ID of what the reviewer saw, and
	// until when it is to be done.
	Review string    `json:"review,omitempty"`
	Packet string    `json:"packet,omitempty"`
	Row    string    `json:"row,omitempty"`
	Was    string    `json:"was,omitempty"`
	WasID  string    `json:"was_id,omitempty"`
	FixBy  time.Time `json:"fix_by,omitzero"`
}

// there is what integrator.io shows where something else was expected.
type there struct {
	User *workflows.User `json:"user,omitempty"`
	OK   bool            `json:"ok,omitempty"` // it could be read
}

// Notice is one word of warning before the end of a time-box, kept because its message stays.
type Notice struct {
	N     int       `json:"n"`
	Until time.Time `json:"until"`
	At    time.Time `json:"at"`
	To    []string  `json:"to"`
	Open  []string  `json:"open,omitempty"` // who had not answered
}

// Extension is a question to make a time-box longer.
type Extension struct {
	By     string           `json:"by"`
	Ballot approvals.Ballot `json:"ballot"`
	Asked  []string         `json:"asked,omitempty"`
	Again  time.Time        `json:"again,omitzero"` // when the next of the delegations in use ends
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

// Opened implements workflows.State.
func (s State) Opened() bool { return s.Phase != "" }

// Closed implements workflows.State.
func (s State) Closed() bool { return s.End != nil }

// Account implements workflows.State.
func (s State) Account() string { return s.AccountID }

// Title implements workflows.State.
func (s State) Title() string {
	switch s.Change {
	case Remove:
		return "Remove " + s.Email + " from " + s.where()
	case Change:
		return "Change the access of " + s.Email + " in " + s.where()
	}
	return "Give " + s.Email + " access to " + s.where()
}

// StageName implements workflows.State.
func (s State) StageName() string { return s.Phase }

// Began implements workflows.State.
func (s State) Began() time.Time { return s.Begun }

// where names the account and, when it is not production, the environment.
func (s State) where() string {
	if s.Environment == "" {
		return s.AccountName
	}
	return s.AccountName + " (" + s.Environment + ")"
}

// lock is the account's lock for this person's access.
func (s Frozen) lock() string { return "access/" + workflows.GivenKey(s.Environment, s.Email) }

// managers are the people who look after access besides those who vote.
func (s State) managers() []string { return workflows.Union(s.Holders, s.Admins) }

// able are the managers who may say that something was done: not the one whose access it is.
func (s State) able() []string { return slices.DeleteFunc(s.managers(), s.isSelf) }

// escalated are those who were told that too few answer.
func (s State) escalated() []string {
	if s.Escalation == nil {
		return nil
	}
	return s.Escalation.To
}

// address is what they have now.
func (s State) address() string { return cmp.Or(s.Address, s.Email) }

// extender is who asked for more time, while that is asked.
func (s State) extender() []string {
	if s.Extend == nil {
		return nil
	}
	return []string{s.Extend.By}
}

// own are the people the access is about.
func (s State) own() []string { return workflows.Union([]string{s.Requester}, []string{s.Person}) }

// byHand reports whether only people can act, because no token is there or integrator.io does not know it.
func (s State) byHand() bool { return !s.Token || s.Caps.Token == workflows.No }

// canSee reports whether what people did can be seen by reading.
func (s State) canSee() bool { return !s.byHand() && s.Caps.ReadUsers == workflows.Yes }

// boxed reports whether the access is for a time only.
func (s State) boxed() bool { return s.Length > 0 && s.Does != Remove }

// question is the ballot that is open now, nil for none.
func (s *State) question() (*approvals.Ballot, []string) {
	switch {
	case s.Closed():
		return nil, nil
	case s.Extend != nil:
		return &s.Extend.Ballot, s.Extend.Asked
	case s.Phase == Approving, s.Urgent && !s.Approved && len(s.Asked) > 0 && s.Phase != Restoring:
		return &s.Ballot, s.Asked
	}
	return nil, nil
}

// unanswered are those whose answer to the open question could still help.
func (s State) unanswered() []string {
	if b, _ := s.question(); b == nil {
		return nil
	}
	return s.WaitFor
}
