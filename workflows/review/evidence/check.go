package evidence

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// check compares what must agree: the lists with their hashes, the rows with the lists, the
// decisions with the rows, the remedies with the decisions.
func (d *dossier) check() {
	d.checkLists()
	d.checkRows()
	d.checkRemedies()
	events, erased := 0, 0
	for _, c := range d.Chains {
		events, erased = events+len(c.Links), erased+c.Erased()
	}
	text := fmt.Sprintf("%s with %s were recomputed and hold", workflows.Plural(len(d.Chains), "chain"),
		workflows.Plural(events, "event"))
	if erased > 0 {
		text += fmt.Sprintf("; the content of %s was erased, and their digests still hold",
			workflows.Plural(erased, "event"))
	}
	d.agree(true, "%s", text) // Files fails where one does not
}

func (d *dossier) agree(ok bool, format string, args ...any) {
	d.checks = append(d.checks, evidenceCheck{fmt.Sprintf(format, args...), ok})
}

// checkLists compares each environment's list with its hash, and the rows with the list's count.
func (d *dossier) checkLists() {
	for _, env := range d.environments {
		name := environmentTitle(env)
		r, ok := d.reading(env)
		if !ok || r.Excluded != "" || r.Source == "" {
			continue
		}
		if frozen, ok := d.Frozen[env]; ok {
			d.agree(Sum(frozen) == r.SHA256, "%s: the frozen list has the hash that was recorded when it was frozen",
				name)
		} else {
			d.agree(false, "%s: the frozen list is missing; it was erased, or not frozen yet", name)
		}
		rows, mailboxes := d.rowsOf(env)
		text := fmt.Sprintf("%s: %s in the list, %s from it", name, workflows.Plural(r.Count, "user"),
			workflows.Plural(rows, "row"))
		if mailboxes > 0 {
			text += fmt.Sprintf(", and %s beside it for the owner and shared mailboxes",
				workflows.Plural(mailboxes, "row"))
		}
		d.agree(rows == r.Count, "%s", text)
		d.checkPages(name, r)
		d.checkTokens(name, r)
	}
	for _, r := range d.Campaign.Fresh {
		d.agree(d.handed(r), "%s: the fresh list of %s is the one that was handed in", environmentTitle(r.Environment),
			reportTime(r.At))
	}
}

// checkPages compares the answers that a list was read from, and the file that somebody brought, with their hashes.
func (d *dossier) checkPages(name string, r review.Reading) {
	if len(r.Pages) > 0 {
		raw, records := d.Raw[r.Environment], 0
		same := len(raw) == len(r.Pages)
		for i, p := range r.Pages {
			same = same && Sum(raw[i]) == p.SHA256
			records += p.Count
		}
		d.agree(same, "%s: %s of integrator.io as they came, %s", name, workflows.Plural(len(r.Pages), "answer"),
			workflows.Plural(records, "record"))
	}
	if r.FileSHA256 != "" {
		d.agree(d.handed(r), "%s: the file is the one that was handed in", name)
	}
}

func (d *dossier) reading(env string) (review.Reading, bool) {
	i := slices.IndexFunc(d.Campaign.Readings, func(r review.Reading) bool { return r.Environment == env })
	if i < 0 {
		return review.Reading{Environment: env}, false
	}
	return d.Campaign.Readings[i], true
}

// rowsOf counts the rows that came from an environment's list, and those beside it.
func (d *dossier) rowsOf(env string) (listed, beside int) {
	for _, x := range d.exhibits {
		switch {
		case x.Environment != env || x.IsToken():
		case x.listed():
			listed++
		default:
			beside++
		}
	}
	return listed, beside
}

func (d *dossier) checkRows() {
	c := d.counts
	text := fmt.Sprintf("%s = %d keep + %d change + %d remove + %d no answer + %d open",
		workflows.Plural(c.Rows, "row"), c.Keep, c.Change, c.Remove, c.NoAnswer, c.Open)
	d.agree(c.Rows == c.Keep+c.Change+c.Remove+c.NoAnswer+c.Open && (!d.settled() || c.Open == 0), "%s", text)
	t := d.tokenCounts
	d.agree(t.Rows == t.Keep+t.Remove+t.NoAnswer+t.Open && (!d.settled() || t.Open == 0),
		"%s = %d keep + %d remove + %d no answer + %d open", workflows.Plural(t.Rows, "API token"), t.Keep, t.Remove,
		t.NoAnswer, t.Open)
	seen, twice := map[string]bool{}, 0
	for _, x := range d.exhibits {
		key := strings.Join([]string{x.Environment, x.Email, x.Mark, x.Name, population.Stamp(x.Since), x.Kind, x.ID},
			"\n")
		if seen[key] {
			twice++
		}
		seen[key] = true
	}
	d.agree(twice == 0, "no row stands in two packets")
	if d.Campaign.Rows > 0 || len(d.Packets) > 0 {
		d.agree(d.Campaign.Rows == c.Rows+t.Rows && len(d.Campaign.Parts) == len(d.Packets),
			"%s were planned in %s, and all are here",
			workflows.Plural(d.Campaign.Rows, "row"), workflows.Plural(len(d.Campaign.Parts), "packet"))
	}
}

// checkRemedies looks whether all that was decided has a remedy, once remedies were made.
func (d *dossier) checkRemedies() {
	if d.Campaign.Phase != review.CampaignFixing && d.Campaign.Phase != review.CampaignCompleted {
		return
	}
	wanted, without := 0, 0
	for _, x := range d.exhibits {
		if x.final != population.Change && x.final != population.Remove {
			continue
		}
		wanted++
		if len(x.fixes) == 0 {
			without++
		}
	}
	d.agree(without == 0, "%s to change or remove, %s without a remedy", workflows.Plural(wanted, "decision"),
		fmt.Sprint(without))
}

// Disagreements lists in words what does not agree within the evidence; the page shows them loudly.
// None: it is complete as far as it can be told.
func (e Evidence) Disagreements() []string {
	var all []string
	for _, c := range newDossier(e).checks {
		if !c.OK {
			all = append(all, c.Text)
		}
	}
	return all
}
