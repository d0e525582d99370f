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

// points lists what settling asks for.
func (s State) points() []Point {
	out := []Point{}
	if s.ToPerson == "" {
		second := "A second holder has signed in with password and second factor"
		out = append(out, Point{Key: "custodians", Text: second})
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
		out = append(out, Point{Key: "on", Text: "Switched on again: " + names(s.Off), Seen: s.Settle.Probed && len(s.Settle.StillOff) == 0})
	}
	if s.Token {
		out = append(out, Point{Key: "token", Text: "The API token was replaced by a new one, as the former owner may know it"})
	}
	return append(out, Point{Key: "docs", Text: "The page that says who owns and who holds the mailbox is up to date"})
}

// canRemove reports whether Keyholder removes the previous owner itself.
func (s State) canRemove() bool { return s.Token && s.Caps.Token != workflows.No }

// settle finishes the transfer; what was not ticked stays flagged.
func settle(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, s.acceptors(), s.Admins) {
		return workflows.Decision{}, refused("not_permitted", "Only the new owner ("+whoCan(s.acceptors())+") or an administrator can finish this. Nothing was recorded.")
	}
	if s.Phase == Finishing {
		return s.tickOff(cmd)
	}
	if s.Phase != Settling || s.Settle.Removing {
		return workflows.Decision{}, refused("not_now", "There is nothing to finish now. Nothing was recorded. "+stageLine(s))
	}
	if !cmd.Submitted {
		return workflows.Decision{Reply: workflows.Reply{Modal: s.checklist(cmd)}}, nil
	}
	return s.finish(cmd, strings.Split(cmd.Input[BlockChecklist], "\n")), nil
}

// checklist is the settling modal.
func (s State) checklist(cmd workflows.Command) *workflows.Modal {
	m := &workflows.Modal{Callback: ActSettle, Title: "Finish the handover", Submit: "Finish", Workflow: cmd.Workflow, Account: s.AccountID,
		Action: ActSettle, Round: s.Round,
		Intro: []string{"Tick what is done. What you leave open is kept in the record as open, and shown to the auditors."}}
	in := workflows.Input{Block: BlockChecklist, Kind: workflows.InputChecks, Label: "Done", Optional: true}
	points := s.points()
	if s.Phase == Finishing {
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
		d := one(cmd, evSettling, settled{Done: done, Open: left})
		d.Calls = []workflows.Call{{Op: workflows.OpRemoveUser, Account: s.AccountID, Email: s.From}}
		return d
	}
	d := one(cmd, evSettling, settled{Done: done, Open: left})
	d.Events = append(d.Events, s.complete(cmd, left, "")...)
	return d
}

// roleReceipt decides what became of the previous owner's role.
func roleReceipt(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	if s.Phase != Settling {
		return workflows.Decision{}, nil
	}
	body := roleSet{How: workflows.Acted, Removed: r.Op == workflows.OpRemoveUser && r.OK}
	switch {
	case !r.OK:
		body = roleSet{Code: r.Code, Message: r.Message}
	case body.Removed:
		body.Role = RoleRemove
	case r.User != nil:
		body.Role = r.User.Role
	}
	d := one(cmd, evRoleSet, body)
	if s.Settle.Removing && r.Op == workflows.OpRemoveUser {
		left := s.Settle.Points
		if !body.Removed {
			left = append(slices.Clone(left), Point{Key: "removed", Text: s.From + " could not be removed: " + workflows.Plain(remedy(s, r.Code, r.Message), nil)})
		}
		d.Events = append(d.Events, s.complete(cmd, left, "")...)
	}
	return d, nil
}

// probedAgain records whether the token still works under the new owner, and what is still switched off.
func probedAgain(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	if s.Settle.Probed && s.Settle.TokenOK {
		return workflows.Decision{}, nil
	}
	b := probed{OK: r.OK && r.Reading != nil && r.Reading.Capabilities.Token == workflows.Yes}
	if b.OK {
		if u := r.Reading.Owner; u != nil && workflows.SameEmail(u.Email, s.From) {
			b.Role = u.Role
		}
		for _, name := range off(*r.Reading) {
			if slices.Contains(s.Off, name) {
				b.StillOff = append(b.StillOff, name)
			}
		}
	}
	return one(cmd, evProbed, b), nil
}

// superseded ends settling because a newer transfer of the account is under way.
func superseded(s State, cmd workflows.Command) (workflows.Decision, error) {
	if s.Phase != Settling && s.Phase != Finishing || s.Settle.Removing {
		return workflows.Decision{}, nil
	}
	left := s.Settle.Points
	if s.Phase == Settling {
		// The newer transfer may be about this very person: nobody is removed behind its back.
		left = s.leftOpen()
	}
	return one(cmd, evEnded, Ended{Outcome: Completed, By: cmd.Actor, At: cmd.At, Open: pointTexts(left), Code: "superseded"}), nil
}

// leftOpen are the points that are open when nobody finishes: a removal that Keyholder would have made is one of them.
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
