package access

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Blocks of the request modal, part of the contract.
const (
	BlockAccount     = "account"
	BlockEnvironment = "environment"
	BlockPerson      = "person"
	BlockEmail       = "email"
	BlockChange      = "change"
	BlockRole        = "role"
	BlockManage      = "integrations_manage"
	BlockMonitor     = "integrations_monitor"
	BlockFor         = "for"
	BlockUrgent      = "urgent"
	BlockReason      = "reason"
)

// inRequester names who asks, when Keyholder opens a request for a person: the undoing of a finding.
// Nothing that a person sends counts here.
const inRequester = "requester"

// requester is who asks.
func requester(cmd workflows.Command) string {
	switch {
	case byReview(cmd):
		return cmd.Input[inReviewer]
	case cmd.Actor.Kind == workflows.ByKeyholder:
		return cmd.Input[inRequester]
	}
	return cmd.Actor.ID
}

// opened decides a submitted request. One that Keyholder opens for somebody is never refused silently:
// it ends at once and says why.
func opened(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	d, err := open(cmd, f)
	var r *workflows.Refusal
	if cmd.Actor.Kind != workflows.ByKeyholder || !errors.As(err, &r) {
		return d, err
	}
	fr, _ := freeze(cmd, f)
	d, _ = opening(cmd, f, fr)
	d.Events = append(d.Events, evEnded.Of(cmd, Finished{
		Outcome: Failed, By: cmd.Actor, At: cmd.At, Code: codeNotOpened, Message: r.Text,
	}))
	return d, nil
}

// open decides a request, or says why it cannot be made.
func open(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if f.Policy.Name == "" {
		return workflows.Decision{}, workflows.RefuseField(BlockAccount, "no_account",
			"This account is not configured. Choose another one.")
	}
	if r := workflows.RefuseStanding(f, requester(cmd)); r != nil && !byReview(cmd) {
		return workflows.Decision{}, r
	}
	fr, err := freeze(cmd, f)
	if err != nil {
		return workflows.Decision{}, err
	}
	if fr.Review != nil {
		return openReviewed(cmd, f, fr), nil
	}
	if err := mayRequest(fr, fr.Requester); err != nil {
		return workflows.Decision{}, err
	}
	if id := f.Account.Locks[fr.lock()]; id != "" {
		r := workflows.Refuse("access_open", "The access of "+fr.Email+" is being changed already: "+id+". "+
			"Nothing was recorded. Wait for that one, or cancel it.")
		r.Link = id
		return workflows.Decision{}, r
	}
	d, s := opening(cmd, f, fr)
	if err := asks.Impossible(f, s.put(cmd, time.Time{}), cmd.At); err != nil && !fr.Urgent {
		return workflows.Decision{}, err
	}
	d.Account = fr.locksTaken(cmd)
	d.Calls = []workflows.Call{s.readCall()}
	return d, nil
}

// opening is the decision that opens it, and the state for what follows in the same breath.
func opening(cmd workflows.Command, f workflows.Facts, fr Frozen) (workflows.Decision, State) {
	s := State{Frozen: fr}
	s.Opening = workflows.Opening{ID: cmd.Workflow, AccountID: f.Policy.ID}
	d := evRequested.One(cmd, requested{Opening: s.Opening, Frozen: fr})
	s.Begun = cmd.At
	return d, s
}

// mayRequest: anybody for themselves, holders and administrators for anyone; urgently only these.
func mayRequest(fr Frozen, who string) error {
	manager := workflows.Among(who, fr.Holders, fr.Admins)
	switch {
	case fr.Urgent && !manager:
		return workflows.Refuse("urgent_not_permitted", "Only holders and administrators may ask for urgent "+
			"access: "+workflows.Mentions(workflows.Union(fr.Holders,
			fr.Admins))+". Nothing was recorded. Ask without urgent, or ask one of them.")
	case !manager && who != fr.Person:
		return workflows.Refuse("not_permitted", "You can ask for access for yourself; for somebody else a "+
			"holder or administrator asks: "+workflows.Mentions(workflows.Union(fr.Holders,
			fr.Admins))+". Nothing was recorded.")
	}
	return nil
}

// freeze reads the form.
func freeze(cmd workflows.Command, f workflows.Facts) (Frozen, error) {
	p := f.Policy
	fr := Frozen{
		AccountName: p.Name, Requester: requester(cmd), Channel: p.Channel, Token: p.Token, Policy: p.Access,
		Holders: f.Expand(p.HolderIDs()), Admins: f.Expand(p.Admins), Electorate: f.Expand(p.Access.Approvers),
		Lists: f.ExpandLists(p.Access.Lists), Quiet: f.Expand(p.Quiet),
	}
	in := cmd.Input
	steps := []func(*Frozen, map[string]string, workflows.Facts) error{environment, beneficiary, change, length, why}
	switch {
	case byReview(cmd):
		steps[2], steps[3], steps[4] = inReviewForm, always, asWritten
		freezeReview(&fr, cmd)
	// brings back for good what was, in whatever words integrator.io has for it
	case cmd.Actor.Kind == workflows.ByKeyholder:
		steps[2], steps[3] = former, always
	}
	for _, step := range steps {
		if err := step(&fr, in, f); err != nil {
			return fr, err
		}
	}
	fr.Outside = outsider(fr.Email, f)
	fr.settleParties(f)
	if _, g, _ := f.Account.GivenOf(fr.Environment, fr.Email, fr.Who); fr.Who.IsZero() {
		fr.Who = g.Who
	}
	if fr.Review != nil {
		return fr, nil
	}
	fr.Quorum = p.Access.Quorum
	if fr.Want.Role == workflows.RoleAdministrator {
		fr.Quorum = p.Access.AdministratorQuorum
	}
	return fr, nil
}

// outsider reports whether an address is of another domain than the account's owner and shared mailboxes.
func outsider(email string, f workflows.Facts) bool {
	domain := func(e string) string { return strings.ToLower(e[strings.LastIndexByte(e, '@')+1:]) }
	for _, a := range f.Policy.Aliases {
		if domain(a.Email) == domain(email) {
			return false
		}
	}
	return f.Account.Owner != "" && domain(f.Account.Owner) != domain(email)
}

func environment(fr *Frozen, in map[string]string, f workflows.Facts) error {
	name := in[BlockEnvironment]
	if name == "" || name == workflows.Production {
		return nil
	}
	for _, e := range f.Policy.Access.Environments {
		if e.Name == name {
			fr.Environment, fr.Token = e.Name, e.Token
			return nil
		}
	}
	return workflows.RefuseField(BlockEnvironment, "environment_unknown",
		"The account has no such environment. Choose one of the list.")
}

// beneficiary reads whose access it is: a person or an address.
func beneficiary(fr *Frozen, in map[string]string, f workflows.Facts) error {
	person, email := in[BlockPerson], strings.TrimSpace(in[BlockEmail])
	switch {
	case person == "" && email == "":
		return workflows.RefuseField(BlockPerson, "nobody", "Choose a person here, or give an e-mail address below.")
	case person != "" && email != "":
		return workflows.RefuseField(BlockEmail, "both", "Choose either a person or an e-mail address, not both.")
	case email != "":
		if !workflows.IsEmail(email) {
			return workflows.RefuseField(BlockEmail, "email_bad", "This is not an e-mail address.")
		}
		fr.Email = strings.ToLower(email)
		fr.Person = f.ByEmail[fr.Email]
	default:
		p := f.People[person]
		switch {
		case p.Standing == workflows.StandingBot || p.Standing == workflows.StandingUnknown:
			return workflows.RefuseField(BlockPerson, "person_standing",
				"This is not a person of this workspace. Choose somebody else, or give an e-mail address.")
		case p.Email == "" || !p.EmailConfirmed:
			return workflows.RefuseField(BlockPerson, "person_email",
				"Slack does not show a confirmed e-mail address of this person. Give the address below instead.")
		}
		fr.Person, fr.Email = person, strings.ToLower(p.Email)
	}
	if workflows.SameEmail(fr.Email, f.Account.Owner) {
		return workflows.RefuseField(BlockPerson, "owner", "This is the owner of the account. A change of "+
			"owner is a transfer: {command} transfer "+f.Policy.ID+".")
	}
	return nil
}

// change reads what shall be. Fields that the change does not need are ignored.
func change(fr *Frozen, in map[string]string, f workflows.Facts) error {
	fr.Change = in[BlockChange]
	switch fr.Change {
	case Remove:
		fr.Want = workflows.Access{}
		return nil
	case Grant, Change:
	default:
		return workflows.RefuseField(BlockChange, "change_missing", "Choose to grant, to change or to remove.")
	}
	fr.Want = workflows.Access{Role: in[BlockRole]}
	switch fr.Want.Role {
	case workflows.RoleAdministrator, workflows.RoleManage, workflows.RoleMonitor:
		return nil
	case workflows.RoleCustom:
	default:
		return workflows.RefuseField(BlockRole, "role_missing", "Choose administrator, manage, monitor or custom.")
	}
	fr.Want.Manage = lines(in[BlockManage])
	fr.Want.Monitor = slices.DeleteFunc(lines(in[BlockMonitor]),
		func(id string) bool { return slices.Contains(fr.Want.Manage, id) })
	if len(fr.Want.Manage)+len(fr.Want.Monitor) == 0 {
		return workflows.RefuseField(BlockMonitor, "no_integration",
			"Custom access needs at least one integration, to manage or to monitor.")
	}
	for _, id := range append(slices.Clone(fr.Want.Manage), fr.Want.Monitor...) {
		if !isID(id) {
			return workflows.RefuseField(BlockManage, "integration_bad", "“"+workflows.Clip(id,
				30)+"” is not the ID of an integration. It stands in the integration's address: letters and "+
				"digits, one ID a line.")
		}
	}
	return nil
}

// former reads what was, which may be more than a form can ask for.
func former(fr *Frozen, in map[string]string, _ workflows.Facts) error {
	fr.Change = in[BlockChange]
	if fr.Change != Remove {
		fr.Want = workflows.Access{Role: in[BlockRole], Manage: lines(in[BlockManage]),
			Monitor: lines(in[BlockMonitor])}
	}
	return nil
}

func always(fr *Frozen, _ map[string]string, _ workflows.Facts) error {
	fr.For = "always"
	return nil
}

// length reads for how long.
func length(fr *Frozen, in map[string]string, f workflows.Facts) error {
	p := f.Policy.Access
	fr.Urgent = slices.Contains(lines(in[BlockUrgent]), BlockUrgent)
	if fr.Change == Remove {
		if fr.Urgent {
			return workflows.RefuseField(BlockUrgent, "urgent_remove",
				"Urgent is for access that is needed at once. To take access away at once, do it in "+
					"integrator.io and tell the administrators.")
		}
		return nil
	}
	if fr.Urgent {
		fr.Length, fr.For = p.UrgentFor, workflows.Span(p.UrgentFor)
		return nil
	}
	fr.For = in[BlockFor]
	if fr.For == "" {
		fr.For = p.DefaultFor
	}
	for _, box := range p.For {
		if box.Text == fr.For {
			fr.Length = box.Length
			return nil
		}
	}
	return workflows.RefuseField(BlockFor, "for_unknown", "Choose one of the lengths of the list.")
}

func why(fr *Frozen, in map[string]string, _ workflows.Facts) error {
	if fr.Reason = strings.TrimSpace(in[BlockReason]); fr.Reason == "" {
		return workflows.RefuseField(BlockReason, "reason_missing",
			"Please say why; the approvers and the auditors read it.")
	}
	return nil
}

// lines splits a field with several values, without empty ones and duplicates.
func lines(s string) []string {
	var out []string
	for _, l := range strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == ',' }) {
		if l = strings.TrimSpace(l); l != "" && !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// isID reports whether a text can be an ID at integrator.io. They have 24 hexadecimal characters there;
// other servers may differ, spaces and quotes are what people get wrong.
func isID(s string) bool {
	if len(s) > 64 {
		return false
	}
	for _, c := range s {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '-') {
			return false
		}
	}
	return s != ""
}
