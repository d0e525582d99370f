package evidence

import (
	"bytes"
	_ "embed" // the page is a file of its own
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

//go:embed report.html
var reportText string

var reportTemplate = template.Must(template.New(FileReport).Funcs((&dossier{}).funcs()).Parse(reportText))

// reportPage is what the page shows, in words.
type reportPage struct {
	Title, Account, AccountID, ID, Period string
	Banner                                *reportFact // not final yet, or cancelled
	Facts, Rules                          []reportFact
	Counts, TokenCounts                   review.Counts
	Excluded                              []reportFact
	Sources                               []reportSource
	Checks                                []evidenceCheck
	Faults                                int
	Packets                               []reportPacket
	Handovers                             []reportHandover
	Exceptions                            []string
	Exports                               []reportFact // earlier sets of files
	Groups                                []reportGroup
	Masters                               []reportMaster
	Tokens                                []reportTokens
	TokensLeftOut                         string // where they were not reviewed
	Fixes                                 []reportFix
	FixTotals                             string
	Fresh                                 []string
	Late, Failed                          int
	Stamps, Proofs                        []reportFact
	AddressWidth                          int          // of the columns of addresses, in characters
	Foot                                  template.CSS // of each printed page
	Chains                                []reportChain
	Recomputed                            string // how many they are
	Formula                               string
	Notes                                 []string
	Files                                 []string
}

type reportFact struct{ Name, Text string }

type reportSource struct {
	Name, Source, At, SHA256, Filters, File, FileSHA256, Answers string
	Rows, Pages                                                  int
	Excluded                                                     string
	// who brought and confirmed it, and what could not be read
	Hand     []string
	Requests []string
}

type reportPacket struct {
	N                                           int
	ID, Reviewers, Signed, Took, Stamp, InPlace string
	Proof, Acknowledged                         string
	Nudges, Tokens                              int
	Counts                                      review.Counts
}

type reportHandover struct{ At, Packet, From, To, Why, Note, By string }

type reportGroup struct {
	Title, Note string
	Rows        []reportRow
}

type reportRow struct {
	Where, Email, Was, Name, Access, Basis, Given, Decision, Word, Reason, Reviewer, At, Exception string
	Flags                                                                                          []string
	Bulk                                                                                           bool
}

type reportMaster struct {
	Email, What, Decision, Reason, Since, Holders, Custodians, Delegates, Vault, Attested string
	Differences                                                                           []string
}

type reportFix struct {
	Where, Email, Action, How, State, Before, After, Access, Due, Done, Said, Seen, Why, Late string
	Privileged                                                                                bool
}

type reportChain struct {
	Kind, ID, Head string
	Events, Erased int
}

// report is report.html.
func (d *dossier) report() ([]byte, error) {
	c := d.Campaign
	p := reportPage{Title: "Access review of " + c.AccountName + ", " + c.Period, Account: c.AccountName,
		AccountID: c.AccountID, ID: c.ID, Period: c.Period,
		Banner: d.banner(), Facts: d.reportFacts(), Rules: d.reportRules(), Counts: d.counts,
		TokenCounts: d.tokenCounts,
		Sources:     d.reportSources(), Checks: d.checks, Packets: d.reportPackets(),
		Handovers: d.reportHandovers(), Exceptions: d.plainAll(c.Exceptions), Groups: d.reportGroups(),
		Masters: d.reportMasters(), Tokens: d.reportTokens(), TokensLeftOut: d.tokensLeftOut(),
		Stamps: d.reportStamps(), Proofs: d.reportProofs(), AddressWidth: d.addressWidth(), Foot: d.foot(),
		Formula: chainFormula, Notes: d.plainAll(c.Notes), Fresh: d.reportFresh(),
		Exports: d.reportExports()}
	d.reportFixes(&p)
	for _, s := range p.Sources {
		if s.Excluded != "" {
			p.Excluded = append(p.Excluded, reportFact{s.Name, s.Excluded})
		}
	}
	for _, check := range p.Checks {
		if !check.OK {
			p.Faults++
		}
	}
	events, erased := 0, 0
	for _, c := range d.Chains {
		p.Chains = append(p.Chains, reportChain{c.Kind, c.ID, c.Head(), len(c.Links), c.Erased()})
		events, erased = events+len(c.Links), erased+c.Erased()
	}
	p.Recomputed = fmt.Sprintf("%s with %s, %d of them erased", workflows.Plural(len(p.Chains), "record"),
		workflows.Plural(events, "event"), erased)
	page, err := reportTemplate.Clone()
	if err != nil {
		return nil, fmt.Errorf("copy the page: %w", err)
	}
	var b bytes.Buffer
	if err := page.Funcs(d.funcs()).Execute(&b, p); err != nil {
		return nil, fmt.Errorf("fill in the page: %w", err)
	}
	return b.Bytes(), nil
}

// reportTime is a time for people to read.
func reportTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// plain takes the markup of Slack out of a text.
func (d *dossier) plain(s string) string {
	return workflows.Plain(s, func(id string) string {
		if d.names[id] == "" {
			return ""
		}
		return d.who(id)
	})
}

func (d *dossier) plainAll(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = d.plain(t)
	}
	return out
}

// banner says loudly what keeps the evidence from being the last word; nil when nothing does.
func (d *dossier) banner() *reportFact {
	switch c := d.Campaign; {
	case c.Phase == review.CampaignCancelled:
		return &reportFact{"Cancelled.", "This review was cancelled, and nothing of it was carried out. " +
			d.plain(c.Why)}
	case c.Phase == review.CampaignGathering:
		return &reportFact{"Not final.", "This review is not open yet: the lists of users are still being gathered."}
	case !d.settled():
		return &reportFact{"Not final.",
			fmt.Sprintf("This review is not closed. %d of %s are open, and decisions may still change; export again after %s.",
				d.counts.Open+d.tokenCounts.Open, workflows.Plural(d.counts.Rows+d.tokenCounts.Rows, "row"),
				reportTime(c.Closes))}
	case c.Phase != review.CampaignCompleted:
		return &reportFact{"Not finished.",
			"The decisions are final. What they ask for is still being carried out, so the section on remediation may change; export again when it is done."}
	}
	return nil
}

func (d *dossier) reportFacts() []reportFact {
	c := d.Campaign
	by := "the calendar"
	if c.By.Kind == workflows.ByPerson {
		if by = d.who(c.By.ID); by == c.By.ID && c.ByName != "" {
			by = c.ByName + " (" + c.By.ID + ")"
		}
	}
	facts := []reportFact{{"Account", c.AccountName + " (" + c.AccountID + ")"}, {"Period", c.Period}, {"Review", c.ID},
		{"Status", campaignWord(c.Phase)},
		{"Opened", reportTime(c.Begun) + ", by " + by}, {"Due", reportTime(c.Due)},
		{"Closes at the latest", reportTime(c.Closes)}}
	for _, f := range []reportFact{{"Closed", reportTime(c.ClosedAt)}, {"Everything done", reportTime(c.Ended)}} {
		if f.Text != "" {
			facts = append(facts, f)
		}
	}
	return append(facts, reportFact{"Keyholder", d.Version},
		reportFact{"Exported", reportTime(d.Made) + byWhom(d.MadeBy)})
}

// reportExports are the sets of files that were made before these, the last of them.
func (d *dossier) reportExports() []reportFact {
	var all []reportFact
	for _, x := range d.Campaign.Exports {
		by := orWords(d.who(x.Person), strings.TrimSuffix("the command line, "+x.Operator, ", "))
		all = append(all, reportFact{reportTime(x.At) + byWhom(by), x.Manifest})
	}
	return all
}

func byWhom(who string) string {
	if who == "" {
		return ""
	}
	return ", by " + who
}

// campaignWord is a stage in words.
func campaignWord(phase string) string {
	switch phase {
	case review.CampaignGathering:
		return "gathering the lists of users"
	case review.CampaignOpen:
		return "open: reviewers decide"
	case review.CampaignClosing:
		return "closing"
	case review.CampaignFixing:
		return "closed; what was decided is being carried out"
	case review.CampaignCompleted:
		return "completed"
	case review.CampaignCancelled:
		return "cancelled"
	}
	return phase
}

// reportRules are the parameters and the policy that were in force when the review opened.
func (d *dossier) reportRules() []reportFact {
	p := d.Campaign.Policy
	span := func(t time.Duration) string {
		if t == 0 {
			return "none"
		}
		return workflows.Span(t)
	}
	noAnswer := "the access stays, and is flagged"
	if p.NoAnswer == population.Remove {
		noAnswer = "the access is removed, and flagged"
	}
	var before, escalate []string
	for _, t := range p.RemindBefore {
		if t == 0 {
			before = append(before, "when it is due")
		} else {
			before = append(before, workflows.Span(t)+" before")
		}
	}
	for _, t := range p.Escalate {
		escalate = append(escalate, workflows.Span(t))
	}
	rules := []reportFact{
		{"How often", "every " + p.Every},
		{"Time to decide", span(p.Window) + ", then open for " + span(p.Grace) + " more"},
		{"Who reviews", d.whoAll(d.Campaign.Reviewers)},
		{"Reminders", "every " + span(p.RemindEvery) + "; " + orWords(strings.Join(before, ", "),
			"none before it is due") + "; then every " + span(p.OverdueEvery)},
		{"Escalation after", orWords(strings.Join(escalate, ", "), "never")},
		{"Counts as inactive", "not signed in for " + span(p.InactiveAfter) +
			"; for owners, shared mailboxes and administrators " + span(p.InactivePrivilegedAfter) +
			"; new users are exempt for " + span(p.ExemptNew)},
		{"When nobody answers", noAnswer},
		{"Time to carry out", span(p.FixWithin) + "; for owners, shared mailboxes and administrators " +
			span(p.FixPrivilegedWithin)},
		{"Not part of it", "users of MCP servers only, whom integrator.io does not list; what listed users may do on MCP servers is shown with them"},
		{"Independence", "nobody reviews their own access; where that could not be, it stands under Exceptions"},
		{"Reasons", "are asked to keep an owner, a shared mailbox, an administrator, an exception, or a row with a flag other than “" + population.FlagText(population.FlagNoMFAOrSSO) + "”"},
	}
	for _, m := range []struct {
		name string
		by   map[string][]string
	}{{"For role ", p.ByRole}, {"For integration ", p.ByIntegration}} {
		for _, key := range sortedNames(m.by) {
			rules = append(rules, reportFact{m.name + key, d.whoAll(m.by[key])})
		}
	}
	return rules
}

func orWords(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func sortedNames(m map[string][]string) []string {
	var all []string
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
