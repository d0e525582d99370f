package evidence

import (
	"encoding/base64"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/keyholder/keyholder/workflows/chain"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// reviewFormat names the shape of review.json; it grows and does not change.
const reviewFormat = "keyholder review evidence 1"

// chainFormula is the chain in words; verify.txt holds it as a program.
const chainFormula = `digest = H("keyholder event digest 1", salt, body); link = H("keyholder chain link 1", previous, kind + "/" + id, seq, type, ms, digest); ` +
	`H(a, b, ...) is SHA-256 over the parts, each behind its length as 8 bytes big-endian; salt, previous and digest enter as bytes, seq and ms as 8 bytes big-endian, ` +
	`body as its UTF-8 bytes; previous is empty for the first`

type reviewFile struct {
	Format    string            `json:"format"`
	Keyholder string            `json:"keyholder"`
	Made      string            `json:"made"`
	MadeBy    string            `json:"made_by"`
	Closed    bool              `json:"closed"` // false: decisions may still change
	Stage     string            `json:"stage"`
	Counts    review.Counts     `json:"counts"`       // of people and mailboxes
	TokenSum  review.Counts     `json:"token_counts"` // of API tokens
	Checks    []evidenceCheck   `json:"checks"`
	People    map[string]string `json:"people"`
	// Population, Decisions, Remediation, Tokens and Signoffs hold what the CSV files hold, with cells as they are:
	// no apostrophe before =, +, - and @.
	Population  []map[string]string  `json:"population"`
	Decisions   []map[string]string  `json:"decisions"`
	Remediation []map[string]string  `json:"remediation"`
	Tokens      []map[string]string  `json:"tokens"`
	Signoffs    []map[string]string  `json:"signoffs"`
	Campaign    review.CampaignState `json:"campaign"` // with the readings, the parameters and the policy in force
	Packets     []review.PacketState `json:"packets"`
	Formula     string               `json:"chain_formula"`
	Chains      []chainFile          `json:"chains"`
}

type chainFile struct {
	Kind  string     `json:"kind"`
	ID    string     `json:"id"`
	Head  string     `json:"head"`
	Links []linkFile `json:"links"`
}

// linkFile is a link with its time as the formula has it. Body is the exact text that the digest is
// over; Base64 holds it where it is not UTF-8.
type linkFile struct {
	Seq      uint64 `json:"seq"`
	Type     string `json:"type"`
	At       string `json:"at"`
	MS       int64  `json:"ms"`
	Salt     string `json:"salt,omitempty"`
	Digest   string `json:"digest"`
	Previous string `json:"previous"`
	Link     string `json:"link"`
	Body     string `json:"body,omitempty"`
	Base64   string `json:"body_base64,omitempty"`
	Erased   bool   `json:"erased,omitempty"`
}

// json is review.json.
func (d *dossier) json() ([]byte, error) {
	f := reviewFile{Format: reviewFormat, Keyholder: d.Version, Made: population.Stamp(d.Made), MadeBy: d.MadeBy,
		Closed: d.settled(), Stage: d.Campaign.Phase,
		Counts: d.counts, TokenSum: d.tokenCounts, Checks: d.checks, People: d.names,
		Population:  asObjects(d.population()),
		Decisions:   asObjects(d.decisions()),
		Remediation: asObjects(d.remediation()), Tokens: asObjects(d.tokens()),
		Signoffs: asObjects(d.signoffs()), Campaign: d.Campaign,
		Packets: d.Packets, Formula: chainFormula,
		Chains: []chainFile{}}
	for _, c := range d.Chains {
		out := chainFile{Kind: c.Kind, ID: c.ID, Head: c.Head(), Links: []linkFile{}}
		for _, l := range c.Links {
			out.Links = append(out.Links, fileOf(l))
		}
		f.Chains = append(f.Chains, out)
	}
	raw, err := json.MarshalIndent(f, "", " ")
	return append(raw, '\n'), err
}

func fileOf(l chain.Link) linkFile {
	f := linkFile{Seq: l.Seq, Type: l.Type, At: l.At.UTC().Format(time.RFC3339Nano), MS: l.At.UnixMilli(), Salt: l.Salt,
		Digest:   l.Digest,
		Previous: l.Previous, Link: l.Link, Erased: l.Erased}
	if utf8.Valid(l.Body) {
		f.Body = string(l.Body)
	} else {
		f.Base64 = base64.StdEncoding.EncodeToString(l.Body)
	}
	return f
}

// asObjects turns a table into objects named by its head.
func asObjects(table [][]string) []map[string]string {
	all := []map[string]string{}
	for _, line := range table[1:] {
		o := map[string]string{}
		for i, name := range table[0] {
			o[name] = line[i]
		}
		all = append(all, o)
	}
	return all
}
