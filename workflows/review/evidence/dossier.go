package evidence

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// dossier is an evidence put in order: what several of its files show is worked out once, here.
type dossier struct {
	Evidence
	names        map[string]string // people, by Slack ID
	environments []string          // production first, then as configured
	exhibits     []exhibit
	counts       review.Counts // of people and mailboxes, as population.csv has them
	tokenCounts  review.Counts
	lists        map[string][]byte // frozen lists, answers and files, by file name
	checks       []evidenceCheck
}

// exhibit is one row with all that became of it.
type exhibit struct {
	population.Row
	packet  string // empty while the packets are not open
	asked   []string
	verdict population.Verdict
	// final is the decision as exported: empty while it is open.
	final string
	fixes []population.Fix
}

// evidenceCheck is one comparison that must agree for the evidence to be complete.
type evidenceCheck struct {
	Text string `json:"text"`
	OK   bool   `json:"ok"`
}

func newDossier(e Evidence) *dossier {
	d := &dossier{Evidence: e, names: map[string]string{}}
	d.Packets = append([]review.PacketState{}, e.Packets...)
	slices.SortFunc(d.Packets, func(a, b review.PacketState) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
	})
	maps.Copy(d.names, e.Campaign.Names)
	for _, p := range d.Packets {
		maps.Copy(d.names, p.Names)
	}
	d.exhibits = d.gather()
	d.environments = d.order()
	slices.SortStableFunc(d.exhibits, func(a, b exhibit) int {
		return cmp.Or(cmp.Compare(slices.Index(d.environments, a.Environment),
			slices.Index(d.environments, b.Environment)),
			cmp.Compare(kindRank(a.Kind), kindRank(b.Kind)), cmp.Compare(orderKey(a), orderKey(b)))
	})
	d.count()
	d.files()
	d.check()
	return d
}

// kindRank puts the owner and the shared mailboxes before the users, and the API tokens behind them.
func kindRank(kind string) int {
	switch kind {
	case population.KindOwner:
		return 0
	case population.KindAlias:
		return 1
	case population.KindToken:
		return 3
	}
	return 2
}

// orderKey is what rows of a kind are ordered by: tokens by their name and ID, the others by address.
func orderKey(x exhibit) string {
	if x.IsToken() {
		return strings.ToLower(x.Name) + "\n" + x.ID
	}
	return x.Email
}

// settled reports whether no decision changes any more.
func (d *dossier) settled() bool { return !d.Campaign.ClosedAt.IsZero() }

// gather is every row of every packet, or what was read so far.
func (d *dossier) gather() []exhibit {
	var all []exhibit
	for _, p := range d.Packets {
		for i, r := range p.Rows {
			x := exhibit{Row: r, packet: p.ID, asked: p.Reviewers}
			if i < len(p.Verdicts) {
				x.verdict = p.Verdicts[i]
			}
			for _, f := range p.Fixes {
				if f.Row == r.N {
					x.fixes = append(x.fixes, f)
				}
			}
			switch lacks := r.Lacks(x.verdict); {
			case lacks == "":
				x.final = x.verdict.Decision
			case d.settled():
				x.final = population.NoAnswer
			}
			all = append(all, x)
		}
	}
	if len(d.Packets) > 0 {
		return all
	}
	for _, env := range slices.Sorted(maps.Keys(d.Campaign.Gathered)) {
		for _, r := range d.Campaign.Gathered[env] {
			all = append(all, exhibit{Row: r})
		}
	}
	return all
}

// order lists the environments: those of the campaign, then any other that something is known of.
func (d *dossier) order() []string {
	var all, more []string
	for _, env := range d.Campaign.Environs {
		all = append(all, env.Name)
	}
	for _, r := range d.Campaign.Readings {
		more = append(more, r.Environment)
	}
	for _, x := range d.exhibits {
		more = append(more, x.Environment)
	}
	more = slices.Concat(more, slices.Collect(maps.Keys(d.Frozen)), slices.Collect(maps.Keys(d.Raw)))
	slices.Sort(more)
	return slices.Compact(append(all, slices.DeleteFunc(more, func(env string) bool {
		return slices.Contains(all, env)
	})...))
}

// count adds up the rows, as [Counts] says they must; API tokens apart, for they have a table of their own.
func (d *dossier) count() {
	for _, x := range d.exhibits {
		if x.IsToken() {
			x.countIn(&d.tokenCounts)
		} else {
			x.countIn(&d.counts)
		}
	}
}

// countIn adds the row to a sum.
func (x exhibit) countIn(c *review.Counts) {
	c.Rows++
	switch x.final {
	case population.Keep:
		c.Keep++
	case population.Change:
		c.Change++
	case population.Remove:
		c.Remove++
	case population.NoAnswer:
		c.NoAnswer++
	default:
		c.Open++
	}
	if x.Privileged {
		c.Privileged++
	}
	if x.Exception != "" {
		c.Exceptions++
	}
	if x.verdict.Bulk && x.final == population.Keep {
		c.Bulk++
	}
	for _, f := range x.fixes {
		c.Fix(f)
	}
}

// files names the lists, the answers and the files that people brought.
func (d *dossier) files() {
	d.lists = map[string][]byte{}
	names := fileNames(d.environments)
	for env, content := range d.Frozen {
		d.lists["frozen/"+names[env]+".csv"] = content
	}
	for env, content := range d.Tokens {
		d.lists["tokens/"+names[env]+".csv"] = content
	}
	for env, pages := range d.Raw {
		for i, content := range pages {
			d.lists[fmt.Sprintf("raw/%s-%03d.json", names[env], i+1)] = content
		}
	}
	superseded := 0
	for i, h := range d.Handed {
		name, sum := names[h.Environment], Sum(h.Content)
		fresh := slices.IndexFunc(d.Campaign.Fresh, func(r review.Reading) bool {
			return r.Environment == h.Environment && r.FileSHA256 == sum
		})
		r, _ := d.reading(h.Environment)
		switch {
		case h.Alias != "":
			name = fmt.Sprintf("mailbox-%03d-%s", i+1, fileName(h.Alias))
		case r.FileSHA256 == sum:
		case fresh >= 0:
			name = fmt.Sprintf("%s-fresh-%03d", name, fresh+1)
		default: // another file of the same environment took its place
			superseded++
			name = fmt.Sprintf("%s-superseded-%03d", name, superseded)
		}
		d.lists["raw/"+name+".csv"] = h.Content
	}
}

// handed reports whether the file of a reading is there.
func (d *dossier) handed(r review.Reading) bool {
	return slices.ContainsFunc(d.Handed, func(h Handed) bool {
		return h.Alias == "" && h.Environment == r.Environment && Sum(h.Content) == r.FileSHA256
	})
}

// who names a person as exports do: "Ana (U0ANA)".
func (d *dossier) who(id string) string {
	if name := strings.TrimSpace(d.names[id]); name != "" && name != id {
		return name + " (" + id + ")"
	}
	return id
}

func (d *dossier) whoAll(ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = d.who(id)
	}
	return strings.Join(names, "; ")
}

// flags are those of the row, with no_answer once it is settled.
func (x exhibit) flags() []string {
	flags := slices.DeleteFunc(slices.Clone(x.Flags), func(f string) bool { return f == population.FlagNoAnswer })
	if x.final == population.NoAnswer {
		flags = append(flags, population.FlagNoAnswer)
	}
	return flags
}

// listed reports whether the row stands in its environment's list of users; owners and aliases may not.
func (x exhibit) listed() bool { return x.Kind == population.KindUser || x.Status != "" }

// reviewer is who decided, or who was asked and did not.
func (d *dossier) reviewer(x exhibit) string {
	if x.final == population.NoAnswer || x.verdict.By == "" {
		return d.whoAll(x.asked)
	}
	return d.who(x.verdict.By)
}

// reason is what the reviewer wrote; a row nobody answered has none that counts.
func (x exhibit) reason() string {
	if x.final == population.NoAnswer {
		return ""
	}
	return x.verdict.Reason
}

// how is the contract's word: what a person did is attested, and whether it was seen stands in the state.
func (x exhibit) how(f population.Fix) string {
	if f.How == workflows.Verified {
		return workflows.Attested
	}
	return f.How
}

// doneAt is when it was done, zero while it is not.
func doneAt(f population.Fix) time.Time {
	if f.State == population.FixDone || f.State == population.FixVerified {
		return f.At
	}
	return time.Time{}
}

// population is population.csv.
func (d *dossier) population() [][]string {
	table := [][]string{population.PopulationColumns()}
	for _, x := range d.exhibits {
		if x.IsToken() {
			continue
		}
		mfa, sso := strconv.FormatBool(x.MFA), strconv.FormatBool(x.SSO)
		if !x.listed() {
			mfa, sso = "", ""
		}
		table = append(table, []string{x.EnvironmentName(), x.Email, x.Name, x.Role, population.IntegrationsCell(x.Row),
			x.Status, population.Stamp(x.LastHere), population.Stamp(x.LastAny), x.Via,
			mfa, sso, population.FlagsCell(x.flags())})
	}
	return table
}

// decisions is decisions.csv: every row that is decided, once it is settled all of them.
func (d *dossier) decisions() [][]string {
	table := [][]string{{"environment", "email", "decision", "role_from", "role_to", "reason", "reviewer",
		"decided_at"}}
	for _, x := range d.exhibits {
		if x.final == "" || x.IsToken() {
			continue
		}
		to := ""
		if x.final == population.Change {
			to = x.verdict.Role
		}
		at := x.verdict.At
		if x.final == population.NoAnswer && x.verdict.Decision != population.NoAnswer {
			at = time.Time{}
		}
		table = append(table, []string{x.EnvironmentName(), x.Email, x.final, x.Role, to, x.reason(), d.reviewer(x),
			population.Stamp(at)})
	}
	return table
}

// signoffs is signoffs.csv: a line for each packet, with what whoever signed it acknowledged by that; of one that
// nobody signed, whose it is to sign. Rows and keep count API tokens, too.
func (d *dossier) signoffs() [][]string {
	table := [][]string{{"packet", "reviewer", "rows", "keep", "signed_at", "acknowledged"}}
	for _, p := range d.Packets {
		var c review.Counts
		for _, x := range d.exhibits {
			if x.packet == p.ID {
				x.countIn(&c)
			}
		}
		line := []string{p.ID, d.whoAll(p.Reviewers), strconv.Itoa(c.Rows), strconv.Itoa(c.Keep), "", ""}
		if s := p.Signed; s != nil {
			line[1], line[4], line[5] = d.who(s.By), population.Stamp(s.At), s.Acknowledged
		}
		table = append(table, line)
	}
	return table
}

// remediation is remediation.csv.
func (d *dossier) remediation() [][]string {
	table := [][]string{{"environment", "email", "action", "how", "state", "before", "after", "access_id", "done_at"}}
	for _, x := range d.exhibits {
		if x.IsToken() {
			continue
		}
		for _, f := range x.fixes {
			table = append(table, []string{x.EnvironmentName(), x.Email, f.Action, x.how(f), f.State, f.Before, f.After,
				f.Access, population.Stamp(doneAt(f))})
		}
	}
	return table
}

// asCSV writes a table for spreadsheets: no cell is a formula.
func asCSV(table [][]string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	for i, line := range table {
		line = slices.Clone(line)
		for j := range line {
			if i > 0 {
				line[j] = population.SafeCell(line[j])
			}
		}
		if err := w.Write(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}
