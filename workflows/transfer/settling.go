package transfer

import (
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// BlockChecklist is the one field of the settling modal.
const BlockChecklist = "checklist"

// Point is one thing to be done after the owner changed.
type Point struct {
	Key  string `json:"key"`
	Text string `json:"text"` // plain
	// Seen is true when Keyholder knows by itself that it is done.
	Seen bool `json:"seen,omitempty"`
}

// pointCustodians is the point that two people can use the new owner's sign-in.
const pointCustodians = "custodians"

// points lists what settling asks for.
func (s State) points() []Point {
	out := []Point{}
	if s.ToPerson == "" {
		second := "A second holder has signed in with password and second factor"
		out = append(out, Point{Key: pointCustodians, Text: second})
	}
	out = append(out,
		Point{Key: "help", Text: "Help > Help center and Celigo support can be reached as the new owner"},
		Point{Key: "mfa", Text: "A second factor or SSO is set for " + s.To})
	role := Point{Key: "role", Text: s.From + " has the agreed role: " + roleWord(s.PreviousRole)}
	role.Seen = s.Settle.Role != "" && s.Settle.Role == s.PreviousRole
	if s.PreviousRole == RoleRemove {
		role.Text = s.From + " is removed as a user"
		role.Seen = s.canRemove()
	}
	out = append(out, role)
	if len(s.Off) > 0 {
		out = append(out, Point{Key: "on", Text: "Switched on again: " + names(s.Off), Seen: s.Settle.Probed &&
			len(s.Settle.StillOff) == 0})
	}
	if s.Token {
		out = append(out, Point{Key: "token",
			Text: "The API token was replaced by a new one, as the former owner may know it"})
	}
	return append(out, Point{Key: "docs", Text: "The page that says who owns and who holds the mailbox is up to date"})
}

// canRemove reports whether Keyholder removes the previous owner itself.
func (s State) canRemove() bool { return s.Token && s.Caps.Token != workflows.No }

// settle finishes the transfer; what was not ticked stays flagged.
func settle(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, s.acceptors(), s.Admins) {
		return workflows.Decision{}, refused("not_permitted", "Only the new owner ("+whoCan(s.acceptors())+
			") or an administrator can finish this. Nothing was recorded.")
	}
	if s.Stage == Finishing {
		return s.tickOff(cmd, f)
	}
	if s.Stage != Settling || s.Settle.Removing {
		return workflows.Decision{}, refused("not_now", "There is nothing to finish now. Nothing was recorded. "+
			stageLine(s))
	}
	if !cmd.Submitted {
		return workflows.Decision{Reply: workflows.Reply{Modal: s.checklist(cmd)}}, nil
	}
	ticked := strings.Split(cmd.Input[BlockChecklist], "\n")
	return s.provesKeepers(cmd, f, s.finish(cmd, ticked), slices.Contains(ticked, pointCustodians)), nil
}

// checklist is the settling modal.
func (s State) checklist(cmd workflows.Command) *workflows.Modal {
	m := &workflows.Modal{Callback: ActSettle, Title: "Finish the handover", Submit: "Finish", Workflow: cmd.Workflow,
		Account: s.AccountID,
		Action:  ActSettle, Round: s.Round,
		Intro: []string{"Tick what is done. What you leave open is kept in the record as open, and shown to the auditors."}}
	in := workflows.Input{Block: BlockChecklist, Kind: workflows.InputChecks, Label: "Done", Optional: true}
	points := s.points()
	if s.Stage == Finishing {
		points = s.Settle.Points
	}
	for _, p := range points {
		if !p.Seen {
			in.Options = append(in.Options, workflows.Option{Value: p.Key, Label: workflows.Clip(p.Text, 75)})
		}
	}
	m.Inputs = []workflows.Input{in}
	return m
}

// finish ends settling; a removal of the previous owner is the last call.
func (s State) finish(cmd workflows.Command, ticked []string) workflows.Decision {
	var done []string
	var left []Point
	for _, p := range s.points() {
		if p.Seen || slices.Contains(ticked, p.Key) {
			done = append(done, p.Key)
		} else {
			left = append(left, p)
		}
	}
	if s.PreviousRole == RoleRemove && s.canRemove() {
		d := evSettling.One(cmd, settled{Done: done, Open: left})
		d.Calls = []workflows.Call{{Op: workflows.OpRemoveUser, Account: s.AccountID, Email: s.From,
			Who: s.Settle.Owner}}
		return d
	}
	d := evSettling.One(cmd, settled{Done: done, Open: left})
	d.Events = append(d.Events, s.complete(cmd, left, "")...)
	return d
}

// roleReceipt decides what became of the previous owner's role.
func roleReceipt(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	if s.Stage != Settling {
		return workflows.Decision{}, nil
	}
	// That nobody has the address is no proof that they are gone: they may have another one.
	removed := r.OK && (r.User != nil || !s.Settle.Owner.IsZero())
	body := roleSet{How: workflows.Acted, Removed: r.Op == workflows.OpRemoveUser && removed, Who: r.User.Ref()}
	switch {
	case r.Op == workflows.OpRemoveUser && r.OK && !removed:
		body = roleSet{Code: workflows.RefusedNotUser}
	case !r.OK:
		body = roleSet{Code: r.Code, Message: r.Message}
	case body.Removed:
		body.Role = RoleRemove
	case r.User != nil:
		body.Role = r.User.Role
	}
	d := evRoleSet.One(cmd, body)
	if s.Settle.Removing && r.Op == workflows.OpRemoveUser {
		left := s.Settle.Points
		if !body.Removed {
			text := " could not be removed: " + workflows.Plain(remedy(s, r.Code, r.Message), nil)
			if r.OK {
				text = " was not found among the users, maybe as the address is another one now: look under Users, and remove them there"
			}
			left = append(slices.Clone(left), Point{Key: "removed", Text: s.From + text})
		}
		d.Events = append(d.Events, s.complete(cmd, left, "")...)
	}
	return d, nil
}

// probedAgain records whether the token still works under the new owner, and what is still switched
// off.
func probedAgain(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	if s.Settle.Probed && s.Settle.TokenOK {
		return workflows.Decision{}, nil
	}
	b := probed{OK: r.OK && r.Reading != nil && r.Reading.Capabilities.Token == workflows.Yes}
	if b.OK {
		if u := r.Reading.Owner; u != nil && workflows.SameEmail(u.Email, s.From) {
			b.Role, b.Owner = u.Role, u.Ref()
		}
		for _, name := range off(*r.Reading) {
			if slices.Contains(s.Off, name) {
				b.StillOff = append(b.StillOff, name)
			}
		}
	}
	return evProbed.One(cmd, b), nil
}

// superseded ends settling because a newer transfer of the account is under way.
func superseded(s State, cmd workflows.Command) (workflows.Decision, error) {
	if s.Stage != Settling && s.Stage != Finishing || s.Settle.Removing {
		return workflows.Decision{}, nil
	}
	left := s.Settle.Points
	if s.Stage == Settling {
		// The newer transfer may be about this very person: nobody is removed behind its back.
		left = s.leftOpen()
	}
	e := Ended{Outcome: Completed, By: cmd.Actor, At: cmd.At, Open: pointTexts(left), Code: "superseded"}
	if s.Stage == Finishing {
		return evPointsClosed.One(cmd, e), nil
	}
	return evEnded.One(cmd, e), nil
}

// leftOpen are the points that are open when nobody finishes: a removal that Keyholder would have
// made is one of them.
func (s State) leftOpen() []Point {
	var left []Point
	for _, p := range s.points() {
		if !p.Seen || p.Key == "role" && s.PreviousRole == RoleRemove {
			p.Seen = false
			left = append(left, p)
		}
	}
	return left
}

type roleSet struct {
	Role    string            `json:"role,omitempty"`
	How     string            `json:"how,omitempty"`
	Code    string            `json:"code,omitempty"`
	Message string            `json:"message,omitempty"`
	Removed bool              `json:"removed,omitempty"`
	Who     workflows.UserRef `json:"who,omitzero"` // the previous owner as a user
}

type probed struct {
	OK       bool              `json:"ok"`
	Role     string            `json:"role,omitempty"` // the previous owner's, when listed
	StillOff []string          `json:"still_off,omitempty"`
	Owner    workflows.UserRef `json:"owner,omitzero"` // the previous one as a user
}

type settled struct {
	Done []string `json:"done,omitempty"`
	Open []Point  `json:"open,omitempty"`
}

var evRoleSet = workflows.Kind[State, roleSet]{
	Type: "transfer.role_set",
	Fold: func(s *State, e workflows.Event, b roleSet) {
		s.Settle.RoleCode = b.Code
		if !b.Who.IsZero() {
			s.Settle.Owner = b.Who
		}
		if b.Code == "" {
			s.Settle.Role = b.Role
		}
	},
	Tell: func(e workflows.Event, b roleSet) string {
		switch {
		case b.Code != "":
			return workflows.Say("The previous owner's role could not be set (%s)%s.", b.Code,
				workflows.Text(workflows.Quoted(b.Message)))
		case b.Removed:
			return "The previous owner was removed (Keyholder did it)."
		}
		return "The previous owner has " + roleWord(b.Role) + " (Keyholder did it)."
	},
}

var evProbed = workflows.Kind[State, probed]{
	Type: "transfer.probed",
	Fold: func(s *State, e workflows.Event, b probed) {
		if !b.Owner.IsZero() {
			s.Settle.Owner = b.Owner
		}
		s.Settle.Probed, s.Settle.TokenOK, s.Settle.StillOff = true, b.OK, b.StillOff
		if b.Role != "" && s.Settle.RoleCode == "" {
			s.Settle.Role = b.Role
		}
	},
	Tell: func(e workflows.Event, b probed) string {
		if !b.OK {
			return "The token did not work under the new owner."
		}
		return "The token works under the new owner."
	},
}

var evSettling = workflows.Kind[State, settled]{
	Type: "transfer.settling_ends",
	Fold: func(s *State, e workflows.Event, b settled) {
		s.Settle.Done, s.Settle.Points, s.Settle.Removing = b.Done, b.Open, true
		if e.By.Kind == workflows.ByPerson {
			s.Settle.By = e.By.ID
		}
		s.Until = e.At.Add(2 * workflows.GiveUpAfter)
		s.Round++
	},
	Tell: func(e workflows.Event, b settled) string {
		return "Finished" + whose(e.By) + ": " + workflows.Plural(len(b.Done), "point") + " done, " +
			workflows.Plural(len(b.Open), "point") + " open."
	},
}

// settlingStage is what is to be done once the owner has changed.
type settlingStage struct{ plain }

func (settlingStage) title(s State) string {
	return workflows.Say("%s belongs to %s now; a few things are left to do", s.AccountName, s.To)
}

func (settlingStage) now(s State) string {
	return s.To + " owns the account; a few things are left to do."
}

func (settlingStage) notify(s State, _ string) string {
	return s.AccountName + " belongs to " + s.To + " now; a few things are left to do"
}

func (settlingStage) lines(s State, who string) []string {
	out := []string{"✓ " + changedSentence(s)}
	if s.Settle.Removing {
		return append(out, "… "+s.From+" is being removed; that is the last step.")
	}
	var list []string
	for _, p := range s.points() {
		sign := "…"
		switch {
		case p.Seen && p.Key == "role" && s.PreviousRole == RoleRemove:
			p.Text += ": Keyholder's last step, when you finish"
		case p.Seen:
			sign = "✓"
		}
		list = append(list, sign+" "+p.Text)
	}
	if s.Settle.RoleCode != "" {
		list = append(list, workflows.Say("! The role of %s could not be set (%s). Set it in integrator.io "+
			"under Users.", s.From, s.Settle.RoleCode))
	}
	if s.Settle.Probed && !s.Settle.TokenOK {
		list = append(list, "! The API token no longer works under the new owner. Make a new one and give it to Keyholder.")
	}
	out = append(out, strings.Join(list, "\n"))
	whoFor := workflows.List(append(mentioned(s.acceptors()), "an administrator"), "or")
	if workflows.Among(who, s.acceptors(), s.Admins) {
		whoFor = "You"
	}
	return append(out, workflows.Say("%s can finish this. On %t it ends by itself; what is open then stays on "+
		"this card.", workflows.Text(whoFor), s.Until))
}

func (settlingStage) buttons(s State, who string) []workflows.Button {
	if s.Settle.Removing || !workflows.Among(who, s.acceptors(), s.Admins) {
		return nil
	}
	return []workflows.Button{{Action: ActSettle, Label: "Finish…", Style: workflows.Primary}}
}

func (settlingStage) waiting(s State) []string {
	if s.Settle.Removing {
		return nil
	}
	return s.acceptors()
}

func (settlingStage) audience(s State) []string { return workflows.Union(s.acceptors(), s.Admins) }

func (st settlingStage) owing(s State) []string { return st.waiting(s) }

func (settlingStage) remind(s State) string {
	return workflows.Say("a few things are left to do for %s; please finish them", s.AccountName)
}

func (settlingStage) expire(s State, cmd workflows.Command) (workflows.Decision, error) {
	left := s.leftOpen()
	if s.Settle.Removing {
		late := Point{Key: "removed", Text: s.From + " could not be removed in time; remove them under Users"}
		left = append([]Point{late}, s.Settle.Points...)
	}
	return workflows.Decision{Events: s.complete(cmd, left, "time")}, nil
}
