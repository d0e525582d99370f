package keyring

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Open is one open workflow in a line of the documentation.
type Open struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// Fact is one line of an account's documentation: what holds, since when and by which decision.
type Fact struct {
	// Key is stable, for programs: "owner", "mailbox", ...
	Key   string `json:"key"`
	Label string `json:"label"`
	// Text is Slack mrkdwn; exports turn it into plain text.
	Text string `json:"text"`
	// Since and By say from when and by which decision (a workflow), where that is known; Source is
	// where it comes from otherwise: as configured, or seen at integrator.io.
	Since  time.Time `json:"since,omitzero"`
	By     string    `json:"by,omitempty"`
	Source string    `json:"source,omitempty"`
	// Restricted facts are for holders, keepers, administrators and auditors only.
	Restricted bool `json:"restricted,omitempty"`
	Warn       bool `json:"warn,omitempty"` // it needs somebody
}

const configured = "as configured"

// maxNamed is how many people of a role, or things that are open, are named; more are counted.
const maxNamed = 15

// Page is the documentation of an account: who owns it, who can use its key, who administers, who
// has which role, what holds for names and access, what happened last, what is open, what is wrong.
func Page(k Known, open []Open) []Fact {
	r := Of(k)
	p, a := k.Policy, k.Account
	var out []Fact
	add := func(f Fact) {
		if f.Text != "" {
			out = append(out, f)
		}
	}
	for _, h := range r.Of(Owner, "") {
		f := Fact{Key: "owner", Label: "Owner", Text: workflows.Esc(h.Email), Since: h.Since, By: h.By}
		if h.By == byConfiguration || h.By == "" {
			f.By, f.Source = "", configured
		}
		add(f)
	}
	for _, al := range p.Aliases {
		for _, part := range []struct{ key, label string }{
			{Mailbox, "Mailbox " + al.Email}, {Password, "Password of " + al.Email},
			{SecondFactor, "Second factor of " + al.Email},
		} {
			add(Fact{Key: part.key, Label: part.label, Text: proven(r.Of(part.key, al.Email)), Source: configured,
				Restricted: part.key != Mailbox})
		}
		add(Fact{Key: "vault", Label: "Kept in", Text: workflows.Esc(al.Vault), Source: configured, Restricted: true})
	}
	add(Fact{Key: "administrators", Label: "Administrators here", Text: people(r.Of(Administrator, "")),
		Source: configured})
	add(Fact{Key: "approvers", Label: "Confirm a transfer", Text: atLeast(p.Transfer.Quorum,
		people(r.Of(Approver, ""))), Source: configured})
	add(Fact{Key: "access_approvers", Label: "Approve access",
		Text: atLeast(p.Access.Quorum, people(r.Of(AccessSay, ""))), Source: configured})
	add(Fact{Key: "reviewers", Label: "Review access", Text: people(r.Of(Reviewer, "")), Source: configured})
	add(Fact{Key: "auditors", Label: "Read the record", Text: people(r.Of(Auditor, "")), Source: configured})
	out = append(out, r.roleFacts()...)
	out = append(out, tokenFacts(k)...)
	add(Fact{Key: "naming", Label: "Naming conventions", Text: workflows.Esc(p.Conventions.Naming), Source: configured})
	add(Fact{Key: "access_policy", Label: "Access policy", Text: workflows.Esc(p.Conventions.Access),
		Source: configured})
	out = append(out, last(a)...)
	add(Fact{Key: "open", Label: "Open", Text: opened(open)})
	for _, g := range r.Gaps() {
		add(Fact{Key: "gap", Label: "To mend", Text: g.Sentence(p.ID), Warn: true, Restricted: g.What == Password ||
			g.What == SecondFactor})
	}
	add(Fact{Key: "emergency", Label: "In an emergency", Text: "Holders and keepers take the key out with `" +
		workflows.Slash + " key " + p.ID +
		" use`. When nobody can sign in as the owner any more: `" + workflows.Slash + " recover " + p.ID + "`."})
	return out
}

// opened lists what is open; the count where it is much. The parts of a review are left out: the
// review stands there, and how many rows of a part are left changes with each that somebody decides.
func opened(all []Open) string {
	var titles []string
	for _, o := range all {
		if !workflows.HasLetter(o.ID, workflows.LetterPacket) {
			titles = append(titles, workflows.Esc(o.Title)+" (`"+o.ID+"`)")
		}
	}
	if more := len(titles) - maxNamed; more > 0 {
		titles = append(titles[:maxNamed], "and "+strconv.Itoa(more)+" more")
	}
	return cmp.Or(strings.Join(titles, "; "), "nothing")
}

// people lists who holds something, each once; the count where they are many.
func people(all []Holding) string {
	var names []string
	for _, h := range all {
		name := workflows.Mention(cmp.Or(h.Person, h.Email))
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > maxNamed {
		return strings.Join(names[:maxNamed], ", ") + " and " + strconv.Itoa(len(names)-maxNamed) + " more"
	}
	return workflows.List(names, "and")
}

func atLeast(quorum int, names string) string {
	if names == "" || quorum < 1 {
		return names
	}
	return names + "; it takes " + strconv.Itoa(quorum)
}

// proven lists who holds a part of a key, with the last proof of each.
func proven(all []Holding) string {
	if len(all) == 0 {
		return "nobody is named"
	}
	var out []string
	for _, h := range all {
		name := workflows.Mention(cmp.Or(h.Person, h.Email))
		switch h.Proof.How {
		case workflows.Verified, workflows.Attested:
			out = append(out, name+" ("+h.Proof.How+" "+workflows.When(h.Proof.At)+")")
		default:
			out = append(out, name+" (never shown)")
		}
	}
	return strings.Join(out, ", ")
}

// roleFacts count the roles of each environment that was read, name its administrators, and list
// access that ends.
func (r Ring) roleFacts() []Fact {
	environments := []string{""}
	for _, e := range r.known.Policy.Access.Environments {
		environments = append(environments, e.Name)
	}
	var out []Fact
	for _, e := range environments {
		census, name := r.known.Users[e], cmp.Or(e, workflows.Production)
		if census == nil {
			out = append(out, Fact{Key: "roles", Label: "Roles in " + name, Text: "not read", Warn: e == "" &&
				r.known.Policy.Token})
			continue
		}
		counts, admins, ending := map[string]int{}, []Holding{}, []string{}
		for _, h := range r.Of(Role, "") {
			if h.Where != e {
				continue
			}
			role := cmp.Or(h.Role, workflows.RoleNone)
			if h.Pending {
				role = "invited"
			}
			counts[role]++
			if h.Role == workflows.RoleAdministrator && !h.Pending {
				admins = append(admins, Holding{Email: h.Email})
			}
			if !h.Until.IsZero() {
				ending = append(ending, workflows.Esc(h.Email)+": "+h.Sentence()+" (`"+h.By+"`)")
			}
		}
		var words []string
		for _, role := range []string{workflows.RoleAdministrator, "manage", "monitor", "custom", workflows.RoleNone,
			"invited"} {
			if counts[role] > 0 {
				words = append(words, strconv.Itoa(counts[role])+" "+role)
			}
		}
		seen := "seen at integrator.io"
		if !census.At.IsZero() {
			seen += " " + workflows.When(census.At)
		}
		out = append(out, Fact{Key: "roles", Label: "Roles in " + name, Text: cmp.Or(strings.Join(words, ", "),
			"no users"), Source: seen})
		if len(admins) > 0 {
			out = append(out, Fact{Key: "integrator_administrators", Label: "Administrators in " + name,
				Text: people(admins), Source: seen})
		}
		if n := len(ending); n > 0 {
			if n > maxNamed {
				ending = append(ending[:maxNamed], "and "+strconv.Itoa(n-maxNamed)+" more")
			}
			out = append(out, Fact{Key: "ending", Label: "Access with an end in " + name,
				Text: strings.Join(ending, "; ")})
		}
	}
	return out
}

// last is what happened last: the transfer, the review, the drill, the use.
func last(a workflows.AccountState) []Fact {
	var out []Fact
	if workflows.HasLetter(a.By, workflows.LetterTransfer) {
		text := "to " + workflows.Esc(a.Owner)
		if a.Previous != "" {
			text = "from " + workflows.Esc(a.Previous) + " " + text
		}
		out = append(out, Fact{Key: "last_transfer", Label: "Last transfer", Text: text, Since: a.Since, By: a.By})
	}
	if n := len(a.Reviews); n > 0 {
		v := a.Reviews[n-1]
		text := v.Period + ", " + v.Stage
		out = append(out, Fact{Key: "last_review", Label: "Last review", Text: workflows.Esc(text),
			Since: cmpTime(v.Closed, v.Opened), By: v.ID})
	}
	drill := Fact{Key: "last_drill", Label: "Last drill", Text: "never", Warn: true}
	if d := a.Key.Drill; d != nil {
		drill = Fact{Key: "last_drill", Label: "Last drill", Text: d.Outcome, Since: d.Ended, By: d.Workflow,
			Warn: len(d.Gaps) > 0}
	}
	out = append(out, drill)
	if u := a.Key.Use; u != nil {
		out = append(out, Fact{Key: "last_use", Label: "Last use of the key", Text: workflows.Mention(u.Person) + ", " +
			cmp.Or(u.Found, "not explained yet"),
			Since: u.Out, By: u.Workflow})
	}
	return out
}

func cmpTime(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

// Line is a fact as one line of Slack mrkdwn.
func (f Fact) Line() string {
	text := "*" + workflows.Esc(f.Label) + ":* " + f.Text
	if f.Warn {
		text = "! " + text
	}
	var tail []string
	if !f.Since.IsZero() {
		tail = append(tail, workflows.When(f.Since))
	}
	if f.By != "" {
		tail = append(tail, "`"+workflows.Esc(f.By)+"`")
	}
	if f.Source != "" {
		tail = append(tail, f.Source)
	}
	if len(tail) > 0 {
		text += " (" + strings.Join(tail, ", ") + ")"
	}
	return text
}
