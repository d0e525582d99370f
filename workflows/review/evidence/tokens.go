package evidence

import (
	"cmp"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// FileTokens holds the rows that are API tokens, which stand in no other table; part of the contract.
const FileTokens = "tokens.csv"

// tokens is tokens.csv: every token, decided or not.
func (d *dossier) tokens() [][]string {
	table := [][]string{population.TokenColumns()}
	for _, x := range d.exhibits {
		if !x.IsToken() {
			continue
		}
		line := append(population.TokenCells(x.Row, x.flags()), x.final, "", "", "", "", "")
		if x.final != "" {
			at := x.verdict.At
			if x.final == population.NoAnswer && x.verdict.Decision != population.NoAnswer {
				at = time.Time{}
			}
			line[9], line[10], line[11] = x.reason(), d.reviewer(x), population.Stamp(at)
		}
		if f, ok := x.revoking(); ok {
			line[12], line[13] = f.State, population.Stamp(doneAt(f))
		}
		table = append(table, line)
	}
	return table
}

// revoking is the remedy of a token that is not kept.
func (x exhibit) revoking() (population.Fix, bool) {
	if len(x.fixes) == 0 {
		return population.Fix{}, false
	}
	return x.fixes[0], true
}

// checkTokens compares an environment's list of tokens with its hash, and its rows with their count.
func (d *dossier) checkTokens(name string, r review.Reading) {
	if r.TokensSHA256 == "" {
		return
	}
	frozen, there := d.Tokens[r.Environment]
	d.agree(there && Sum(frozen) == r.TokensSHA256,
		"%s: the frozen list of API tokens has the hash that was recorded when it was frozen", name)
	n := 0
	for _, x := range d.exhibits {
		if x.IsToken() && x.Environment == r.Environment {
			n++
		}
	}
	d.agree(n == r.TokenCount, "%s: %s in the list, %s from it", name, workflows.Plural(r.TokenCount, "API token"),
		workflows.Plural(n, "row"))
}

// reportTokens are the tokens by environment, or why none are there.
type reportTokens struct {
	Where, Unread, SHA256 string
	Tokens                []reportToken
}

type reportToken struct {
	Name, ID, Kind, Scope, State, Maker, Created, Ends string
	Decision, Word, Reason, Reviewer, At, Exception    string
	Flags                                              []string
	Remedy, Done, Said, Seen, Why                      string
}

func (d *dossier) reportTokens() []reportTokens {
	var all []reportTokens
	for _, env := range d.environments {
		r, ok := d.reading(env)
		if !ok || r.Excluded != "" {
			continue
		}
		t := reportTokens{Where: environmentTitle(env), SHA256: r.TokensSHA256}
		for _, x := range d.exhibits {
			if x.IsToken() && x.Environment == env {
				t.Tokens = append(t.Tokens, d.reportToken(x))
			}
		}
		for _, k := range r.Tokens { // of before they were rows
			t.Tokens = append(t.Tokens, reportToken{Name: k.Name, ID: k.ID, Scope: limited(k.Full),
				State:   works(k.Revoked),
				Created: reportTime(k.Created), Word: "not asked about"})
		}
		switch reason := r.Unread[workflows.PartTokens]; {
		case reason != "":
			t.Unread = "The tokens could not be read, so none of them was reviewed: " + d.plain(reason)
		case r.Source == review.SourceCSV:
			t.Unread = "A file of the Users page does not show tokens, so none of them was reviewed: look at them in integrator.io."
		case len(t.Tokens) == 0:
			t.Unread = "No list of tokens was read, so none of them was reviewed."
		}
		all = append(all, t)
	}
	return all
}

func (d *dossier) reportToken(x exhibit) reportToken {
	row := d.reportRow(x)
	t := reportToken{Name: cmp.Or(x.Name, x.ID), ID: x.ID, Kind: x.Token.Kind, Scope: x.Token.ScopeCell(),
		State: works(x.Token.Revoked), Maker: x.Email, Created: reportTime(x.Since), Ends: reportTime(x.Token.Ends),
		Decision: row.Decision, Word: row.Word, Reason: row.Reason, Reviewer: row.Reviewer, At: row.At,
		Exception: row.Exception, Flags: row.Flags}
	if x.Token.Own {
		t.State += "; Keyholder's own, as far as can be told"
	}
	if f, ok := x.revoking(); ok {
		t.Remedy, t.Done, t.Why = f.State, reportTime(doneAt(f)), d.plain(f.Why)
		if t.Said, t.Seen = d.who(f.Who), d.who(f.Verified); f.State == population.FixVerified && t.Seen == "" {
			t.Seen = "a later reading"
		}
	}
	return t
}

func limited(full bool) string {
	if full {
		return "full access"
	}
	return "limited"
}

func works(revoked bool) string {
	if revoked {
		return "revoked"
	}
	return "works"
}

// tokensLeftOut says loudly in which environments the tokens were not reviewed, "" for none.
func (d *dossier) tokensLeftOut() string {
	var where []string
	for _, t := range d.reportTokens() {
		if t.Unread != "" {
			where = append(where, t.Where)
		}
	}
	return strings.Join(where, ", ")
}
