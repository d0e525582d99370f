package keyring

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// What somebody can hold. The first four are the owner's key.
const (
	Owner         = "owner"                   // the address that owns the account is theirs
	Mailbox       = workflows.KeyMailbox      // reads an alias's mailbox
	Password      = workflows.KeyPassword     // can use the owner's password
	SecondFactor  = workflows.KeySecondFactor // can use the owner's second factor
	Role          = "role"                    // a user of an environment at integrator.io
	Administrator = "administrator"           // administers the account in Keyholder
	Auditor       = "auditor"
	Approver      = "approver"          // confirms transfers
	AccessSay     = "access_approver"   // approves access
	RecoverySay   = "recovery_approver" // approves recoveries
	IT            = "it"                // looks after mailboxes
	Reviewer      = "reviewer"
)

// Known is what the ring is made of.
type Known struct {
	Policy  workflows.Policy
	Account workflows.AccountState
	// Users are the lists of users by environment, "" for production; an environment that was not
	// read is absent.
	Users map[string]*workflows.Census
	// Tokens are the API tokens by environment, like Users; OwnToken says what is known of
	// Keyholder's own, "" for nothing.
	Tokens   map[string][]workflows.Token
	OwnToken string
	// Facts hold the groups and people looked up.
	Facts workflows.Facts
}

// Holding is that somebody holds something.
type Holding struct {
	What string
	// Where is the alias's address for the parts of a key, the environment for a role ("" is
	// production).
	Where string
	// Person is a Slack ID, Email an address; either may be empty, not both.
	Person, Email string
	Role          string // of [Role], with Pending for an invitation that nobody accepted
	Pending       bool
	// Since and By say from when, and by which decision (a workflow, or "configuration").
	Since time.Time
	By    string
	Until time.Time // the end of access that has one
	// Proof is the last one of a part of the key; its zero value means never.
	Proof workflows.Proof
}

// Ring is everything held, in a fixed order: the key first, then roles, then who decides.
type Ring struct {
	Holdings []Holding
	known    Known
}

const byConfiguration = "configuration"

// Of makes the ring.
func Of(k Known) Ring {
	r := Ring{known: k}
	r.owner()
	for _, a := range k.Policy.Aliases {
		r.key(Mailbox, a.Email, a.Holders)
		r.key(Password, a.Email, a.PasswordKeepers())
		r.key(SecondFactor, a.Email, a.SecondFactorKeepers())
	}
	r.roles()
	p := k.Policy
	for _, list := range []struct {
		what   string
		people []string
	}{
		{Administrator, p.Admins},
		{Approver, p.ApproverIDs()},
		{AccessSay, p.Access.Approvers},
		{RecoverySay, p.Recovery.Approvers},
		{IT, p.Recovery.IT},
		{Reviewer, p.Review.Reviewers},
		{Auditor, p.Auditors},
	} {
		for _, who := range k.Facts.Expand(list.people) {
			r.add(Holding{What: list.what, Person: who, Email: r.email(who), By: byConfiguration})
		}
	}
	return r
}

func (r *Ring) add(h Holding) { r.Holdings = append(r.Holdings, h) }

func (r *Ring) email(who string) string { return r.known.Facts.People[who].Email }

// person is the Slack user with that confirmed address, "" for nobody known.
func (r *Ring) person(email string) string {
	email = strings.ToLower(strings.TrimSpace(email))
	if id := r.known.Facts.ByEmail[email]; id != "" {
		return id
	}
	for _, who := range r.known.Facts.Everybody() {
		if p := r.known.Facts.People[who.ID]; p.EmailConfirmed && email != "" && strings.EqualFold(p.Email, email) {
			return who.ID
		}
	}
	return ""
}

// OwnerAddress is the address that owns the account: by the record, else by the configuration.
func (k Known) OwnerAddress() string { return cmp.Or(k.Account.Owner, k.Policy.Owner) }

func (r *Ring) owner() {
	h := Holding{What: Owner, Email: r.known.OwnerAddress(), Since: r.known.Account.Since,
		By: cmp.Or(r.known.Account.By, byConfiguration)}
	if h.Email == "" {
		return
	}
	if _, alias := r.known.Policy.Alias(h.Email); !alias {
		h.Person = cmp.Or(r.person(h.Email), r.likely(h.Email))
	}
	r.add(h)
}

// likely is who probably reads an address: one that they did not confirm, or another form of
// theirs, as with a plus. It gives nobody anything; it says on whom something rests.
func (r *Ring) likely(email string) string {
	for _, who := range r.known.Facts.Everybody() {
		if who.Same(approvals.Identity{}.With(email)) {
			return who.ID
		}
	}
	return ""
}

// key adds those who hold one part of an alias's key.
func (r *Ring) key(what, alias string, people []string) {
	for _, who := range r.known.Facts.Expand(people) {
		r.add(Holding{
			What: what, Where: alias, Person: who, Email: r.email(who), By: byConfiguration,
			Proof: r.known.Account.Key.Proof(what, alias, who),
		})
	}
}

// roles adds the users of every environment that was read, in the order of the policy.
func (r *Ring) roles() {
	environments := []string{""}
	for _, e := range r.known.Policy.Access.Environments {
		environments = append(environments, e.Name)
	}
	for _, e := range environments {
		census := r.known.Users[e]
		if census == nil {
			continue
		}
		for _, u := range census.Users {
			given := r.known.Account.Given[workflows.GivenKey(e, u.Email)]
			r.add(Holding{
				What: Role, Where: e, Person: r.person(u.Email), Email: u.Email, Role: u.Role,
				Pending: u.Status != workflows.UserAccepted, Since: given.Since, By: given.Workflow, Until: given.Until,
			})
		}
	}
}

// Of are the holdings of one kind, of one place where where is not empty.
func (r Ring) Of(what, where string) []Holding {
	var out []Holding
	for _, h := range r.Holdings {
		if h.What == what && (where == "" || strings.EqualFold(h.Where, where)) {
			out = append(out, h)
		}
	}
	return out
}

// By are the holdings of one person, known by ID or by an address that is surely theirs.
func (r Ring) By(person string) []Holding {
	if person == "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.Holdings), func(h Holding) bool { return h.Person != person })
}

// people are the IDs behind holdings, each once; only those who can act, where able is set.
func (r Ring) people(holdings []Holding, able bool) []string {
	var out []string
	for _, h := range holdings {
		if h.Person != "" && (!able || r.able(h.Person)) {
			out = workflows.Union(out, []string{h.Person})
		}
	}
	return out
}

// able reports whether somebody can act in Slack. Of whom nothing was looked up, nothing speaks
// against it.
func (r Ring) able(who string) bool {
	p, looked := r.known.Facts.People[who]
	return !looked || p.Standing == ""
}

// Without is what would be known without a person: taken out of every list and group, of the users,
// and of what they own. Everything else stays as it is.
func (k Known) Without(person string) Known {
	out := k
	drop := func(ids []string) []string {
		return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == person })
	}
	email := k.Facts.People[person].Email
	p := &out.Policy
	if p.Approvers = drop(k.Policy.ApproverIDs()); len(p.Approvers) == 0 {
		p.Approvers = []string{""} // nobody: an empty list would mean every holder
	}
	p.Lists = dropEach(p.Lists, drop)
	p.Admins, p.Auditors = drop(p.Admins), drop(p.Auditors)
	p.Access.Approvers, p.Access.Lists = drop(p.Access.Approvers), dropEach(p.Access.Lists, drop)
	p.Recovery.Approvers, p.Recovery.Lists = drop(p.Recovery.Approvers), dropEach(p.Recovery.Lists, drop)
	p.Recovery.IT, p.Review.Reviewers = drop(p.Recovery.IT), drop(p.Review.Reviewers)
	p.Aliases = slices.Clone(p.Aliases)
	for i := range p.Aliases {
		a := &p.Aliases[i]
		a.Holders, a.Custodians = drop(a.Holders), drop(a.Custodians)
		a.Password, a.SecondFactor = drop(a.Password), drop(a.SecondFactor)
	}
	out.Facts.Groups = map[string][]string{}
	for id, members := range k.Facts.Groups {
		out.Facts.Groups[id] = drop(members)
	}
	out.Users = map[string]*workflows.Census{}
	for e, c := range k.Users {
		if c == nil {
			continue
		}
		left := *c
		left.Users = slices.DeleteFunc(slices.Clone(c.Users), func(u workflows.User) bool {
			return email != "" && workflows.SameEmail(u.Email, email)
		})
		out.Users[e] = &left
	}
	return out
}

func dropEach(lists [][]string, drop func([]string) []string) [][]string {
	var out [][]string
	for _, l := range lists {
		out = append(out, drop(l))
	}
	return out
}
