package evidence

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// reportSources tell where each list came from.
func (d *dossier) reportSources() []reportSource {
	var all []reportSource
	for _, env := range d.environments {
		r, ok := d.reading(env)
		s := reportSource{Name: environmentTitle(env), Source: r.Source, At: reportTime(r.At), SHA256: r.SHA256,
			Filters: orWords(r.Filters, "none"), Rows: r.Count,
			Pages: len(r.Pages), Answers: workflows.Plural(len(r.Pages), "answer"), Excluded: d.plain(r.Excluded),
			File: r.File, FileSHA256: r.FileSHA256}
		if !ok || r.Source == "" && r.Excluded == "" {
			s.Source, s.Filters = "not read yet", ""
		}
		if r.Uploader != "" {
			s.Hand = append(s.Hand, "handed in by "+d.who(r.Uploader)+", "+reportTime(r.Uploaded))
		}
		if r.ConfirmedBy != "" {
			s.Hand = append(s.Hand, "the number of users was compared with the page by "+d.who(r.ConfirmedBy)+", "+
				reportTime(r.Confirmed))
		} else if r.Source == review.SourceCSV {
			s.Hand = append(s.Hand, "nobody compared the number of users with the page yet")
		}
		for _, part := range sortedWords(r.Unread) {
			s.Hand = append(s.Hand, part+" could not be read: "+r.Unread[part])
		}
		for _, p := range r.Pages {
			s.Requests = append(s.Requests, fmt.Sprintf("%s: %d, %s", p.Request, p.Status,
				workflows.Plural(p.Count, "record")))
		}
		all = append(all, s)
	}
	return all
}

func sortedWords(m map[string]string) []string {
	lists := map[string][]string{}
	for k := range m {
		lists[k] = nil
	}
	return sortedNames(lists)
}

func (d *dossier) reportPackets() []reportPacket {
	var all []reportPacket
	for _, p := range d.Packets {
		out := reportPacket{N: p.Number, ID: p.ID, Reviewers: d.whoAll(p.Reviewers), Nudges: p.Nudges,
			Signed: "not signed"}
		if p.InPlaceOf != "" {
			out.InPlace = d.who(p.InPlaceOf)
		}
		if p.Signed != nil {
			out.Signed = d.who(p.Signed.By) + ", " + reportTime(p.Signed.At)
			out.Took, out.Stamp = d.took(p)
			out.Acknowledged = p.Signed.Acknowledged
			if p.Signed.Proven {
				out.Proof = workflows.WithProof
			}
		}
		for _, x := range d.exhibits {
			switch {
			case x.packet != p.ID:
			case x.IsToken():
				out.Tokens++
			default:
				x.countIn(&out.Counts)
			}
		}
		all = append(all, out)
	}
	return all
}

// took is how long the reviewer looked, and what is to be said about it.
func (d *dossier) took(p review.PacketState) (took, stamp string) {
	t, err := time.ParseDuration(p.Signed.Took)
	if err != nil {
		return "", ""
	}
	took = workflows.Span(t)
	if n := len(p.Rows); n > 0 {
		took += fmt.Sprintf(", %.3g seconds a row", t.Seconds()/float64(n))
	}
	if p.Signed.Fast {
		stamp = "every row was kept, in under two seconds a row"
	}
	return took, stamp
}

// reportStamps name the packets that look as if nobody had looked.
func (d *dossier) reportStamps() []reportFact {
	var all []reportFact
	for _, p := range d.reportPackets() {
		switch {
		case p.Stamp != "":
			all = append(all, reportFact{fmt.Sprintf("Packet %d, %s", p.N, p.Signed), p.Stamp + " (" + p.Took + ")"})
		case p.Counts.Bulk > 0:
			all = append(all, reportFact{fmt.Sprintf("Packet %d, %s", p.N, p.Reviewers),
				fmt.Sprintf("%d of %s were kept together with others by one button; "+
					"that is offered only where no reason is asked", p.Counts.Bulk,
					workflows.Plural(p.Counts.Rows, "row"))})
		}
	}
	return all
}

func (d *dossier) reportHandovers() []reportHandover {
	var all []reportHandover
	for _, p := range d.Packets {
		for _, h := range p.Handovers {
			all = append(all, reportHandover{reportTime(h.At), fmt.Sprint(p.Number), d.who(h.From),
				orWords(d.who(h.To), "nobody left to ask"), handoverWord(h.Why), d.plain(h.Note), d.who(h.By)})
		}
	}
	return all
}

func handoverWord(why string) string {
	switch why {
	case "escalated":
		return "escalated: a second person was added"
	case "replaced":
		return "escalated: the reviewer was replaced"
	case "deactivated":
		return "the reviewer's Slack account is no longer active"
	case "absent":
		return "the reviewer is away"
	case "delegated":
		return "the reviewer delegated"
	case "reassigned":
		return "reassigned by hand"
	}
	return why
}

// reportGroups are the decisions by risk: privileged, flagged, the others.
func (d *dossier) reportGroups() []reportGroup {
	groups := []reportGroup{{Title: "Privileged",
		Note: "The owner, shared mailboxes that may own the account, and administrators."},
		{Title: "Flagged", Note: "Rows with at least one flag that are not privileged."}, {Title: "All others"}}
	for _, x := range d.exhibits {
		if x.IsToken() {
			continue
		}
		i := 2
		switch {
		case x.Privileged:
			i = 0
		case len(x.flags()) > 0:
			i = 1
		}
		groups[i].Rows = append(groups[i].Rows, d.reportRow(x))
	}
	return groups
}

func (d *dossier) reportRow(x exhibit) reportRow {
	r := reportRow{Where: x.EnvironmentName(), Email: x.Email, Was: x.Was, Name: x.Name, Access: x.Role,
		Word: decisionWord(x.final), Decision: x.final, Reason: x.reason(),
		Reviewer: d.reviewer(x), Exception: d.plain(x.Exception), Bulk: x.verdict.Bulk && x.final == population.Keep}
	for _, part := range []struct {
		word string
		ids  []string
	}{{"manages", x.Manage}, {"monitors", x.Monitor}} {
		if len(part.ids) > 0 {
			r.Access += "; " + part.word + " " + integrationWords(part.ids, x.Names)
		}
	}
	if x.Decision != "" {
		r.Basis, r.Given = "decided with Keyholder", x.Decision
	}
	if !x.Until.IsZero() {
		r.Basis = strings.TrimPrefix(r.Basis+", until "+reportTime(x.Until), ", ")
	}
	if x.final == population.Change && x.verdict.Role != "" {
		r.Word += " to " + x.verdict.Role
	}
	if x.final != population.NoAnswer && x.final != "" {
		r.At = reportTime(x.verdict.At)
	}
	for _, f := range x.flags() {
		r.Flags = append(r.Flags, population.FlagText(f))
	}
	return r
}

// integrationWords are integrations by name; by ID where no name could be read.
func integrationWords(ids []string, names map[string]string) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		switch name := names[id]; {
		case id == workflows.AllIntegrations:
			out[i] = "all integrations"
		case name != "":
			out[i] = "“" + name + "”"
		default:
			out[i] = id
		}
	}
	return strings.Join(out, ", ")
}

func decisionWord(decision string) string {
	switch decision {
	case "":
		return "open"
	case population.NoAnswer:
		return "no answer"
	}
	return decision
}

// reportMasters are the owner and the shared mailboxes: who holds the account.
func (d *dossier) reportMasters() []reportMaster {
	var all []reportMaster
	for _, x := range d.exhibits {
		if !x.Master() {
			continue
		}
		m := reportMaster{Email: x.Email, What: "shared mailbox that may own the account",
			Decision: d.reportRow(x).Word, Reason: x.reason(), Since: reportTime(x.Since),
			Holders: d.whoAll(x.Holders), Custodians: d.whoAll(x.Custodians), Vault: x.Vault,
			Attested: d.who(x.Attested), Differences: d.plainAll(x.Differences)}
		if x.Kind == population.KindOwner {
			m.What = "owner of the account"
			if !d.Campaign.OwnerSince.IsZero() {
				m.Since = reportTime(d.Campaign.OwnerSince) + byWhom(d.who(d.Campaign.OwnerBy))
			}
		}
		if m.Delegates = strings.Join(x.Delegates, "; "); m.Delegates == "" {
			m.Delegates = "not compared with the mail system"
			if x.Delegates != nil {
				m.Delegates = "the mail system lists nobody"
			}
		}
		all = append(all, m)
	}
	return all
}

// reportFresh are the lists that were brought after the close, to see what was done.
func (d *dossier) reportFresh() []string {
	var all []string
	for _, r := range d.Campaign.Fresh {
		all = append(all, fmt.Sprintf("%s as of %s, %s, handed in by %s at %s, SHA-256 %s",
			environmentTitle(r.Environment), reportTime(r.At), workflows.Plural(r.Count, "user"),
			d.who(r.Uploader), reportTime(r.Uploaded), r.FileSHA256))
	}
	return all
}

// reportFixes are the remedies with what came of them.
func (d *dossier) reportFixes(p *reportPage) {
	states := map[string]int{}
	for _, x := range d.exhibits {
		if x.IsToken() { // they stand with the tokens
			continue
		}
		for _, f := range x.fixes {
			out := reportFix{Where: x.EnvironmentName(), Email: x.Email, Action: f.Action, How: x.how(f),
				State: f.State, Before: f.Before, After: f.After, Access: f.Access,
				Due: reportTime(f.Due), Done: reportTime(doneAt(f)), Said: d.who(f.Who), Seen: d.who(f.Verified),
				Why: d.plain(f.Why), Privileged: x.Privileged}
			switch open := f.State == population.FixPending || f.State == population.FixFailed; {
			case f.Due.IsZero():
			case open && d.Made.After(f.Due):
				out.Late = "late since " + out.Due
			case !open && f.At.After(f.Due):
				out.Late = "late by " + workflows.Span(f.At.Sub(f.Due))
			}
			if out.Late != "" {
				p.Late++
			}
			states[f.State]++
			p.Fixes = append(p.Fixes, out)
		}
	}
	p.Failed = states[population.FixFailed]
	p.FixTotals = fmt.Sprintf("%s: %d verified, %d done, %d pending, %d failed.",
		workflows.Plural(len(p.Fixes), "remedy"), states[population.FixVerified], states[population.FixDone],
		states[population.FixPending], states[population.FixFailed])
	p.FixTotals = strings.Replace(p.FixTotals, "remedys", "remedies", 1)
}
